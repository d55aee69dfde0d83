//! Whether a server answers at all, found out before a service is put under load for it.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::preflight::{ServerProblem, judge};
use super::{Log, Server, Wave, join};
use crate::config::Endpoint;
use crate::model::clock_skew::ClockSkew;

/// Asks the server for next to nothing, within `timeout`, and says how far its clock is off, as far
/// as it tells. A signal ends that early.
///
/// # Errors
/// Why it is not fit to be asked.
pub(crate) fn reach(
    endpoint: &Endpoint,
    at: Timestamp,
    timeout: Duration,
    log: Log<'_>,
) -> Result<Option<ClockSkew>, ServerProblem> {
    let http = &endpoint.http;
    let log = |line: &str| log(&http.redact(line));
    let within = (Instant::now(), timeout);
    let server = Server::new(endpoint, at, false, within, &log).interruptible();
    let wave = Wave::default();
    let (healthy, answer) = thread::scope(|scope| {
        let healthy = wave.spawn(scope, || server.healthy());
        let answer = wave.spawn(scope, || server.answer("vector(1)", None));
        (join(healthy), join(answer))
    });
    judge(healthy, &[answer], http.credential.as_ref())?;
    Ok(server.clock())
}

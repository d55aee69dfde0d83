//! Whether a server answers at all, found out before a service is put under load for it.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::preflight::{ServerProblem, judge};
use super::{Log, Server, Wave, join};
use crate::config::Endpoint;

/// Asks the server for next to nothing, within `timeout`. A signal ends that early.
///
/// # Errors
/// Why it is not fit to be asked.
pub(crate) fn probe(
    endpoint: &Endpoint,
    timeout: Duration,
    log: Log<'_>,
) -> Result<(), ServerProblem> {
    let http = &endpoint.http;
    let log = |line: &str| log(&http.redact(line));
    // Without an instant of ours: it is not the one that will be asked for.
    let within = (Instant::now(), timeout);
    let server = Server::new(endpoint, Timestamp::UNIX_EPOCH, false, within, &log).interruptible();
    let wave = Wave::default();
    let (healthy, answer) = thread::scope(|scope| {
        let healthy = wave.spawn(scope, || server.healthy());
        let answer = wave.spawn(scope, || server.probe());
        (join(healthy), join(answer))
    });
    judge(healthy, &[answer], http.credential.as_ref()).map(drop)
}

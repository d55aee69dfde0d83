//! The pages of a Prometheus-compatible server that an audit asks for.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::http::{Http, Page, TransportError};
use super::wire::{self, Answer, QueryError};
use crate::config::Target;

/// The build information is worth this much waiting, and no more.
const BUILD_INFO_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that speaks the Prometheus HTTP API.
pub(super) struct Server(Http);

impl Server {
    /// A server that has to answer within `timeout` of `started`.
    pub(super) fn new(
        target: &Target,
        started: Instant,
        timeout: Duration,
    ) -> Result<Self, TransportError> {
        Http::new(target, started, timeout).map(Self)
    }

    /// The page that says whether the server is up.
    pub(super) fn healthy(&self) -> Result<Page, TransportError> {
        self.0.get("/-/healthy", &[], Duration::MAX)
    }

    /// The page that says which server it is.
    pub(super) fn build_info(&self) -> Result<Page, TransportError> {
        self.0.get("/api/v1/status/buildinfo", &[], BUILD_INFO_TIMEOUT)
    }

    /// Evaluates `expr` at one instant.
    pub(super) fn query(&self, expr: &str, at: Timestamp) -> Result<Answer, QueryError> {
        let time = unix_seconds(at);
        // VictoriaMetrics moves recent instants 30 s back unless told not to.
        let parameters = [("query", expr), ("time", &time), ("nocache", "1")];
        let page = self.0.get("/api/v1/query", &parameters, Duration::MAX)?;
        wire::decode(page.status, &page.body)
    }
}

/// The instant as Prometheus takes it: seconds, with milliseconds where there are any.
fn unix_seconds(at: Timestamp) -> String {
    let milliseconds = at.as_millisecond();
    if milliseconds % 1000 == 0 {
        (milliseconds / 1000).to_string()
    } else {
        format!("{:.3}", milliseconds as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instant_keeps_its_milliseconds() {
        for (milliseconds, text) in
            [(1_700_000_000_000, "1700000000"), (1_700_000_000_123, "1700000000.123")]
        {
            assert_eq!(unix_seconds(Timestamp::from_millisecond(milliseconds).unwrap()), text);
        }
    }
}

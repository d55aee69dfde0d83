//! The pages of a Prometheus-compatible server that an audit asks for.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::http::{Http, Page, TransportError};
use super::wire::{self, Answer, QueryError};
use crate::config::Target;
use crate::readings::Sample;

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

    /// The series of `expr` with those whose value is `NaN`, asked in MetricsQL of a backend that leaves
    /// them out: `default` fills a `NaN` and keeps the labels, and has none to keep
    /// where there is no series.
    pub(super) fn series_with_nan(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Result<Vec<Sample>, QueryError> {
        const MARK: &str = "auditor_nan";
        // The line feed ends a comment that the expression may end in.
        let marked = format!("label_set(({expr}\n), \"{MARK}\", \"1\") default 0");
        let mut samples = self.query(&marked, at)?.samples;
        samples.retain_mut(|sample| sample.labels.remove(MARK).is_some());
        // A value other than the 0 that fills has come in since the first answer.
        for sample in samples.iter_mut().filter(|sample| sample.value == 0.0) {
            sample.value = f64::NAN;
        }
        Ok(samples)
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

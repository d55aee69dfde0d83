//! The pages of a Prometheus-compatible server that an audit asks for.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::http::{Connections, Failed, Http, Log, Page, RetryPolicy, TransportError, Wanted};
use super::wire::{QueryError, decode, decode_matrix};
use crate::config::Endpoint;
use crate::model::question::{Answer, Span, Values};

/// Ten answers at once have to fit into a CI runner's memory.
const WANTED: Wanted =
    Wanted { accept: "application/json", at_most: 4 * 1024 * 1024, connections: Connections::Kept };

/// The build information is worth this much waiting, and no more.
const BUILD_INFO: RetryPolicy = RetryPolicy::Once(Duration::from_secs(5));

/// What came of a query.
pub(crate) type Answered = Result<Answer, Failed<QueryError>>;

/// A server that speaks the Prometheus HTTP API.
pub(crate) struct Server<'a> {
    http: Http<'a>,
    at: Timestamp,
    accept_partial: bool,
}

impl<'a> Server<'a> {
    /// The server at `endpoint`, asked for the instant `at`; it has to answer within `timeout`
    /// of `started`.
    pub(crate) fn new(
        endpoint: &'a Endpoint,
        at: Timestamp,
        accept_partial: bool,
        (started, timeout): (Instant, Duration),
        log: Log<'a>,
    ) -> Self {
        Self { http: Http::new(endpoint, WANTED, started, timeout, log), at, accept_partial }
    }

    /// The page that says whether the server is up.
    pub(crate) fn healthy(&self) -> Result<Page, Failed<TransportError>> {
        self.http.get("/-/healthy", &[], RetryPolicy::Deadline)
    }

    /// The page that says which server it is.
    pub(crate) fn build_info(&self) -> Result<Page, Failed<TransportError>> {
        self.http.get("/api/v1/status/buildinfo", &[], BUILD_INFO)
    }

    /// Evaluates `expr` at the instant of the audit. `decode` reads the answer: its status and
    /// its body.
    pub(crate) fn query<T>(
        &self,
        expr: &str,
        decode: impl Fn(u16, &[u8]) -> Result<T, QueryError>,
    ) -> Result<T, Failed<QueryError>> {
        let time = unix_seconds(self.at);
        self.ask("/api/v1/query", &[("query", expr), ("time", &time)], decode)
    }

    /// Evaluates `expr` at the instant of the audit, or over a span up to it.
    pub(crate) fn answer(&self, expr: &str, span: Option<Span>) -> Answered {
        let Some(span) = span else {
            let answer = self.query(expr, decode)?;
            let super::wire::Answer { samples, incomplete } = answer;
            return Ok(Answer { values: Values::Vector(samples), incomplete });
        };
        let instants = span.instants(self.at);
        let first = instants.first().and_then(|at| Timestamp::from_millisecond(*at).ok());
        let start = unix_seconds(first.unwrap_or(self.at));
        let (end, step) = (unix_seconds(self.at), seconds(span.step));
        let parameters = [("query", expr), ("start", &start), ("end", &end), ("step", &step)];
        let decode = |status, body: &[u8]| decode_matrix(status, body, &instants);
        let (series, incomplete) = self.ask("/api/v1/query_range", &parameters, decode)?;
        Ok(Answer { values: Values::Matrix(series), incomplete })
    }

    /// Asks an API page; `decode` reads the answer: its status and its body. No secret is in the
    /// error.
    fn ask<T>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        decode: impl Fn(u16, &[u8]) -> Result<T, QueryError>,
    ) -> Result<T, Failed<QueryError>> {
        let timeout = milliseconds(self.http.remaining());
        let standard = [parameters, &[("timeout", timeout.as_str())]].concat();
        let special = self.special();
        let ask = |parameters: &[_]| {
            let page = self.http.get(path, parameters, RetryPolicy::Deadline);
            page.map_err(|failed| Failed { error: failed.error.into(), journey: failed.journey })
        };
        let mut page = ask(&[&standard[..], &special].concat())?;
        if page.status == 400 && names_any(&page.body, &special) {
            page = ask(&standard)?;
        }
        decode(page.status, &page.body).map_err(|error| {
            let redact = |words: &str| self.http.redact(words);
            Failed { error: error.map(redact), journey: page.journey.map(redact) }
        })
    }

    /// What only some servers know, and the others ignore.
    fn special(&self) -> Vec<(&'static str, &'static str)> {
        // VictoriaMetrics moves recent instants 30 s back unless told not to.
        let nocache = ("nocache", "1");
        if self.accept_partial {
            return vec![nocache, ("partial_response", "true")];
        }
        // Thanos and VictoriaMetrics: an error rather than a part of the answer.
        vec![nocache, ("partial_response", "false"), ("deny_partial_response", "1")]
    }
}

/// Whether the body names one of the parameters: some gateways refuse what they do not know.
fn names_any(body: &[u8], parameters: &[(&str, &str)]) -> bool {
    let text = String::from_utf8_lossy(body);
    parameters.iter().any(|(name, _)| text.contains(name))
}

/// A duration as Prometheus takes it.
fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis().max(1))
}

/// A duration as Prometheus takes a step: seconds, with milliseconds where there are any.
fn seconds(duration: Duration) -> String {
    match (duration.as_secs(), duration.subsec_millis()) {
        (seconds, 0) => seconds.to_string(),
        (seconds, milliseconds) => format!("{seconds}.{milliseconds:03}"),
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

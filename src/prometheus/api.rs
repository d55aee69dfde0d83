//! The pages of a Prometheus-compatible server that an audit asks for.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::http::{Connections, Failed, Http, Log, Page, RetryPolicy, TransportError, Wanted};
use super::wire::{QueryError, decode, decode_matrix};
use crate::config::Endpoint;
use crate::model::clock_skew::ClockSkew;
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
    /// How far the clock is off that the answers are dated by.
    clock: Mutex<Option<ClockSkew>>,
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
        let http = Http::new(endpoint, WANTED, started, timeout, log);
        Self { http, at, accept_partial, clock: Mutex::default() }
    }

    /// How far the clock is off that the answers so far are dated by.
    pub(crate) fn clock(&self) -> Option<ClockSkew> {
        // A panic of another thread cannot leave it half written.
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for a caller who does not give up the answers as a whole when a signal comes.
    pub(crate) fn interruptible(self) -> Self {
        Self { http: self.http.interruptible(), ..self }
    }

    /// The page that says whether the server is up.
    pub(crate) fn healthy(&self) -> Result<Page, Failed<TransportError>> {
        self.http.get("/-/healthy", &[], RetryPolicy::Deadline)
    }

    /// The page that says which server it is.
    pub(crate) fn build_info(&self) -> Result<Page, Failed<TransportError>> {
        self.http.get("/api/v1/status/buildinfo", &[], BUILD_INFO)
    }

    /// Evaluates `expr` at the instant of the audit. `decode` reads the answer: its status, its
    /// body and the instant that it has to be of, in milliseconds since the Unix epoch.
    pub(crate) fn query<T>(
        &self,
        expr: &str,
        decode: impl Fn(u16, &[u8], i64) -> Result<T, QueryError>,
    ) -> Result<T, Failed<QueryError>> {
        let (time, at) = (unix_seconds(self.at), self.at.as_millisecond());
        let decode = |status, body: &[u8]| decode(status, body, at);
        self.ask("/api/v1/query", &[("query", expr), ("time", &time)], decode)
    }

    /// Evaluates `expr` at the instant of the audit, or over a span up to it.
    pub(crate) fn answer(&self, expr: &str, span: Option<Span>) -> Answered {
        let Some(span) = span else {
            let answer = self.query(expr, decode)?;
            let super::wire::Answer { samples, incomplete } = answer;
            return Ok(Answer { values: Values::Vector(samples), incomplete, zero_by_zero: None });
        };
        let instants = span.instants(self.at);
        let first = instants.first().and_then(|at| Timestamp::from_millisecond(*at).ok());
        let start = unix_seconds(first.unwrap_or(self.at));
        let (end, step) = (unix_seconds(self.at), seconds(span.step));
        let parameters = [("query", expr), ("start", &start), ("end", &end), ("step", &step)];
        let decode = |status, body: &[u8]| decode_matrix(status, body, &instants);
        let (series, incomplete) = self.ask("/api/v1/query_range", &parameters, decode)?;
        Ok(Answer { values: Values::Matrix(series), incomplete, zero_by_zero: None })
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
        let mut special = self.special();
        let ask = |special: &[_]| {
            let parameters = [&standard[..], special].concat();
            let page = self.http.get(path, &parameters, RetryPolicy::Deadline);
            page.map_err(|failed| Failed { error: failed.error.into(), journey: failed.journey })
        };
        let mut page = ask(&special)?;
        // Some gateways refuse what they do not know; the others stay, `nocache` above all.
        while page.status == 400 && drop_named(&mut special, &page.body) {
            page = ask(&special)?;
        }
        if let Some(clock) = page.clock {
            let mut known = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
            *known = Some(clock.narrower(*known));
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

/// Drops the parameters that the body names. Whether there were any.
fn drop_named(parameters: &mut Vec<(&str, &str)>, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    let names: Vec<_> = text.split(|c| !is_of_a_name(c)).collect();
    let before = parameters.len();
    parameters.retain(|(name, _)| !names.contains(name));
    parameters.len() < before
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
    fn only_what_is_named_is_dropped() {
        let all = [("nocache", "1"), ("partial_response", "false"), ("deny_partial_response", "1")];
        for (body, kept) in [
            ("unknown parameter \"partial_response\"", &["nocache", "deny_partial_response"][..]),
            ("unknown parameter: deny_partial_response", &["nocache", "partial_response"]),
            ("nocache=1: no such thing", &["partial_response", "deny_partial_response"]),
            ("?nocache=1&partial_response=false&deny_partial_response=1", &[]),
            ("parse error", &["nocache", "partial_response", "deny_partial_response"]),
        ] {
            let mut parameters = all.to_vec();
            assert_eq!(drop_named(&mut parameters, body.as_bytes()), kept.len() < all.len());
            assert_eq!(parameters.iter().map(|it| it.0).collect::<Vec<_>>(), kept, "{body}");
        }
    }

    #[test]
    fn the_instant_keeps_its_milliseconds() {
        for (milliseconds, text) in
            [(1_700_000_000_000, "1700000000"), (1_700_000_000_123, "1700000000.123")]
        {
            assert_eq!(unix_seconds(Timestamp::from_millisecond(milliseconds).unwrap()), text);
        }
    }
}

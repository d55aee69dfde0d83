//! The HTTP side: one client, one deadline, bounded bodies.

use std::error::Error as _;
use std::io::Read as _;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::header::{ACCEPT, HeaderValue};

use super::preflight;
use super::wire::{self, Answer, QueryError};
use crate::config::Target;
use crate::readings::Sample;

/// An answer above this size, in bytes, is refused.
const MAX_BODY: u64 = 16 * 1024 * 1024;
/// The build information is worth this much waiting, and no more.
const BUILD_INFO_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The deadline of the audit passed.
    #[error("no answer within {0:?} (--timeout)")]
    Timeout(Duration),
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection broke, or did not speak HTTP.
    #[error("the connection failed: {0}")]
    Broken(String),
    /// The answer has no end in sight.
    #[error("the answer is larger than {} MiB; aggregate the query, with max() for instance", MAX_BODY >> 20)]
    TooLarge,
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Setup(String),
    /// A bug of ours.
    #[error("the request ended in a crash; please report it")]
    Panicked,
}

/// A page as it came.
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// A server with the deadline by which it has to answer.
pub(super) struct Server {
    /// Never dropped: that would wait for a DNS look-up that outlives the deadline.
    client: ManuallyDrop<Client>,
    target: Target,
    started: Instant,
    timeout: Duration,
}

impl Server {
    pub(super) fn new(
        target: &Target,
        started: Instant,
        timeout: Duration,
    ) -> Result<Self, TransportError> {
        let client = Client::builder()
            .user_agent(concat!("auditor/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls(target)?)
            .build()
            .map_err(|error| TransportError::Setup(root_cause(&error)))?;
        let client = ManuallyDrop::new(client);
        Ok(Self { client, target: target.clone(), started, timeout })
    }

    /// The page that says whether the server is up.
    pub(super) fn healthy(&self) -> Result<Page, TransportError> {
        self.get(self.target.page("/-/healthy"), &[], self.remaining())
    }

    /// Which server it is.
    pub(super) fn build_info(&self) -> Result<preflight::BuildInfo, TransportError> {
        let url = self.target.page("/api/v1/status/buildinfo");
        let page = self.get(url, &[], self.remaining().min(BUILD_INFO_TIMEOUT))?;
        Ok(preflight::BuildInfo::decode(&page))
    }

    /// Evaluates `expr` at one instant.
    pub(super) fn query(&self, expr: &str, at: Timestamp) -> Result<Answer, QueryError> {
        let url = self.target.page("/api/v1/query");
        let time = unix_seconds(at);
        // VictoriaMetrics moves recent instants 30 s back unless told not to.
        let parameters = [("query", expr), ("time", &time), ("nocache", "1")];
        let page = self.get(url, &parameters, self.remaining())?;
        wire::decode(page.status, &page.body)
    }

    /// The series of `expr` whose value is `NaN`, asked in MetricsQL of a backend that leaves
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
        Ok(samples.into_iter().map(|sample| Sample { value: f64::NAN, ..sample }).collect())
    }

    fn remaining(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    fn get(
        &self,
        url: Url,
        parameters: &[(&str, &str)],
        within: Duration,
    ) -> Result<Page, TransportError> {
        let json = HeaderValue::from_static("application/json");
        let request = self.client.get(url).query(parameters).header(ACCEPT, json).timeout(within);
        let response = request.send().map_err(|error| self.explain(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let read = response.take(MAX_BODY + 1).read_to_end(&mut body);
        read.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(error) => self.explain(error),
            None => TransportError::Broken(error.to_string()),
        })?;
        if body.len() as u64 > MAX_BODY {
            Err(TransportError::TooLarge)
        } else {
            Ok(Page { status, body })
        }
    }

    fn explain(&self, error: &reqwest::Error) -> TransportError {
        if error.is_timeout() {
            TransportError::Timeout(self.timeout)
        } else if error.is_connect() {
            TransportError::Connect(root_cause(error))
        } else {
            TransportError::Broken(root_cause(error))
        }
    }
}

/// reqwest's own message hides the decisive words at the end of its chain, and its URL
/// may hold a password.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(next) = cause.and_then(|cause| cause.source()) {
        cause = Some(next);
    }
    cause.map_or_else(|| "the HTTP client gave no reason".to_owned(), ToString::to_string)
}

/// The system's certificates are read only for a server that shows one: it takes longer
/// than the whole rest of an audit.
fn tls(target: &Target) -> Result<rustls::ClientConfig, TransportError> {
    let mut roots = rustls::RootCertStore::empty();
    if target.is_https() {
        let system = rustls_native_certs::load_native_certs();
        if roots.add_parsable_certificates(system.certs).0 == 0 {
            let reason =
                system.errors.first().map_or_else(String::new, |error| format!(": {error}"));
            return Err(TransportError::Setup(format!(
                "the system has no certificates to check an https server with{reason}"
            )));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Setup(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
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

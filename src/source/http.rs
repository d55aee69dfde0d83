//! HTTP: one client, one deadline, bounded bodies.

use std::error::Error as _;
use std::io::Read as _;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use reqwest::header::{ACCEPT, HeaderValue};

use crate::config::Target;

/// An answer above this size, in bytes, is refused.
const MAX_BODY: u64 = 16 * 1024 * 1024;

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

/// A client of one server, with the deadline by which it has to answer.
pub(super) struct Http {
    /// Never dropped: that would wait for a DNS look-up that outlives the deadline.
    client: ManuallyDrop<Client>,
    target: Target,
    started: Instant,
    timeout: Duration,
}

impl Http {
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

    fn remaining(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    /// Gets the page at `path` below the target, by the deadline and within `at_most`.
    pub(super) fn get(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        at_most: Duration,
    ) -> Result<Page, TransportError> {
        let (url, within) = (self.target.page(path), self.remaining().min(at_most));
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

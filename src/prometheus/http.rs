//! HTTP: one deadline, bounded bodies, tries that are repeated, redirects that take no
//! secret along.

mod client;
mod date;
mod error;
mod retry;
mod shared;
mod tls;

use std::fmt;
use std::io::Read as _;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::blocking::Response;
use reqwest::header::{
    ACCEPT, AGE, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, LOCATION,
    TRANSFER_ENCODING,
};
use reqwest::{Url, Version};

use client::Clients;
pub use error::TransportError;
pub(crate) use error::tls_words;

use crate::config::{Endpoint, HttpConfig, Target, Tls};
use crate::interrupt;
use crate::model::clock_skew::ClockSkew;
use crate::one_line::one_line;

/// As many redirects are followed one after the other.
const MAX_REDIRECTS: usize = 10;

/// Where the lines of `--verbose` go.
pub type Log<'a> = &'a (dyn Fn(&str) + Sync);

/// A page as it came.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
    /// Whether the answer itself says where its body ends, so that one of nothing is whole.
    pub(crate) says_its_end: bool,
    /// How far the clock is off that it was dated by.
    pub(crate) clock: Option<ClockSkew>,
    /// How old it is, if it comes from a cache that says so.
    pub(crate) age: Option<Duration>,
    /// How long the server asks to wait before the next try.
    retry_after: Option<Duration>,
    pub(crate) journey: Journey,
}

/// What happened on the way to an answer, or to none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journey {
    /// How often it was tried.
    tries: u32,
    /// Where a redirect led.
    redirected_to: Option<String>,
    /// Whether that was away from the target, and from what is sent only there.
    pub(crate) left_origin: bool,
}

impl Journey {
    /// Whether somebody else may have answered.
    pub(crate) const fn is_redirected(&self) -> bool {
        self.redirected_to.is_some()
    }
}

impl Journey {
    /// The same, in the words that `f` makes of its words.
    pub(crate) fn map(self, f: impl Fn(&str) -> String) -> Self {
        Self { redirected_to: self.redirected_to.map(|url| f(&url)), ..self }
    }
}

impl fmt::Display for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(url) = &self.redirected_to {
            write!(f, " (redirected to {url})")?;
        }
        if self.tries > 1 { write!(f, " (tried {} times)", self.tries) } else { Ok(()) }
    }
}

/// An error, with what happened on the way to it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{error}{journey}")]
pub struct Failed<E: std::error::Error> {
    /// The error.
    pub error: E,
    /// What happened on the way to it.
    pub journey: Journey,
}

/// The TLS part of a client of an https server that makes its connections itself.
///
/// # Errors
/// If the authorities to trust cannot be read.
pub(crate) fn tls_client_config(tls: &Tls) -> Result<rustls::ClientConfig, TransportError> {
    tls::client_config(tls, true)
}

/// How long an answer is worth waiting for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Until the deadline, and again if it fails in a way that may pass.
    Deadline,
    /// So long, redirects and all, and once.
    Once(Duration),
}

/// Which connection a request takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connections {
    /// One that is still open, if there is one.
    Kept,
    /// Always a new one: of several processes behind one port, each may answer.
    Fresh,
}

/// What is expected of every answer.
pub(crate) struct Wanted {
    /// What is sent as `Accept`.
    pub(crate) accept: &'static str,
    /// An answer above this size, in bytes and once unpacked, is refused.
    pub(crate) at_most: u64,
    pub(crate) connections: Connections,
}

/// What one try may take, with all its redirects.
struct Bound {
    began: Instant,
    at_most: Duration,
    /// The error if it takes longer.
    error: TransportError,
}

impl Bound {
    fn left(&self) -> Duration {
        self.at_most.saturating_sub(self.began.elapsed())
    }
}

/// A client of one server, with the deadline by which it has to answer.
pub(crate) struct Http<'a> {
    target: &'a Target,
    config: &'a HttpConfig,
    wanted: Wanted,
    started: Instant,
    timeout: Duration,
    log: Log<'a>,
    clients: Clients<'a>,
    /// Whether an answer that is under way is given up when a signal comes.
    is_interruptible: bool,
}

impl<'a> Http<'a> {
    pub(crate) fn new(
        endpoint: &'a Endpoint,
        wanted: Wanted,
        started: Instant,
        timeout: Duration,
        log: Log<'a>,
    ) -> Self {
        let Endpoint { target, http: config } = endpoint;
        let clients = Clients::new(target, config, wanted.connections);
        let is_interruptible = false;
        Self { target, config, wanted, started, timeout, log, clients, is_interruptible }
    }

    /// The same where nobody else gives up the answers as a whole when a signal comes.
    pub(crate) fn interruptible(self) -> Self {
        Self { is_interruptible: true, ..self }
    }

    /// What is left until the deadline.
    pub(crate) fn remaining(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    /// The text without the secrets that are sent: a server may repeat them.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.config.redact(text)
    }

    /// Gets the page at `path` below the target. No secret is in the error.
    pub(crate) fn get(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        patience: RetryPolicy,
    ) -> Result<Page, Failed<TransportError>> {
        let mut url = self.target.page(path);
        let shown = self.target.printable_page(path);
        let what = match parameters.first() {
            Some((_, query)) => format!("GET {shown} {query:?}"),
            None => format!("GET {shown}"),
        };
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let mut journey = Journey::default();
        loop {
            journey.tries += 1;
            let bound = self.bound(patience);
            let result = self.follow(&url, &bound, &mut journey);
            self.tell(&what, &result, bound.began.elapsed());
            let pause = match patience {
                RetryPolicy::Deadline => retry::pause(journey.tries, &result, self.remaining()),
                RetryPolicy::Once(_) => None,
            };
            let Some(pause) = pause else {
                return match result {
                    Ok(page) => Ok(Page { journey, ..page }),
                    Err(error) => {
                        let redact = |words: &str| self.config.redact(words);
                        Err(Failed { error: error.map(redact), journey: journey.map(redact) })
                    }
                };
            };
            (self.log)(&format!("{what}: again in {pause:?}"));
            if interrupt::sleep(pause).is_err() {
                return Err(Failed { error: TransportError::Interrupted, journey });
            }
        }
    }

    fn bound(&self, patience: RetryPolicy) -> Bound {
        let (began, remaining) = (Instant::now(), self.remaining());
        match patience {
            RetryPolicy::Once(at_most) if at_most < remaining => {
                Bound { began, at_most, error: TransportError::Late(at_most) }
            }
            _ => Bound { began, at_most: remaining, error: TransportError::Timeout(self.timeout) },
        }
    }

    fn tell(&self, what: &str, result: &Result<Page, TransportError>, took: Duration) {
        let outcome = match result {
            Ok(page) => format!("HTTP {}, {} bytes", page.status, page.body.len()),
            Err(error) => error.to_string(),
        };
        (self.log)(&format!("{what}: {outcome}, {} ms", took.as_millis()));
    }

    /// Gets one page, wherever redirects lead. Headers and credentials stay with the origin
    /// for which they were given.
    fn follow(
        &self,
        url: &Url,
        bound: &Bound,
        journey: &mut Journey,
    ) -> Result<Page, TransportError> {
        let mut next = url.clone();
        (journey.redirected_to, journey.left_origin) = (None, false);
        for _ in 0..=MAX_REDIRECTS {
            journey.left_origin = next.origin() != url.origin();
            let asked = Timestamp::now();
            let response = self.send(&next, !journey.left_origin, bound)?;
            let clock = date::skew(response.headers(), asked, Timestamp::now());
            match location(&next, &response) {
                Some(place) if self.config.follow_redirects => {
                    (self.log)(&format!("GET {}: redirected to {}", bare(&next), bare(&place)));
                    journey.redirected_to = Some(bare(&place));
                    next = place;
                }
                Some(place) => return Err(TransportError::Redirect(bare(&place))),
                None => return Ok(Page { clock, ..self.page(&next, response, bound)? }),
            }
        }
        Err(TransportError::TooManyRedirects(MAX_REDIRECTS))
    }

    fn send(&self, url: &Url, is_target: bool, bound: &Bound) -> Result<Response, TransportError> {
        let left = bound.left();
        if left.is_zero() {
            return Err(bound.error.clone());
        }
        let client = self.clients.get(url)?;
        let accept = HeaderValue::from_static(self.wanted.accept);
        let mut request = match self.config.tls.server_name.as_deref().filter(|_| is_target) {
            None => client.get(url.clone()),
            Some(name) => {
                // The TLS layer takes the server's name from the URL, and nowhere else.
                let mut named = url.clone();
                let host = url.host_str().unwrap_or_default();
                let host = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
                let _ = named.set_host(Some(name));
                client.get(named).header(HOST, host)
            }
        };
        request = request.header(ACCEPT, accept).timeout(left);
        if self.wanted.connections == Connections::Fresh {
            request = request.header(CONNECTION, "close");
        }
        if is_target {
            request = request.headers(self.config.headers.clone());
            if let Some(credential) = &self.config.credential {
                request = request.header(AUTHORIZATION, credential.value.clone());
            }
        }
        let sent = self.unless_interrupted(move || request.send())?;
        sent.map_err(|error| self.explain(url, &error, bound))
    }

    fn unless_interrupted<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, TransportError> {
        if self.is_interruptible {
            return interrupt::race(work).map_err(|_| TransportError::Interrupted);
        }
        Ok(work())
    }

    fn page(&self, url: &Url, response: Response, bound: &Bound) -> Result<Page, TransportError> {
        let status = response.status().as_u16();
        let retry_after = retry::after(response.headers());
        let age =
            response.headers().get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok());
        let age = age.map(Duration::from_secs);
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let says_its_end = says_its_end(&response);
        let at_most = self.wanted.at_most;
        let read = move || {
            let mut body = Vec::new();
            response.take(at_most + 1).read_to_end(&mut body).map(|_| body)
        };
        let body = self.unless_interrupted(read)?.map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(error) => self.explain(url, error, bound),
                None => TransportError::Broken(error.to_string()),
            }
            .within_answer()
        })?;
        if body.len() as u64 > at_most {
            return Err(TransportError::TooLarge(at_most >> 20));
        }
        let (clock, journey) = (None, Journey::default());
        Ok(Page { status, content_type, body, says_its_end, clock, age, retry_after, journey })
    }

    fn explain(&self, url: &Url, error: &reqwest::Error, bound: &Bound) -> TransportError {
        if error.is_timeout() {
            return bound.error.clone();
        }
        error::explain(error, url, &self.clients.via(url))
    }
}

/// Whether the end of the body is more than the end of the connection.
fn says_its_end(response: &Response) -> bool {
    let is_chunked = response.headers().contains_key(TRANSFER_ENCODING);
    response.content_length().is_some() || is_chunked || response.version() >= Version::HTTP_2
}

/// Where the response sends on to, if it does.
fn location(url: &Url, response: &Response) -> Option<Url> {
    let place = response.headers().get(LOCATION)?.to_str().ok()?;
    let place = url.join(place).ok().filter(|place| matches!(place.scheme(), "http" | "https"));
    place.filter(|_| matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308))
}

/// The URL without what may be a secret in it.
fn bare(url: &Url) -> String {
    one_line(&format!("{}{}", url.origin().ascii_serialization(), url.path()))
}

//! Why a service cannot be asked, and why a request has no answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::one_line::one_line;
use crate::prometheus::TransportError;

/// Why a service cannot be asked, whatever it does.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The host cannot stand in a request, or in a certificate.
    #[error("the URL of the probe cannot be asked: {0}; write http://HOST:PORT/path")]
    Url(String),
    /// Whom to trust, or who we are, cannot be set up.
    #[error(transparent)]
    Tls(#[from] TransportError),
    /// The system gives no thread.
    #[error(
        "the probe cannot start its thread: {0}; is the limit of processes reached (ulimit -u)?"
    )]
    Thread(io::Error),
    /// The system gives no poll or no timer.
    #[error("the probe cannot start: {0}; is the limit of open files reached (ulimit -n)?")]
    Runtime(io::Error),
}

/// Why a request has no answer, in a few words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("no address of {0} is known: {1}")]
    Resolve(String, String),
    #[error("{0} refused the connection")]
    Refused(String),
    #[error("no connection to {0}: {1}")]
    Connect(String, String),
    #[error("no connection to {0} within {1:?}")]
    ConnectLate(String, Duration),
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// Nothing of the answer had come.
    #[error("the connection was closed before an answer came")]
    Closed,
    /// A part of the answer's head had come.
    #[error("the connection was closed within the head of the answer")]
    Cut,
    #[error("the answer is no HTTP/1: {0}")]
    NoHttp(String),
    #[error("the connection failed: {0}")]
    Broken(String),
}

impl Unanswered {
    /// Says why a connection that was open gave no answer; `has_begun` is whether a byte of one had
    /// come.
    pub(super) fn of(error: &hyper::Error, has_begun: bool) -> Self {
        // TLS that ends without a farewell is an unexpected end, and no message that is incomplete.
        let is_cut_off = cause(error).is_some_and(|it| it.kind() == io::ErrorKind::UnexpectedEof);
        let is_closed = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
        if is_closed || is_cut_off || is_reset(error) {
            return if has_begun { Self::Cut } else { Self::Closed };
        }
        if error.is_parse() {
            return Self::NoHttp(one_line(&error.to_string()));
        }
        let last = std::iter::successors(Some(error as &dyn Error), |&link| link.source()).last();
        Self::Broken(one_line(&last.map_or_else(|| error.to_string(), ToString::to_string)))
    }
}

/// Whether the service's side ended the connection without having read what was sent: closing one
/// with bytes unread resets it, and so does sending to one that is closed.
pub(super) fn is_reset(error: &hyper::Error) -> bool {
    use io::ErrorKind as K;
    let resets = [K::ConnectionReset, K::ConnectionAborted, K::BrokenPipe, K::NotConnected];
    cause(error).is_some_and(|cause| resets.contains(&cause.kind()))
}

/// What the system says of it.
fn cause(error: &hyper::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

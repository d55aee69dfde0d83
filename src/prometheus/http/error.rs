//! Why there is no HTTP answer, in words that lead to the mend.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::Url;
use rustls::{AlertDescription, CertificateError};

use super::tls::is_authority;
use crate::one_line::one_line;

/// Why there is no HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The deadline of the audit passed.
    #[error("no answer within {0:?} (--timeout)")]
    Timeout(Duration),
    /// It took longer than this one request was worth.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The host has no address.
    #[error("cannot resolve {0}; is the name right, and known to DNS where this runs?")]
    Resolve(String),
    /// Nothing listens.
    #[error("cannot connect to {0}; is the server running, and is this its port?")]
    Refused(String),
    /// No connection, for another reason.
    #[error("cannot connect to {0}")]
    Connect(String),
    /// The connection is not secure.
    #[error("TLS failed with {0}")]
    Tls(String),
    /// The connection broke, or did not speak HTTP.
    #[error("the connection failed: {0}")]
    Broken(String),
    /// The answer began, and did not come to its end.
    #[error("the answer cannot be read to its end: {0}")]
    Cut(String),
    /// The answer has no end in sight; the limit in MiB.
    #[error("the answer is larger than {0} MiB; aggregate the query, with max() for instance")]
    TooLarge(u64),
    /// One redirect led to the next.
    #[error("more than {0} redirects, one after the other")]
    TooManyRedirects(usize),
    /// A redirect that is not to be followed.
    #[error("the server redirects to {0}, and follow_redirects is false")]
    Redirect(String),
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Setup(String),
    /// A signal asked the process to end.
    #[error("no answer was waited for any longer: the audit was interrupted")]
    Interrupted,
    /// A bug of ours.
    #[error("the request ended in a crash; please report it")]
    Panicked,
}

impl TransportError {
    /// Whether it was answered by a redirect that led nowhere.
    pub(crate) const fn is_redirect(&self) -> bool {
        matches!(self, Self::Redirect(_) | Self::TooManyRedirects(_))
    }

    /// The same, in the words that `f` makes of its words.
    pub(crate) fn map(self, f: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Resolve(words) => Self::Resolve(f(&words)),
            Self::Refused(words) => Self::Refused(f(&words)),
            Self::Connect(words) => Self::Connect(f(&words)),
            Self::Tls(words) => Self::Tls(f(&words)),
            Self::Broken(words) => Self::Broken(f(&words)),
            Self::Cut(words) => Self::Cut(f(&words)),
            Self::Redirect(words) => Self::Redirect(f(&words)),
            Self::Setup(words) => Self::Setup(f(&words)),
            Self::Timeout(_)
            | Self::Late(_)
            | Self::TooLarge(_)
            | Self::TooManyRedirects(_)
            | Self::Interrupted
            | Self::Panicked => self,
        }
    }

    /// The same of an answer that had begun.
    pub(super) fn within_answer(self) -> Self {
        match self {
            Self::Broken(words) => Self::Cut(words),
            other => other,
        }
    }

    /// Whether it may be gone a moment later.
    pub(crate) const fn may_pass(&self) -> bool {
        self.is_without_answer() || matches!(self, Self::Cut(_))
    }

    /// Whether it may be gone a moment later, and no answer had begun.
    pub(crate) const fn is_without_answer(&self) -> bool {
        matches!(self, Self::Resolve(_) | Self::Refused(_) | Self::Connect(_) | Self::Broken(_))
    }
}

/// Finds the decisive error in the chain. `via` names a proxy.
pub(crate) fn explain(error: &reqwest::Error, url: &Url, via: &str) -> TransportError {
    let host = url.host_str().unwrap_or_default();
    let address = url.port_or_known_default().map_or_else(String::new, |port| format!(":{port}"));
    let address = format!("{host}{address}{via}");
    let cause = root_cause(error);
    for link in chain(error) {
        if let Some(tls) = tls_error(link) {
            return TransportError::Tls(format!("{address}: {}", words_of_tls(tls)));
        }
        let kind = link.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind == Some(io::ErrorKind::ConnectionRefused) {
            return TransportError::Refused(format!("{address}: {cause}"));
        }
        // The type of this error is private; a test of the real thing holds the words.
        if link.to_string() == "dns error" {
            return TransportError::Resolve(format!("{host}{via}: {cause}"));
        }
    }
    if error.is_connect() {
        TransportError::Connect(format!("{address}: {cause}"))
    } else {
        TransportError::Broken(cause)
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The TLS error in an I/O error, which hides from its chain what it wraps, twice over.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = |error: &'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> {
        Some(error.downcast_ref::<io::Error>()?.get_ref()?)
    };
    std::iter::successors(Some(error), |&error| inner(error)).find_map(<dyn Error>::downcast_ref)
}

/// reqwest's own message hides the decisive words at the end of its chain, and its URL
/// may hold a password.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let last = chain(error).skip(1).last();
    let said = last.map(|cause| one_line(&cause.to_string()));
    said.unwrap_or_else(|| "the HTTP client gave no reason".to_owned())
}

/// What a connection's TLS failed with and what mends it, if it was TLS that failed.
pub(crate) fn tls_words(error: &io::Error) -> Option<String> {
    tls_error(error).map(words_of_tls)
}

fn words_of_tls(error: &rustls::Error) -> String {
    format!("{}{}", one_line(&error.to_string()), tls_hint(error))
}

fn tls_hint(error: &rustls::Error) -> &'static str {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "; name the authority that signed it: tls_config.ca_file under `http`"
        }
        E::InvalidCertificate(error) if is_authority(error) => {
            "; it is self-signed: name the certificate itself as tls_config.ca_file under `http`"
        }
        E::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "; use a name that the certificate bears, or set tls_config.server_name under `http`",
        E::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "; the server's certificate has to be renewed",
        E::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::HandshakeFailure
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError
            | AlertDescription::CertificateExpired,
        ) => {
            "; does it ask for a client certificate? tls_config.cert_file and key_file under `http`"
        }
        E::InvalidMessage(_) => "; does it speak plain HTTP there? then write http://",
        _ => "",
    }
}

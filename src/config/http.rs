//! How the server is reached: credentials, headers, TLS, proxy.
//!
//! The names are those of Prometheus' own `http_config`. Nothing in here prints a secret.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

/// A secret shorter than this is not looked for in other texts: it would be found everywhere.
const SHORTEST_HIDDEN: usize = 4;
/// A part of a header that is shorter is a word, such as `Bearer`.
const SHORTEST_PART: usize = 8;
/// One shorter than this may well be a word of its own in the labels of a page, which a query
/// selects by.
const SHORTEST_IN_LABELS: usize = 8;

/// The padding is split off with the parts of a header.
const BASE64_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// All that is encoded in a URL but for what RFC 3986 leaves alone.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the server is reached.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// What is sent as `Authorization`.
    pub credential: Option<Credential>,
    /// Headers sent with every request.
    pub headers: HeaderMap,
    /// How an https server is checked, and how we show who we are.
    pub tls: Tls,
    /// The proxy; `None` for the environment's.
    pub proxy: Option<Proxy>,
    /// Whether a redirect is followed.
    pub follow_redirects: bool,
    /// What must never be printed.
    secrets: Vec<Secret>,
    /// The files that were named for it.
    pub(super) files: Vec<PathBuf>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            credential: None,
            headers: HeaderMap::new(),
            tls: Tls::default(),
            proxy: None,
            follow_redirects: true,
            secrets: Vec::new(),
            files: Vec::new(),
        }
    }
}

impl HttpConfig {
    /// Sends `kind value` as `Authorization`, in place of any other credential.
    ///
    /// # Errors
    /// If it holds characters that no header can carry.
    pub(super) fn authorize(
        &mut self,
        kind: &str,
        value: &str,
        origin: &str,
    ) -> Result<(), BadHeader> {
        self.hide_parts(value);
        let value = secret_header(format!("{kind} {value}").trim_start())?;
        self.credential = Some(Credential { value, origin: origin.to_owned() });
        Ok(())
    }

    /// Sends a user and a password, in place of any other credential.
    ///
    /// # Errors
    /// Never: Base64 fits into every header.
    pub(super) fn authorize_basic(
        &mut self,
        user: &str,
        password: &str,
        origin: &str,
    ) -> Result<(), BadHeader> {
        // Some services take a token for the user, and no password.
        self.hide(if password.is_empty() { user } else { password });
        self.authorize("Basic", &BASE64_STANDARD.encode(format!("{user}:{password}")), origin)
    }

    /// Sends one more header of that name.
    ///
    /// # Errors
    /// If it holds characters that no header can carry.
    pub(super) fn add_header(
        &mut self,
        name: HeaderName,
        value: &str,
        secret: bool,
    ) -> Result<(), BadHeader> {
        if secret {
            self.hide_parts(value);
        }
        self.headers.append(name, secret_header(value)?);
        Ok(())
    }

    /// Never prints a header's value, nor what of it may be the secret by itself: the token behind
    /// `Bearer`, a cookie's value, a user's password.
    fn hide_parts(&mut self, value: &str) {
        self.hide(value);
        for part in value.split([' ', ';', ',', '=', '"']).filter(|it| it.len() >= SHORTEST_PART) {
            self.hide(part);
            let decoded =
                BASE64_LENIENT.decode(part).ok().and_then(|it| String::from_utf8(it).ok());
            if let Some((_, password)) = decoded.as_deref().and_then(|it| it.split_once(':')) {
                self.hide(password);
            }
        }
    }

    /// Never prints the secret, as it is or as it stands in a URL.
    pub(super) fn hide(&mut self, secret: &str) {
        if secret.len() < SHORTEST_HIDDEN {
            return;
        }
        let encoded = [NON_ALPHANUMERIC, UNRESERVED].map(|set| utf8_percent_encode(secret, set));
        let forms = encoded.iter().map(ToString::to_string).chain([secret.to_owned()]);
        for form in forms.map(Secret) {
            if !self.secrets.contains(&form) {
                self.secrets.push(form);
            }
        }
        // The whole of a secret goes first where another is a part of it.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
    }

    /// Whether there is anything to take out of foreign text.
    pub(crate) fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Whether a label's value holds a secret.
    pub(crate) fn is_in(&self, value: &str) -> bool {
        let mut long = self.secrets.iter().filter(|secret| secret.0.len() >= SHORTEST_IN_LABELS);
        long.any(|secret| value.contains(&secret.0))
    }

    /// `text` without the secrets: a server may repeat what it was sent.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(&secret.0, "***"))
    }
}

/// What is sent as `Authorization`.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The header's value, marked as sensitive.
    pub value: HeaderValue,
    /// What it is and where it comes from: `the token in AUDITOR_BEARER_TOKEN`.
    pub origin: String,
}

/// How an https server is checked, and how we show who we are.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The only authorities to trust; `None` for the system's.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
    /// Our certificate and its key, for a server that asks.
    pub identity: Option<Arc<CertifiedKey>>,
    /// The name that the server's certificate has to bear, instead of the target's host.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: bool,
}

/// A proxy. Printing it hides a password, and what may be a secret in its query.
#[derive(Clone)]
pub struct Proxy {
    /// Its URL.
    pub url: Url,
    /// Hosts that are reached without it: comma-separated names, addresses and CIDR blocks.
    pub no_proxy: Option<String>,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::printable::printable(&self.url).as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A value that no header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it holds a character that no HTTP header can carry, a line feed perhaps")]
pub(super) struct BadHeader;

fn secret_header(value: &str) -> Result<HeaderValue, BadHeader> {
    let mut value = HeaderValue::from_str(value).map_err(|_| BadHeader)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A header that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderNameError {
    #[error("this is no name of an HTTP header")]
    NoName,
    #[error("the header `{0}` cannot be set: the HTTP client does")]
    Ours(String),
}

/// The name of a header that may be set.
///
/// # Errors
/// What is wrong with it.
pub(super) fn header_name(name: &str) -> Result<HeaderName, HeaderNameError> {
    /// They belong to the connection and the body, which are the HTTP client's.
    const OURS: [&str; 10] = [
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderNameError::NoName)?;
    if OURS.contains(&parsed.as_str()) {
        return Err(HeaderNameError::Ours(name.to_owned()));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_printed() {
        let mut http = HttpConfig::default();
        http.authorize_basic("me", "s3cret", "a test").unwrap();
        http.add_header(HeaderName::from_static("x-key"), "k3y-value", true).unwrap();
        let Some(credential) = &http.credential else { panic!("no credential") };
        assert_eq!(credential.value, "Basic bWU6czNjcmV0");
        let printed = format!("{http:?}");
        for secret in ["s3cret", "bWU6czNjcmV0", "k3y-value"] {
            assert!(!printed.contains(secret), "{printed}");
            assert_eq!(http.redact(&format!("no {secret}!")), "no ***!");
        }
    }

    #[test]
    fn a_part_of_a_header_is_a_secret_by_itself() {
        for (header, secret) in [
            ("Bearer t0ken-of-mine", "t0ken-of-mine"),
            ("Basic bWU6czNjcmV0LXdvcmQ=", "s3cret-word"),
            ("session=c00kie-of-mine; theme=dark", "c00kie-of-mine"),
            ("a p@ss/word", "p%40ss%2Fword"),
        ] {
            let mut http = HttpConfig::default();
            http.add_header(HeaderName::from_static("x"), header, true).unwrap();
            assert_eq!(http.redact(&format!("no {secret}!")), "no ***!");
            assert_eq!(http.redact("no Bearer, no theme"), "no Bearer, no theme");
        }
    }

    #[test]
    fn what_a_header_cannot_carry_is_refused() {
        let mut http = HttpConfig::default();
        assert_eq!(http.authorize("Bearer", "a\nb", ""), Err(BadHeader));
        assert!(header_name("X-Scope-OrgID").is_ok());
        for name in ["", "a b", "Connection", "content-LENGTH"] {
            assert!(header_name(name).is_err(), "{name}");
        }
    }
}

//! How the server is reached: credentials, headers, TLS, proxy.
//!
//! The names are those of Prometheus' own `http_config`. Nothing in here prints a secret.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

/// A secret shorter than this is not looked for in other texts: it would be found everywhere.
const SHORTEST_HIDDEN: usize = 4;

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
        self.hide(value);
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
            self.hide(value);
        }
        self.headers.append(name, secret_header(value)?);
        Ok(())
    }

    pub(super) fn hide(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_HIDDEN {
            self.secrets.push(Secret(secret.to_owned()));
            // The whole of a secret goes first where another is a part of it.
            self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
        }
    }

    /// Whether there is anything to take out of foreign text.
    pub(crate) fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
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

/// A proxy. Printing it hides a password.
#[derive(Clone)]
pub struct Proxy {
    /// Its URL.
    pub url: Url,
    /// Hosts that are reached without it: comma-separated names, addresses and CIDR blocks.
    pub no_proxy: Option<String>,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::target::without_password(&self.url).as_str().trim_end_matches('/'))
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
    fn what_a_header_cannot_carry_is_refused() {
        let mut http = HttpConfig::default();
        assert_eq!(http.authorize("Bearer", "a\nb", ""), Err(BadHeader));
        assert!(header_name("X-Scope-OrgID").is_ok());
        for name in ["", "a b", "Connection", "content-LENGTH"] {
            assert!(header_name(name).is_err(), "{name}");
        }
    }
}

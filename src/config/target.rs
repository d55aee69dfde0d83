//! The address of the server to ask.

use std::fmt;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::printable::{printable, printable_query, secrets_in_query};

/// Where Prometheus finds metrics unless told otherwise.
const USUAL_PAGE: &str = "/metrics";
/// From so near on a word is a slip for another one.
const NEARLY: f64 = 0.85;

/// Base URL of a server that speaks the Prometheus HTTP API, or the URL of a page of metrics.
/// Printing it hides a password, and what may be a secret in its query.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Why a text is no target. It is not repeated: with a character missing, a part of it may be a
/// password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is empty.
    #[error("the target is empty; write {0}")]
    Empty(&'static str),
    /// It has no scheme.
    #[error("the target has no scheme; write http://HOST:PORT")]
    NoScheme,
    /// It is no URL.
    #[error("the target is no URL: {0}")]
    NoUrl(String),
    /// It has another scheme.
    #[error("the target must be http or https, not {0}")]
    OtherScheme(String),
    /// It has a query or a fragment.
    #[error("the target must end after its path, without ? or #")]
    NotABase,
    /// It is a page of the API.
    #[error("the target must end before /api/v1")]
    OfTheApi,
}

impl Target {
    /// Parses a base URL, with any path: `https://host/prometheus`.
    ///
    /// # Errors
    /// What is wrong with it, and what it should look like.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let mut url = parse(text, super::DEFAULT_TARGET)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(TargetError::NotABase);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with("/api/v1") || path.ends_with("/api/v1/query") {
            return Err(TargetError::OfTheApi);
        }
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Parses the URL of a page of metrics; without a path, it is `/metrics`.
    ///
    /// # Errors
    /// What is wrong with it, and what it should look like.
    pub fn parse_page(text: &str) -> Result<Self, TargetError> {
        let mut url = parse(text, "http://localhost:8000/metrics")?;
        if url.path() == "/" {
            url.set_path(USUAL_PAGE);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// Parses the URL of what is asked again and again; without a path, it is `/`.
    ///
    /// # Errors
    /// What is wrong with it, and what it should look like.
    pub fn parse_probe(text: &str) -> Result<Self, TargetError> {
        let mut url = parse(text, "http://localhost:8000/")?;
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The host, and the port as far as it is written.
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The host, the port as far as it is written, the path and the query, as far as it may be
    /// printed.
    pub fn place(&self) -> String {
        let query = self.0.query().map(|query| format!("?{}", printable_query(query)));
        format!("{}{}{}", self.authority(), self.0.path(), query.unwrap_or_default())
    }

    /// The page of metrics that was probably meant, if that is another one: the usual path, in the
    /// place of one that is nearly the same or of the whole path.
    pub(crate) fn usual_page(&self) -> Option<String> {
        let path = self.0.path();
        let (parent, last) = path.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
        let nearness = strsim::jaro_winkler(&format!("/{}", last.to_ascii_lowercase()), USUAL_PAGE);
        let parent = if nearness > NEARLY { parent } else { "" };
        let mut url = self.page("");
        url.set_path(&format!("{parent}{USUAL_PAGE}"));
        url.set_query(None);
        (url.path() != path).then(|| url.to_string())
    }

    /// Whether both are the same page, whoever asks for it.
    pub(super) fn is_same_page(&self, other: &Self) -> bool {
        let without_slash = |it: &Self| {
            let mut url = it.page("");
            url.set_path(it.0.path().trim_end_matches('/'));
            url
        };
        without_slash(self) == without_slash(other)
    }

    /// The URL of a page below the base, such as `/api/v1/query`; that of the target itself where `path`
    /// is empty, for some services serve `/metrics/` and no `/metrics`. It holds no user and no password.
    pub fn page(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        // Both fail only for URLs without a host, which have neither.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if !path.is_empty() {
            url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        }
        url
    }

    /// The URL as it was given, but without user and password.
    pub fn as_given(&self) -> Url {
        self.page("")
    }

    /// The same as it may be printed.
    pub(crate) fn printable_page(&self, path: &str) -> Url {
        printable(&self.page(path))
    }

    /// What of its query is never printed.
    pub(super) fn secrets_in_query(&self) -> Vec<String> {
        secrets_in_query(&self.0)
    }

    /// The user and the password in it, if there are any.
    pub(super) fn credentials(&self) -> Option<(String, String)> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (self.0.username(), self.0.password());
        let any = !user.is_empty() || password.is_some();
        any.then(|| (decoded(user), decoded(password.unwrap_or_default())))
    }
}

/// Parses an HTTP URL; `example` shows what one looks like.
fn parse(text: &str, example: &'static str) -> Result<Url, TargetError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TargetError::Empty(example));
    }
    if !text.contains("://") {
        return Err(TargetError::NoScheme);
    }
    let url = Url::parse(text).map_err(|error| TargetError::NoUrl(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TargetError::OtherScheme(url.scheme().to_owned()));
    }
    Ok(url)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(printable(&self.0).as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_base_path_works() {
        for (text, page) in [
            ("http://h:9090", "http://h:9090/api/v1/query"),
            ("http://h:9090/", "http://h:9090/api/v1/query"),
            ("https://h/prometheus", "https://h/prometheus/api/v1/query"),
            ("https://h/a/b//", "https://h/a/b/api/v1/query"),
        ] {
            assert_eq!(Target::parse(text).unwrap().page("/api/v1/query").as_str(), page);
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in [
            "",
            "localhost:9090",
            "ftp://h",
            "http://",
            "http://h?x=1",
            "http://h/#a",
            "http://h/p/api/v1/",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn another_page_may_have_been_meant() {
        let usual = |url| Target::parse_page(url).unwrap().usual_page();
        for (url, meant) in [
            ("http://h:1/metric", "http://h:1/metrics"),
            ("http://me:secret@h:1/Metrics?x=1", "http://h:1/metrics"),
            ("http://h:1/metrics/", "http://h:1/metrics"),
            ("http://h:1/api/metircs", "http://h:1/api/metrics"),
            ("http://h:1/users/7", "http://h:1/metrics"),
        ] {
            assert_eq!(usual(url).as_deref(), Some(meant), "{url}");
        }
        assert_eq!(usual("http://h:1/metrics?x=1"), None);
        assert_eq!(usual("http://h:1"), None);
    }

    #[test]
    fn a_password_is_never_printed() {
        let target = Target::parse("http://me:secret@h:9090/p/").unwrap();
        assert_eq!(target.to_string(), "http://me:***@h:9090/p");
        assert!(!format!("{target:?}").contains("secret"));
        assert_eq!(target.page("/x").as_str(), "http://h:9090/p/x");
        let token = Target::parse("http://t0ken@h").unwrap();
        assert_eq!(token.to_string(), "http://***@h");
        let error = Target::parse("me:secret@h:9090").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn credentials_are_decoded() {
        let credentials = |text| Target::parse(text).unwrap().credentials();
        assert_eq!(credentials("http://h"), None);
        assert_eq!(credentials("http://a%40b:c%3Ad@h"), Some(("a@b".into(), "c:d".into())));
        assert_eq!(credentials("http://:p@h"), Some((String::new(), "p".into())));
    }
}

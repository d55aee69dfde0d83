//! The address of the server to ask.

use std::fmt;

use reqwest::Url;

/// Base URL of a server that speaks the Prometheus HTTP API. Printing it hides a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

impl Target {
    /// Parses a base URL, with any path: `https://host/prometheus`.
    ///
    /// # Errors
    /// What is wrong with it, and what it should look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err(format!("the target is empty; write {}", super::DEFAULT_TARGET));
        }
        if !text.contains("://") {
            return Err(format!("the target {text:?} has no scheme; write http://{text}"));
        }
        // The text is not repeated where it may hold a password.
        let mut url = Url::parse(text).map_err(|error| format!("the target is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("the target must be http or https, not {}", url.scheme()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("the target must end after its path, without ? or #".to_owned());
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The URL of a page below the base: `/api/v1/query`.
    pub fn page(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            // Fails only for URLs without a host, which have no password.
            let _ = url.set_password(Some("***"));
        }
        f.write_str(url.as_str().trim_end_matches('/'))
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
        for text in ["", "localhost:9090", "ftp://h", "http://", "http://h?x=1", "http://h/#a"] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let target = Target::parse("http://me:secret@h:9090/p/").unwrap();
        assert_eq!(target.to_string(), "http://me:***@h:9090/p");
        assert!(!format!("{target:?}").contains("secret"));
    }
}

//! The one word that clients have to know.

use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use subtle::ConstantTimeEq as _;

use super::ServeError;

/// A file with more bytes than this has no token in it.
pub(super) const LARGEST: usize = 4096;

/// The word that clients have to know. It is never shown.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Reads the one line of a file.
    ///
    /// # Errors
    /// If there is no such file, or what it holds is no token.
    pub fn read(path: &Path) -> Result<Self, ServeError> {
        let unreadable = |cause| ServeError::TokenUnreadable { path: path.to_owned(), cause };
        let no_token = |why| ServeError::NoToken { path: path.to_owned(), why };
        // To open a pipe is to wait for whoever writes it.
        if !fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(no_token("is no regular file"));
        }
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Self::parse(&bytes).map_err(no_token)
    }

    fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > LARGEST {
            return Err("is too long");
        }
        let word = bytes.trim_ascii();
        if word.is_empty() {
            return Err("is empty");
        }
        if word.iter().any(u8::is_ascii_whitespace) {
            return Err("is more than one word");
        }
        if !word.iter().all(u8::is_ascii_graphic) {
            return Err("has characters in it that a header cannot carry");
        }
        String::from_utf8(word.to_vec()).map(Self).map_err(|_| "is no text")
    }

    /// Whether who sent this header knows the token: as a bearer, or as the password of a browser's
    /// user, whatever the name.
    pub(super) fn is_known_by(&self, authorization: &HeaderValue) -> bool {
        let Ok(text) = authorization.to_str() else { return false };
        let Some((scheme, rest)) = text.split_once(' ') else { return false };
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.is(rest.as_bytes());
        }
        let is_basic = scheme.eq_ignore_ascii_case("basic");
        let pair = is_basic.then(|| STANDARD.decode(rest).ok()).flatten();
        let Some(pair) = pair else { return false };
        let mut parts = pair.splitn(2, |byte| *byte == b':');
        parts.nth(1).is_some_and(|password| self.is(password))
    }

    /// Compares them in a time that depends on the length alone.
    fn is(&self, word: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(word).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<Token, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, content).unwrap();
        Token::read(file.path()).map_err(|error| error.to_string())
    }

    fn knows(authorization: &str) -> bool {
        let token = Token("s:3cret".into());
        token.is_known_by(&HeaderValue::from_str(authorization).unwrap())
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn the_line_of_a_file_is_the_token() {
        for content in ["t0ken", "t0ken\n", "  t0ken\r\n\n"] {
            assert_eq!(read(content.as_bytes()).unwrap().0, "t0ken", "{content:?}");
        }
        assert!(read(&[b'x'; LARGEST]).is_ok());
    }

    #[test]
    fn what_is_no_token_is_told_with_what_is() {
        for (content, why) in [
            (&b""[..], "is empty"),
            (b" \n", "is empty"),
            (b"two words", "more than one word"),
            (b"two\nlines\n", "more than one word"),
            (b"nul\0", "cannot carry"),
            ("schlüssel".as_bytes(), "cannot carry"),
            (b"\xff\xfe", "cannot carry"),
            (&[b'x'; LARGEST + 1], "too long"),
        ] {
            let said = read(content).expect_err(why);
            assert!(said.contains(why) && said.contains("openssl rand"), "{said}");
        }
    }

    #[test]
    fn an_error_does_not_show_what_stands_in_the_file() {
        assert!(!read(b"hunter two").unwrap_err().contains("hunter"));
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let said = Token::read(directory.path()).unwrap_err().to_string();
        assert!(said.contains("no regular file"), "{said}");
        let missing = directory.path().join("missing");
        let said = Token::read(&missing).unwrap_err().to_string();
        assert!(said.contains("missing") && said.contains("cannot read"), "{said}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_nobody_writes_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let said = Token::read(&pipe).unwrap_err().to_string();
        assert!(said.contains("no regular file"), "{said}");
    }

    #[test]
    fn it_is_never_shown() {
        assert_eq!(format!("{:?}", Token("s3cret".into())), "***");
    }

    #[test]
    fn a_bearer_and_a_browser_with_the_token_know_it() {
        for authorization in [
            "Bearer s:3cret".to_owned(),
            "bearer  s:3cret".to_owned(),
            basic(":s:3cret"),
            basic("anybody:s:3cret"),
            basic("anybody:s:3cret").replace("Basic", "BASIC"),
        ] {
            assert!(knows(&authorization), "{authorization}");
        }
    }

    #[test]
    fn nobody_else_knows_it() {
        for authorization in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            "Bearer s:3cre".to_owned(),
            "Bearer s:3cret2".to_owned(),
            "Bearer S:3CRET".to_owned(),
            "s:3cret".to_owned(),
            "Digest s:3cret".to_owned(),
            basic("s:3cret"),
            basic("s:3cret:"),
            basic("nobody"),
            "Basic ???".to_owned(),
            "Basic".to_owned(),
        ] {
            assert!(!knows(&authorization), "{authorization}");
        }
        let token = Token("s".into());
        assert!(!token.is_known_by(&HeaderValue::from_bytes(b"Bearer \xff").unwrap()));
    }
}

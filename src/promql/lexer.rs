//! Splits an expression into tokens.
//!
//! Keywords are no tokens of their own: nearly all of them are allowed as the name of a metric
//! or of a label, so that only the parser can tell what a word means.

mod number;
mod string;

use super::Error;
use super::syntax::Span;
pub(super) use number::{MAX_DURATION, duration_of_seconds};

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum LexicalError {
    #[error("the string has no end")]
    Unterminated,
    #[error("the string is not UTF-8")]
    NotText,
    #[error("the string has an invalid escape, \\{}", .0.escape_debug())]
    Escape(char),
    #[error("the number is too large")]
    NumberTooLarge,
    #[error("the duration is too long")]
    DurationTooLong,
    #[error("this is neither a number nor a duration")]
    NoNumber,
    #[error("unexpected character {0:?}")]
    Unexpected(char),
}

/// Longer ones stand before their beginnings.
const SYMBOLS: [&str; 24] = [
    "==", "!=", "=~", "!~", "<=", ">=", "(", ")", "{", "}", "[", "]", ",", ":", "@", "=", "<", ">",
    "+", "-", "*", "/", "%", "^",
];

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind<'a> {
    /// A name or a keyword, with colons if it is one of a recording rule.
    Word(&'a str),
    Number(f64),
    /// In milliseconds.
    Duration(i64),
    /// What a string says, without quotes and escapes.
    Text(String),
    Symbol(&'static str),
    End,
}

#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    rest: &'a str,
    /// Between brackets a colon separates durations, elsewhere it is a part of a name.
    in_brackets: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, rest: text, in_brackets: false }
    }

    /// The next token. There are endless ones at the end.
    ///
    /// # Errors
    /// [`Error::Parse`] if what comes next is no token.
    pub(super) fn token(&mut self) -> Result<Token<'a>, Error> {
        self.skip_blanks();
        let start = self.position();
        let Some(first) = self.rest.chars().next() else {
            return Ok(Token { kind: TokenKind::End, span: Span { start, end: start } });
        };
        let refused = |why: LexicalError| Error::parse(self.text, start, &why.to_string());
        let (kind, rest) = match first {
            '"' | '\'' | '`' => {
                let (text, rest) = string::unquote(self.rest, first).map_err(refused)?;
                (TokenKind::Text(text), rest)
            }
            '.' | '0'..='9' if number::is_begun_by(self.rest) => {
                number::read(self.rest).map_err(refused)?
            }
            _ if self.is_of_a_word(first) => {
                let end = self.rest.find(|c| !self.is_of_a_word(c)).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                (TokenKind::Word(word), rest)
            }
            _ => {
                let is_next = |symbol: &&&str| self.rest.starts_with(**symbol);
                let symbol = SYMBOLS.iter().find(is_next);
                let symbol = symbol.ok_or_else(|| refused(LexicalError::Unexpected(first)))?;
                (TokenKind::Symbol(symbol), self.rest.get(symbol.len()..).unwrap_or_default())
            }
        };
        match kind {
            TokenKind::Symbol("[") => self.in_brackets = true,
            TokenKind::Symbol("]") => self.in_brackets = false,
            _ => {}
        }
        self.rest = rest;
        Ok(Token { kind, span: Span { start, end: self.position() } })
    }

    /// Goes on behind what is no token here, but may be one in another language. Whether it is known
    /// where that ends: a string may reach to the end.
    pub(super) fn skip(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return true };
        let is_of_a_number = |c: char| c.is_ascii_alphanumeric() || c == '.';
        self.rest = match first {
            '"' | '\'' | '`' => return false,
            _ if is_of_a_number(first) => self.rest.trim_start_matches(is_of_a_number),
            _ => self.rest.get(first.len_utf8()..).unwrap_or_default(),
        };
        true
    }

    /// Whether the token after the one read last is an opening parenthesis.
    pub(super) fn is_before_parenthesis(&self) -> bool {
        self.rest.trim_start_matches(is_blank).starts_with('(')
    }

    fn position(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    fn is_of_a_word(&self, c: char) -> bool {
        c.is_ascii_alphanumeric() || c == '_' || (c == ':' && !self.in_brackets)
    }

    fn skip_blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches(is_blank);
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.trim_start_matches(|c| c != '\n' && c != '\r');
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

//! What a value is, by how it is written.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// What stands after `key=`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Digits, with or without a minus before them.
    Integer(i128),
    /// Two groups of digits with a point between them, with or without a minus before them; finite.
    Decimal(f64),
    /// Whatever else; a number that is too large to be held, too.
    Text(String),
}

impl Value {
    /// The value of that text, which is not empty.
    pub(super) fn of(text: &str) -> Self {
        Self::number(text).unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    fn number(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) =
            digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
        let sign = if digits.len() < text.len() { "-" } else { "" };
        let whole = ascii_digits(whole)?;
        match fraction {
            None => format!("{sign}{whole}").parse().ok().map(Self::Integer),
            Some(fraction) => {
                let number = format!("{sign}{whole}.{}", ascii_digits(fraction)?);
                number.parse().ok().filter(|it: &f64| it.is_finite()).map(Self::Decimal)
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Decimal(value) => value.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// An integer as Python's `int` reads it from text: white space around it, a sign and `_` between digits
/// are allowed.
pub fn integer(text: &str) -> Option<i64> {
    let text = text.trim_matches(char::is_whitespace);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    let groups: Option<Vec<_>> = digits.split('_').map(ascii_digits).collect();
    format!("{sign}{}", groups?.concat()).parse().ok()
}

/// The digits of `text` as `0` to `9`; `None` where it is empty or something in it is no digit.
fn ascii_digits(text: &str) -> Option<String> {
    let digits: Option<String> = text.chars().map(ascii_digit).collect();
    digits.filter(|it| !it.is_empty())
}

/// Digits of other scripts count, as they do for Python's `\d` and `int`.
fn ascii_digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c).filter(char::is_ascii_digit);
    }
    if !is_digit(c) {
        return None;
    }
    // Unicode has the ten digits of a script in a row, and rows may follow one another.
    let before = (0..u32::from(c)).rev().map_while(char::from_u32).take_while(|it| is_digit(*it));
    char::from_digit((before.count() % 10) as u32, 10)
}

/// Whether Unicode calls it a decimal digit (category Nd).
fn is_digit(c: char) -> bool {
    static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d").ok());
    DIGIT.as_ref().is_some_and(|digit| digit.is_match(c.encode_utf8(&mut [0; 4])))
}

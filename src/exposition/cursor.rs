//! A place in a line, and what can be read from there.

use std::borrow::Cow;

use super::error::{Fault, quote};

/// A line, and how much of it was read.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    pub(super) line: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8], at: usize) -> Self {
        Self { line, at }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// Reads a byte, if it is this one.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    pub(super) fn take_while(&mut self, pleases: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !pleases(*byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// What stands up to the next blank.
    pub(super) fn word(&mut self) -> &'a [u8] {
        self.take_while(|byte| !is_blank(byte))
    }

    /// A name that needs no quotes; empty if there is none.
    pub(super) fn name(&mut self, colons: bool) -> &'a str {
        let name = match self.peek() {
            Some(b'0'..=b'9') | None => &[],
            Some(_) => self.take_while(|byte| {
                byte.is_ascii_alphanumeric() || byte == b'_' || colons && byte == b':'
            }),
        };
        // Proof: these are ASCII bytes.
        std::str::from_utf8(name).unwrap_or_default()
    }

    /// A string in quotes, the first of which is next. As in Prometheus, a backslash before
    /// anything but a quote, a backslash or an `n` stands for itself.
    pub(super) fn quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        let opening = self.at;
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            match memchr::memchr2(b'"', b'\\', self.rest()) {
                Some(length) if self.rest()[length] == b'"' => {
                    self.at += length + 1;
                    break;
                }
                Some(length) if self.at + length + 1 < self.line.len() => {
                    escaped = true;
                    self.at += length + 2;
                }
                _ => return Err(Fault::new(opening, "the string that starts here has no end")),
            }
        }
        let text = std::str::from_utf8(&self.line[start..self.at - 1])
            .map_err(|error| Fault::new(start + error.valid_up_to(), "this is not valid UTF-8"))?;
        Ok(if escaped { unescape(text).into() } else { text.into() })
    }

    /// The fault that something else should stand here.
    pub(super) fn expected(&self, what: &str) -> Fault {
        let found = match self.rest() {
            [] => "the end of the line".to_owned(),
            [b'\r'] => "a carriage return; lines end with a newline alone".to_owned(),
            [byte, ..] if byte.is_ascii() => quote(&[*byte]),
            rest => {
                let text = String::from_utf8_lossy(&rest[..rest.len().min(4)]);
                quote(text.chars().next().map(String::from).unwrap_or_default().as_bytes())
            }
        };
        Fault::new(self.at, format!("expected {what}, found {found}"))
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let next = if c == '\\' { chars.clone().next() } else { None };
        match next {
            Some('\\' | '"') => plain.extend(chars.next()),
            Some('n') => {
                chars.next();
                plain.push('\n');
            }
            _ => plain.push(c),
        }
    }
    plain
}

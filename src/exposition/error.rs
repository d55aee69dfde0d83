//! What can be wrong with what is read, and where.

use std::borrow::Cow;
use std::io;

/// How much of a line an error shows, in characters.
const SHOWN: usize = 80;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is not in the format.
    #[error("line {line}, column {column}: {reason}: {shown}")]
    Syntax {
        /// Which line; the first one is 1.
        line: usize,
        /// Which character of the line; the first one is 1.
        column: usize,
        /// What is wrong there.
        reason: String,
        /// The line, or what stands around the column, with control characters escaped.
        shown: String,
    },
    /// OpenMetrics without its last line, `# EOF`.
    #[error("cut off: it does not end with # EOF (lines: {line})")]
    CutOff {
        /// The last line, be it a whole one or not; 0 if there is none.
        line: usize,
    },
    /// A page in the Prometheus format whose last line has no newline.
    #[error("cut off: no newline ends the last line (lines: {line})")]
    Unfinished {
        /// The last line.
        line: usize,
    },
    /// A page without anything.
    #[error("the page is empty")]
    Empty,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    /// At which byte of the line.
    pub(super) at: usize,
    pub(super) reason: Cow<'static, str>,
}

impl Fault {
    pub(super) fn new(at: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { at, reason: reason.into() }
    }

    /// The error for the line of this number.
    pub(super) fn in_line(self, number: usize, line: &[u8]) -> Error {
        let (before, after) = line.split_at(self.at.min(line.len()));
        let before: Vec<char> = String::from_utf8_lossy(before).chars().collect();
        Error::Syntax {
            line: number,
            column: before.len() + 1,
            reason: self.reason.into_owned(),
            shown: excerpt(&before, after),
        }
    }
}

/// About 80 characters of a line. They start where it does, unless the fault is far behind.
fn excerpt(before: &[char], after: &[u8]) -> String {
    let skipped = if before.len() < SHOWN * 3 / 4 { 0 } else { before.len() - SHOWN / 2 };
    // A character has four bytes at most.
    let after = String::from_utf8_lossy(&after[..after.len().min(SHOWN * 4 + 4)]);
    let mut chars = before[skipped..].iter().copied().chain(after.chars());
    let mut shown = String::from(if skipped > 0 { "…" } else { "" });
    shown.extend(chars.by_ref().take(SHOWN).flat_map(printable));
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A few characters of the input, quoted, with control characters escaped.
pub(super) fn quote(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(SHOWN * 4)]);
    let mut shown: String = text.chars().take(SHOWN / 2).flat_map(printable).collect();
    if text.chars().count() > SHOWN / 2 {
        shown.push('…');
    }
    format!("`{shown}`")
}

fn printable(c: char) -> impl Iterator<Item = char> {
    let control = c.is_control();
    c.escape_default().filter(move |_| control).chain((!control).then_some(c))
}

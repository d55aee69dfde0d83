//! The last lines of a log, without the log in memory.

use std::io::{self, Read};

use memchr::memmem::{Finder, FinderRev};
use memchr::memrchr;

/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 1 << 20;
/// How much is read at once, in bytes.
const BLOCK: u64 = 1 << 18;
/// The longest break between lines, in bytes.
const MAX_BREAK: usize = 3;

/// The last line that contains a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastLine {
    /// No line contains it.
    Absent,
    /// The line, without what ends it; what is not UTF-8 is replaced.
    Line(String),
    /// The same of a line that nothing ends: it may be cut off.
    Open(String),
    /// The line is longer than [`MAX_LINE`].
    TooLong,
}

/// Reads `log` to its end for the last line with each of `tokens`.
pub(super) fn last_lines(mut log: impl Read, tokens: &[&str]) -> io::Result<Vec<LastLine>> {
    let mut scan = Scan::new(tokens);
    let mut text = Vec::new();
    // Whether `text` starts within a line whose beginning is gone.
    let mut is_rest = false;
    loop {
        let seen = text.len();
        if log.by_ref().take(BLOCK).read_to_end(&mut text)? == 0 {
            scan.look(&text, is_rest, true);
            return Ok(scan.found);
        }
        // Any break will do; this one is found fastest.
        let mut end = memrchr(b'\n', &text[seen..]).map(|at| seen + at + 1);
        if end.is_none() && text.len() > MAX_LINE + MAX_BREAK {
            end = last_break(&text).map(|(_, end)| end);
            if end.is_none() {
                scan.look(&text, true, false);
                is_rest = true;
                text.drain(..text.len() - scan.overlap);
            }
        }
        if let Some(end) = end {
            scan.look(&text[..end], is_rest, false);
            is_rest = false;
            text.drain(..end);
        }
    }
}

struct Scan<'a> {
    /// Each token from both sides: whether it is there at all is told faster forwards.
    tokens: Vec<(Finder<'a>, FinderRev<'a>)>,
    found: Vec<LastLine>,
    /// How many bytes at the end of a piece may begin a token or a break that the next one ends.
    overlap: usize,
}

impl<'a> Scan<'a> {
    fn new(tokens: &'a [&'a str]) -> Self {
        let longest = tokens.iter().map(|token| token.len()).max().unwrap_or_default();
        Self {
            tokens: tokens.iter().map(|it| (Finder::new(it), FinderRev::new(it))).collect(),
            found: vec![LastLine::Absent; tokens.len()],
            overlap: longest.max(MAX_BREAK),
        }
    }

    /// Looks at whole lines; `is_rest` says that the first of them began earlier, too long ago, and
    /// `is_end` that the log ends with them.
    fn look(&mut self, text: &[u8], is_rest: bool, is_end: bool) {
        for ((first, last), found) in self.tokens.iter().zip(&mut self.found) {
            let Some(at) = first.find(text).and_then(|_| last.rfind(text)) else { continue };
            let start = last_break(&text[..at]).map(|(_, end)| end);
            let end = first_break(&text[at..]).map_or(text.len(), |length| at + length);
            let line = &text[start.unwrap_or(0)..end];
            let is_cut = start.is_none() && is_rest;
            let words = || String::from_utf8_lossy(line).into_owned();
            *found = if is_cut || line.len() > MAX_LINE {
                LastLine::TooLong
            } else if is_end && end == text.len() {
                LastLine::Open(words())
            } else {
                LastLine::Line(words())
            };
        }
    }
}

/// Whether a text is more than one line.
pub(crate) fn has_line_break(text: &str) -> bool {
    first_break(text.as_bytes()).is_some()
}

/// Start and end of the last break between lines.
fn last_break(text: &[u8]) -> Option<(usize, usize)> {
    (0..text.len()).rev().find_map(|at| Some((at, at + break_at(&text[at..])?)))
}

/// Where the first break between lines begins.
fn first_break(text: &[u8]) -> Option<usize> {
    (0..text.len()).find(|at| break_at(&text[*at..]).is_some())
}

/// The length of the break that `text` begins with. Lines are split as Python's `splitlines` does. The
/// bytes of a longer break begin no other character, so that bytes which are no UTF-8 hide none.
const fn break_at(text: &[u8]) -> Option<usize> {
    match text {
        [b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1e, ..] => Some(1),
        // U+0085, and U+2028 and U+2029.
        [0xc2, 0x85, ..] => Some(2),
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => Some(3),
        _ => None,
    }
}

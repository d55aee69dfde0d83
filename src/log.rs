//! Logs in which a program writes what it has measured as `key=value`: the last line of a kind, and
//! the pairs in it.
//!
//! This room knows nothing of audits.

mod number;
mod pairs;
mod scan;

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

pub use number::{Value, integer};
pub(crate) use pairs::is_of_key;
pub use pairs::{Pairs, pairs, whole_pairs};
pub(crate) use scan::has_line_break;
pub use scan::{LastLine, MAX_LINE};

/// So far the clock of a file system may be behind.
const CLOCKS_APART: Duration = Duration::from_secs(10);

/// Why there is nothing to be read of a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is no file of that name.
    #[error("there is no such file")]
    Missing,
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// It is a pipe, a device or a socket, which need never end.
    #[error("it is no regular file; write the log to one")]
    NoFile,
    /// The system cannot read it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The last line of that kind is longer than [`MAX_LINE`].
    #[error("the line is longer than {} MiB", MAX_LINE >> 20)]
    LineTooLong,
}

/// What was read of a log.
#[derive(Debug)]
pub struct Log {
    /// The last line with each of the tokens, in their order.
    pub lines: Vec<LastLine>,
    /// What the file was as it was opened.
    pub stamp: Stamp,
}

/// What a file is at a moment; another one tells that it was written meanwhile, or is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When it was written last, where the system tells.
    written: Option<SystemTime>,
    length: u64,
    number: u64,
}

impl Stamp {
    /// Whether it was written last before that, clearly: the clock of a file system may be another.
    pub fn is_clearly_before(self, instant: SystemTime) -> bool {
        let before = self.written.and_then(|written| instant.duration_since(written).ok());
        before.is_some_and(|before| before > CLOCKS_APART)
    }

    fn new(metadata: &Metadata) -> Self {
        Self { written: metadata.modified().ok(), length: metadata.len(), number: number(metadata) }
    }
}

/// The number by which the file system knows a file.
#[cfg(unix)]
fn number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
const fn number(_: &Metadata) -> u64 {
    0
}

/// What a file is now; nothing if it is not there.
pub fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().as_ref().map(Stamp::new)
}

/// Reads the last line with each of `tokens`, in one pass and in bounded memory.
///
/// # Errors
/// Why the file cannot be read.
pub fn read(path: &Path, tokens: &[&str]) -> Result<Log, LogError> {
    // Asked before it is opened: to open a pipe would wait for who writes it.
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LogError::Missing,
        _ => LogError::Io(error),
    })?;
    if metadata.is_dir() {
        return Err(LogError::Directory);
    }
    if !metadata.is_file() {
        return Err(LogError::NoFile);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // What is written meanwhile is not waited for.
    let lines = scan::last_lines(file.take(metadata.len()), tokens)?;
    Ok(Log { lines, stamp: Stamp::new(&metadata) })
}

/// The pairs in the last line that contains `token`; none where no line does.
///
/// # Errors
/// Why the log cannot be read.
pub fn pairs_of_last_line(path: &Path, token: &str) -> Result<Pairs, LogError> {
    match read(path, &[token])?.lines.pop() {
        Some(LastLine::Line(line) | LastLine::Open(line)) => Ok(pairs(&line)),
        Some(LastLine::TooLong) => Err(LogError::LineTooLong),
        Some(LastLine::Absent) | None => Ok(Pairs::default()),
    }
}

#[cfg(test)]
mod tests;

//! Files as users name them, bounded in size and in time.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Why a file cannot be read as text.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system cannot read it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// It is larger than so many KiB.
    #[error("it is larger than {0} KiB")]
    TooLarge(u64),
    /// It is no file on disk, and does not come to an end.
    #[error("no end of it within {0:?} (--timeout)")]
    Endless(Duration),
    /// The first line that is no text.
    #[error("line {0} is not UTF-8 text")]
    NotText(usize),
}

/// Reads a file of at most `at_most` bytes. `patience` bounds the wait for what is no file on
/// disk: a pipe need never end.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(path: &Path, at_most: u64, patience: Duration) -> Result<Vec<u8>, FileError> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(FileError::Directory);
    }
    if metadata.is_file() {
        return read_at_most(path, at_most);
    }
    let (sender, receiver) = mpsc::channel();
    let path = PathBuf::from(path);
    let read = move || drop(sender.send(read_at_most(&path, at_most)));
    thread::Builder::new().spawn(read)?;
    receiver.recv_timeout(patience).unwrap_or(Err(FileError::Endless(patience)))
}

/// A file in the place of one that is not there, under a name that was probably meant to be the same:
/// `metrics.yml` or `metrics.yaml.txt` for `metrics.yaml`.
pub(super) fn neighbour(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_str()?;
    // Of `metrics.yaml.txt` too.
    let stem = stem.split_once(".y").map_or(stem, |(stem, _)| stem);
    let others = ["yaml", "yml", "yaml.txt", "yml.txt"].map(|end| format!("{stem}.{end}"));
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let mut names: Vec<_> = fs::read_dir(parent.unwrap_or(Path::new(".")))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| others.iter().any(|other| other.eq_ignore_ascii_case(name)))
        .collect();
    // Always the same one.
    names.sort();
    let found = names.into_iter().map(|name| path.with_file_name(name));
    found.into_iter().find(|found| found != path && found.is_file())
}

fn read_at_most(path: &Path, at_most: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(at_most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > at_most {
        return Err(FileError::TooLarge(at_most >> 10));
    }
    Ok(bytes)
}

/// The bytes as text.
///
/// # Errors
/// The first line that is none.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, FileError> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        FileError::NotText(line)
    })
}

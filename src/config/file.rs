//! Files as users name them, bounded in size and in time.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Reads a file of at most `at_most` bytes. `patience` bounds the wait for what is no file on
/// disk: a pipe need never end.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(path: &Path, at_most: u64, patience: Duration) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if metadata.is_file() {
        return read_at_most(path, at_most);
    }
    let (sender, receiver) = mpsc::channel();
    let path = PathBuf::from(path);
    let read = move || drop(sender.send(read_at_most(&path, at_most)));
    thread::Builder::new().spawn(read).map_err(|error| error.to_string())?;
    receiver
        .recv_timeout(patience)
        .unwrap_or_else(|_| Err(format!("no end of it within {patience:?} (--timeout)")))
}

fn read_at_most(path: &Path, at_most: u64) -> Result<Vec<u8>, String> {
    let io = |error: io::Error| error.to_string();
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(at_most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > at_most {
        return Err(format!("it is larger than {} KiB", at_most >> 10));
    }
    Ok(bytes)
}

/// The bytes as text.
///
/// # Errors
/// The first line that is none.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8 text")
    })
}

//! Reads many reports at once, and of each only what is kept in memory.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use jiff::Timestamp;

use super::names;
use super::summary::{Summary, Words};
use crate::watch::Entry;

/// A file that is larger than this, in bytes, is none of ours; a report has some tens of thousands.
const LARGEST: u64 = 16 * 1024 * 1024;
/// More threads than this read no faster from any disk.
const MOST_THREADS: usize = 8;
/// For fewer files than this a thread more is not worth its while.
const FILES_OF_A_THREAD: usize = 64;

/// What came of reading.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// What is kept of the reports, the oldest first.
    pub(super) entries: Vec<Entry>,
    /// The words that they have in common.
    pub(super) words: Words,
    /// The files that could not be read, in the order of their names, and why not.
    pub(super) damaged: Vec<(String, String)>,
}

/// Reads the reports of these times. Files are read side by side, each thread with a buffer of its own
/// that it uses again and again.
pub(super) fn load(directory: &Path, times: &[Timestamp]) -> Loaded {
    let (next, loaded) = (AtomicUsize::new(0), Mutex::new(Loaded::default()));
    let lock = || loaded.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        let mut buffer = Vec::new();
        while let Some(at) = times.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = names::of_report(*at);
            let read = read(&directory.join(&name), &mut buffer).map_err(|error| error.to_string());
            let summary = read.and_then(|()| Summary::read(&buffer));
            let mut loaded = lock();
            let Loaded { entries, words, damaged } = &mut *loaded;
            match summary {
                Ok(summary) => entries.push(summary.entry(*at, words)),
                Err(why) => damaged.push((name, why)),
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    thread::scope(|scope| {
        for _ in 1..cores.min(times.len().div_ceil(FILES_OF_A_THREAD)) {
            // Without it the others read what it would have read.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut loaded = loaded.into_inner().unwrap_or_else(PoisonError::into_inner);
    loaded.entries.sort_by_key(|entry| entry.at);
    loaded.damaged.sort();
    loaded
}

/// Reads a file whole. What waits for others, such as a pipe, is not even opened.
pub(super) fn read(path: &Path, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let too_large = |bytes: u64| {
        Err(io::Error::other(format!(
            "it has {bytes} bytes, more than the {LARGEST} of any report"
        )))
    };
    if metadata.len() > LARGEST {
        return too_large(metadata.len());
    }
    // With room for one byte more, its end is seen without another look at it.
    buffer.reserve(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    let read = File::open(path)?.take(LARGEST + 1).read_to_end(buffer)? as u64;
    if read > LARGEST { too_large(read) } else { Ok(()) }
}

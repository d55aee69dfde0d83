//! The counters of a breaker in a file, from one run to the next.
//!
//! Whoever changes them keeps a lock on a neighbour of the file meanwhile: two runs that end at once
//! both count. The file itself cannot be locked, as it is replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Counters, Invalid};
use crate::{file_lock, output};

/// Version of what is written.
const SCHEMA_VERSION: u64 = 1;
/// A file that is larger than this, in bytes, is none of ours.
const LARGEST: u64 = 64 * 1024;
/// How long another run is waited for. It keeps the lock for as long as it takes to write a file.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether the lock is free.
const GLANCE: Duration = Duration::from_millis(5);

/// The file of a breaker's counters.
#[derive(Debug, Clone)]
pub struct StateFile {
    path: PathBuf,
}

/// Why the counters cannot be had, or kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is there, and cannot be read.
    #[error("cannot read the state {}: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is a directory, a pipe or a device.
    #[error("the state {} is no regular file; give --state another path", .0.display())]
    NoFile(PathBuf),
    /// It is not what this program writes.
    #[error(
        "the state {} is damaged: {why}; remove it to start without a failure, or give --state \
         another path",
        path.display()
    )]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong in it.
        why: String,
    },
    /// Another version of this program has written it.
    #[error(
        "the state {} has schema version {found}, and this auditor knows {SCHEMA_VERSION}; use the \
         auditor that wrote it, or remove it to start without a failure",
        path.display()
    )]
    Version {
        /// Which one.
        path: PathBuf,
        /// Its version, as it stands there.
        found: String,
    },
    /// It cannot be locked.
    #[error("cannot lock the state by {}: {source}", path.display())]
    Lock {
        /// The neighbour that is locked.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the state {}: {source}", path.display())]
    Unwritable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What is kept from one run to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// What the breaker remembers.
    pub counters: Counters,
    /// When the run ended that tripped it last, while it is open; `None` too where the file does not say.
    pub tripped_at: Option<Timestamp>,
}

/// What stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema_version: u64,
    /// RFC 3339.
    updated_at: String,
    consecutive_failures: i64,
    cooldown_remaining: i64,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tripped_at: Option<String>,
}

impl StateFile {
    /// The file at that path, whether it is there or not.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The neighbour that is locked, the same under every name of the file.
    pub fn lock_path(&self) -> PathBuf {
        let mut path = output::through_links(&self.path).into_os_string();
        path.push(".lock");
        path.into()
    }

    /// What was kept; nothing yet where there is no file.
    ///
    /// # Errors
    /// If it is there and is not to be relied on.
    pub fn read(&self) -> Result<Kept, StateError> {
        let unreadable = |source| StateError::Unreadable { path: self.path.clone(), source };
        match fs::metadata(&self.path) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(StateError::NoFile(self.path.clone()));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(unreadable(error)),
        }
        let mut bytes = Vec::new();
        let file = File::open(&self.path).map_err(unreadable)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        self.parse(&bytes)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Kept, StateError> {
        let damaged = |why: String| StateError::Damaged { path: self.path.clone(), why };
        if bytes.len() as u64 > LARGEST {
            return Err(damaged(format!("it is larger than {LARGEST} bytes")));
        }
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        // Another version may have other keys: it is told first.
        if let Some(found) = value.get("schema_version").filter(|it| **it != SCHEMA_VERSION) {
            return Err(StateError::Version { path: self.path.clone(), found: found.to_string() });
        }
        // Read from the text, so that a key that stands there twice is noticed.
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        let updated_at = document.updated_at.parse::<Timestamp>();
        updated_at.map_err(|error| damaged(format!("updated_at: {error}")))?;
        let tripped_at = document.tripped_at.map(|it| it.parse()).transpose();
        let tripped_at =
            tripped_at.map_err(|error: jiff::Error| damaged(format!("tripped_at: {error}")))?;
        let counters = Counters::new(document.consecutive_failures, document.cooldown_remaining)
            .map_err(|error: Invalid| damaged(error.to_string()))?;
        Ok(Kept { counters, tripped_at })
    }

    /// Changes what is kept, while no other run does. What `change` is given is what stands there by
    /// then.
    ///
    /// # Errors
    /// If it cannot be locked, read or written; it is as it was then.
    pub fn update<T>(
        &self,
        now: Timestamp,
        change: impl FnOnce(Kept) -> (Kept, T),
    ) -> Result<T, StateError> {
        let path = self.lock_path();
        let _lock = lock(&path).map_err(|source| StateError::Lock { path, source })?;
        let (Kept { counters, tripped_at }, result) = change(self.read()?);
        let document = Document {
            schema_version: SCHEMA_VERSION,
            updated_at: now.to_string(),
            consecutive_failures: counters.consecutive_failures.into(),
            cooldown_remaining: counters.cooldown_remaining.into(),
            tripped_at: tripped_at.map(|it| it.to_string()),
        };
        let unwritable = |source| StateError::Unwritable { path: self.path.clone(), source };
        let text = serde_json::to_string_pretty(&document).map_err(io::Error::other);
        let text = text.map_err(unwritable)? + "\n";
        output::write_text(&self.path, &text).map_err(unwritable)?;
        Ok(result)
    }
}

/// Waits until the lock is free, and takes it; it goes with the file that is returned, also where the
/// process is killed.
fn lock(path: &Path) -> io::Result<File> {
    let began = Instant::now();
    loop {
        match file_lock::try_lock(path)? {
            Some(file) => return Ok(file),
            None if began.elapsed() >= PATIENCE => {
                let words = format!("another run has kept it for {PATIENCE:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, words));
            }
            None => thread::sleep(GLANCE),
        }
    }
}

#[cfg(test)]
mod tests;

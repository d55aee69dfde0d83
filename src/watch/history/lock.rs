//! One process at a time keeps a history in a directory.

use std::fs::{self, File};
use std::path::Path;

use super::{HistoryError, LOCK};
use crate::file_lock;

/// Keeps others out for as long as it is there; it goes with the process, also where that is killed.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock goes when the file is closed")] File);

/// Makes the directory, and locks it.
///
/// # Errors
/// If another process has it, or it cannot be made or locked.
pub fn lock(directory: &Path) -> Result<Lock, HistoryError> {
    let failed = |cause| HistoryError::Directory { path: directory.to_owned(), cause };
    fs::create_dir_all(directory).map_err(failed)?;
    let path = directory.join(LOCK);
    match file_lock::try_lock(&path) {
        Ok(Some(file)) => Ok(Lock(file)),
        Ok(None) => Err(HistoryError::Held(directory.to_owned())),
        Err(cause) => Err(HistoryError::Lock { path, cause }),
    }
}

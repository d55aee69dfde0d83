//! The file that `--init` writes.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use super::FILE_NAME;

/// The default configuration, commented; it is also what the documentation shows.
pub const DEFAULT_METRICS: &str = include_str!("../../default_metrics.yaml");

/// Why no template was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a file already.
    #[error("{FILE_NAME} already exists and was left as it is; remove it first to start over")]
    Exists,
    /// It cannot be written.
    #[error("cannot write {FILE_NAME}: {0}")]
    Io(io::Error),
}

/// Writes `text` as `metrics.yaml` into the current directory.
///
/// # Errors
/// If the file exists, or cannot be written whole.
pub fn write_file(text: &str) -> Result<(), InitError> {
    let file = OpenOptions::new().write(true).create_new(true).open(FILE_NAME);
    let mut file = file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists,
        _ => InitError::Io(error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // Half a file would be found by the next run; nothing is lost by removing it.
        let _ = std::fs::remove_file(FILE_NAME);
        InitError::Io(error)
    })
}

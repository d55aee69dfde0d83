//! A lock on a file: of one process at a time, and gone with it, however it ends.

use std::fs::File;
use std::io;
use std::path::Path;

/// Takes the lock, if nobody has it. The file is made where there is none.
///
/// # Errors
/// If the file cannot be opened or locked.
#[cfg(unix)]
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Takes the lock, if nobody has it: whoever has the file open shares it with nobody.
///
/// # Errors
/// If the file cannot be opened.
#[cfg(windows)]
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt as _;
    const SHARING_VIOLATION: i32 = 32;
    let opened = File::options().create(true).truncate(false).write(true).share_mode(0).open(path);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(SHARING_VIOLATION) => Ok(None),
        Err(error) => Err(error),
    }
}

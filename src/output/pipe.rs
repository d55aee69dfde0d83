//! Named pipes, written to without waiting for ever for somebody who reads.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;

/// How long a reader may take to come, and to go on reading.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether he did.
const GLANCE: Duration = Duration::from_millis(10);

/// A pipe that somebody reads.
pub(super) struct Pipe(File);

impl Pipe {
    /// Opens a pipe once somebody reads it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let is_unread = |error: &io::Error| Errno::from_io_error(error) == Some(Errno::NXIO);
        patiently(|| options.open(path), is_unread, "nobody reads this pipe").map(Self)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_full = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        patiently(|| self.0.write(bytes), is_full, "the reader of this pipe takes no more")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Tries again for a while as long as it may still succeed.
fn patiently<T>(
    mut attempt: impl FnMut() -> io::Result<T>,
    may_pass: impl Fn(&io::Error) -> bool,
    words: &str,
) -> io::Result<T> {
    let began = Instant::now();
    loop {
        match attempt() {
            Err(error) if may_pass(&error) => {}
            other => return other,
        }
        if began.elapsed() >= PATIENCE {
            let words = format!("{words} (it was waited for {PATIENCE:?})");
            return Err(io::Error::new(io::ErrorKind::TimedOut, words));
        }
        thread::sleep(GLANCE);
    }
}

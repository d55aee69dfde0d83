//! The edge where text leaves the process.

#[cfg(unix)]
mod pipe;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use tempfile::NamedTempFile;

use crate::interrupt::{self, OwnedFile};

/// More links than this lead in a circle, for the system too.
const MOST_LINKS: usize = 40;

/// Prints on standard output, in colour only where it is a terminal that wants it.
///
/// # Errors
/// If not all of it could be written; a reader that closed the pipe early wanted no more.
pub fn print(text: &str) -> io::Result<()> {
    let stdout = io::stdout();
    let mut out = stdout.lock();
    let written = match AutoStream::choice(&out) {
        ColorChoice::Never => write!(out, "{}", anstream::adapter::strip_str(text)),
        _ => out.write_all(text.as_bytes()),
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Prints a message on standard error. If that fails, no channel is left to say so. Foreign words in it
/// cannot command a runner of GitHub Actions.
pub fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{}", without_commands(text));
}

/// Prints commands for a runner of GitHub Actions on standard error.
pub fn commands(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A text in which a runner of GitHub Actions finds no command: a line that begins with `::`, or has
/// `##[` in it.
pub fn without_commands(text: &str) -> String {
    let harmless = |line: &str| {
        let begins = line.trim_start().starts_with("::");
        if begins { line.replacen("::", ": :", 1) } else { line.to_owned() }
    };
    let lines: String = text.split_inclusive('\n').map(harmless).collect();
    lines.replace("##[", "## [")
}

/// Writes a text whole or not at all.
///
/// # Errors
/// If it cannot be written; an earlier file of that name is then still there.
pub fn write_text(path: &Path, text: &str) -> io::Result<()> {
    write_file(path, |out| out.write_all(text.as_bytes()))
}

/// Writes a file whole or not at all: a reader never sees half a report.
///
/// # Errors
/// If it cannot be written; an earlier file of that name is then still there.
pub fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<Box<dyn Write + '_>>) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(stream) = stream(path)? {
        return write_all(stream, write);
    }
    // Through a link, the file that it points to is replaced.
    let path = through_links(path);
    let (file, owned) = temporary(&path)?;
    write_all(Box::new(file.as_file()), write).map_err(without_path)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| without_path(error.error))?;
    drop(owned);
    Ok(())
}

/// Finds out whether a file can be written, and leaves everything as it is.
///
/// # Errors
/// Why it cannot be.
pub fn check_writable(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        // To open a pipe is to wait for its reader.
        Ok(metadata) if is_pipe(&metadata) => Ok(()),
        _ if stream(path)?.is_some() => Ok(()),
        _ => temporary(&through_links(path)).map(drop),
    }
}

/// What is written to as it is, if it is a device or a pipe; only a file can be replaced.
fn stream(path: &Path) -> io::Result<Option<Box<dyn Write>>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        #[cfg(unix)]
        Ok(metadata) if is_pipe(&metadata) => Ok(Some(Box::new(pipe::Pipe::open(path)?))),
        Ok(metadata) if !metadata.is_file() => {
            Ok(Some(Box::new(fs::File::options().write(true).open(path)?)))
        }
        _ => Ok(None),
    }
}

#[cfg(unix)]
fn is_pipe(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_pipe(_: &fs::Metadata) -> bool {
    false
}

/// The path that the links lead to, whether there is a file or not.
pub(crate) fn through_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// A file beside the one that it is to replace.
fn temporary(path: &Path) -> io::Result<(NamedTempFile, OwnedFile)> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".auditor-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any other file: what the umask leaves of it.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    interrupt::own_file(|| builder.tempfile_in(directory)).map_err(without_path)
}

fn write_all<'a>(
    out: Box<dyn Write + 'a>,
    write: impl FnOnce(&mut BufWriter<Box<dyn Write + 'a>>) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let written = write(&mut out).and_then(|()| out.flush());
    if written.is_err() {
        // Without this it would try again, and wait again.
        let _ = out.into_parts();
    }
    written
}

/// The error without the name of the temporary file, which is another one each time.
fn without_path(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((cause, _)) => io::Error::new(error.kind(), cause),
        None => error,
    }
}

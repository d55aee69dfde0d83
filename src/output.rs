//! The edge where text leaves the process.

#[cfg(unix)]
mod pipe;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};

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

/// Prints a message on standard error. If that fails, no channel is left to say so.
pub fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
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
    let path = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // A device or a pipe is written to; only a file can be replaced.
        Ok(metadata) if !metadata.is_file() => return write_all(open(path, &metadata)?, write),
        // Through a link, the file that it points to is replaced.
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => path.to_owned(),
    };
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
    let file = builder.tempfile_in(directory).map_err(without_path)?;
    write_all(Box::new(file.as_file()), write).map_err(without_path)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| without_path(error.error))?;
    Ok(())
}

/// Opens what is no file.
fn open(path: &Path, metadata: &fs::Metadata) -> io::Result<Box<dyn Write>> {
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type()) {
        return Ok(Box::new(pipe::Pipe::open(path)?));
    }
    let _ = metadata;
    Ok(Box::new(fs::File::options().write(true).open(path)?))
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

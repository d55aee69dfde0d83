//! A recording: a file of samples with timestamps, or a directory of snapshots of a page.

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use super::coverage::{REPORTED, UP};
use super::error::{RecordingError, SamplesError};
use super::snapshot;
use crate::exposition::{self, Context, Page, Reader};
use crate::storage::{Labels, METRIC_NAME, Point, Storage};

/// The most that comes through a pipe, in bytes: as its end says the format, it has to be in memory
/// whole. A file has no such limit.
const MAX_PIPED: u64 = 256 << 20;

/// Reads a recording.
///
/// # Errors
/// What cannot be read, or is broken, and where.
pub(super) fn load(path: &Path) -> Result<Storage, RecordingError> {
    let mut storage = Storage::default();
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if metadata.is_dir() {
        directory(path, &mut storage)?;
    } else {
        let target = Labels::default();
        let context = Context { at: None, target: &target };
        file(path, &context, &mut Reader::new(), &mut storage)?;
    }
    if storage.span().is_none() {
        let path = path.to_owned();
        return Err(RecordingError::Samples { path, source: SamplesError::Empty });
    }
    Ok(storage)
}

/// Reads the files of a directory, in the order of their names.
fn directory(path: &Path, storage: &mut Storage) -> Result<(), RecordingError> {
    let failed = |error| unreadable(path, error);
    let entries = fs::read_dir(path).map_err(failed)?;
    let files: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files: Vec<PathBuf> = files.map_err(failed)?;
    files.retain(|file| !name(file).starts_with('.'));
    files.sort();
    // What a snapshot says of `up` is not what is said of it here.
    let (mut pages, mut recordings) = (Reader::reserving(REPORTED), Reader::new());
    let (target, mut has_pages, mut has_recordings) = (Labels::default(), false, false);
    for path in files {
        if path.is_dir() {
            return Err(RecordingError::Nested(path));
        }
        let at = snapshot::instant(&name(&path));
        let is_empty = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == 0);
        if !is_empty {
            let reader = if at.is_some() { &mut pages } else { &mut recordings };
            let scrapes = scrapes(storage);
            let read = file(&path, &Context { at, target: &target }, reader, storage);
            let page = read.map_err(|error| match at {
                Some(_) => error,
                None => RecordingError::Undated(Box::new(error)),
            })?;
            // It has its own scrapes, whatever its name says.
            if page.timestamped == page.samples && self::scrapes(storage) > scrapes {
                has_recordings = true;
                continue;
            }
            has_pages |= at.is_some();
        } else if at.is_none() {
            return Err(RecordingError::EmptyFile(path));
        }
        // A page that could not be had leaves an empty file behind.
        if let Some(at) = at {
            let value = if is_empty { 0.0 } else { 1.0 };
            let up = storage.series([(METRIC_NAME, UP)].into_iter().collect());
            storage
                .push(up, Point { at, value })
                .map_err(|source| RecordingError::Snapshots { path, source })?;
        }
    }
    if has_pages && has_recordings {
        return Err(RecordingError::Mixed(path.to_owned()));
    }
    Ok(())
}

/// How many samples there are of `up`.
fn scrapes(storage: &Storage) -> usize {
    storage.of_metric(Some(UP)).map(|series| series.points.pushed()).sum()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn file(
    path: &Path,
    context: &Context<'_>,
    reader: &mut Reader,
    storage: &mut Storage,
) -> Result<Page, RecordingError> {
    let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    if is_file {
        return read(path, &mut file, context, reader, storage);
    }
    // What comes through a pipe cannot be looked at twice.
    let mut whole = Vec::new();
    let length = file.take(MAX_PIPED + 1).read_to_end(&mut whole);
    let length = length.map_err(|error| unreadable(path, error))?;
    if length as u64 > MAX_PIPED {
        return Err(RecordingError::Endless { path: path.to_owned(), limit: MAX_PIPED });
    }
    read(path, &mut Cursor::new(whole), context, reader, storage)
}

fn read(
    path: &Path,
    file: &mut (impl Read + Seek),
    context: &Context<'_>,
    reader: &mut Reader,
    storage: &mut Storage,
) -> Result<Page, RecordingError> {
    let failed = |error| unreadable(path, error);
    let format = exposition::format_of_recording(file).map_err(failed)?;
    reader
        .read_recording(file, format, context, storage)
        .map_err(|source| RecordingError::Syntax { path: path.to_owned(), source })
}

fn unreadable(path: &Path, source: io::Error) -> RecordingError {
    RecordingError::Unreadable { path: path.to_owned(), source }
}

//! The reports of a service over time: a file each, in a directory of the service's own.
//!
//! A file has the name of the time at which its audit ended, so that names sort by time, and is written
//! whole or not at all. What is read again at the start is what is kept in memory of each report; the
//! whole of one is read when it is asked for. Clocks are wrong at times. What is dated later than now is
//! set aside, so that it is not the newest for as long as the clock was ahead, and is there again when
//! its time has come.

mod load;
mod lock;
mod names;
mod summary;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use lock::{Lock, lock};
use summary::{Summary, Words};

use super::Entry;
use crate::report::Report;
use crate::{output, render};

/// The file that is locked, beside the directories of the services.
const LOCK: &str = "lock";
/// So far clocks are set back and forth without a word.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
/// From one name to the next.
const STEP: SignedDuration = SignedDuration::from_millis(1);
/// So many damaged files are named.
const MOST_NAMED: usize = 10;

/// The reports of one service.
#[derive(Debug)]
pub struct History {
    directory: PathBuf,
    retention: Duration,
    /// The oldest first; behind the first `past` of them, those that are dated later than now.
    all: Vec<Entry>,
    past: usize,
    damaged: HashSet<String>,
    words: Words,
    /// Files that could not be deleted, so that each is told of once.
    not_deleted: HashSet<String>,
}

/// Why there is no history, or a report of it cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Its directory cannot be made or listed.
    #[error("cannot keep a history in {}: {cause}; make it writable, or give --history another directory", path.display())]
    Directory {
        /// Which one.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// It cannot be locked.
    #[error("cannot lock the history by {}: {cause}; give --history a directory on a local disk that is writable", path.display())]
    Lock {
        /// The file that is locked.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// Another process has the lock.
    #[error(
        "another `auditor serve` keeps its history in {}; end it, or give --history another directory",
        .0.display()
    )]
    Held(PathBuf),
    /// A report cannot be read.
    #[error("cannot read the report {}: {why}", path.display())]
    Report {
        /// Its file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

impl History {
    /// Reads what there is of a service, and clears away what a killed process left. What is damaged is
    /// named in words beside it, and skipped; what is older than the retention is left to
    /// [`prune`](Self::prune). Nobody else may write there: see [`lock`].
    ///
    /// # Errors
    /// If the directory cannot be made or listed.
    pub fn open(
        directory: &Path,
        service: &str,
        retention: Duration,
        now: Timestamp,
    ) -> Result<(Self, Vec<String>), HistoryError> {
        let directory = directory.join(names::of_service(service));
        let failed = |cause| HistoryError::Directory { path: directory.clone(), cause };
        fs::create_dir_all(&directory).map_err(failed)?;
        let mut times = Vec::new();
        for name in file_names(&directory).map_err(failed)? {
            let name = name.map_err(failed)?;
            if names::is_left_over(&name) {
                // It takes room, and nothing else.
                let _ = fs::remove_file(directory.join(name));
            } else {
                times.extend(names::time_of(&name));
            }
        }
        times.retain(|at| oldest(now, retention).is_none_or(|oldest| *at >= oldest));
        times.sort();
        let load::Loaded { entries: all, words, damaged } = load::load(&directory, &times);
        let past = past(&all, now);
        let mut warnings = skipped(&directory, &damaged);
        warnings.extend(set_aside(&directory, all.get(past..).unwrap_or_default(), now));
        let damaged = damaged.into_iter().map(|(name, _)| name).collect();
        let not_deleted = HashSet::new();
        let history = Self { directory, retention, all, past, damaged, words, not_deleted };
        Ok((history, warnings))
    }

    /// What is kept in memory, the oldest first.
    pub fn entries(&self) -> &[Entry] {
        self.all.get(..self.past).unwrap_or_default()
    }

    /// How many files could not be read at the start, and are still there.
    pub fn damaged(&self) -> usize {
        self.damaged.len()
    }

    /// Keeps a report: in memory, where it is the newest from now on, and in a file that did not exist.
    /// It has the time that is returned, later than that of any other, which may be some milliseconds
    /// more than `at`.
    ///
    /// # Errors
    /// If it could not be written. It is in memory all the same.
    pub fn keep(&mut self, at: Timestamp, report: &Report) -> io::Result<Timestamp> {
        let at = self.free(at);
        // What was set aside meanwhile has its place before it, or is ahead of it still.
        self.past = self.all.partition_point(|entry| entry.at < at);
        self.all.insert(self.past, Summary::of(report).entry(at, &mut self.words));
        self.past += 1;
        // Who has removed it wants no history of before, and one of now.
        fs::create_dir_all(&self.directory)?;
        output::write_file(&self.path(at), |out| render::compact_json(report, out))?;
        Ok(at)
    }

    /// The first time from `at` on, in milliseconds, that no report has, and that is later than the newest.
    fn free(&self, at: Timestamp) -> Timestamp {
        let mut at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let near = self.all.get(..past(&self.all, at)).and_then(<[Entry]>::last);
        if let Some(newest) = near.filter(|newest| newest.at >= at) {
            at = later(newest.at);
        }
        let is_taken = |at: Timestamp| {
            let is_known = self.all.binary_search_by_key(&at, |entry| entry.at).is_ok();
            is_known || fs::symlink_metadata(self.path(at)).is_ok()
        };
        while is_taken(at) && later(at) > at {
            at = later(at);
        }
        at
    }

    /// Deletes the reports that are older than the retention, damaged ones too, and nothing else. What
    /// could not be deleted is told of, once.
    pub fn prune(&mut self, now: Timestamp) -> Vec<String> {
        let Some(oldest) = oldest(now, self.retention) else { return Vec::new() };
        let gone = self.all.partition_point(|entry| entry.at < oldest);
        self.all.drain(..gone);
        self.past = self.past.saturating_sub(gone);
        self.words.forget();
        let names: Vec<_> = file_names(&self.directory).into_iter().flatten().flatten().collect();
        let is_old = |name: &&String| names::time_of(name).is_some_and(|at| at < oldest);
        names.iter().filter(is_old).filter_map(|name| self.delete(name)).collect()
    }

    /// Deletes a file; or says why it could not, unless it has said so before.
    fn delete(&mut self, name: &str) -> Option<String> {
        let path = self.directory.join(name);
        let is_file = fs::symlink_metadata(&path).is_ok_and(|it| it.is_file());
        let removed = fs::remove_file(&path);
        if removed.is_ok() {
            self.damaged.remove(name);
        }
        let error = removed.err().filter(|_| is_file);
        let error = error.filter(|it| it.kind() != io::ErrorKind::NotFound)?;
        let is_new = self.not_deleted.insert(name.to_owned());
        is_new.then(|| format!("cannot delete the old report {}: {error}", path.display()))
    }

    /// Reads a report as a whole.
    ///
    /// # Errors
    /// If there is none of that time, or it is damaged.
    pub fn read(&self, at: Timestamp) -> Result<Report, HistoryError> {
        let path = self.path(at);
        let mut json = Vec::new();
        let read = load::read(&path, &mut json).map_err(|error| error.to_string());
        let text = read.and_then(|()| String::from_utf8(json).map_err(|error| error.to_string()));
        let report = text.and_then(|it| Report::from_json(&it).map_err(|error| error.to_string()));
        report.map_err(|why| HistoryError::Report { path, why })
    }

    /// The newest report, if there is any.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn newest_report(&self) -> Result<Option<Report>, HistoryError> {
        self.entries().last().map(|newest| self.read(newest.at)).transpose()
    }

    fn path(&self, at: Timestamp) -> PathBuf {
        self.directory.join(names::of_report(at))
    }
}

/// What is kept in memory of a report, without any history.
pub(super) fn entry_of(at: Timestamp, report: &Report) -> Entry {
    Summary::of(report).entry(at, &mut Words::default())
}

/// How many of them are not dated later than now.
fn past(all: &[Entry], now: Timestamp) -> usize {
    let latest = now.checked_add(TOLERANCE).unwrap_or(Timestamp::MAX);
    all.partition_point(|entry| entry.at <= latest)
}

fn later(at: Timestamp) -> Timestamp {
    at.checked_add(STEP).unwrap_or(at)
}

/// The time from which on reports are kept; `None` where all are.
fn oldest(now: Timestamp, retention: Duration) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::try_from(retention).ok()?).ok()
}

/// The names in a directory, as far as they are text: ours are.
fn file_names(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
    let name = |entry: io::Result<fs::DirEntry>| match entry {
        Ok(entry) => entry.file_name().into_string().ok().map(Ok),
        Err(error) => Some(Err(error)),
    };
    Ok(fs::read_dir(directory)?.filter_map(name))
}

/// The files that are skipped, in words, the first of them by name.
fn skipped(directory: &Path, damaged: &[(String, String)]) -> Vec<String> {
    let named = damaged.iter().take(MOST_NAMED).map(|(name, why)| {
        let path = directory.join(name);
        format!("the report {} is damaged, and is skipped: {why}", path.display())
    });
    let more = damaged.len().saturating_sub(MOST_NAMED);
    let more = (more > 0).then(|| {
        format!("and {more} more of {} damaged reports in {}", damaged.len(), directory.display())
    });
    named.chain(more).collect()
}

/// That reports are dated later than now, in words, if any are.
fn set_aside(directory: &Path, ahead: &[Entry], now: Timestamp) -> Option<String> {
    let (count, last) = (ahead.len(), ahead.last()?.at);
    let which = match count {
        1 => "a report".to_owned(),
        _ => format!("{count} reports"),
    };
    Some(format!(
        "{which} in {} dated later than now ({now:.0}), up to {last:.0}: set aside until then; is the \
         clock right?",
        directory.display(),
    ))
}

#[cfg(test)]
mod tests;

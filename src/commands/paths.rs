//! What an audit writes: nothing that it reads, to places that can be written to, and nothing of
//! an earlier audit is left there that could be taken for this one's.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::breaker::state::StateFile;
use crate::cli::{Cli, ReportFile, Task};
use crate::collect::Failure;
use crate::config::FILE_NAME;
use crate::output;
use crate::render::{FORMATS, ReportFormat};

/// A report that is larger than this, in bytes, is no report.
const LARGEST_REPORT: u64 = 64 * 1024 * 1024;

/// A file that would be overwritten though it is needed.
#[derive(Debug, thiserror::Error)]
#[error("{written} is {relation} {other}; name another file")]
pub(super) struct Clash {
    written: String,
    relation: &'static str,
    other: String,
}

/// A file, and in which role the command line or the configuration names it.
struct Named {
    role: &'static str,
    path: PathBuf,
}

impl Named {
    fn new(role: &'static str, path: impl Into<PathBuf>) -> Self {
        Self { role, path: path.into() }
    }

    fn words(&self) -> String {
        format!("{} {}", self.role, self.path.display())
    }
}

/// What is written at the end.
fn written(cli: &Cli) -> Vec<Named> {
    let reports = cli.reports().into_iter().map(|it| Named::new("--report", it.path));
    reports.chain(written_beside(cli)).collect()
}

/// What is written beside the reports.
fn written_beside(cli: &Cli) -> Vec<Named> {
    let record = cli.record_path().map(|path| Named::new("--record", path));
    let state = cli.state_path().map(|path| {
        let lock = StateFile::new(path).lock_path();
        [Named::new("--state", path), Named::new("the lock of --state,", lock)]
    });
    record.into_iter().chain(state.into_iter().flatten()).collect()
}

/// What the command line says is read, as far as it is there.
fn read(cli: &Cli) -> Vec<Named> {
    if let Some(Task::Suite(suite)) = &cli.task {
        let file = Named::new("the suite", &suite.file);
        let manifest = suite.manifest.iter().map(|path| Named::new("--manifest", path));
        return std::iter::once(file).chain(manifest).collect();
    }
    let common = cli.common();
    let config = common.config_path().unwrap_or(Path::new(FILE_NAME));
    let mut all = vec![Named::new("--config", config)];
    all.extend(common.http_config_path().map(|path| Named::new("--http-config", path)));
    all.extend(common.recording_path().map(|path| Named::new("--recording", path)));
    all.extend(cli.log_paths().map(|path| Named::new("--log", path)));
    all.extend(cli.baseline_path().map(|path| Named::new("--baseline", path)));
    let words = cli.command_words().iter().map(PathBuf::from).filter(|path| path.is_file());
    all.extend(words.map(|path| Named::new("the command's", path)));
    all
}

/// Refuses to overwrite what is read, as far as the command line names it.
///
/// # Errors
/// What would be overwritten.
pub(super) fn check(cli: &Cli) -> Result<(), Clash> {
    let written = written(cli);
    for (index, one) in written.iter().enumerate() {
        written.iter().skip(index + 1).try_for_each(|other| compare(one, other))?;
    }
    let read = read(cli);
    written.iter().try_for_each(|one| read.iter().try_for_each(|other| compare(one, other)))
}

/// Refuses to overwrite what a scenario of a suite reads.
///
/// # Errors
/// What would be overwritten.
pub(super) fn check_scenario(suite: &Cli, scenario: &Cli, files: &[PathBuf]) -> Result<(), Clash> {
    let files = files.iter().map(|path| Named::new("the scenario's file", path));
    let read: Vec<_> = read(scenario).into_iter().chain(files).collect();
    written(suite).iter().try_for_each(|one| read.iter().try_for_each(|it| compare(one, it)))
}

/// Refuses a scenario that would overwrite what it reads, the suite, or what the suite writes.
///
/// # Errors
/// What would be overwritten.
pub(super) fn check_written_by_scenario(
    suite: &Cli,
    scenario: &Cli,
    (files, kept_at): (&[PathBuf], Option<&Path>),
) -> Result<(), Clash> {
    let files = files.iter().map(|path| Named::new("the scenario's file", path));
    let needed: Vec<_> =
        read(suite).into_iter().chain(read(scenario)).chain(files).chain(written(suite)).collect();
    let kept = kept_at.map(|path| Named::new("what --run-dir keeps,", path));
    let beside = written_beside(scenario);
    kept.iter().try_for_each(|one| beside.iter().try_for_each(|it| compare(one, it)))?;
    let written: Vec<_> = beside.into_iter().chain(kept).collect();
    written.iter().try_for_each(|one| needed.iter().try_for_each(|it| compare(one, it)))
}

/// Refuses to overwrite a file that the configuration names.
///
/// # Errors
/// What would be overwritten.
pub(super) fn check_files(cli: &Cli, files: &[PathBuf]) -> Result<(), Clash> {
    let files: Vec<_> =
        files.iter().map(|path| Named::new("the configuration's file", path)).collect();
    let written = written(cli);
    written.iter().try_for_each(|one| files.iter().try_for_each(|other| compare(one, other)))
}

fn compare(written: &Named, other: &Named) -> Result<(), Clash> {
    let relation = if is_same(&written.path, &other.path) {
        "the same file as"
    } else if is_within(&written.path, &other.path) {
        "in the directory of snapshots"
    } else {
        return Ok(());
    };
    Err(Clash { written: written.words(), relation, other: other.words() })
}

/// Whether a file is in a directory, where it would be taken for a part of what is read.
fn is_within(file: &Path, directory: &Path) -> bool {
    let parent = file.parent().filter(|parent| *parent != Path::new(""));
    directory.is_dir() && is_same(parent.unwrap_or(Path::new(".")), directory)
}

/// Whether two paths lead to one file, or will once it is there. Devices such as `/dev/null` may
/// be written to from two sides.
fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one_is), Ok(other_is)) => {
            let is_stored = one_is.is_file() || one_is.is_dir();
            is_stored && (is_one(&one_is, &other_is) || is_place(one, other))
        }
        (Err(_), Err(_)) => is_place(one, other),
        _ => false,
    }
}

/// Whether it is one file under two names.
#[cfg(unix)]
fn is_one(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_one(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}

/// Whether two paths lead to one place.
fn is_place(one: &Path, other: &Path) -> bool {
    let [one, other] = [one, other].map(place);
    one.is_some() && one == other
}

/// The place without links; the file need not be there.
fn place(path: &Path) -> Option<PathBuf> {
    let path = output::through_links(path);
    let name = path.file_name();
    let directory = path.parent().filter(|directory| *directory != Path::new(""));
    let directory = fs::canonicalize(directory.unwrap_or(Path::new("."))).ok()?;
    Some(name.map_or(directory.clone(), |name| directory.join(name)))
}

/// Finds out, before a service is put under load, whether what is to be written can be.
///
/// # Errors
/// What cannot be written, and why not.
pub(super) fn check_writable(cli: &Cli) -> Result<(), Failure> {
    let reports = cli.reports().into_iter().map(|it| ("report", it.path));
    let record = cli.record_path().map(|path| ("recording", path.to_owned()));
    let state = cli.state_path().map(|path| [path.to_owned(), StateFile::new(path).lock_path()]);
    let state = state.into_iter().flatten().map(|path| ("state", path));
    for (what, path) in reports.chain(record).chain(state) {
        if let Err(source) = output::check_writable(&path) {
            return Err(Failure::Unwritable { what, path, source });
        }
    }
    Ok(())
}

/// Removes the reports that an earlier audit has left where this one writes, unless they are read:
/// if this one ends before it writes anything, and be it by a clash, nothing there says how it went.
/// A file that no audit has written stays.
pub(super) fn clear_reports(cli: &Cli) {
    let read: Vec<_> = read(cli).into_iter().map(|it| it.path).collect();
    clear_all(cli.reports(), &read);
}

/// Removes the reports of earlier audits, but those that are read.
pub(super) fn clear_all(reports: Vec<ReportFile>, read: &[PathBuf]) {
    let is_read = |path: &Path| read.iter().any(|other| is_same(path, other));
    reports.iter().filter(|it| !is_read(&it.path)).for_each(clear_report);
}

/// Removes the report of a scenario that an earlier run of a suite has left.
pub(super) fn clear_kept_report(path: &Path) {
    clear_if(path, |path| is_report(ReportFormat::JSON, path));
}

/// Removes the recording that an earlier audit has left where this one writes.
pub(super) fn clear_recording(cli: &Cli) {
    if let Some(path) = cli.record_path() {
        clear_if(path, is_recording);
    }
}

/// Removes the report of an earlier audit, if this is one.
fn clear_report(report: &ReportFile) {
    clear_if(&report.path, |path| is_report(report.format, path));
}

fn clear_if(path: &Path, is_ours: impl Fn(&Path) -> io::Result<bool>) {
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    // What cannot be read cannot be told to be ours.
    if !is_file || !is_ours(path).unwrap_or_default() {
        return;
    }
    let place = output::through_links(path);
    let empty = || File::options().write(true).truncate(true).open(&place).map(drop);
    if let Err(error) = fs::remove_file(&place).or_else(|_| empty()) {
        let path = path.display();
        output::message(&format!("warning: cannot remove {path} of an earlier audit: {error}"));
    }
}

/// Whether it is a report of that format, or of another one, of whichever version.
fn is_report(format: ReportFormat, path: &Path) -> io::Result<bool> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST_REPORT).read_to_string(&mut text)?;
    // An empty list is one of a single format, and a file of anybody's.
    let is_of_any = || text.trim() != "[]" && FORMATS.iter().any(|it| it.is_report(&text));
    Ok(format.is_report(&text) || is_of_any())
}

/// Whether it is a recording as `--record` writes it: the series of its scrapes are in it, and it
/// is whole, as it always is.
fn is_recording(path: &Path) -> io::Result<bool> {
    let mut last = String::new();
    let mut tells_of_scrapes = false;
    for line in BufReader::new(File::open(path)?).lines() {
        last = line?;
        tells_of_scrapes |= last.starts_with("scrape_duration_seconds{instance=");
    }
    Ok(tells_of_scrapes && last == "# EOF")
}

//! What was kept is there again, what is damaged harms nothing else, and nothing foreign is touched.

mod clocks;
mod damage;

use tempfile::TempDir;

use super::*;
use crate::engine::Verdict;
use crate::watch::example;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    time("2026-11-27T15:00:00Z")
}

/// Opens what is there of the service `api`, without any warning.
fn open(directory: &TempDir) -> History {
    let (history, warnings) = History::open(directory.path(), "api", 30 * DAY, now()).unwrap();
    assert_eq!(warnings, [""; 0]);
    history
}

fn times(history: &History) -> Vec<String> {
    history.entries().iter().map(|entry| entry.at.to_string()).collect()
}

fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<_> =
        file_names(&directory.path().join("api")).unwrap().map(Result::unwrap).collect();
    names.sort();
    names
}

#[test]
fn what_was_kept_is_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut history = open(&directory);
    assert!(history.entries().is_empty() && history.newest_report().unwrap().is_none());
    let [calm, starved, unseen] = example::reports().map(|json| example::read(&json));
    for (at, report) in [
        ("2026-11-27T14:41:06.123456Z", &calm),
        ("2026-11-27T14:46:07Z", &starved),
        ("2026-11-27T14:51:08.9Z", &unseen),
    ] {
        history.keep(time(at), report).unwrap();
    }
    let expected = ["2026-11-27T14:41:06.123Z", "2026-11-27T14:46:07Z", "2026-11-27T14:51:08.9Z"];
    assert_eq!(times(&history), expected);
    assert_eq!(
        names(&directory),
        [
            "2026-11-27T14-41-06.123Z.json",
            "2026-11-27T14-46-07.000Z.json",
            "2026-11-27T14-51-08.900Z.json",
        ]
    );
    let again = open(&directory);
    assert_eq!(again.entries(), history.entries());
    assert_eq!((again.damaged(), again.read(time(expected[1])).unwrap()), (0, starved));
    assert_eq!(again.newest_report().unwrap(), Some(unseen));
    let absent = again.read(now()).unwrap_err().to_string();
    assert!(absent.contains("2026-11-27T15-00-00.000Z.json: No such file"), "{absent}");
}

#[test]
fn services_have_directories_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let calm = example::read(&example::report());
    for service in ["api", "API", "../api", "lock", ""] {
        let (mut history, _) = History::open(directory.path(), service, DAY, now()).unwrap();
        assert!(history.entries().is_empty(), "{service}");
        history.keep(now(), &calm).unwrap();
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 5);
    let _lock = lock(directory.path()).unwrap();
}

#[test]
fn no_report_replaces_another() {
    let directory = tempfile::tempdir().unwrap();
    let mut history = open(&directory);
    let calm = example::read(&example::report());
    let at = time("2026-11-27T14:00:00.005Z");
    let damaged = directory.path().join("api/2026-11-27T14-00-00.006Z.json");
    fs::write(&damaged, "not one of these").unwrap();
    let kept: Vec<_> = (0..3).map(|_| history.keep(at, &calm).unwrap().to_string()).collect();
    let millis = ["05", "07", "08"].map(|it| format!("2026-11-27T14:00:00.0{it}Z"));
    assert_eq!((kept, times(&history)), (millis.to_vec(), millis.to_vec()));
    assert_eq!(fs::read_to_string(damaged).unwrap(), "not one of these");
}

#[test]
fn what_cannot_be_written_is_in_memory_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let mut history = open(&directory);
    let [calm, starved, _] = example::reports().map(|json| example::read(&json));
    fs::remove_dir(directory.path().join("api")).unwrap();
    fs::write(directory.path().join("api"), "a file in its place").unwrap();
    history.keep(time("2026-11-27T14:00:00Z"), &starved).unwrap_err();
    assert_eq!(history.entries()[0].verdict, Verdict::Fail);
    // Whoever has removed a directory finds it again.
    fs::remove_file(directory.path().join("api")).unwrap();
    history.keep(now(), &calm).unwrap();
    assert_eq!((history.entries().len(), open(&directory).entries().len()), (2, 1));
}

#[test]
fn old_reports_go_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut history = open(&directory);
    let calm = example::read(&example::report());
    for at in ["2026-09-01T00:00:00Z", "2026-10-28T14:59:59.999Z", "2026-10-28T15:00:00Z"] {
        history.keep(time(at), &calm).unwrap();
    }
    let api = directory.path().join("api");
    let foreign = ["2026-09-01.json", "2026-09-01T00-00-00.000Z.json.bak", "README"];
    for name in foreign {
        fs::write(api.join(name), "foreign").unwrap();
    }
    fs::write(api.join("2025-01-01T00-00-00.000Z.json"), "damaged").unwrap();
    fs::create_dir(api.join("2025-01-02T00-00-00.000Z.json")).unwrap();
    assert_eq!(open(&directory).entries().len(), 1, "what is too old is not read");
    assert_eq!(history.prune(now()), [""; 0]);
    assert_eq!(times(&history), ["2026-10-28T15:00:00Z"]);
    let mut left = foreign.to_vec();
    left.extend(["2025-01-02T00-00-00.000Z.json", "2026-10-28T15-00-00.000Z.json"]);
    left.sort_unstable();
    assert_eq!(names(&directory), left);
}

#[test]
fn without_an_end_of_the_retention_nothing_goes() {
    let directory = tempfile::tempdir().unwrap();
    let calm = example::read(&example::report());
    for retention in [Duration::MAX, 9000 * 365 * DAY] {
        let (mut history, _) = History::open(directory.path(), "api", retention, now()).unwrap();
        history.keep(Timestamp::UNIX_EPOCH, &calm).unwrap();
        assert_eq!(history.prune(now()), [""; 0]);
        assert_eq!(times(&history)[0], "1970-01-01T00:00:00Z");
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_deleted_is_told_of_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let api = directory.path().join("api");
    let mut history = open(&directory);
    history.keep(time("2026-01-01T00:00:00Z"), &example::read(&example::report())).unwrap();
    fs::set_permissions(&api, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(api.join("root"), "").is_ok() {
        return; // Nothing is forbidden to whoever runs this.
    }
    let told = history.prune(now());
    assert!(told.len() == 1 && told[0].contains("2026-01-01T00-00-00.000Z.json"), "{told:?}");
    assert_eq!(history.prune(now()), [""; 0]);
    fs::set_permissions(&api, fs::Permissions::from_mode(0o700)).unwrap();
}

#[cfg(unix)]
#[test]
fn one_at_a_time_has_the_lock() {
    let directory = tempfile::tempdir().unwrap();
    let history = directory.path().join("not/there/yet");
    let first = lock(&history).unwrap();
    let error = lock(&history).unwrap_err().to_string();
    assert!(error.contains("not/there/yet") && error.contains("another directory"), "{error}");
    drop(first);
    lock(&history).unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let error = lock(&directory.path().join("file")).unwrap_err();
    assert!(matches!(error, HistoryError::Directory { .. }), "{error}");
}

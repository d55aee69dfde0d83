//! A clock that was wrong harms what it was wrong for, and only for that time.

use super::*;

fn calm() -> Report {
    example::read(&example::report())
}

fn opened(directory: &TempDir, at: &str) -> (History, Vec<String>) {
    History::open(directory.path(), "api", 365 * DAY, time(at)).unwrap()
}

#[test]
fn what_is_dated_later_than_now_is_set_aside_until_then() {
    let directory = tempfile::tempdir().unwrap();
    let (mut history, _) = opened(&directory, "2026-11-27T15:00:00Z");
    for at in ["2026-11-27T14:00:00Z", "2027-03-01T00:00:00Z", "2027-03-01T00:05:00Z"] {
        history.keep(time(at), &calm()).unwrap();
    }
    let (mut history, warnings) = opened(&directory, "2026-11-27T15:00:00Z");
    assert_eq!(times(&history), ["2026-11-27T14:00:00Z"]);
    assert!(warnings[0].starts_with("2 reports in ") && warnings.len() == 1, "{warnings:?}");
    assert!(
        warnings[0].contains("later than now (2026-11-27T15:00:00Z), up to 2027-03-01T00:05:00Z"),
        "{warnings:?}"
    );
    history.keep(time("2026-11-27T15:01:00Z"), &calm()).unwrap();
    assert_eq!(times(&history), ["2026-11-27T14:00:00Z", "2026-11-27T15:01:00Z"]);
    assert_eq!(history.prune(time("2026-11-27T15:02:00Z")), [""; 0]);
    assert_eq!(super::names(&directory).len(), 4, "nothing that is ahead is deleted");
    history.keep(time("2027-03-01T00:01:00Z"), &calm()).unwrap();
    let expected = [
        "2026-11-27T14:00:00Z",
        "2026-11-27T15:01:00Z",
        "2027-03-01T00:00:00Z",
        "2027-03-01T00:01:00Z",
    ];
    assert_eq!(times(&history), expected, "the newest is the one that was kept last");
    let (history, warnings) = opened(&directory, "2027-03-01T01:00:00Z");
    assert_eq!((history.entries().len(), warnings.len()), (5, 0), "its time has come");
}

/// A machine without a battery begins in 1970, until it has asked for the time.
#[test]
fn a_clock_that_is_behind_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    opened(&directory, "2026-11-27T15:00:00Z").0.keep(now(), &calm()).unwrap();
    let (mut history, warnings) = opened(&directory, "1970-01-01T00:00:30Z");
    assert!(history.entries().is_empty() && warnings[0].contains("is the clock right?"));
    history.keep(time("1970-01-01T00:00:31Z"), &calm()).unwrap();
    history.prune(time("1970-01-01T00:00:31Z"));
    assert_eq!(times(&history), ["1970-01-01T00:00:31Z"]);
    history.keep(time("2026-11-27T15:05:00Z"), &calm()).unwrap();
    history.prune(time("2026-11-27T15:05:00Z"));
    assert_eq!(times(&history), ["2026-11-27T15:00:00Z", "2026-11-27T15:05:00Z"]);
}

#[test]
fn a_clock_that_is_set_back_a_little_changes_no_order() {
    let directory = tempfile::tempdir().unwrap();
    let (mut history, _) = opened(&directory, "2026-11-27T15:00:00Z");
    for at in ["2026-11-27T15:00:30Z", "2026-11-27T15:00:10Z", "2026-11-27T15:00:20Z"] {
        history.keep(time(at), &calm()).unwrap();
    }
    let expected = ["2026-11-27T15:00:30Z", "2026-11-27T15:00:30.001Z", "2026-11-27T15:00:30.002Z"];
    assert_eq!(times(&history), expected);
    assert_eq!(times(&opened(&directory, "2026-11-27T15:00:21Z").0), expected);
}

/// By more than that, what was ahead is set aside at once.
#[test]
fn a_clock_that_is_set_back_far_leaves_the_newest_the_newest() {
    let directory = tempfile::tempdir().unwrap();
    let (mut history, _) = opened(&directory, "2026-11-27T15:00:00Z");
    history.keep(time("2026-11-27T18:00:00Z"), &calm()).unwrap();
    history.keep(time("2026-11-27T15:00:00Z"), &example::read(&example::reports()[1])).unwrap();
    assert_eq!(times(&history), ["2026-11-27T15:00:00Z"]);
    assert_eq!(history.newest_report().unwrap().unwrap().verdict, Verdict::Fail);
}

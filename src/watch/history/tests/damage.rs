//! What is damaged is named and skipped, whatever it is.

use super::*;

/// A history of three reports, and the path of the one in the middle.
fn three() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let mut history = open(&directory);
    let calm = example::read(&example::report());
    for minute in 0..3 {
        history.keep(time(&format!("2026-11-27T14:0{minute}:00Z")), &calm).unwrap();
    }
    let middle = history.path(time("2026-11-27T14:01:00Z"));
    (directory, middle)
}

/// What is said of the middle one, once what is done with it is done.
fn told(damage: impl FnOnce(&Path)) -> String {
    let (directory, middle) = three();
    damage(&middle);
    let (history, warnings) = History::open(directory.path(), "api", DAY, now()).unwrap();
    assert_eq!(times(&history), ["2026-11-27T14:00:00Z", "2026-11-27T14:02:00Z"]);
    assert_eq!((history.damaged(), warnings.len()), (1, 1), "{warnings:?}");
    assert!(warnings[0].contains("2026-11-27T14-01-00.000Z.json is damaged"), "{warnings:?}");
    history.read(time("2026-11-27T14:01:00Z")).unwrap_err();
    warnings.concat()
}

#[test]
fn a_damaged_file_is_named_and_skipped() {
    let whole = example::report().to_string();
    let other_version = whole.replace("\"schema_version\":1", "\"schema_version\":7");
    let not_utf8 = [whole.replace("healthy", "").as_bytes(), b"\xff"].concat();
    for (bytes, words) in [
        (Vec::new(), "EOF while parsing"),
        (whole.as_bytes()[..whole.len() - 1].to_vec(), "EOF while parsing"),
        (b"<html>".to_vec(), "expected value"),
        (vec![0; 4096], "expected value"),
        (other_version.into_bytes(), "schema version 7, and this auditor reads 1"),
        (not_utf8, "trailing characters"),
    ] {
        let told = told(|path| fs::write(path, &bytes).unwrap());
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn nothing_but_a_file_of_some_size_is_read() {
    let huge = told(|path| {
        fs::File::options().write(true).open(path).unwrap().set_len(1 << 34).unwrap();
    });
    assert!(huge.contains("17179869184 bytes, more than the 16777216"), "{huge}");
    let directory = told(|path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    });
    assert!(directory.contains("no regular file"), "{directory}");
}

#[cfg(unix)]
#[test]
fn nobody_waits_for_a_pipe() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let pipe = told(|path| {
        fs::remove_file(path).unwrap();
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    });
    assert!(pipe.contains("no regular file"), "{pipe}");
    let dangling = told(|path| {
        fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("nowhere", path).unwrap();
    });
    assert!(dangling.contains("No such file"), "{dangling}");
}

#[test]
fn of_many_damaged_files_some_are_named() {
    let (directory, _) = three();
    for second in 10..40 {
        let name = format!("api/2026-11-27T14-30-{second}.000Z.json");
        fs::write(directory.path().join(name), "").unwrap();
    }
    let (history, warnings) = History::open(directory.path(), "api", DAY, now()).unwrap();
    assert_eq!((history.entries().len(), history.damaged(), warnings.len()), (3, 30, 11));
    assert!(warnings[10].starts_with("and 20 more of 30 damaged reports in "), "{warnings:?}");
}

#[test]
fn what_was_not_finished_is_cleared_away() {
    let (directory, _) = three();
    let api = directory.path().join("api");
    fs::write(api.join(".auditor-Xy12Ab.tmp"), "{\"schema_ver").unwrap();
    fs::write(api.join(".notes.tmp"), "someone else's").unwrap();
    assert_eq!(open(&directory).entries().len(), 3);
    let mut kept = vec![".notes.tmp".to_owned()];
    kept.extend((0..3).map(|minute| format!("2026-11-27T14-0{minute}-00.000Z.json")));
    assert_eq!(super::names(&directory), kept);
}

#[test]
fn a_directory_that_cannot_be_had_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = History::open(&file, "api", DAY, now()).unwrap_err().to_string();
    assert!(error.contains("file/api: ") && error.contains("--history"), "{error}");
}

/// More files than one thread reads.
#[test]
fn many_reports_come_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let mut history = open(&directory);
    let reports = example::reports().map(|json| example::read(&json));
    for (number, report) in reports.iter().cycle().take(400).enumerate() {
        let at = time("2026-11-27T00:00:00Z") + SignedDuration::from_secs(number as i64);
        history.keep(at, report).unwrap();
    }
    assert_eq!(open(&directory).entries(), history.entries());
}

//! What is kept is whole, or it is not relied on; and nothing that was to be kept is lost.

use super::*;

fn file() -> (tempfile::TempDir, StateFile) {
    let directory = tempfile::tempdir().unwrap();
    let state = StateFile::new(&directory.path().join("breaker.json"));
    (directory, state)
}

fn kept(consecutive_failures: u32, cooldown_remaining: u32) -> Kept {
    let counters = Counters { consecutive_failures, cooldown_remaining };
    Kept { counters, tripped_at: None }
}

#[test]
fn what_is_kept_is_read_again() {
    let (directory, state) = file();
    assert_eq!(state.read().unwrap(), Kept::default(), "there is none yet");
    let tripped = Kept { tripped_at: Some(Timestamp::UNIX_EPOCH), ..kept(2, 3) };
    for kept in [tripped, kept(2, 3), kept(0, 0), kept(u32::MAX, u32::MAX)] {
        let before = state.read().unwrap();
        let found = state.update(Timestamp::UNIX_EPOCH, |it| (kept, it)).unwrap();
        assert_eq!((found, state.read().unwrap()), (before, kept));
    }
    let text = fs::read_to_string(&state.path).unwrap();
    assert!(text.contains("\"updated_at\": \"1970-01-01T00:00:00Z\""), "{text}");
    let names = fs::read_dir(directory.path()).unwrap().map(|it| it.unwrap().file_name());
    assert_eq!(names.count(), 2, "the file, its lock, and nothing that is left over");
}

#[test]
fn what_is_damaged_is_told_and_left_alone() {
    let whole = |changed: &str| {
        let keys = [
            ("schema_version", "1"),
            ("updated_at", "\"2026-01-31T12:00:00Z\""),
            ("consecutive_failures", "1"),
            ("cooldown_remaining", "2"),
        ];
        let (changed, value) = changed.split_once(": ").unwrap_or((changed, ""));
        let keys = keys.map(|(key, usual)| {
            format!("\"{key}\": {}", if key == changed { value } else { usual })
        });
        format!("{{{}}}", keys.join(", "))
    };
    let (_directory, state) = file();
    fs::write(&state.path, whole("")).unwrap();
    assert_eq!(state.read().unwrap(), kept(1, 2));
    let cut_off = whole("").split_at(40).0.to_owned();
    let twice = whole("").replace('}', ", \"cooldown_remaining\": 0}");
    let more = whole("").replace('}', ", \"is_open\": false}");
    for (text, words) in [
        (String::new(), "damaged: EOF"),
        (cut_off, "damaged: EOF"),
        ("[]".to_owned(), "damaged: "),
        ("{\"schema_version\": 1}".to_owned(), "missing field `updated_at`"),
        (whole("consecutive_failures: -1"), "consecutive_failures is -1; it has to be 0 or more"),
        (whole("cooldown_remaining: -5"), "cooldown_remaining is -5; it has to be 0 or more"),
        (whole("consecutive_failures: 1.5"), "floating point `1.5`"),
        (whole("cooldown_remaining: \"2\""), "string \"2\""),
        (whole("cooldown_remaining: null"), "invalid type: null"),
        (whole("consecutive_failures: 99999999999999999999"), "damaged: "),
        (whole("updated_at: \"yesterday\""), "damaged: "),
        (twice, "duplicate field `cooldown_remaining`"),
        (more, "unknown field `is_open`"),
        (whole("schema_version: 2"), "has schema version 2, and this auditor knows 1"),
        (whole("schema_version: \"1\""), "has schema version \"1\""),
        (" ".repeat(LARGEST as usize + 1), "larger than 65536 bytes"),
        ("\0\u{1}".to_owned(), "damaged: "),
    ] {
        fs::write(&state.path, &text).unwrap();
        let error = state.read().unwrap_err().to_string();
        assert!(error.contains(words), "{text:.80}: {error}");
        assert!(error.contains("breaker.json") && error.contains("remove it"), "{error}");
        let updated = state.update(Timestamp::UNIX_EPOCH, |it| (it, ())).unwrap_err();
        assert_eq!(updated.to_string(), error);
        assert_eq!(fs::read_to_string(&state.path).unwrap(), text);
    }
    let directory = StateFile::new(state.path.parent().unwrap());
    assert!(directory.read().unwrap_err().to_string().contains("no regular file"));
}

#[test]
fn what_cannot_be_written_leaves_what_was() {
    let directory = tempfile::tempdir().unwrap();
    let state = StateFile::new(&directory.path().join("nowhere/breaker.json"));
    let error = state.update(Timestamp::UNIX_EPOCH, |it| (it, ())).unwrap_err().to_string();
    assert!(error.starts_with("cannot lock the state by ") && error.contains("nowhere"), "{error}");
}

#[test]
fn one_waits_while_another_counts() {
    let (_directory, state) = file();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let more = |it: Kept| (kept(it.counters.consecutive_failures + 1, 0), ());
                    state.update(Timestamp::UNIX_EPOCH, more).unwrap();
                }
            });
        }
    });
    assert_eq!(state.read().unwrap(), kept(200, 0));
}

/// Two names of one file have one lock.
#[cfg(unix)]
#[test]
fn a_link_is_followed() {
    let (directory, state) = file();
    let link = StateFile::new(&directory.path().join("link.json"));
    std::os::unix::fs::symlink(&state.path, &link.path).unwrap();
    assert_eq!(link.lock_path(), state.lock_path());
    link.update(Timestamp::UNIX_EPOCH, |_| (kept(1, 1), ())).unwrap();
    assert_eq!(state.read().unwrap(), kept(1, 1));
    assert!(link.path.is_symlink());
}

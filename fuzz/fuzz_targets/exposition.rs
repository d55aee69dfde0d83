//! Whatever a service exposes or a recording holds, it is samples or an error in a line of it.
#![no_main]

use auditor::exposition::{Context, Error, Format, Reader, write};
use auditor::storage::{Labels, Storage};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for format in [Format::Prometheus, Format::OpenMetrics] {
        page(bytes, format);
        recording(bytes, format);
    }
});

/// A page that comes again is read as by a reader that has not seen it before.
fn page(bytes: &[u8], format: Format) {
    let target: Labels = [("job", "api"), ("instance", "a:1")].into_iter().collect();
    let (mut reader, mut storage, mut other) =
        (Reader::new(), Storage::default(), Storage::default());
    for at in 1..=2 {
        let context = Context { at: Some(at), target: &target };
        let again = reader.read_page(bytes, format, &context, &mut storage);
        let fresh = Reader::new().read_page(bytes, format, &context, &mut other);
        match (again, fresh) {
            (Ok(again), Ok(fresh)) => assert_eq!(again, fresh),
            (Err(again), Err(fresh)) => {
                assert_eq!(again.to_string(), fresh.to_string());
                assert!(storage.is_empty() && other.is_empty());
                check(&again, bytes);
            }
            (again, fresh) => panic!("{again:?}, {fresh:?}"),
        }
    }
    assert_eq!(written(&storage), written(&other));
}

/// A recording that is read can be written, and is the same when it is read again.
fn recording(bytes: &[u8], format: Format) {
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: None, target: &target };
    if let Err(error) = Reader::new().read_recording(bytes, format, &context, &mut storage) {
        return check(&error, bytes);
    }
    // Seconds that look like milliseconds are refused.
    let far = |at: i64| at >= 1_000_000_000_000_000;
    if storage.merge_out_of_order().is_err() || storage.span().is_some_and(|(_, last)| far(last)) {
        return;
    }
    let text = written(&storage);
    let mut again = Storage::default();
    let read = Reader::new().read_recording(&*text, Format::OpenMetrics, &context, &mut again);
    assert!(read.is_ok(), "{read:?}");
    assert_eq!(written(&again), text);
}

fn written(storage: &Storage) -> Vec<u8> {
    let mut text = Vec::new();
    write(storage, &mut text).expect("every series that was read has a name");
    text
}

fn check(error: &Error, bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    match error {
        Error::Syntax { line, column, .. } => {
            assert!((1..=lines).contains(line) && *column > 0);
        }
        Error::CutOff { line } | Error::Unfinished { line } => assert!(*line <= lines),
        Error::Empty => {}
        Error::Full(error) => panic!("{error}"),
        Error::Io(error) => panic!("{error}"),
    }
    let words = error.to_string();
    assert!(!words.chars().any(char::is_control), "{words:?}");
    assert!(words.chars().count() < 1200, "{words:?}");
}

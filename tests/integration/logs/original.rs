//! Lines, pairs and values beside those that the original reads, which `tests/original/record_logs.py`
//! recorded.

use std::fs;

use auditor::log::{LastLine, Value, pairs, pairs_of_last_line, read};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    /// The log, a character for each byte.
    log: String,
    token: String,
    /// The line that was found, empty where there is none.
    line: String,
    /// A key, the Python type of its value, and the value as Python writes it.
    pairs: Vec<(String, String, String)>,
}

#[test]
fn a_log_is_read_as_by_the_original() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../original/logs.json")).unwrap();
    assert!(cases.len() > 300, "where have the cases gone?");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    for Case { log, token, line, pairs: theirs } in cases {
        fs::write(&path, log.chars().map(|c| c as u8).collect::<Vec<_>>()).unwrap();
        let found = match read(&path, &[&token]).unwrap().lines.remove(0) {
            LastLine::Line(line) | LastLine::Open(line) => line,
            LastLine::Absent => String::new(),
            LastLine::TooLong => panic!("{log:?} is too long"),
        };
        assert_eq!(found, line, "{log:?}");
        let ours = pairs_of_last_line(&path, &token).unwrap();
        assert_eq!(ours, pairs(&line), "{log:?}");
        let ours: Vec<_> = ours.iter().collect();
        let theirs: Vec<_> = theirs.iter().map(|it| (it.0.as_str(), value(&it.1, &it.2))).collect();
        assert_eq!(ours, theirs.iter().map(|(key, it)| (*key, it)).collect::<Vec<_>>(), "{log:?}");
    }
}

/// A value of the original in our terms.
fn value(kind: &str, text: &str) -> Value {
    match kind {
        "int" => Value::Integer(text.parse().unwrap()),
        "float" => Value::Decimal(text.parse().unwrap()),
        _ => Value::Text(text.to_owned()),
    }
}

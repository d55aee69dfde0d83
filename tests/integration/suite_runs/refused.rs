//! What is refused before anything is run.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::run;
use crate::support::empty_directory;

const CONFIG: &str = "queries: {p99_latency: a, event_loop_lag: b}\n";

/// A suite of one scenario that says that it was run, and these others.
fn directory(others: &[Value]) -> tempfile::TempDir {
    let directory = empty_directory();
    let ran = json!({
        "id": "ran", "config": "page.yaml", "scrape": "http://127.0.0.1:9/metrics",
        "start": "touch ran; exit 1", "command": "true",
    });
    let scenarios = [&[ran], others].concat();
    let suite = json!({"scenarios": scenarios});
    for (name, text) in [
        ("suite.yaml", suite.to_string().as_str()),
        ("page.yaml", CONFIG),
        ("a.om", "# EOF\n"),
        ("app.log", "FRAMES count=12\n"),
        ("logs.yaml", "checks: {frames: {log: {file: app, line: FRAMES, key: count}, min: 10}}\n"),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// Exit code 2, these words, and all as it was.
fn assert_refused(directory: &Path, args: &[&str], words: &[&str]) {
    let before = contents(directory);
    let run = run(directory, args);
    assert_eq!(run.code, 2, "{args:?}: {}{}", run.stdout, run.stderr);
    for words in words {
        assert!(run.stderr.contains(words), "{args:?}: {words:?} in {}", run.stderr);
    }
    assert_eq!(contents(directory), before, "{args:?}");
}

/// Every file with what is in it.
fn contents(directory: &Path) -> Vec<(String, String)> {
    let names = fs::read_dir(directory).unwrap().map(|it| it.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).unwrap_or_default();
        (path.display().to_string(), text)
    };
    let mut all: Vec<_> = names.map(read).collect();
    all.sort();
    all
}

#[test]
fn options_that_cannot_be_followed() {
    let others = [
        json!({"id": "reads", "config": "page.yaml", "recording": "a.om"}),
        json!({"id": "logs", "config": "logs.yaml", "logs": {"app": "app.log"}}),
    ];
    let directory = directory(&others);
    for (args, words) in [
        (&["--jobs", "0"][..], "expected a number of scenarios, 1 to 64"),
        (&["--jobs", "65"], "expected a number of scenarios, 1 to 64"),
        (&["--run-dir", "page.yaml"], "cannot make the directory page.yaml"),
        (&["--run-dir", "page.yaml/kept"], "cannot make the directory page.yaml/kept"),
        (&["--report", "suite.yaml"], "--report suite.yaml is the same file as the suite"),
        (&["--report", "junit=./suite.yaml"], "is the same file as the suite suite.yaml"),
        (&["--report", "page.yaml"], "is the same file as --config page.yaml"),
        (&["--report", "html=a.om"], "is the same file as --recording a.om"),
        (&["--report", "app.log"], "is the same file as the scenario's file app.log"),
        (&["--report", "one.json", "--report", "text=one.json"], "is the same file as --report"),
        (&["--manifest", "none.tsv"], "none.tsv"),
    ] {
        assert_refused(directory.path(), args, &[words]);
    }
}

/// What a scenario writes is nobody's else.
#[test]
fn a_scenario_that_would_write_over_what_is_needed() {
    for (key, file, words) in [
        ("record", "suite.yaml", "--record suite.yaml is the same file as the suite suite.yaml"),
        ("record", "page.yaml", "--record page.yaml is the same file as --config page.yaml"),
        ("record", "app.log", "--record app.log is the same file as the scenario's file app.log"),
        ("record", "suite_results.json", "suite_results.json is the same file as --report"),
        ("state", "suite.yaml", "--state suite.yaml is the same file as the suite suite.yaml"),
    ] {
        let mut scenario = json!({
            "id": "writes", "config": "page.yaml", "scrape": "http://127.0.0.1:9/metrics",
            "command": "touch ran", "logs": {"app": "app.log"},
        });
        scenario[key] = file.into();
        let directory = directory(&[scenario]);
        assert_refused(directory.path(), &[], &["the scenario `writes`", words]);
    }
}

#[test]
fn everything_that_is_wrong_is_told_and_nothing_is_run() {
    let broken = |id: &str, text: &str| (format!("{id}.yaml"), text.to_owned());
    let files = [
        broken("one", "queries: {p99: a}\n"),
        broken("two", "queries: {event_loop_lag: a}\nthresholds: {event_loop_lag: {limit: -1}}\n"),
        broken("three", "querys: {event_loop_lag: a}\n"),
    ];
    let scenarios = files.each_ref().map(|(file, _)| {
        json!({"id": file.trim_end_matches(".yaml"), "config": file, "recording": "a.om"})
    });
    let directory = directory(&scenarios);
    for (file, text) in &files {
        fs::write(directory.path().join(file), text).unwrap();
    }
    let words = ["nothing was audited", "one.yaml:1:", "two.yaml:2:", "three.yaml:1:1", "`querys`"];
    assert_refused(directory.path(), &[], &words);
    // A file that is missing is told at the scenario, beside the others.
    fs::remove_file(directory.path().join("two.yaml")).unwrap();
    let words = ["one.yaml:1:", "the scenario `two`", "two.yaml", "three.yaml:1:1"];
    assert_refused(directory.path(), &[], &words);
}

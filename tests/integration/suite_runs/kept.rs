//! Which scenarios are run, and where each one's report is kept.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{each_of, run, summary};
use crate::support::empty_directory;

const OF_LOGS: &str =
    "checks: {frames: {log: {file: app_log, line: FRAMES, key: count}, min: 10}}\n";

/// Scenarios with these ids, all of which pass.
fn directory(ids: &[&str]) -> tempfile::TempDir {
    let directory = empty_directory();
    let scenarios: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
    let defaults = json!({"config": "logs.yaml", "logs": {"app_log": "app.log"}});
    let suite = json!({"defaults": defaults, "scenarios": scenarios});
    for (name, text) in [
        ("suite.yaml", suite.to_string().as_str()),
        ("logs.yaml", OF_LOGS),
        ("app.log", "FRAMES count=12\n"),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn only_those_of_a_pattern_are_run_and_expected() {
    let directory = directory(&["api-a", "api-b", "worker"]);
    for (pattern, ids) in [
        ("api-*", &["api-a", "api-b"][..]),
        ("worker", &["worker"]),
        ("*[ar]", &["api-a", "worker"]),
        ("*", &["api-a", "api-b", "worker"]),
    ] {
        let run = run(directory.path(), &["--only", pattern]);
        let summary = summary(directory.path());
        assert_eq!((run.code, each_of(&summary, "id").as_slice()), (0, ids), "{pattern}");
        assert_eq!(summary["expected_scenarios"], ids.len(), "{pattern}");
    }
    let none = run(directory.path(), &["--only", "none-*"]);
    assert_eq!(none.code, 2, "{}", none.stdout);
    let words = "--only none-*: no scenario has such an id; there are api-a, api-b, worker";
    assert!(none.stderr.contains(words), "{}", none.stderr);
}

#[test]
fn each_report_has_a_file_of_its_own_though_ids_repeat() {
    let directory = directory(&["a"]);
    let path = directory.path();
    let suite = fs::read_to_string(path.join("suite.yaml")).unwrap();
    let suite = suite
        .replace(r#""scenarios""#, r#""unlisted":{}, "expect": {"scenarios": 5}, "scenarios""#);
    fs::write(path.join("suite.yaml"), suite).unwrap();
    let header = "order\tscenario_id\tsim_rc\tstreamer_rc\ttester_rc\tapp_log\n";
    let row = |order: i32, id: &str| format!("{order}\t{id}\t0\t0\t0\tapp.log\n");
    let rows =
        [row(1, "a"), row(2, "a"), row(3, "b/../c"), row(4, "b:..:c"), row(5, "a.2")].concat();
    fs::write(path.join("manifest.tsv"), header.to_owned() + &rows).unwrap();
    let run = run(path, &["--manifest", "manifest.tsv", "--run-dir", "new/kept"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let expected = ["a.json", "a.2.json", "b_.._c.json", "b_.._c.2.json", "a.2.2.json"];
    let mut found = names(&path.join("new/kept"));
    found.sort_by_key(|name| expected.iter().position(|it| it == name));
    assert_eq!(found, expected);
    let summary = summary(path);
    assert_eq!(each_of(&summary, "id"), ["a", "a", "b/../c", "b:..:c", "a.2"]);
    for (entry, name) in summary["scenarios"].as_array().unwrap().iter().zip(expected) {
        let kept = entry["evidence"]["report"].as_str().unwrap();
        assert_eq!(kept, format!("new/kept/{name}"));
        let report: Value =
            serde_json::from_str(&fs::read_to_string(path.join(kept)).unwrap()).unwrap();
        assert_eq!(report["verdict"], "pass");
    }
}

#[test]
fn a_report_that_cannot_be_kept_is_no_pass() {
    let directory = directory(&["a", "b"]);
    let path = directory.path();
    fs::create_dir_all(path.join("kept/a.json")).unwrap();
    let run = run(path, &["--run-dir", "kept"]);
    let summary = summary(path);
    assert_eq!((run.code, &summary["verdict"]), (3, &"inconclusive".into()), "{}", run.stdout);
    assert_eq!(each_of(&summary, "status"), ["INCONCLUSIVE", "PASS"]);
    let reason = each_of(&summary, "reason")[0];
    assert!(reason.contains("cannot write kept/a.json"), "{reason}");
}

//! What is wrong with a suite is told before anything is audited, and nothing of an earlier run stays.

use std::fs;

use tempfile::TempDir;

use crate::support::{Run, auditor, empty_directory};

/// A directory with these files.
fn with(files: &[(&str, &str)]) -> TempDir {
    let directory = empty_directory();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn run(directory: &TempDir, args: &[&str]) -> Run {
    auditor(directory.path(), &[&["suite", "s.yaml"][..], args].concat())
}

const OF_LOGS: &str = "checks: {p50: {log: {file: app, line: L, key: p50}, max: 10}}\n";
const ONE: &str = "scenarios: [{id: a, config: c.yaml, logs: {app: app.log}}]\n";

#[test]
fn a_suite_that_cannot_be_run_is_refused_with_the_way_out() {
    for (suite, args, expected) in [
        ("scenarios: [{id: a, config: none.yaml}]\n", &[][..], "cannot read none.yaml"),
        (
            "scenarios: [{id: a, config: c.yaml}]\n",
            &[],
            "the scenario has no log `app`; add it to its `logs`",
        ),
        ("scenarios: [{id: a, config: c.yaml, logs: {app: l}, every: 5}]\n", &[], "s.yaml:1:"),
        ("scenarios: [{id: a, config: c.yaml, logs: {app: l}, profile: slow}]\n", &[], "slow"),
        (ONE, &["--profile", "slow"], "slow"),
        (ONE, &["--only", "b*"], "--only b*: no scenario has such an id; there are a"),
        (ONE, &["--only", "["], "invalid value '[' for '--only"),
        (ONE, &["--jobs", "0"], "expected a number of scenarios, 1 to 64"),
        (ONE, &["--manifest", "m.tsv"], "cannot read the manifest m.tsv"),
        (ONE, &["--manifest", "broken.tsv"], "broken.tsv:2: `order` must be an integer"),
        (
            ONE,
            &["--manifest", "other.tsv"],
            "other.tsv:2: s.yaml has no scenario `b`; add it, or `unlisted`",
        ),
        (
            ONE,
            &["--report", "junit=s.yaml"],
            "--report s.yaml is the same file as the suite s.yaml",
        ),
        (ONE, &["--report", "junit=c.yaml"], "--report c.yaml is the same file as --config c.yaml"),
        (ONE, &["--report", "junit=app.log"], "--report app.log is the same file as"),
    ] {
        let directory = with(&[
            ("s.yaml", suite),
            ("c.yaml", OF_LOGS),
            ("app.log", "L p50=1\n"),
            ("broken.tsv", "order\tscenario_id\nfirst\ta\n"),
            ("other.tsv", "order\tscenario_id\n1\tb\n"),
            ("suite_results.json", r#"{"scenarios": [], "all_pass": true}"#),
        ]);
        let run = run(&directory, args);
        assert_eq!(run.code, 2, "{suite} {args:?}: {run:?}");
        assert!(run.stderr.contains(expected), "{suite} {args:?}: {}", run.stderr);
        assert_eq!(fs::read_to_string(directory.path().join("c.yaml")).unwrap(), OF_LOGS);
        let stale = directory.path().join("suite_results.json");
        assert!(!stale.exists(), "{suite} {args:?}: an earlier summary stays");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_nothing_is_run() {
    let suite = "scenarios:
  - {id: a, config: c.yaml, logs: {app: app.log}, command: touch ran}
  - {id: b, config: broken.yaml, logs: {app: app.log}}
  - {id: c, config: broken.yaml, logs: {app: app.log}}
  - {id: d, config: c.yaml}
  - {id: e, config: c.yaml, logs: {app: app.log}, time_limit: soon}
";
    let directory =
        with(&[("s.yaml", suite), ("c.yaml", OF_LOGS), ("broken.yaml", "chekcs: {}\n")]);
    let run = run(&directory, &[]);
    assert_eq!(run.code, 2, "{run:?}");
    for expected in ["broken.yaml:1:1: unknown section `chekcs`", "has no log `app`", "s.yaml:6:"] {
        assert_eq!(run.stderr.matches(expected).count(), 1, "{expected}: {}", run.stderr);
    }
    assert!(!directory.path().join("ran").exists());
}

/// A log that is missing leaves a check without a value, which is no pass unless it may be 0.
#[test]
fn a_missing_log_is_no_pass() {
    let zero = OF_LOGS.replace("max: 10", "max: 10, on_no_data: zero");
    for (config, code, status) in [(OF_LOGS, 3, "INCONCLUSIVE"), (&zero, 0, "PASS")] {
        let directory = with(&[("s.yaml", ONE), ("c.yaml", config)]);
        let run = run(&directory, &["--output-format", "json"]);
        assert_eq!(run.code, code, "{run:?}");
        let summary = run.json();
        assert_eq!(summary["scenarios"][0]["status"], status);
        assert_eq!(summary["all_pass"], code == 0);
    }
}

/// Commands run where the suite is, and so do the paths of their logs begin there.
#[test]
fn a_suite_is_at_home_in_its_directory() {
    let directory = empty_directory();
    let ci = directory.path().join("ci");
    fs::create_dir(&ci).unwrap();
    let suite = "scenarios: [{id: a, config: c.yaml, logs: {app: app.log}, command: 'echo L p50=3 > app.log'}]\n";
    fs::write(ci.join("s.yaml"), suite).unwrap();
    fs::write(ci.join("c.yaml"), OF_LOGS).unwrap();
    let args = ["suite", "ci/s.yaml", "--output-format", "json"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{run:?}");
    let summary = run.json();
    assert_eq!(summary["scenarios"][0]["checks"][0]["actual"], 3);
    assert_eq!(summary["scenarios"][0]["process_exit"]["command"], 0);
    assert!(ci.join("app.log").exists());
}

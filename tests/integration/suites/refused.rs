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

#[test]
fn what_scenarios_would_take_from_each_other_is_refused() {
    let two = "  - {id: a, logs: {app: a.log}}\n  - {id: b, logs: {app: b.log}}\n";
    for (defaults, args, expected) in [
        (
            "state: st.json, failure_threshold: 2",
            &[][..],
            "`state` st.json is that of the scenario `a` too",
        ),
        (
            "state: suite_results.json",
            &[],
            "--state suite_results.json is the same file as --report",
        ),
        ("samples: 2", &[], "--samples would read the same logs again"),
        ("baseline: kept/a.json", &["--run-dir", "kept"], "is the same file as"),
        ("metrics: {x: {file: ap, line: L}}", &[], "`metrics` x: it has no log `ap`"),
    ] {
        let suite = format!("defaults: {{config: c.yaml, {defaults}}}\nscenarios:\n{two}");
        let files = [("a.log", "L p50=1\n"), ("b.log", "L p50=1\n")];
        let config = format!("{OF_LOGS}baseline: {{p50: {{max_increase: 10%}}}}\n");
        let directory =
            with(&[&[("s.yaml", suite.as_str()), ("c.yaml", &config)][..], &files].concat());
        fs::create_dir(directory.path().join("kept")).unwrap();
        fs::write(directory.path().join("kept/a.json"), "{}").unwrap();
        let run = run(&directory, args);
        assert_eq!(run.code, 2, "{defaults}: {run:?}");
        assert!(run.stderr.contains(expected), "{defaults}: {}", run.stderr);
    }
}

/// Without a number in `expect`, each scenario of the suite is waited for by its name.
#[test]
fn a_scenario_that_the_manifest_does_not_have_is_no_pass() {
    let suite = "defaults: {config: c.yaml}\nscenarios: [{id: a}, {id: b}]\nunlisted: {}\n";
    let row = |order: i32, id: &str| format!("{order}\t{id}\t0\t0\t0\tapp.log\n");
    let header = "order\tscenario_id\tsim_rc\tstreamer_rc\ttester_rc\tapp_log\n";
    for (suite, ids, code, expected) in [
        (suite.to_owned(), ["a", "b"], 0, "all 2 scenarios passed"),
        (suite.to_owned(), ["a", "a"], 1, "b has no row in the manifest"),
        (suite.to_owned(), ["a", "bb"], 1, "b has no row in the manifest"),
        (
            format!("{suite}expect: {{scenarios: 2}}\n"),
            ["a", "bb"],
            0,
            "Without a row in the manifest: b",
        ),
    ] {
        let rows = format!("{header}{}{}", row(1, ids[0]), row(2, ids[1]));
        let config = OF_LOGS.replace("file: app", "file: app_log");
        let files = [("s.yaml", suite.as_str()), ("m.tsv", &rows), ("c.yaml", &config)];
        let directory = with(&[&files[..], &[("app.log", "L p50=1\n")]].concat());
        let run = run(&directory, &["--manifest", "m.tsv"]);
        assert_eq!(run.code, code, "{ids:?}: {run:?}");
        assert!(run.stdout.contains(expected), "{ids:?}: {}", run.stdout);
        assert_eq!(run.stdout.contains("bb (unlisted)"), ids[1] == "bb");
    }
    let kept = suite.replace("config: c.yaml", "config: c.yaml, state: st.json");
    let rows = format!("{header}{}{}", row(1, "a"), row(2, "b"));
    let directory = with(&[("s.yaml", kept.as_str()), ("m.tsv", &rows), ("c.yaml", OF_LOGS)]);
    let run = run(&directory, &["--manifest", "m.tsv"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("`state`: a manifest has one run of each scenario"),
        "{}",
        run.stderr
    );
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

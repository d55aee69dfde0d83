//! The action for GitHub: what it installs, and how it calls auditor.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::runner::{Outcome, Runner, action};
use crate::support::empty_directory;
use crate::support::fake::{Fake, Response};
use crate::{AUDITOR, ROOT};

/// The directory with a script in the place of `program`.
pub(crate) fn script_as(directory: &Path, program: &str, script: &str) {
    let path = directory.join(program);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs the action where auditor is a script that prints its arguments.
fn arguments(inputs: &[(&str, &str)]) -> Outcome {
    let programs = empty_directory();
    script_as(programs.path(), "auditor", r#"printf '<%s>' "$@""#);
    // What builds auditor is not what this is about.
    script_as(programs.path(), "cargo", ":");
    let mut runner = Runner::new("http://127.0.0.1:9");
    runner.path = format!("{}:{}", programs.path().display(), runner.path);
    runner.run(&[inputs, &[("build", "true")]].concat())
}

#[test]
fn every_input_arrives_as_an_option() {
    let given = [
        ("scrape", "http://a/metrics\n  http://b/metrics  \n"),
        ("scrape-json", "http://a/state.json"),
        ("probe", "http://a/"),
        ("target", "http://p:9090"),
        ("start", "python3 -m app"),
        ("for", "10s"),
        ("time-limit", "5m"),
        ("abort-on-breach", "true"),
        ("config", "a b.yaml"),
        ("preset", "django"),
        ("profile", "ci"),
        ("vars", "window=5m\n\nselector=job=\"api\""),
        ("fail-on", "critical\nfailure-mode"),
        ("samples", "3"),
        ("interval", "2m"),
        ("failure-threshold", "2"),
        ("cooldown", "1"),
        ("state", "a b.json"),
        ("baseline", "main.json"),
        ("record", "runtime.om"),
        ("reports", "json=a.json\njunit=b.xml\r\n"),
        ("args", "--verbose\n--header\nX-Team: a"),
        ("command", "k6 run \"$SCRIPT\""),
    ];
    let words = [
        "--scrape=http://a/metrics",
        "--scrape=http://b/metrics",
        "--scrape-json=http://a/state.json",
        "--probe=http://a/",
        "--target=http://p:9090",
        "--start=python3 -m app",
        "--for=10s",
        "--time-limit=5m",
        "--abort-on-breach",
        "--config=a b.yaml",
        "--preset=django",
        "--profile=ci",
        "--var=window=5m",
        "--var=selector=job=\"api\"",
        "--fail-on=critical",
        "--fail-on=failure-mode",
        "--samples=3",
        "--interval=2m",
        "--failure-threshold=2",
        "--cooldown=1",
        "--state=a b.json",
        "--baseline=main.json",
        "--record=runtime.om",
        "--report=json=a.json",
        "--report=junit=b.xml",
        "--verbose",
        "--header",
        "X-Team: a",
        "--",
        "bash",
        "--noprofile",
        "--norc",
        "-eo",
        "pipefail",
        "-c",
        "k6 run \"$SCRIPT\"",
    ];
    let outcome = arguments(&given);
    let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
    assert!(outcome.log.ends_with(&expected), "{expected}\n{}", outcome.log);
    let recording = arguments(&[("recording", "-a.om")]);
    assert!(
        recording.log.ends_with("<--recording=-a.om><--fail-on=critical>"),
        "{}",
        recording.log
    );
}

#[test]
fn a_suite_has_inputs_of_its_own() {
    let suite = [
        ("suite", "ci/a b.yaml"),
        ("manifest", "m.tsv"),
        ("profile", "degraded"),
        ("reports", "junit=b.xml"),
        ("args", "--jobs\n4"),
    ];
    let outcome = arguments(&suite);
    let expected = "<suite><--manifest=m.tsv><--profile=degraded><--report=junit=b.xml><--jobs><4>\
                    <--><ci/a b.yaml>";
    assert!(outcome.log.ends_with(expected), "{}", outcome.log);
    for (name, value) in [("probe", "http://a/"), ("fail-on", "degraded"), ("samples", "3")] {
        let outcome = arguments(&[("suite", "s.yaml"), (name, value)]);
        assert!(
            outcome.log.contains(&format!("the input {name} is none of a suite")),
            "{}",
            outcome.log
        );
        assert_eq!(outcome.code, 2);
    }
    let alone = arguments(&[("manifest", "m.tsv")]);
    assert!(alone.log.contains("the input manifest is for a suite"), "{}", alone.log);
}

/// What stands in an input is never run, but for the load.
#[test]
fn inputs_are_no_code() {
    for name in ["probe", "config", "vars", "reports", "args", "fail-on"] {
        let hostile = r#"a"; touch got-in; $(touch got-in) `touch got-in` '"#;
        let outcome = arguments(&[(name, hostile)]);
        assert!(outcome.log.contains(hostile.trim_end()), "{name}: {}", outcome.log);
    }
    let runner = Runner::new("http://127.0.0.1:9");
    for (name, value) in [("version", "$(touch got-in)"), ("working-directory", "$(touch got-in)")]
    {
        let outcome = runner.run(&[(name, value)]);
        assert_eq!(outcome.code, 2, "{name}: {}", outcome.log);
    }
    assert_eq!(fs::read_dir(runner.workspace.path()).unwrap().count(), 0);
    for step in action()["runs"]["steps"].as_sequence().unwrap() {
        assert!(!step["run"].as_str().unwrap().contains("${{"), "{step:?}");
    }
}

#[test]
fn a_gate_is_left_out_by_word_alone() {
    assert!(arguments(&[]).log.ends_with("<--fail-on=critical>"));
    let reported = arguments(&[("fail-on", "none"), ("probe", "http://a/")]);
    assert!(reported.log.ends_with("<--probe=http://a/>"), "{}", reported.log);
    let empty = arguments(&[("fail-on", "")]);
    assert_eq!(empty.code, 2, "{}", empty.log);
    assert!(empty.log.contains("::error title=auditor::the input fail-on is empty"));
}

#[test]
fn the_action_installs_alone_where_that_is_wanted() {
    let outcome = arguments(&[("audit", "false")]);
    assert_eq!((outcome.code, outcome.steps), (0, vec!["Install auditor".to_owned()]));
}

#[test]
fn it_builds_its_own_checkout_where_that_is_wanted() {
    let programs = empty_directory();
    script_as(programs.path(), "cargo", r#"printf '<%s>' "$@""#);
    for input in [("build", "true"), ("version", "source")] {
        let mut runner = Runner::new("http://127.0.0.1:9");
        runner.path = format!("{}:{}", programs.path().display(), runner.path);
        let outcome = runner.run(&[input, ("audit", "false")]);
        let call = format!("<install><--locked><--path><{ROOT}><--root>");
        assert!(outcome.log.contains(&call), "{}", outcome.log);
        assert!(outcome.path[0].ends_with("auditor-source/bin"), "{outcome:?}");
        script_as(programs.path(), "cargo", "exit 101");
        assert_eq!(runner.run(&[input]).code, 2);
        script_as(programs.path(), "cargo", r#"printf '<%s>' "$@""#);
    }
}

/// Every exit of auditor is that of the step, and what runs is the whole load.
#[test]
fn the_step_exits_as_auditor_does() {
    let service = Fake::start(|_| Response::new(200, "ok"));
    let url = format!("{}/", service.url());
    let programs = empty_directory();
    script_as(programs.path(), "cargo", ":");
    let mut runner = Runner::new("http://127.0.0.1:9");
    let built = Path::new(AUDITOR).parent().unwrap().display();
    runner.path = format!("{}:{built}:{}", programs.path().display(), runner.path);
    let recording = format!("{ROOT}/examples/blocked.om");
    let load = "false\nsleep 1";
    for (inputs, code, words) in [
        (&[("recording", recording.as_str())][..], 1, "Verdict: FAIL"),
        (&[("recording", "nowhere.om"), ("preset", "probe")], 3, "nowhere.om"),
        (&[("preset", "djnago"), ("probe", &url)], 2, "did you mean `django`?"),
        (&[("probe", &url), ("fail-on", "none"), ("command", load)], 1, "exited with code 1"),
        (&[("recording", &recording), ("fail-on", "none")], 0, "Verdict:"),
    ] {
        let outcome = runner.run(&[inputs, &[("build", "true")]].concat());
        assert_eq!(outcome.code, code, "{inputs:?}: {}", outcome.log);
        assert!(outcome.log.contains(words), "{inputs:?}: {}", outcome.log);
    }
}

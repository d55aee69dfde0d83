//! In GitHub Actions an audit annotates the run, and adds to its summary and its outputs.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::case;
use crate::support::{Run, command, empty_directory};

/// The files that the runner gives to a step.
const SUMMARY: &str = "summary.md";
const OUTPUT: &str = "output.txt";

/// An audit of `tests/reports/NAME` as a step runs it.
fn step(name: &str, directory: &Path, args: &[&str]) -> Command {
    for file in ["metrics.yaml", "recording.om"] {
        fs::copy(Path::new("tests/reports").join(name).join(file), directory.join(file)).unwrap();
    }
    let args = [&["--recording", "recording.om"], args].concat();
    let mut step = command(directory, &args);
    step.envs([("GITHUB_ACTIONS", "true"), ("CI", "true")]);
    step.env("GITHUB_STEP_SUMMARY", directory.join(SUMMARY));
    step.env("GITHUB_OUTPUT", directory.join(OUTPUT));
    step
}

fn run(mut step: Command) -> Run {
    step.output().unwrap().into()
}

fn read(directory: &Path, file: &str) -> String {
    fs::read_to_string(directory.join(file)).unwrap_or_default()
}

#[test]
fn a_step_is_annotated_summed_up_and_has_outputs() {
    let directory = empty_directory();
    let directory = directory.path();
    // Another command of the step has written before.
    fs::write(directory.join(OUTPUT), "of=another\n").unwrap();
    fs::write(directory.join(SUMMARY), "of another\n").unwrap();
    let args = ["--fail-on-critical", "--report", "junit=junit.xml"];
    let found = run(step("culprit", directory, &args));
    assert_eq!(found.code, 1);
    let annotations = case("culprit").report("github");
    assert_eq!(found.stderr, annotations);
    assert!(annotations.starts_with("::error file=app/db.py,line=42,title=auditor::FAIL"));
    let summary = read(directory, SUMMARY);
    assert_eq!(summary, "of another\n".to_owned() + &case("culprit").report("markdown"));
    let output = read(directory, OUTPUT);
    assert_eq!(
        output,
        "of=another\nverdict=fail\nstatus=CRITICAL\nscore=2126.9\nexit_code=1\n\
         report_junit=junit.xml\nreport_json=audit_results.json\n"
    );
}

#[test]
fn json_on_standard_output_stays_json() {
    let directory = empty_directory();
    let args = ["--fail-on-critical", "--output-format", "json"];
    let found = run(step("hostile", directory.path(), &args));
    assert_eq!(found.code, 1);
    assert_eq!(found.json()["verdict"], "fail");
    assert!(!found.stdout.contains("##["), "the runner would take it for a command");
    assert!(found.json()["culprits"][0]["file"].as_str().unwrap().contains("##["));
}

/// The runner trims a line, and takes what then begins with two colons for a command.
#[test]
fn the_text_holds_no_command() {
    let directory = empty_directory();
    let found = run(step("hostile", directory.path(), &["--fail-on-critical"]));
    let is_command = |line: &&str| line.trim_start().starts_with("::") || line.contains("##[");
    assert_eq!(found.stdout.lines().find(is_command), None);
    let commands: Vec<_> = found.stderr.lines().collect();
    assert!(commands.iter().all(|line| line.starts_with("::error ")), "{commands:?}");
}

#[test]
fn nothing_is_told_where_nobody_asked() {
    for (args, variable) in [(&["--no-github"][..], "true"), (&[], "false"), (&[], "")] {
        let directory = empty_directory();
        let mut step = step("culprit", directory.path(), args);
        step.env("GITHUB_ACTIONS", variable);
        assert_eq!(run(step).stderr, "", "{args:?}");
        assert_eq!(read(directory.path(), SUMMARY) + &read(directory.path(), OUTPUT), "");
    }
}

/// A later step decides by the outputs: without them there is no success.
#[test]
fn what_cannot_be_told_is_no_success() {
    for (name, code) in [("passes", 3), ("culprit", 1)] {
        let directory = empty_directory();
        let directory = directory.path();
        let mut step = step(name, directory, &["--fail-on-critical"]);
        step.env("GITHUB_OUTPUT", directory.join("nowhere/output.txt"));
        let found = run(step);
        assert_eq!(found.code, code, "{name}");
        assert!(found.stderr.contains("GITHUB_OUTPUT is ") && found.stderr.contains("--no-github"));
        let report = read(directory, "audit_results.json");
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["exit_code"], code, "the report says the same");
    }
}

#[test]
fn a_pass_is_a_notice() {
    let directory = empty_directory();
    let found = run(step("passes", directory.path(), &["--fail-on-critical"]));
    assert_eq!(found.code, 0);
    assert!(found.stderr.starts_with("::notice title=auditor::PASS - "), "{}", found.stderr);
    assert!(read(directory.path(), OUTPUT).contains("verdict=pass\n"));
}

#[test]
fn a_mistake_in_the_configuration_is_annotated_where_it_stands() {
    let directory = empty_directory();
    let directory = directory.path();
    fs::create_dir_all(directory.join(".git")).unwrap();
    fs::create_dir_all(directory.join("services/a")).unwrap();
    let mut step = step("passes", &directory.join("services/a"), &["--fail-on-critical"]);
    fs::write(directory.join("services/a/metrics.yaml"), "queries:\n  event_loop_lags: up\n")
        .unwrap();
    step.env("GITHUB_OUTPUT", directory.join(OUTPUT));
    let found = run(step);
    assert_eq!(found.code, 2);
    let commands = found.stderr.lines().filter(|line| line.starts_with("::error "));
    let place = "::error file=services/a/metrics.yaml,line=2,col=3,title=auditor::";
    assert!(commands.clone().any(|line| line.starts_with(place)), "{}", found.stderr);
    assert_eq!(read(directory, OUTPUT), "", "nothing was audited");
}

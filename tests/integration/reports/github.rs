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
    assert!(
        annotations
            .starts_with("::error file=app/db.py,line=42,title=auditor%3A FAIL::app/db.py:42 ")
    );
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

/// A later step decides by the outputs: without them there is no success, and nothing says so.
#[test]
fn what_cannot_be_told_is_no_success() {
    for (file, other) in [(OUTPUT_FILE, SUMMARY_FILE), (SUMMARY_FILE, OUTPUT_FILE)] {
        for (name, code) in [("passes", 3), ("culprit", 1)] {
            for nowhere in ["/dev/full", "/nowhere/at/all"] {
                let directory = empty_directory();
                let directory = directory.path();
                let mut step = step(name, directory, &["--fail-on-critical"]);
                step.env(file.0, nowhere);
                let found = run(step);
                assert_eq!(found.code, code, "{name} {file:?}");
                let words = format!("{} is {nowhere}", file.0);
                assert!(found.says(&words) && found.says("--no-github"), "{found:?}");
                let ending = format!("(exit code {code})");
                assert!(found.stdout.contains(&ending), "{}", found.stdout);
                let mut commands = found.stderr.lines().filter(|it| it.starts_with("::"));
                let verdict = commands.next().unwrap();
                assert!(verdict.starts_with("::error ") && verdict.contains(&ending), "{verdict}");
                let report = read(directory, "audit_results.json");
                let report: serde_json::Value = serde_json::from_str(&report).unwrap();
                assert_eq!(report["exit_code"], code, "the report says the same");
                let told = read(directory, other.1);
                let last = told.rfind("exit_code=").map_or(told.as_str(), |it| &told[it..]);
                let words = [format!("exit_code={code}\n"), ending];
                assert!(words.iter().any(|it| last.contains(it.as_str())), "{told}");
            }
        }
    }
}

/// The variable, and the name of the file, of what the runner gives to a step.
const OUTPUT_FILE: (&str, &str) = ("GITHUB_OUTPUT", OUTPUT);
const SUMMARY_FILE: (&str, &str) = ("GITHUB_STEP_SUMMARY", SUMMARY);

/// Later steps begin at the root of the workspace.
#[test]
fn outputs_name_reports_from_the_root_of_the_workspace() {
    let directory = empty_directory();
    let workspace = directory.path();
    let service = workspace.join("services/a");
    fs::create_dir_all(&service).unwrap();
    let mut step = step("passes", &service, &["--report", "junit=junit.xml"]);
    step.env("GITHUB_WORKSPACE", workspace);
    assert_eq!(run(step).code, 0);
    let output = read(&service, OUTPUT);
    assert!(output.contains("\nreport_junit=services/a/junit.xml\n"), "{output}");
}

/// Of a configuration outside of the repository no line can be annotated.
#[test]
fn only_files_of_the_repository_are_annotated() {
    let directory = empty_directory();
    let service = directory.path().join("repository/services/a");
    fs::create_dir_all(&service).unwrap();
    fs::create_dir(directory.path().join("repository/.git")).unwrap();
    let config = "tests/reports/starved/metrics.yaml";
    for (place, file) in [
        ("../../../metrics.yaml", None),
        ("../metrics.yaml", Some("services/metrics.yaml")),
        ("metrics.yaml", Some("services/a/metrics.yaml")),
    ] {
        let step = step("starved", &service, &["--fail-on-critical", "--config", place]);
        fs::copy(config, service.join(place)).unwrap();
        let found = run(step);
        let file = file.map(|file| format!("file={file},line=9,")).unwrap_or_default();
        let command = format!("::error {file}");
        let said = found.stderr.lines().find(|line| line.starts_with("::error ")).unwrap();
        assert!(said.starts_with(&command) && said.contains("file=") != file.is_empty(), "{said}");
    }
}

/// Whatever stands in a message on standard error is no command of the runner.
#[test]
fn no_message_is_a_command() {
    let directory = empty_directory();
    for args in [
        &["--config", "a\n::error::b"][..],
        &["--preset", "x\n  ::add-mask::y"],
        &["--fail-on", "\n::error::x##[error]y"],
    ] {
        let found = run(step("passes", directory.path(), args));
        assert_eq!(found.code, 2, "{args:?}");
        let own = |line: &&str| line.starts_with("::error title=auditor");
        let foreign = found.stderr.lines().filter(|line| !own(line));
        let commands: Vec<_> =
            foreign.filter(|it| it.trim_start().starts_with("::") || it.contains("##[")).collect();
        assert!(commands.is_empty(), "{args:?}: {}", found.stderr);
    }
}

#[test]
fn a_pass_is_a_notice() {
    let directory = empty_directory();
    let found = run(step("passes", directory.path(), &["--fail-on-critical"]));
    assert_eq!(found.code, 0);
    assert!(
        found.stderr.starts_with("::notice title=auditor%3A PASS::PASS - "),
        "{}",
        found.stderr
    );
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
    let place =
        "::error file=services/a/metrics.yaml,line=2,col=3,title=auditor%3A CONFIGURATION::";
    assert!(commands.clone().any(|line| line.starts_with(place)), "{}", found.stderr);
    assert_eq!(read(directory, OUTPUT), "", "nothing was audited");
}

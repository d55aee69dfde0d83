//! Each report is valid by the schema of its format, or by a program that reads it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use boon::{Compiler, Schemas};
use serde_json::Value;

use super::{Played, all};
use crate::support::{auditor, empty_directory, real};

/// What a schema has against documents, by the name of their audit.
pub(crate) fn refused(
    schema: &str,
    documents: impl Iterator<Item = (String, Value)>,
) -> Vec<String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let index = compiler.compile(schema, &mut schemas).unwrap();
    let refused = |(name, value): (String, Value)| {
        let refused = schemas.validate(&value, index).err();
        refused.map(|error| format!("{name}: {error:#}"))
    };
    documents.filter_map(refused).collect()
}

fn json(played: &Played, format: &str) -> Value {
    serde_json::from_str(&played.report(format)).unwrap()
}

#[test]
fn sarif_follows_its_schema() {
    let all = all();
    let documents = all.iter().map(|it| (it.name.clone(), json(it, "sarif")));
    assert_eq!(refused("tests/schemas/sarif-2.1.0.json", documents), [""; 0]);
    for played in &all {
        let log = json(played, "sarif");
        let run = &log["runs"][0];
        let is_ended = run["invocations"][0]["executionSuccessful"].as_bool().unwrap();
        assert_eq!(is_ended, matches!(played.code, 0 | 1), "{}", played.name);
        assert_eq!(run["invocations"][0]["exitCode"], played.code);
        for result in run["results"].as_array().unwrap() {
            // What GitHub asks for beside the schema: a rule with help, and a place.
            let rule =
                &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"]);
            assert!(rule["help"]["text"].as_str().unwrap().len() > 20, "{rule}");
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["artifactLocation"]["uri"].is_string(), "{result}");
            assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
        }
    }
}

/// GitLab stops at the first issue that it cannot read, and keeps one of each fingerprint.
#[test]
fn gitlab_reads_every_issue() {
    for played in all() {
        let issues = json(&played, "gitlab");
        let issues = issues.as_array().unwrap();
        let documents = issues.iter().map(|it| (played.name.clone(), it.clone()));
        assert_eq!(refused("tests/schemas/gitlab-codeclimate.json", documents), [""; 0]);
        let fingerprints: BTreeSet<_> =
            issues.iter().map(|it| it["fingerprint"].as_str()).collect();
        assert_eq!(fingerprints.len(), issues.len(), "{}", played.name);
        for issue in issues {
            let path = issue["location"]["path"].as_str().unwrap();
            assert!(!path.is_empty() && !path.starts_with(['/', '.']), "{path}");
            assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() > 0);
            assert!(
                ["info", "minor", "major", "critical", "blocker"]
                    .contains(&issue["severity"].as_str().unwrap())
            );
        }
        let is_blocked = issues.iter().any(|it| it["severity"] == "blocker");
        assert_eq!(is_blocked, played.code != 0, "{}", played.name);
    }
}

#[test]
fn junit_follows_the_schema_of_jenkins() {
    if !real::programs("the schema of JUnit reports", &["xmllint"]) {
        return;
    }
    for played in all() {
        let checked = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema", "tests/schemas/junit-10.xsd"])
            .arg(played.path("junit"))
            .output()
            .unwrap();
        assert!(checked.status.success(), "{}: {checked:?}", played.name);
    }
}

/// A verdict that is no pass is a test that did not pass, and the other way round.
#[test]
fn junit_counts_what_is_no_pass() {
    for played in all() {
        let xml = played.report("junit");
        let head = xml.lines().nth(1).unwrap().to_owned();
        let is_clean = head.contains(r#"failures="0""#) && head.contains(r#"errors="0""#);
        // Without a gate, a limit that is broken is told as well.
        assert_eq!(is_clean, played.name == "passes", "{}: {head}", played.name);
        let verdict = xml.split(r#"classname="auditor.verdict""#).nth(1).unwrap();
        let verdict = verdict.split("</testsuite>").next().unwrap();
        let expected = match (played.code, played.name.as_str()) {
            (0, _) => None,
            (1, _) => Some("<failure "),
            (_, _) => Some("<error "),
        };
        for kind in ["<failure ", "<error "] {
            assert_eq!(verdict.contains(kind), expected == Some(kind), "{}", played.name);
        }
    }
}

/// A backlog of two counters has no query of its own, and counts all the same.
#[test]
fn a_computed_backlog_is_a_case_like_others() {
    for (completed, outcome) in
        [("done 0 1700000000\ndone 4 1700000001\n", "<failure "), ("", "<error ")]
    {
        let directory = empty_directory();
        let file = |name, text: &str| fs::write(directory.path().join(name), text).unwrap();
        file(
            "metrics.yaml",
            "queries:\n  event_loop_lag: lag\n  threadpool_tasks_started: begun\n  threadpool_tasks_completed: done\nevidence: {min_requests: 0}\n",
        );
        file(
            "run.om",
            &format!(
                "lag 0.1 1700000000\nlag 0.1 1700000001\n{completed}begun 0 1700000000\nbegun 60 1700000001\n# EOF\n"
            ),
        );
        auditor(
            directory.path(),
            &["--recording", "run.om", "--report", "junit=a", "--report", "prometheus=b"],
        );
        let read = |name| fs::read_to_string(directory.path().join(name)).unwrap();
        let case = read("a").split(r#"name="threadpool_backlog""#).nth(1).unwrap().to_owned();
        assert!(case.split("</testcase>").next().unwrap().contains(outcome), "{case}");
        let line = r#"auditor_signal_state{signal="threadpool_backlog",state="computed"} 1"#;
        assert!(read("b").contains(line), "{}", read("b"));
    }
}

#[test]
fn promtool_reads_the_textfile() {
    if !real::programs("textfiles by promtool", &["promtool"]) {
        return;
    }
    for played in all() {
        let page = played.report("prometheus");
        let checked = piped(Command::new("promtool").args(["check", "metrics"]), &page);
        assert!(checked.status.success(), "{}: {checked:?}", played.name);
        let samples: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        let series: BTreeSet<_> =
            samples.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        assert_eq!(series.len(), samples.len(), "{}: a series is there twice", played.name);
        let verdicts = samples.iter().filter(|it| it.starts_with("auditor_verdict{"));
        assert_eq!(verdicts.filter(|it| it.ends_with("} 1")).count(), 1, "{}", played.name);
        let code = format!("auditor_exit_code {}", played.code);
        assert!(samples.contains(&code.as_str()), "{}", played.name);
    }
}

fn piped(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The renderer that GitHub's is made of, with all HTML let through.
const RENDER: &str = "\
import sys, cmarkgfm
from cmarkgfm.cmark import Options
print(cmarkgfm.github_flavored_markdown_to_html(sys.stdin.read(), Options.CMARK_OPT_UNSAFE))";

#[test]
fn markdown_is_rendered_as_it_is_meant() {
    if !real::python_with("Markdown as GitHub renders it", &["cmarkgfm"]) {
        return;
    }
    for played in all() {
        let html = piped(Command::new("python3").args(["-c", RENDER]), &played.report("markdown"));
        let html = String::from_utf8(html.stdout).unwrap();
        assert!(html.contains("auditor: "), "{}: {html}", played.name);
        let rows = html.split("<tr>").skip(1).map(|row| row.split("</tr>").next().unwrap());
        for row in rows {
            let cells = row.matches("<td").count() + row.matches("<th").count();
            assert!(matches!(cells, 4 | 5), "{}: {row}", played.name);
        }
        // Of HTML there is what is written here, and nothing of the service's.
        let tags: BTreeSet<_> = html
            .split('<')
            .skip(1)
            .map(|it| it.trim_start_matches('/').split([' ', '>', '/']).next().unwrap())
            .collect();
        let known = "!-- h2 h3 p strong code ul li br table thead tbody tr th td sub";
        let known: BTreeSet<_> = known.split(' ').collect();
        assert_eq!(tags.difference(&known).collect::<Vec<_>>(), [&""; 0], "{}", played.name);
    }
}

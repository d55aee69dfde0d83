//! Every directory in `tests/suites` is one run of a suite, and what each format makes of it: the suite
//! with what it reads, the command line and its exit code, and a file for each format.
//!
//! `UPDATE_EXPECTED=1 cargo test --test integration suites::golden::every` rewrites those files to what
//! the program writes, to be read in the diff.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::copy;
use crate::reports::valid::refused;
use crate::schemas::check_document;
use crate::support::{self, Run, real};

/// Each format, and the file that it has.
const FILES: [(&str, &str); 9] = [
    ("text", "summary.txt"),
    ("json", "summary.json"),
    ("markdown", "summary.md"),
    ("github", "annotations.txt"),
    ("gitlab", "gl-code-quality.json"),
    ("junit", "junit.xml"),
    ("sarif", "summary.sarif"),
    ("prometheus", "auditor.prom"),
    ("html", "summary.html"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What it shows; for readers.
    #[expect(dead_code, reason = "a comment that every case has to have")]
    about: String,
    /// A directory beside which the suite is at home, if not its own.
    from: Option<String>,
    args: Vec<String>,
    code: i32,
}

struct Played {
    name: String,
    expected: PathBuf,
    code: i32,
    run: Run,
    directory: TempDir,
}

impl Played {
    fn new(expected: PathBuf) -> Self {
        let text = fs::read_to_string(expected.join("run.yaml")).unwrap();
        let case: Case = yaml_serde::from_str(&text).unwrap();
        let directory = tempfile::tempdir().unwrap();
        if let Some(from) = &case.from {
            copy(Path::new(from), directory.path());
        }
        copy(&expected, directory.path());
        let reports = FILES.iter().map(|(format, file)| format!("--report={format}={file}"));
        let args = ["suite", "suite.yaml", "--run-id=nightly"].map(str::to_owned).into_iter();
        let args: Vec<_> = args.chain(case.args).chain(reports).collect();
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let run = support::auditor(directory.path(), &args);
        let name = expected.file_name().unwrap().to_str().unwrap().to_owned();
        Self { name, expected, code: case.code, run, directory }
    }

    /// What was written, without what is another one each time.
    fn written(&self, file: &str) -> String {
        masked(&fs::read_to_string(self.directory.path().join(file)).unwrap())
    }
}

/// The text without times.
fn masked(text: &str) -> String {
    let masks = [
        (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "TIME"),
        (r#""duration_ms": \d+"#, r#""duration_ms": 0"#),
        (r#" time="[\d.]+""#, r#" time="0""#),
        (r" +\d+\.\d s  ", "     0.0 s  "),
        (r"\| \d+\.\d \|", "| 0.0 |"),
        (r#"<td class="n">[\d.]+<"#, r#"<td class="n">0.0<"#),
        (r"(duration_seconds\{.*\}) \S+", "$1 0"),
        (r"(timestamp_seconds) \S+", "$1 0"),
        (r"auditor \d+\.\d+\.\d+( \([^)]*\))?", "auditor VERSION"),
    ];
    masks.iter().fold(text.to_owned(), |text, (what, by)| {
        Regex::new(what).unwrap().replace_all(&text, *by).into_owned()
    })
}

fn all() -> Vec<Played> {
    let entries = fs::read_dir("tests/suites").unwrap().map(|entry| entry.unwrap().path());
    let mut directories: Vec<_> = entries.collect();
    directories.sort();
    assert!(directories.len() >= 3, "where have the suites gone?");
    directories.into_iter().map(Played::new).collect()
}

#[test]
fn every_summary_is_as_it_was() {
    let updating = std::env::var_os("UPDATE_EXPECTED").is_some_and(|value| value == "1");
    assert!(!updating || std::env::var_os("CI").is_none(), "what is expected in CI is settled");
    let mut wrong = Vec::new();
    for played in all() {
        let Played { name, run, .. } = &played;
        if run.code != played.code {
            wrong.push(format!("{name}: exit code {}, not {}: {run:?}", run.code, played.code));
        }
        let printed = masked(&run.stdout);
        if printed != played.written("summary.txt") {
            wrong.push(format!("{name}: what is printed is another one:\n{printed}"));
        }
        for (_, file) in FILES {
            let expected = played.expected.join("expected").join(file);
            let found = played.written(file);
            if updating {
                fs::create_dir_all(expected.parent().unwrap()).unwrap();
                fs::write(expected, found).unwrap();
            } else if fs::read_to_string(&expected).ok().as_ref() != Some(&found) {
                wrong.push(format!("{name}/{file} is\n{found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The schema of a summary, and those of the forms that others read.
#[test]
fn every_summary_follows_its_schemas() {
    let mut sarif = Vec::new();
    let mut issues = Vec::new();
    for played in all() {
        let read = |file: &str| fs::read_to_string(played.directory.path().join(file)).unwrap();
        let json = |file: &str| serde_json::from_str::<Value>(&read(file)).unwrap();
        check_document("summary", &json("summary.json")).unwrap();
        sarif.push((played.name.clone(), json("summary.sarif")));
        let found = json("gl-code-quality.json");
        let found = found.as_array().unwrap().iter();
        issues.extend(found.map(|issue| (played.name.clone(), issue.clone())));
        if real::programs("the schema of JUnit reports", &["xmllint"]) {
            let schema = fs::canonicalize("tests/schemas/junit-10.xsd").unwrap();
            let checked = Command::new("xmllint")
                .args(["--noout", "--nonet", "--schema"])
                .args([schema, played.directory.path().join("junit.xml")])
                .output()
                .unwrap();
            assert!(checked.status.success(), "{}: {checked:?}", played.name);
        }
        if real::programs("textfiles by promtool", &["promtool"]) {
            let page = fs::File::open(played.directory.path().join("auditor.prom")).unwrap();
            let checked =
                Command::new("promtool").args(["check", "metrics"]).stdin(page).output().unwrap();
            assert!(checked.status.success(), "{}: {checked:?}", played.name);
        }
    }
    assert_eq!(refused("tests/schemas/sarif-2.1.0.json", sarif.into_iter()), [""; 0]);
    assert_eq!(refused("tests/schemas/gitlab-codeclimate.json", issues.into_iter()), [""; 0]);
}

#[test]
fn a_suite_that_is_written_follows_its_schema() {
    for directory in ["examples/fault-suite", "tests/suites/recordings"] {
        let text = fs::read_to_string(Path::new(directory).join("suite.yaml")).unwrap();
        check_document("suite", &yaml_serde::from_str(&text).unwrap()).unwrap();
    }
    let misspelt = serde_json::json!({"scenarios": [{"id": "a", "recordng": "b"}]});
    assert!(check_document("suite", &misspelt).is_err());
}

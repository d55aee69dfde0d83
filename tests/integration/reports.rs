//! Every directory in `tests/reports` is one audit, and what each format makes of it: the
//! configuration, a recording, the command line and its exit code, and a file for each format.
//!
//! `UPDATE_EXPECTED=1 cargo test --test integration reports::every` rewrites those files to what the
//! program writes, to be read in the diff.

mod files;
mod github;
mod hostile;
pub(crate) mod valid;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use crate::support::{self, Run, empty_directory};

/// Each format, and the file that it has in the directory of an audit.
const FILES: [(&str, &str); 7] = [
    ("text", "report.txt"),
    ("markdown", "report.md"),
    ("github", "annotations.txt"),
    ("gitlab", "gl-code-quality.json"),
    ("junit", "junit.xml"),
    ("sarif", "report.sarif"),
    ("prometheus", "auditor.prom"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What it shows; for readers.
    #[expect(dead_code, reason = "a comment that every case has to have")]
    about: String,
    args: Vec<String>,
    code: i32,
}

/// A case that was played in a repository of its own.
struct Played {
    name: String,
    expected: PathBuf,
    code: i32,
    run: Run,
    directory: TempDir,
}

impl Played {
    fn new(expected: PathBuf) -> Self {
        let text = fs::read_to_string(expected.join("audit.yaml")).unwrap();
        let case: Case = yaml_serde::from_str(&text).unwrap();
        let directory = empty_directory();
        fs::create_dir(directory.path().join(".git")).unwrap();
        for file in ["metrics.yaml", "recording.om"] {
            fs::copy(expected.join(file), directory.path().join(file)).unwrap();
        }
        let reports = FILES.iter().map(|(format, file)| format!("--report={format}={file}"));
        let args: Vec<_> = case.args.into_iter().chain(reports).collect();
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let run = support::auditor(directory.path(), &args);
        let name = expected.file_name().unwrap().to_str().unwrap().to_owned();
        Self { name, expected, code: case.code, run, directory }
    }

    /// What was written in a format.
    fn report(&self, format: &str) -> String {
        let (_, file) = FILES.iter().find(|(it, _)| *it == format).unwrap();
        fs::read_to_string(self.directory.path().join(file)).unwrap()
    }

    fn path(&self, format: &str) -> PathBuf {
        let (_, file) = FILES.iter().find(|(it, _)| *it == format).unwrap();
        self.directory.path().join(file)
    }
}

fn all() -> Vec<Played> {
    let entries = fs::read_dir("tests/reports").unwrap().map(|entry| entry.unwrap().path());
    let mut directories: Vec<_> = entries.collect();
    directories.sort();
    assert!(directories.len() >= 10, "where have the reports gone?");
    directories.into_iter().map(Played::new).collect()
}

fn case(name: &str) -> Played {
    Played::new(Path::new("tests/reports").join(name))
}

#[test]
fn every_report_is_as_it_was() {
    let updating = std::env::var_os("UPDATE_EXPECTED").is_some_and(|value| value == "1");
    assert!(!updating || std::env::var_os("CI").is_none(), "what is expected in CI is settled");
    let mut wrong = Vec::new();
    for played in all() {
        let Played { name, run, .. } = &played;
        if run.code != played.code {
            wrong.push(format!("{name}: exit code {}, not {}: {run:?}", run.code, played.code));
        }
        for (format, file) in FILES {
            let expected = played.expected.join(file);
            let found = played.report(format);
            if updating {
                fs::write(expected, found).unwrap();
            } else if fs::read_to_string(&expected).ok().as_ref() != Some(&found) {
                wrong.push(format!("{name}/{file} is\n{found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_text_report_is_what_is_printed() {
    let played = case("culprit");
    assert_eq!(played.report("text"), played.run.stdout);
}

/// The table of docs/reports.md names every format.
#[test]
fn every_format_is_documented() {
    let page = fs::read_to_string("docs/reports.md").unwrap();
    for format in auditor::render::FORMATS {
        assert!(page.contains(&format!("\n| `{}` | ", format.name)), "{} is missing", format.name);
    }
    let metrics = case("passes").report("prometheus");
    for line in metrics.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let name = line.split(' ').next().unwrap();
        assert!(page.contains(&format!("`{name}")), "{name} is missing");
    }
}

//! Report files: what is left of an earlier audit, what clashes, and what cannot be written.

use std::fs;
use std::path::Path;

use super::FILES;
use crate::support::{Run, auditor, empty_directory};

/// Every format that is not JSON.
fn formats() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.into_iter().chain([("html", "report.html")])
}

fn audit(directory: &Path, name: &str, args: &[&str]) -> Run {
    for file in ["metrics.yaml", "recording.om"] {
        fs::copy(Path::new("tests/reports").join(name).join(file), directory.join(file)).unwrap();
    }
    let common = ["--recording", "recording.om", "--fail-on-critical", "--no-report"];
    auditor(directory, &[&common, args].concat())
}

/// An all-clear of yesterday would be taken for today's.
#[test]
fn reports_of_an_earlier_audit_do_not_stay() {
    for (format, file) in formats() {
        for name in ["passes", "culprit", "inconclusive"] {
            let directory = empty_directory();
            let directory = directory.path();
            let report = format!("{format}={file}");
            audit(directory, name, &["--report", &report]);
            assert!(directory.join(file).exists(), "{format}");
            for args in [&["--config", "nowhere.yaml"][..], &["--fail-on", "nothing"]] {
                audit(directory, name, &["--report", &report]);
                let run = audit(directory, name, &[&["--report", &report], args].concat());
                assert_eq!(run.code, 2, "{format}");
                assert!(!directory.join(file).exists(), "{format} of {name} after {args:?}");
            }
        }
    }
}

#[test]
fn a_file_that_is_no_report_stays() {
    for (format, _) in formats() {
        let directory = empty_directory();
        let directory = directory.path();
        fs::write(directory.join("notes"), "[1, 2]\nof mine\n").unwrap();
        let report = format!("{format}=notes");
        assert_eq!(audit(directory, "passes", &["--report", &report, "--config", "no"]).code, 2);
        assert_eq!(fs::read_to_string(directory.join("notes")).unwrap(), "[1, 2]\nof mine\n");
    }
}

#[test]
fn two_reports_are_two_files() {
    let directory = empty_directory();
    let args = ["--report", "junit=a", "--report", "sarif=./a"];
    let run = audit(directory.path(), "passes", &args);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--report a is the same file as --report ./a"), "{}", run.stderr);
    let args = ["--report", "junit=metrics.yaml"];
    assert_eq!(audit(directory.path(), "passes", &args).code, 2, "what is read is not overwritten");
}

/// The others are written, and say what the exit code says.
#[test]
fn a_report_that_cannot_be_written_is_no_pass() {
    let directory = empty_directory();
    let directory = directory.path();
    let args =
        ["--report", "prometheus=a.prom", "--report", "junit=no/where.xml", "--report", "b.json"];
    let args: Vec<_> = args.into_iter().collect();
    for file in ["metrics.yaml", "recording.om"] {
        fs::copy(Path::new("tests/reports/passes").join(file), directory.join(file)).unwrap();
    }
    let common = ["--recording", "recording.om", "--fail-on-critical"];
    let run = auditor(directory, &[&common[..], &args].concat());
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("cannot write the report no/where.xml"), "{}", run.stdout);
    let page = fs::read_to_string(directory.join("a.prom")).unwrap();
    assert!(page.contains("auditor_exit_code 3") && page.contains(r#"verdict="error"} 1"#));
    let json = fs::read_to_string(directory.join("b.json")).unwrap();
    assert!(json.contains("\"exit_code\": 3"), "{json}");
}

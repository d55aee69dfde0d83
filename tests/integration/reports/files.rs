//! Report files: what is left of an earlier audit, what clashes, and what cannot be written.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::FILES;
use crate::support::{Run, auditor, command, empty_directory};

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
            let to = ["--report", &report];
            for args in [
                &[&to[..], &["--config", "nowhere.yaml"]].concat(),
                &[&to[..], &["--fail-on", "nothing"]].concat(),
                // Wherever the mistake stands.
                &[&["--fail-on", "nothing"], &to[..]].concat(),
                &[&["--nope"], &to[..]].concat(),
                &vec!["--for", "xx", report.as_str(), "--report", report.as_str()],
            ] {
                audit(directory, name, &to);
                let run = audit(directory, name, args);
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

/// The name of yesterday's report in one format is that of today's in another.
#[test]
fn a_report_of_another_format_does_not_stay() {
    let directory = empty_directory();
    let directory = directory.path();
    audit(directory, "passes", &["--report", "markdown=out"]);
    assert!(directory.join("out").exists());
    let run = audit(directory, "passes", &["--report", "gitlab=out", "--config", "nowhere.yaml"]);
    assert!(run.code == 2 && !directory.join("out").exists());
}

/// What is written already says how the audit ends, and it may not end so any more.
#[cfg(unix)]
#[test]
fn a_second_signal_leaves_no_report() {
    let directory = empty_directory();
    let directory = directory.path();
    audit(directory, "passes", &["--report", "markdown=a.md"]);
    assert!(Command::new("mkfifo").arg(directory.join("pipe")).status().unwrap().success());
    let args = ["--recording", "recording.om", "--report", "html=h.html", "--report", "junit=pipe"];
    let mut child = command(directory, &args).spawn().unwrap();
    let signal = |child: &Child| {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    };
    // Nobody reads the pipe, so that it is waited for.
    until(|| directory.join("h.html").exists());
    for _ in 0..2 {
        signal(&child);
        sleep(Duration::from_millis(300));
    }
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(!directory.join("h.html").exists());
}

#[cfg(unix)]
fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "it never is");
        sleep(Duration::from_millis(20));
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

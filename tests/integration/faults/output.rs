//! Reports that cannot be delivered: never a panic, a pass untold, or a failure lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use super::matrix::healthy;
use crate::support::fake::Fake;
use crate::support::{Run, command, directory_with, full_disk};

const QUERIES: &str = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}\n";

/// Where standard output goes.
#[derive(Clone, Copy)]
enum Stdout {
    Captured,
    FullDisk,
    Closed,
}

/// Runs calm and sick telemetry; the codes of both are as expected.
fn check(what: &str, args: &[&str], stdout: Stdout, codes: [i32; 2], words: &str) {
    for (calm, code) in [(true, codes[0]), (false, codes[1])] {
        let fake = Fake::start(move |request| healthy(request, calm));
        let directory = directory_with(QUERIES);
        fs::create_dir(directory.path().join("directory")).unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        let url = fake.url();
        let args = [&["--fail-on-critical", "--target", &url], args].concat();
        let mut command = command(directory.path(), &args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if matches!(stdout, Stdout::FullDisk) {
            command.stdout(full_disk());
        }
        let mut child = command.spawn().unwrap();
        if matches!(stdout, Stdout::Closed) {
            drop(child.stdout.take());
        }
        let run: Run = child.wait_with_output().unwrap().into();
        assert_eq!(run.code, code, "{what}: {}", run.stderr);
        assert!(run.says(words) && !run.stderr.contains("panicked"), "{what}: {}", run.stderr);
        assert!(!run.stderr.contains(".tmp"), "{what}: {}", run.stderr);
        if args.contains(&"json") && matches!(stdout, Stdout::Captured) {
            assert_eq!(run.json()["exit_code"], code, "{what}");
            assert_eq!(run.json()["verdict"] == "pass", code == 0, "{what}");
        }
    }
}

#[test]
fn controls() {
    check("text", &[], Stdout::Captured, [0, 1], "");
    check("JSON", &["--output-format", "json"], Stdout::Captured, [0, 1], "");
}

#[test]
fn standard_output() {
    for format in ["text", "json"] {
        let args = ["--output-format", format];
        let words = "cannot print the report";
        check("a full disk", &args, Stdout::FullDisk, [3, 1], words);
        check("a reader that leaves", &args, Stdout::Closed, [0, 1], "");
    }
}

#[test]
fn the_report_file() {
    let long = "x".repeat(300);
    for (what, path) in [
        ("a directory", "directory"),
        ("no such directory", "nowhere/report.json"),
        ("a file for a directory", "file/report.json"),
        ("a full disk", "/dev/full"),
        ("a name too long", &long),
        ("a file of the kernel's", "/proc/version"),
    ] {
        for format in ["text", "json"] {
            let args = ["--output-format", format, "--report", path];
            check(what, &args, Stdout::Captured, [3, 1], "cannot write the report");
        }
    }
}

/// The report of an earlier run is not left behind half overwritten, and its place is kept.
#[test]
fn an_earlier_report_survives_one_that_cannot_be_written() {
    let fake = Fake::start(|request| healthy(request, true));
    let directory = directory_with(QUERIES);
    let reports = directory.path().join("reports");
    fs::create_dir(&reports).unwrap();
    fs::write(reports.join("report.json"), "earlier").unwrap();
    fs::set_permissions(&reports, fs::Permissions::from_mode(0o500)).unwrap();
    let url = fake.url();
    let args = ["--fail-on-critical", "--report", "reports/report.json", "--target", &url];
    let run: Run = command(directory.path(), &args).output().unwrap().into();
    let left = fs::read_to_string(reports.join("report.json")).unwrap();
    fs::set_permissions(&reports, fs::Permissions::from_mode(0o700)).unwrap();
    // Root writes into every directory.
    match run.code {
        0 => assert!(left.contains("\"exit_code\": 0")),
        code => assert_eq!((code, left.as_str()), (3, "earlier")),
    }
}

/// A pipeline may read the file and not the code: both say the same.
#[test]
fn the_file_says_what_became_of_standard_output() {
    let fake = Fake::start(|request| healthy(request, true));
    let directory = directory_with(QUERIES);
    let args = ["--fail-on-critical", "--report", "report.json", "--target", &fake.url()];
    let mut command = command(directory.path(), &args);
    let run: Run = command.stdout(full_disk()).output().unwrap().into();
    assert_eq!(run.code, 3);
    let report = fs::read_to_string(directory.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["exit_code"], &report["verdict"]), (&3.into(), &"error".into()));
    assert!(report["error"].as_str().unwrap().contains("cannot print the report"));
}

/// Both ways out blocked: the code is all that is left, and it is right.
#[test]
fn no_way_out_at_all() {
    check("both", &["--report", "/dev/full"], Stdout::FullDisk, [3, 1], "cannot print the report");
}

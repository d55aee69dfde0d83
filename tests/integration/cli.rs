//! The command line and the ways out: files, streams and codes.

mod newcomers;

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::fake::{Fake, Response};
use crate::support::real::free_address;
use crate::support::{Run, auditor, command, directory_with, empty_directory, full_disk};

/// A backend whose every answer is `value`.
fn backend(value: &'static str) -> Fake {
    Fake::start(move |request| match request.path.trim_start_matches("/prefix") {
        "/api/v1/query" => Response::vector(&[(BTreeMap::new(), value.to_owned())]),
        "/-/healthy" => Response::new(200, "Prometheus Server is Healthy.\n"),
        _ => Response::new(404, "404 page not found"),
    })
}

const CONFIG: &str = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}";

#[test]
fn init_writes_the_template_once() {
    let directory = empty_directory();
    let first = auditor(directory.path(), &["--init"]);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    assert!(first.stdout.contains("auditor --scrape http://"), "{}", first.stdout);
    let file = directory.path().join("metrics.yaml");
    assert_eq!(fs::read_to_string(&file).unwrap(), include_str!("../../default_metrics.yaml"));
    fs::write(&file, "mine").unwrap();
    let second = auditor(directory.path(), &["--init"]);
    assert_eq!(second.code, 2);
    assert!(second.stderr.contains("already exists"), "{}", second.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn without_a_configuration_the_way_out_is_named() {
    let run = auditor(empty_directory().path(), &["--fail-on-critical"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("auditor --init") && run.stderr.contains("--config PATH"));
}

/// Else it would be found missing only once there is a configuration.
#[test]
fn a_recording_that_is_missing_is_told_before_the_configuration() {
    let directory = empty_directory();
    fs::write(directory.path().join("run.om"), "# EOF\n").unwrap();
    for (recording, begins) in [
        ("nope.om", "error: cannot read the recording nope.om: No such file"),
        ("run.om", "error: no metrics.yaml in this directory"),
    ] {
        let run = auditor(directory.path(), &["--recording", recording]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.starts_with(begins), "{}", run.stderr);
        assert!(run.stderr.contains("no metrics.yaml in this directory"), "{}", run.stderr);
    }
}

#[test]
fn a_configuration_that_cannot_be_read_ends_in_2() {
    let directory = empty_directory();
    fs::create_dir(directory.path().join("metrics.yaml")).unwrap();
    fs::write(directory.path().join("latin1"), b"a: 1\nb: \xe9\n").unwrap();
    fs::write(directory.path().join("big"), vec![b'#'; 2 << 20]).unwrap();
    for (path, words) in [
        ("metrics.yaml", "it is a directory"),
        ("latin1", "line 2 is not UTF-8"),
        ("big", "larger than 256 KiB"),
        ("nowhere", "No such file"),
    ] {
        let run = auditor(directory.path(), &["--config", path]);
        assert_eq!(run.code, 2, "{path}");
        assert!(run.stderr.contains(words) && run.stderr.contains(path), "{}", run.stderr);
    }
}

#[test]
fn wrong_usage_ends_in_2() {
    let directory = directory_with(CONFIG);
    for args in [
        &["--fail-on-critical", "--fail-on", "degraded"][..],
        &["--fail-on", "healthy"],
        &["--no-report", "--report", "x"],
        &["--at", "yesterday"],
        &["--timeout", "0s"],
        &["--var", "window"],
        &["--output-format", "xml"],
        &["--init", "--fail-on-critical"],
        &["metrics.yaml"],
    ] {
        assert_eq!(auditor(directory.path(), args).code, 2, "{args:?}");
    }
}

#[test]
fn text_mode_writes_the_report_beside() {
    let fake = backend("0.1");
    let directory = directory_with(CONFIG);
    let url = fake.url();
    let at = ["--target", &url, "--at", "1700000000"];
    let run = auditor(directory.path(), &at);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let written = fs::read_to_string(directory.path().join("audit_results.json")).unwrap();
    let json = auditor(directory.path(), &[&at[..], &["--output-format", "json"]].concat());
    assert_eq!(written, json.stdout, "the file and the JSON output are the same report");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left behind");
}

#[test]
fn the_report_goes_where_it_is_sent() {
    let fake = backend("0.1");
    let directory = directory_with(CONFIG);
    let file = directory.path().join("audit_results.json");
    auditor(directory.path(), &["--target", &fake.url(), "--no-report"]);
    auditor(directory.path(), &["--target", &fake.url(), "--output-format", "json"]);
    assert!(!file.exists());
    fs::write(directory.path().join("old"), "old").unwrap();
    auditor(directory.path(), &["--target", &fake.url(), "--report", "old"]);
    let report = fs::read_to_string(directory.path().join("old")).unwrap();
    assert!(report.starts_with("{\n  \"schema_version\": 1,"));
    assert!(!file.exists());
}

#[test]
fn a_report_that_cannot_be_written_is_no_success_and_loses_no_failure() {
    for (value, code) in [("0.1", 3), ("9", 1)] {
        let fake = backend(value);
        let directory = directory_with(CONFIG);
        let args = ["--target", &fake.url(), "--fail-on-critical", "--report", "no/such/place"];
        let run = auditor(directory.path(), &args);
        assert_eq!(run.code, code);
        assert!(run.says("cannot write the report no/such/place"), "{}", run.stderr);
        assert!(run.stdout.contains(&format!("(exit code {code})")), "{}", run.stdout);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_standard_output_is_no_success() {
    for (value, format, code) in [("0.1", "text", 3), ("0.1", "json", 3), ("9", "json", 1)] {
        let fake = backend(value);
        let directory = directory_with(CONFIG);
        let args = ["--target", &fake.url(), "--fail-on-critical", "--output-format", format];
        let mut command = command(directory.path(), &args);
        let run: Run = command.stdout(full_disk()).output().unwrap().into();
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stderr.contains("cannot print the report"));
    }
}

#[test]
fn a_reader_that_leaves_changes_nothing() {
    for (value, code) in [("0.1", 0), ("9", 1)] {
        let fake = backend(value);
        let directory = directory_with(CONFIG);
        let args = ["--target", &fake.url(), "--fail-on-critical"];
        let mut child = command(directory.path(), &args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let run: Run = child.wait_with_output().unwrap().into();
        assert_eq!((run.code, run.stderr.as_str()), (code, ""));
    }
}

#[test]
fn colour_is_for_terminals() {
    let fake = backend("9");
    let directory = directory_with(CONFIG);
    let run = auditor(directory.path(), &["--target", &fake.url()]);
    assert!(!run.stdout.contains('\u{1b}'));
    assert!(run.stdout.lines().any(|line| line == "Runtime Status: COLLAPSE_RISK"));
    assert!(run.stdout.lines().any(|line| line == "Runtime Health Score: 17109"));
}

#[test]
fn an_unreachable_backend_is_no_pass_with_or_without_a_gate() {
    let url = format!("http://{}", free_address());
    let directory = directory_with(CONFIG);
    for gate in [&["--fail-on-critical"][..], &[]] {
        let args = [&["--target", &url, "--output-format", "json"], gate].concat();
        let run = auditor(directory.path(), &args);
        assert_eq!(run.code, 3);
        let report = run.json();
        assert_eq!(report["verdict"], "error");
        assert_eq!(report["status"], "INCONCLUSIVE");
        assert!(report["runtime_health_score"].is_null());
        let error = report["error"].as_str().unwrap();
        assert!(error.contains(&url) && error.contains("Connection refused"), "{error}");
        assert_eq!(run.stderr, format!("error: {error}\n"));
    }
}

#[test]
fn a_backend_that_never_answers_is_given_up_at_the_timeout() {
    let fake = Fake::start(|_| Response::silence(Duration::from_secs(5)));
    let directory = directory_with(CONFIG);
    let started = Instant::now();
    let args = ["--target", &fake.url(), "--timeout", "300ms", "--fail-on-critical"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 3);
    assert!(run.says("no answer within 300ms"), "{}", run.stderr);
    // Not a matter of speed: the backend would have answered after 5 s.
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn every_query_is_evaluated_at_one_instant() {
    let fake = backend("0.1");
    let directory = directory_with(CONFIG);
    auditor(directory.path(), &["--target", &format!("{}/prefix/", fake.url())]);
    let requests = fake.requests();
    let queries: Vec<_> = requests.iter().filter(|r| r.path == "/prefix/api/v1/query").collect();
    assert_eq!(queries.len(), 5, "four questions, and what is asked beside them");
    assert!(queries.iter().all(|r| r.parameters["time"] == queries[0].parameters["time"]));
    assert!(requests.iter().any(|r| r.path == "/prefix/-/healthy"));
}

#[test]
fn the_same_instant_gives_the_same_bytes() {
    let fake = backend("0.123456789");
    let directory = directory_with(CONFIG);
    let args = ["--target", &fake.url(), "--at", "2026-01-31T12:00:00Z", "--output-format", "json"];
    let first = auditor(directory.path(), &args).stdout;
    assert!(first.contains("0.123456789"));
    for _ in 0..5 {
        assert_eq!(auditor(directory.path(), &args).stdout, first);
    }
}

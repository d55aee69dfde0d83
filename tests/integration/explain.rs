//! `auditor explain`, and the line of a report that leads to it.

use std::collections::BTreeMap;

use crate::support::fake::{Fake, Response};
use crate::support::{Run, auditor, directory_with, empty_directory};

fn explain(args: &[&str]) -> Run {
    auditor(empty_directory().path(), &[&["explain"], args].concat())
}

#[test]
fn a_topic_is_explained_however_it_is_spelt() {
    let run = explain(&["EVENT_LOOP_STARVATION"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("event_loop_lag is above 0.5 s"), "{}", run.stdout);
    assert!(run.stdout.contains("\n- Python asyncio: ") && run.stdout.contains("What to do:"));
    for name in ["event_loop_starvation", "Event-Loop-Starvation", "event loop starvation"] {
        assert_eq!(explain(&[name]).stdout, run.stdout, "{name}");
    }
    for (name, title) in [
        ("3", "3 (exit code)"),
        ("exit-code-3", "3 (exit code)"),
        ("max_queue_wait_s", "threadpool_queue_wait (signal)"),
        ("collapse", "COLLAPSE_RISK (status)"),
        ("checks", "checks (a check of your own)"),
        ("late_scrape", "late_scrape (finding)"),
        ("floor", "baseline (a comparison)"),
        ("breaker", "breaker (of repeated audits)"),
        ("samples", "breaker (of repeated audits)"),
        ("cooldown", "breaker (of repeated audits)"),
    ] {
        let run = explain(&[name]);
        assert!(run.code == 0 && run.stdout.starts_with(title), "{name}: {}", run.stdout);
    }
}

#[test]
fn without_a_topic_all_are_listed() {
    let run = explain(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for heading in [
        "Failure modes:",
        "Signals",
        "Score and status:",
        "Repeated audits:",
        "Exit codes:",
        "Rules of",
    ] {
        assert!(run.stdout.contains(&format!("\n{heading}")), "{heading}: {}", run.stdout);
    }
}

#[test]
fn an_unknown_topic_is_wrong_usage() {
    let run = explain(&["EVENT_LOOP_STARVED"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("did you mean `EVENT_LOOP_STARVATION`?"), "{}", run.stderr);
    assert_eq!(explain(&["lag", "p99"]).code, 2);
    assert_eq!(explain(&["--fail-on-critical"]).code, 2);
}

/// Needs no configuration, and leaves an earlier report alone.
#[test]
fn nothing_is_read_or_written() {
    let directory = directory_with("neither: valid");
    let report = directory.path().join("audit_results.json");
    std::fs::write(&report, r#"{"status": "HEALTHY", "runtime_health_score": 1}"#).unwrap();
    for args in [&["explain", "pass"][..], &["explain", "nothing like it"]] {
        auditor(directory.path(), args);
        assert!(report.exists(), "{args:?}");
    }
}

/// A backend that has these values, by query, and no data for the rest.
fn backend(values: &'static [(&'static str, &'static str)]) -> Fake {
    Fake::start(|request| match request.path.as_str() {
        "/api/v1/query" => {
            let query = &request.parameters["query"];
            let found = values.iter().find(|(name, _)| name == query);
            let series = found.map(|(_, value)| (BTreeMap::new(), (*value).to_owned()));
            Response::vector(&series.into_iter().collect::<Vec<_>>())
        }
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    })
}

const QUERIES: &str = "queries: {p99_latency: p99, event_loop_lag: lag, blocking_duration_avg: blocking, peak_active_requests: active}";

/// The last line of the report.
fn last_line(
    values: &'static [(&'static str, &'static str)],
    config: &str,
    args: &[&str],
) -> (i32, String) {
    let directory = directory_with(&format!("{QUERIES}\n{config}\n"));
    let url = backend(values);
    let url = url.url();
    let common = ["--target", &url, "--at", "1700000000", "--no-report"];
    let run = auditor(directory.path(), &[&common[..], args].concat());
    (run.code, run.stdout.lines().next_back().unwrap_or_default().to_owned())
}

const CALM: &[(&str, &str)] =
    &[("p99", "0.1"), ("lag", "0.01"), ("blocking", "0"), ("active", "5"), ("own", "7")];
const STARVED: &[(&str, &str)] =
    &[("p99", "0.1"), ("lag", "0.9"), ("blocking", "1.5"), ("active", "5")];
const LAGGING: &[(&str, &str)] =
    &[("p99", "0.2"), ("lag", "0.9"), ("blocking", "0"), ("active", "5")];
const IDLE: &[(&str, &str)] =
    &[("p99", "NaN"), ("lag", "0.01"), ("blocking", "0"), ("active", "5")];

#[test]
fn a_report_that_is_no_pass_leads_to_what_decided() {
    let gate = &["--fail-on-critical"][..];
    let degraded = &["--fail-on", "degraded"][..];
    let own = "checks: {workers: {query: own, max: 1}}";
    let lag = "checks: {event_loop_lag: {max: 0.001, severity: warning}}";
    for (values, config, args, code, topic) in [
        (STARVED, "", gate, 1, "EVENT_LOOP_STARVATION"),
        (STARVED, "", &[], 0, "EVENT_LOOP_STARVATION"),
        (LAGGING, "", gate, 1, "CRITICAL"),
        (LAGGING, "", &[], 0, "CRITICAL"),
        (CALM, own, gate, 1, "checks"),
        (CALM, lag, degraded, 1, "event_loop_lag"),
        (CALM, lag, &[], 0, "event_loop_lag"),
        (IDLE, "", gate, 3, "min_requests"),
    ] {
        let (found, line) = last_line(values, config, args);
        let expected = format!("To learn more: auditor explain {topic}");
        assert_eq!((found, line.as_str()), (code, expected.as_str()), "{values:?} {args:?}");
        assert_eq!(explain(&[topic]).code, 0, "{topic}");
    }
}

/// Where values are missing, what the word means is less than why they are.
#[test]
fn values_that_are_missing_lead_to_the_doctor() {
    for (args, code) in [(&["--fail-on-critical"][..], 3), (&[], 0)] {
        let (found, line) = last_line(&CALM[..2], "", args);
        assert_eq!(found, code);
        assert!(line.starts_with("To find out why: auditor doctor --target http://"), "{line}");
    }
}

#[test]
fn a_pass_leads_nowhere() {
    for args in [&["--fail-on-critical"][..], &[]] {
        let (code, line) = last_line(CALM, "", args);
        assert!(code == 0 && line.starts_with("Verdict: PASS"), "{line}");
    }
}

#[test]
fn an_audit_that_failed_leads_to_its_verdict() {
    let directory = directory_with(QUERIES);
    let args = ["--target", "http://127.0.0.1:1", "--no-report"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stdout.ends_with("\nTo learn more: auditor explain error\n"), "{}", run.stdout);
}

#[cfg(unix)]
#[test]
fn a_command_that_failed_leads_to_its_verdict() {
    let args = ["--fail-on-critical", "--settle", "0s", "--", "false"];
    let directory = directory_with(QUERIES);
    let fake = backend(CALM);
    let url = fake.url();
    let common = ["--target", &url, "--no-report"];
    let run = auditor(directory.path(), &[&common[..], &args].concat());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let line = "\nTo learn more: auditor explain command_failed\n";
    assert!(run.stdout.ends_with(line), "{}", run.stdout);
}

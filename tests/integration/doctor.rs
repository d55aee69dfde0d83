//! `auditor doctor`: why a query finds nothing, what is likely to be wrong with one that finds
//! something, and whether the gate could pass and could fail.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::support::{Run, auditor, directory_with, real};

/// A series, and its value at a page.
type Series = (&'static str, fn(f64) -> f64);

/// What a service showed for a minute, a page every 5 s.
fn recording(series: &[Series]) -> String {
    let mut text = String::new();
    for (name, value) in series {
        for page in 0..12_u32 {
            let at = 1_700_000_000 + page * 5;
            writeln!(text, "{name} {} {at}000", value(f64::from(page))).unwrap();
        }
    }
    text
}

const SERVICE: [Series; 9] = [
    ("up{job=\"api\",instance=\"a\"}", |_| 1.0),
    ("loop_lag_seconds{job=\"api\",instance=\"a\"}", |_| 0.01),
    ("loop_lag_milliseconds{job=\"api\",instance=\"a\"}", |_| 10.0),
    ("requests_total{job=\"api\",instance=\"a\"}", |page| page * 10.0),
    ("idle_total{job=\"api\",instance=\"a\"}", |_| 7.0),
    ("late_bucket{job=\"api\",instance=\"a\",le=\"0.05\"}", |page| page * 10.0),
    ("late_bucket{job=\"api\",instance=\"a\",le=\"0.1\"}", |page| page * 10.0),
    ("late_bucket{job=\"api\",instance=\"a\",le=\"5\"}", |page| page * 10.0),
    ("late_bucket{job=\"api\",instance=\"a\",le=\"+Inf\"}", |page| page * 10.0),
];

const WELL: &str = "event_loop_lag: max_over_time(loop_lag_seconds[$window])";
const COUNTED: &str = "requests_total: max_over_time(requests_total[$window]) - min_over_time(requests_total[$window])";

fn config(queries: &[&str]) -> String {
    format!("vars: {{window: 60s}}\nqueries:\n  {COUNTED}\n  {}\n", queries.join("\n  "))
}

fn doctor(config: &str) -> Run {
    let directory = directory_with(config);
    fs::write(directory.path().join("run.prom"), recording(&SERVICE)).unwrap();
    auditor(directory.path(), &["doctor", "--recording", "run.prom", "--output-format", "json"])
}

fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["queries"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap()
}

#[test]
fn a_gate_that_could_pass_and_could_fail_is_sound() {
    let run = doctor(&config(&[WELL]));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let report = run.json();
    let lag = finding(&report, "event_loop_lag");
    assert_eq!(lag["value"], "0.01 s");
    assert_eq!((&lag["series"], &lag["newest_sample_age_s"]), (&1.into(), &0.0.into()));
    assert_eq!(lag["asked"], "max_over_time(loop_lag_seconds[60s])");
    assert_eq!((&report["cannot_pass"], &report["cannot_fail"]), (&Value::Null, &Value::Null));
    assert_eq!(report["next"], "gate with it: auditor --recording run.prom --fail-on-critical");
}

/// What is wrong with the query of the lag; words of why it has no value, or of a warning; and of what
/// to do next, where it is no warning.
const CASES: [(&str, &str, &str); 12] = [
    (
        "max_over_time(loop_lag_secs[$window])",
        "no metric `loop_lag_secs`; near it: loop_lag_seconds",
        "correct the name",
    ),
    (
        "max_over_time(loop_lag_seconds{job=\"apo\"}[$window])",
        "its label `job` is \"api\"",
        "correct `job`",
    ),
    (
        "max_over_time(auditor_probe_lag_seconds[$window])",
        "what the probe sees, and there is none",
        "add --probe URL",
    ),
    (
        "{query: 'rate(idle_total[$window]) / rate(idle_total[$window])'}",
        "did not grow in the window",
        "under a load",
    ),
    ("loop_lag_seconds > 1", "leaves none of their series", "auditor query EXPR"),
    ("max_over_time(loop_lag_milliseconds[$window])", "counts milliseconds", ""),
    ("max_over_time(loop_lag_seconds[10s])", "2 samples in the 10 s", ""),
    (
        "histogram_quantile(0.99, rate(late_bucket{le!='5'}[$window]))",
        "the highest finite bucket of",
        "",
    ),
    (
        "histogram_quantile(0.99, rate(late_bucket[$window]))",
        "around the limit 0.5 end at 0.1 and 5",
        "",
    ),
    ("vector(0)", "selects no metric", ""),
    ("max_over_time(loop_lag_seconds[20s])", "the last 20 s of 60 s that were watched", ""),
    ("loop_lag_seconds", "the last 0 s of 60 s that were watched", ""),
];

#[test]
fn what_is_wrong_with_a_query_is_told() {
    for (query, words, next) in CASES {
        let run =
            doctor(&config(&[&format!("event_loop_lag: \"{}\"", query.replace('"', "\\\""))
                .replace("\"{query", "{query")
                .replace("'}\"", "'}")]));
        let report = run.json();
        let lag = finding(&report, "event_loop_lag");
        assert!(lag.to_string().replace("\\\"", "\"").contains(words), "{query}: {report:#}");
        if next.is_empty() {
            assert!(!lag["warnings"].as_array().unwrap().is_empty(), "{query}: {report:#}");
            continue;
        }
        assert_eq!(run.code, 3, "{query}: {report:#}");
        assert!(report["next"].as_str().unwrap().contains(next), "{query}: {report:#}");
    }
}

/// A limit that is reached is not enough where the score decides.
#[test]
fn a_quantile_that_adds_too_little_to_the_score_is_no_gate() {
    let query = "event_loop_lag: 'histogram_quantile(0.99, rate(late_bucket{le!=\"5\"}[$window]))'";
    let limit = "thresholds: {max_event_loop_lag_s: 0.08}\n";
    let report = doctor(&(config(&[query]) + limit)).json();
    let words = "event_loop_lag reaches 0.1 at most, where its buckets end: 150 of the score, and \
                 CRITICAL starts at 1200";
    assert_eq!(report["cannot_fail"], words, "{report:#}");
    let low = "thresholds: {max_event_loop_lag_s: 0.08, health_score_degraded: 50, health_score_critical: 100}\n";
    let run = doctor(&(config(&[query]) + low));
    assert_eq!(run.code, 0, "{}", run.stdout);
}

/// Limits that nothing reaches, and constants, are no gate.
#[test]
fn a_gate_that_cannot_fail_is_not_sound() {
    for query in
        ["'vector(0)'", "'histogram_quantile(0.99, rate(late_bucket{le!=\"5\"}[$window]))'"]
    {
        let run = doctor(&config(&[&format!("event_loop_lag: {query}")]));
        let report = run.json();
        assert_eq!(run.code, 3, "{query}: {report:#}");
        assert!(
            report["cannot_fail"].as_str().unwrap().starts_with("event_loop_lag: "),
            "{report:#}"
        );
    }
}

#[test]
fn a_service_without_requests_could_not_pass() {
    let config = config(&[WELL]).replace("requests_total[$window]", "idle_total[$window]");
    let run = doctor(&config);
    let report = run.json();
    assert_eq!(run.code, 3, "{report:#}");
    assert!(report["cannot_pass"].as_str().unwrap().contains("min_requests"), "{report:#}");
    assert_eq!(report["next"], "record a run again, with the service under a load");
}

#[test]
fn what_the_command_line_gets_wrong_is_told_before_anything_is_asked() {
    let directory = directory_with("queries: {event_loop_lag: x}\nthreshold: {}\n");
    let run = auditor(directory.path(), &["doctor", "--recording", "run.prom"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("metrics.yaml:2:1: unknown section"), "{}", run.stderr);
    let run = auditor(directory.path(), &["doctor", "--report", "x.json"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("auditor doctor writes no file"), "{}", run.stderr);
}

/// The text has what the JSON has.
#[test]
fn the_text_names_the_query_the_reason_and_the_next_step() {
    let directory = directory_with(&config(&["event_loop_lag: max_over_time(lag[$window])"]));
    fs::write(directory.path().join("run.prom"), recording(&SERVICE)).unwrap();
    let run = auditor(directory.path(), &["doctor", "--recording", "run.prom"]);
    for words in [
        "event_loop_lag: unknown\n  asked: max_over_time(lag[60s])\n  why: there is no metric `lag`; near it: loop_lag_seconds",
        "The gate could pass: no - no signal of the score is known",
        "The gate could fail: no - event_loop_lag has no value",
        "Next: correct the name in the query",
    ] {
        assert!(run.stdout.contains(words), "{words}:\n{}", run.stdout);
    }
}

/// An audit that ends without a verdict names the command that leads on.
#[test]
fn an_inconclusive_audit_leads_to_the_doctor() {
    let directory = directory_with(&config(&["event_loop_lag: max_over_time(lag[$window])"]));
    fs::write(directory.path().join("run.prom"), recording(&SERVICE)).unwrap();
    let run = auditor(directory.path(), &["--recording", "run.prom", "--fail-on-critical"]);
    assert_eq!(run.code, 3);
    let last = run.stdout.lines().last().unwrap();
    assert_eq!(last, "To find out why: auditor doctor --recording run.prom");
}

/// The same of a real server, where what was there an hour ago is told too.
#[test]
fn a_real_server_is_asked_the_same() {
    if !real::available("the doctor of a real server") {
        return;
    }
    let server = real::prometheus_of(&recording_to_now(), None, "");
    for (query, words) in [
        ("max_over_time(loop_lag_seconds[$window])", "0.01 s"),
        ("max_over_time(loop_lag_secs[$window])", "near it: loop_lag_seconds"),
        ("max_over_time(loop_lag_seconds{job=\\\"apo\\\"}[$window])", "its label `job` is"),
        ("max_over_time(gone_lag_seconds[$window])", "was there within the last hour"),
    ] {
        let directory = directory_with(&config(&[&format!("event_loop_lag: \"{query}\"")]));
        let args = ["doctor", "--target", &server.url, "--output-format", "json"];
        let run = auditor(directory.path(), &args);
        let report = run.json();
        let lag = finding(&report, "event_loop_lag");
        assert!(lag.to_string().contains(words), "{query}: {report:#} {}", run.stderr);
    }
}

/// A service that is there, and a metric that ended half an hour ago, in the text that `promtool` reads.
fn recording_to_now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut text = String::new();
    for (name, value) in SERVICE {
        for page in 0..120_u32 {
            let at = now - 600 + u64::from(page) * 5;
            writeln!(text, "{name} {} {at}", value(f64::from(page))).unwrap();
        }
    }
    for page in 0..12 {
        writeln!(text, "gone_lag_seconds{{job=\"api\"}} 0.01 {}", now - 1900 + page * 5).unwrap();
    }
    text + "# EOF\n"
}

//! A backlog that is gone at the end moves the audit to the instant of its height. What stands
//! against the service at the end must not get lost with that, nor a healthy one fail by it.

use std::fmt::Write as _;
use std::fs;

use crate::support::{auditor, directory_with};

const QUERIES: &str = "queries: {p99_latency: calm, event_loop_lag: calm, \
    blocking_duration_avg: calm, peak_active_requests: active, threadpool_backlog: backlog}\n";
const START: i64 = 1_700_000_000;

/// A recording of 61 s: the backlog stands high from the 20th to the 30th.
fn recording(backlog: f64, value: impl Fn(i64) -> Option<f64>, active: [f64; 2]) -> String {
    let mut out = String::new();
    for second in 0..=60 {
        let at = START + second;
        let high = if (20..=30).contains(&second) { backlog } else { 0.0 };
        let active = active[usize::from(second > 40)];
        for (name, value) in [
            ("up", Some(1.0)),
            ("calm", Some(0.01)),
            ("active", Some(active)),
            ("backlog", Some(high)),
            ("own", value(second)),
        ] {
            if let Some(value) = value {
                writeln!(out, "{name}{{job=\"a\",instance=\"b\"}} {value} {at}").unwrap();
            }
        }
    }
    // OpenMetrics keeps the samples of a metric together.
    let mut lines: Vec<_> = out.lines().collect();
    lines.sort_by_key(|line| line.split('{').next());
    lines.join("\n") + "\n# EOF\n"
}

fn code(recording: &str, checks: &str, gate: &[&str]) -> (i32, String) {
    let directory = directory_with(&format!("{QUERIES}{checks}"));
    fs::write(directory.path().join("a.om"), recording).unwrap();
    let run = auditor(directory.path(), &[&["--recording", "a.om", "--no-report"], gate].concat());
    (run.code, run.stdout + &run.stderr)
}

#[test]
fn nothing_of_the_end_is_lost() {
    let critical = &["--fail-on-critical"][..];
    let mode = &["--fail-on", "failure-mode"][..];
    let max = "checks: {own: {query: own, max: 0.01}}\n";
    let spike = "checks: {own: {query: own, spike: {window: 10s, step: 5s}}}\n";
    let (calm, busy) = ([5.0, 5.0], [5.0, 200.0]);
    let broken = |second| Some(if second > 40 { 0.5 } else { 0.0 });
    let ended = |second| (second <= 40).then_some(0.0);
    let nan = |second| Some(if second > 40 { f64::NAN } else { 0.0 });
    let jump = |second| Some(if second == 60 { 100.0 } else { 1.0 });
    let min = "checks: {own: {query: own, min: 50}}\n";
    let grows = |second| Some(second as f64);
    let fine = |_| Some(0.0);
    let begun = |second| (second >= 35).then_some(0.0);
    for (what, recording, checks, gate, expected) in [
        ("broken at the end", recording(10.0, broken, calm), max, critical, 1),
        ("gone at the end", recording(10.0, ended, calm), max, critical, 3),
        ("NaN at the end", recording(10.0, nan, calm), max, critical, 3),
        ("a spike at the end", recording(10.0, jump, calm), spike, critical, 1),
        ("a mode at the end", recording(30.0, fine, busy), "", mode, 1),
        ("unknown before the end only", recording(10.0, begun, calm), max, critical, 0),
        ("too little before the end only", recording(10.0, grows, calm), min, critical, 0),
        ("too little, and a backlog that fails", recording(200.0, grows, calm), min, critical, 1),
        ("all is well", recording(10.0, fine, calm), max, critical, 0),
        ("a backlog that fails", recording(200.0, fine, calm), max, critical, 1),
    ] {
        let (code, output) = code(&recording, checks, gate);
        assert_eq!(code, expected, "{what}: {output}");
    }
}

/// A recording of a scrape a second in which a backlog stands for one second alone.
fn long_recording(seconds: i64, backlog: impl Fn(i64) -> f64, wait: impl Fn(i64) -> f64) -> String {
    let mut out = String::new();
    for name in ["up", "calm", "active", "backlog", "wait"] {
        for second in 0..=seconds {
            let value = match name {
                "up" | "active" => 1.0,
                "calm" => 0.01,
                "backlog" => backlog(second),
                _ => wait(second),
            };
            let at = START + second;
            writeln!(out, "{name}{{job=\"a\",instance=\"b\"}} {value} {at}").unwrap();
        }
    }
    out + "# EOF\n"
}

#[test]
fn every_scrape_is_looked_at() {
    // 1000 scrapes: whatever is not looked at in each of them would miss one.
    for peak in [1, 333, 334, 335, 998] {
        let backlog = |second| if second == peak { 200.0 } else { 0.0 };
        let recording = long_recording(1000, backlog, |_| 0.0);
        let (code, output) = code(&recording, "", &["--fail-on-critical"]);
        assert_eq!(code, 1, "{peak}: {output}");
    }
}

#[test]
fn the_highest_score_counts_and_not_the_highest_backlog() {
    // Later on the backlog is lower, and the wait so long that the score is higher.
    let backlog = |second| match second {
        10..=20 => 100.0,
        40..=45 => 60.0,
        _ => 0.0,
    };
    let wait = |second| if (40..=45).contains(&second) { 2.5 } else { 0.0 };
    let queries = QUERIES.replace("}\n", ", threadpool_queue_wait: wait}\n");
    let directory = directory_with(&queries);
    fs::write(directory.path().join("a.om"), long_recording(60, backlog, wait)).unwrap();
    let args = ["--recording", "a.om", "--no-report", "--fail-on-critical"];
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let score = 15 + 4 + 750 + 480 + 1;
    assert!(run.stdout.contains(&format!("the score is {score}")), "{}", run.stdout);
}

/// What is compared with a baseline is of the whole time, but for the backlog and the score.
#[test]
fn growth_after_the_backlog_is_seen() {
    let compared = "baseline: {score: {max_increase: 10%}, threadpool_backlog: {max_increase: 0}, \
        peak_active_requests: {max_increase: 0}}\n";
    let directory = directory_with(&format!("{QUERIES}{compared}"));
    let path = |name: &str| directory.path().join(name);
    // The backlog of 10 counts for more than the requests that come later.
    for (name, backlog, active) in
        [("calm", 10.0, [5.0, 5.0]), ("busy", 10.0, [5.0, 60.0]), ("full", 14.0, [5.0, 5.0])]
    {
        fs::write(path(&format!("{name}.om")), recording(backlog, |_| Some(0.0), active)).unwrap();
        let of_then = ["--recording", &format!("{name}.om"), "--report", &format!("{name}.json")];
        let run = auditor(directory.path(), &of_then);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(
            run.stdout.contains("2023-11-14T22:13:50Z"),
            "of the instant of the backlog: {run:?}"
        );
    }
    for (now, then, code, broken) in [
        ("calm", "calm", 0, &[][..]),
        ("busy", "busy", 0, &[]),
        ("calm", "busy", 0, &[]),
        ("busy", "calm", 1, &["baseline.peak_active_requests"]),
        ("full", "calm", 1, &["baseline.score", "baseline.threadpool_backlog"]),
    ] {
        let of_now = ["--recording", &format!("{now}.om"), "--baseline", &format!("{then}.json")];
        let gate = ["--fail-on-critical", "--output-format", "json"];
        let run = auditor(directory.path(), &[&of_now[..], &gate].concat());
        let report = run.json();
        let checks = report["checks"].as_array().unwrap().iter();
        let found = checks.filter(|it| it["type"] == "baseline" && it["passed"] != true);
        let found: Vec<_> = found.map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!((run.code, &*found), (code, broken), "{now} after {then}");
    }
}

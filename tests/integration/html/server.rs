//! What a server is asked for the charts, and that it draws what a recording of its samples draws.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::recording::{CALM, CONFIG, SECONDS, START, Second, directory, recording};
use super::report;
use crate::support::fake::{Fake, Request, Response};
use crate::support::{auditor, directory_with, real};

#[test]
fn a_recording_and_prometheus_draw_the_same() {
    if !real::available("the charts of a server") {
        return;
    }
    let samples = recording(|at| {
        let lag = if at % 17 == 5 { 0.9 } else { 0.01 };
        let (active, started) = ((at % 7) as f64, 5.0 + (at / 20) as f64);
        Some(Second { lag, active, started, ..CALM })
    });
    // The window of a recording is what was observed.
    let window = format!("vars: {{window: {}s500ms}}\n", SECONDS + 1);
    let directory = directory(&format!("{window}{CONFIG}"), &samples);
    let server = real::prometheus_of(&samples, None, "");
    // Between two samples, so that it does not matter whether a range is closed on its left.
    let at = format!("{}.5", START + SECONDS);
    let [recorded, asked] = [["--recording", "run.om"], ["--target", &server.url]]
        .map(|source| report(directory.path(), &[&source[..], &["--at", &at]].concat()));
    assert!(
        recorded["timeline"]["signals"]["event_loop_lag"]["points"].as_array().unwrap().len() > 20
    );
    assert_eq!(asked["timeline"], recorded["timeline"], "{asked:#}\n{recorded:#}");
}

#[test]
fn a_hole_of_a_server_is_a_hole_in_every_line() {
    if !real::available("the holes of a server's charts") {
        return;
    }
    let samples = recording(|at| (!(20..=39).contains(&at)).then_some(CALM));
    let directory = directory_with(&format!("vars: {{window: {SECONDS}s}}\n{CONFIG}"));
    let milliseconds = samples.lines().filter(|line| *line != "# EOF");
    let milliseconds: Vec<_> = milliseconds.map(|line| format!("{line}000\n")).collect();
    let prometheus = real::prometheus_of(&samples, None, "");
    let victoria = real::victoria_metrics_of(milliseconds.concat());
    for server in [prometheus, victoria] {
        let at = (START + SECONDS).to_string();
        let report = report(directory.path(), &["--target", &server.url, "--at", &at]);
        holes_in_the_middle(&report["timeline"]);
    }
}

fn holes_in_the_middle(timeline: &Value) {
    let [signals, checks] =
        ["signals", "checks"].map(|kind| timeline[kind].as_object().unwrap().clone());
    assert!(signals.len() > 5 && checks.len() == 1, "{timeline:#}");
    for (name, line) in signals.into_iter().chain(checks) {
        let points = line["points"].as_array().unwrap();
        let middle = points.len() / 2;
        assert!(points[middle].is_null(), "{name}: {line}");
        assert!(
            points[middle - 5..middle + 5].iter().filter(|it| it.is_null()).count() >= 5,
            "{name}: {line}"
        );
        assert!(points[middle * 2 - 1].is_number() && points[2].is_number(), "{name}: {line}");
    }
}

/// A server that keeps in mind what it was asked.
fn server(is_range_refused: bool) -> (Fake, Arc<Mutex<Vec<Request>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let fake = Fake::start(move |request: &Request| {
        kept.lock().unwrap().push(request.clone());
        match request.path.as_str() {
            "/api/v1/query" => Response::value("0.1"),
            "/api/v1/query_range" if is_range_refused => Response::new(503, "too much"),
            "/api/v1/query_range" => Response::vector(&[]),
            _ => Response::new(200, "Prometheus Server is Healthy.\n"),
        }
    });
    (fake, asked)
}

fn asked_by(args: &[&str]) -> (Value, usize, usize) {
    let (fake, asked) = server(false);
    let directory = directory_with(CONFIG);
    let url = fake.url();
    let common =
        ["--target", &url, "--output-format", "json", "--no-report", "--report", "text=a.txt"];
    let report = auditor(directory.path(), &[&common, args].concat()).json();
    let asked = asked.lock().unwrap();
    let ranges = asked.iter().filter(|request| request.path.ends_with("query_range")).count();
    (report, asked.len(), ranges)
}

#[test]
fn without_a_chart_nothing_is_asked_for_one() {
    let (without, all, ranges) = asked_by(&[]);
    assert_eq!((ranges, without.get("timeline")), (0, None));
    let (with, more, ranges) = asked_by(&["--report", "html=a.html"]);
    assert!(more > all && ranges > 0, "{more} {all} {ranges}");
    assert_eq!(with["verdict"], without["verdict"]);
}

#[test]
fn a_chart_that_fails_changes_no_verdict_and_says_why() {
    let (fake, _) = server(true);
    let directory = directory_with(CONFIG);
    let (run, page) =
        super::page(directory.path(), &["--target", &fake.url(), "--output-format", "json"]);
    let report = run.json();
    let reason = report["timeline"]["signals"]["event_loop_lag"]["reason"].as_str().unwrap();
    assert!(reason.contains("503"), "{reason}");
    assert!(page.contains("could not be drawn: "), "{page}");
    assert_eq!(report["signals"]["event_loop_lag"]["state"], "ok");
    assert!(report["error"].is_null(), "{report:#}");
}

//! Ranges of real servers beside those of the same samples at hand.

use std::fs;

use crate::support::real;
use crate::support::telemetry::{CALM, Instance};
use crate::support::{auditor, directory_with};
use serde_json::Value;

const SIGNALS: &str = "queries: {p99_latency: vector(0), event_loop_lag: vector(0), \
                       blocking_duration_avg: vector(0), peak_active_requests: vector(0)}\n";

fn own_checks(report: &Value) -> Vec<&Value> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["requested"] == true).collect()
}

#[test]
fn a_spike_is_the_same_in_a_recording_and_in_prometheus() {
    if !real::available("the spikes of a recording") {
        return;
    }
    let checks = "checks:\n  \
        lag: {query: asyncio_event_loop_lag_seconds, spike: {window: 15s, step: 1s}}\n  \
        requests: {query: active_requests, spike: {window: 10s, step: 500ms, min_baseline: 3}}\n  \
        sum: {query: sum(active_requests), spike: {window: 9s, step: 2s, multiplier: 3}}\n  \
        rate: {query: 'rate(blocking_duration_seconds_sum[5s])', spike: {window: 8s, step: 1s}}\n  \
        number: {query: '2', spike: {window: 4s, step: 1s}}\n  \
        long: {query: active_requests, spike: {window: 1h, step: 1s}}\n  \
        start: {query: 'active_requests + 0 * active_requests @ start()', spike: {window: 9s, step: 1s}}\n  \
        end: {query: '1 + time() * 0 + active_requests @ end()', spike: {window: 9s, step: 1s}}\n  \
        absent: {query: no_such_metric, spike: {window: 10s, step: 1s}}\n";
    let directory = directory_with(&format!("{SIGNALS}{checks}"));
    let text = fs::read_to_string("examples/starved.om").unwrap();
    fs::write(directory.path().join("starved.om"), &text).unwrap();
    let server = real::prometheus_of(&text, None, "");
    let mut verdicts = Vec::new();
    // Between two scrapes, so that it does not matter whether a range is closed on its left.
    for at in ["1795318140.5", "1795318150.7", "1795318155"] {
        let gate = ["--at", at, "--output-format", "json"];
        let recorded = [&["--recording", "starved.om"], &gate[..]].concat();
        let asked = [&["--target", server.url.as_str()], &gate[..]].concat();
        let [ours, theirs] = [recorded, asked].map(|args| auditor(directory.path(), &args).json());
        for (ours, theirs) in own_checks(&ours).into_iter().zip(own_checks(&theirs)) {
            // What a recording lacks elsewhere leaves a pass open; a server does not know of it.
            let of_ours = ours["passed"].as_bool();
            if of_ours.is_some() || theirs["passed"].is_null() {
                assert_eq!(ours["passed"], theirs["passed"], "{at}: {ours:#} {theirs:#}");
            }
            for key in ["actual", "expected", "violation", "series", "query"] {
                assert_eq!(ours[key], theirs[key], "{at}: {ours:#} {theirs:#}");
            }
            assert_eq!(ours["spike"], theirs["spike"], "{at}");
            verdicts.push(theirs["passed"].as_bool());
        }
    }
    for verdict in [None, Some(true), Some(false)] {
        assert!(verdicts.contains(&verdict), "{verdicts:?}");
    }
}

/// 2026-01-31T12:00:00Z, and an hour before.
const END: i64 = 1_769_860_800;
const START: i64 = END - 3600;
/// Something to divide by, which `CALM` has not.
const STALLS: Instance = Instance { blocking: 0.1, ..CALM };

/// One instance is `NaN` all the time, which VictoriaMetrics leaves out of its answers.
#[test]
fn a_series_that_is_nan_is_no_pass_on_either_server() {
    if !real::available("the ranges of a NaN on real servers") {
        return;
    }
    let ratio = "blocking_duration_seconds_sum / blocking_duration_seconds_count";
    let check = format!("{{query: '{ratio}', spike: {{window: 10m, step: 1m}}}}");
    let directory = directory_with(&format!("{SIGNALS}checks:\n  ratio: {check}\n"));
    let healthy = [Instance { instance: "b:8000", ..STALLS }];
    let beside = [CALM, healthy[0]];
    for (fleet, code) in [(&healthy[..], 0), (&beside[..], 3)] {
        for server in
            [real::prometheus(fleet, START, END, ""), real::victoria_metrics(fleet, START, END)]
        {
            let at = END.to_string();
            let args = ["--target", &server.url, "--at", &at, "--fail-on-critical", "--verbose"];
            let run = auditor(directory.path(), &args);
            assert_eq!(run.code, code, "{} {}", run.stdout, run.stderr);
        }
    }
}

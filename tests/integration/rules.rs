//! The rules of checks beside those of the programs that they come from: cloudcircuit's budget,
//! spike and breaker, recorded by `tests/original/record_rules.py`, and the fault suite's minimum and maximum.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::fake::{Fake, Response};
use crate::support::{auditor, directory_with};
use auditor::breaker;
use auditor::model::check::{Limit, Spike, judge_spike, judge_value};
use auditor::model::interval::Interval;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Recorded {
    budgets: Vec<Case<(f64, f64, f64)>>,
    spikes: Vec<Case<(Vec<f64>, f64, f64)>>,
    breakers: Vec<Case<(i64, i64, i64)>>,
}

#[derive(Deserialize)]
struct Case<T> {
    input: T,
    /// `None` where the original refused the input.
    answer: Option<Value>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../original/rules.json")).unwrap()
}

#[test]
fn a_budget_is_judged_as_cloudcircuit_does() {
    let cases = recorded().budgets;
    assert!(cases.len() > 50);
    for Case { input: (used, limit, warning_ratio), answer } in cases {
        let Some(answer) = answer else { continue };
        let budget = Limit::Budget { limit, warning_ratio };
        let (passed, is_warning) = judge_value(&budget, Interval::exactly(used));
        let said = (answer["is_breached"].as_bool(), answer["is_warning"].as_bool());
        let ours = (passed.map(|passed| !passed), Some(is_warning));
        assert_eq!(ours, said, "{used} of {limit}, {warning_ratio}");
        assert_eq!(answer["usage_ratio"].as_f64(), Some(used / limit));
        assert_eq!(answer["remaining_budget"].as_f64(), Some(limit - used));
    }
}

#[test]
fn a_spike_is_judged_as_cloudcircuit_does() {
    let cases = recorded().spikes;
    assert!(cases.len() > 50);
    for Case { input: (points, multiplier, min_baseline), answer } in cases {
        let is_valid = multiplier > 1.0 && min_baseline >= 0.0;
        let (window, step) = (Duration::from_secs(60), Duration::from_secs(10));
        let spike = Spike { window, step, multiplier, min_baseline };
        let ours = judge_spike(&spike, &points).ok().filter(|_| is_valid);
        let Some(answer) = answer else {
            assert_eq!(ours, None, "{points:?} {multiplier} {min_baseline}");
            continue;
        };
        let ours = ours.unwrap();
        for (key, value) in [
            ("latest_spend", ours.latest),
            ("baseline_mean", ours.baseline),
            ("threshold", ours.threshold),
        ] {
            // Python 3.12 sums with a compensation; the difference is in the last bits.
            let theirs = answer[key].as_f64().unwrap();
            assert!((value - theirs).abs() <= 1e-12 * theirs, "{points:?} {key} {value} {theirs}");
        }
        assert_eq!(answer["is_spike"].as_bool(), Some(ours.is_spike), "{points:?} {multiplier}");
    }
}

#[test]
fn a_breaker_is_decided_as_cloudcircuit_does() {
    let cases = recorded().breakers;
    assert!(cases.len() > 200 && cases.iter().any(|case| case.answer.is_none()));
    for Case { input: (failures, threshold, cooldown), answer } in cases {
        let ours = breaker::evaluate(failures, threshold, cooldown).ok();
        let ours = ours.map(|it| {
            serde_json::json!({
                "is_open": it.is_open,
                "allow_operation": !it.is_open,
                "retry_after_steps": it.retry_after,
            })
        });
        assert_eq!(ours, answer, "{failures} of {threshold}, {cooldown} left");
    }
}

/// What the original refuses is a configuration error, with its place.
#[test]
fn what_cloudcircuit_refuses_is_a_configuration_error() {
    let mut refused = Vec::new();
    for Case { input: (_, limit, ratio), answer } in recorded().budgets {
        let is_input = limit > 0.0 && ratio > 0.0 && ratio <= 1.0;
        if answer.is_none() && !is_input {
            refused.push(format!("budget: {{limit: {limit}, warning_ratio: {ratio}}}"));
        }
    }
    for Case { input: (_, multiplier, floor), answer } in recorded().spikes {
        if answer.is_none() && (multiplier <= 1.0 || floor < 0.0) {
            let numbers = format!("multiplier: {multiplier}, min_baseline: {floor}");
            refused.push(format!("spike: {{window: 1h, step: 1m, {numbers}}}"));
        }
    }
    assert!(refused.len() >= 8, "{refused:?}");
    refused.push("spike: {window: 1m, step: 2m}".to_owned());
    for rule in refused {
        let config = format!("{SIGNALS}checks:\n  own: {{query: own, {rule}}}\n");
        let run = auditor(directory_with(&config).path(), &["--target", "http://localhost:1"]);
        assert_eq!(run.code, 2, "{rule}: {}", run.stderr);
        assert!(run.stderr.contains("\n  metrics.yaml:3:"), "{}", run.stderr);
    }
}

const SIGNALS: &str = "queries: {p99_latency: calm, event_loop_lag: calm, \
                       blocking_duration_avg: calm, peak_active_requests: calm}\n";

/// `metric=actual < minimum` and `metric=actual > maximum`, as the fault suite's summary says.
#[test]
fn a_minimum_and_a_maximum_are_judged_and_told_as_the_fault_suite_does() {
    for (rule, value, passed, violation) in [
        ("max: 3", "3", true, ""),
        ("max: 3", "4", false, "own=4 > 3"),
        ("max: 0", "0", true, ""),
        ("max: 0.01", "0.02", false, "own=0.02 > 0.01"),
        ("max: 0.01", "0.010000000000000002", false, "own=0.010000000000000002 > 0.01"),
        ("max: -1", "-2", true, ""),
        ("min: 3", "3", true, ""),
        ("min: 3", "2", false, "own=2 < 3"),
        ("min: 1", "0", false, "own=0 < 1"),
        ("min: -1", "-2", false, "own=-2 < -1"),
    ] {
        let backend = Fake::start(move |request| match request.parameters.get("query") {
            Some(query) => {
                let value = if query == "own" { value } else { "0" };
                Response::vector(&[(BTreeMap::new(), value.to_owned())])
            }
            None => Response::new(200, "Prometheus Server is Healthy.\n"),
        });
        let config = format!("{SIGNALS}checks:\n  own: {{query: own, {rule}}}\n");
        let args = ["--target", &backend.url(), "--output-format", "json", "--fail-on-critical"];
        let run = auditor(directory_with(&config).path(), &args);
        assert_eq!(run.code, i32::from(!passed), "{rule} {value}: {}", run.stderr);
        let report = run.json();
        let checks = report["checks"].as_array().unwrap();
        let own = checks.iter().find(|check| check["name"] == "own").unwrap();
        assert_eq!(own["passed"], passed, "{rule} {value}");
        assert_eq!(own["violation"], violation, "{rule} {value}");
    }
}

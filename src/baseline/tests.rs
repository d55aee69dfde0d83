//! What of an earlier report can be compared, and why the rest cannot.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::config::{self, Request};
use crate::model::interval::Interval;

/// The configuration of now.
const CONFIG: &str = "
queries:
  event_loop_lag: max_over_time(lag[5m])
  blocking_duration_avg: blocking
  threadpool_tasks_started: started
  threadpool_tasks_completed: completed
checks:
  busy: {query: \"rate(busy[5m])\", max: 10}
  free: {query: free, min: 1, reduce: sum}
baseline:
  score: {max_increase: 10%}
  event_loop_lag: {max_increase: 10%}
  threadpool_backlog: {max_increase: 1}
  busy: {max_increase: 10%}
  free: {max_decrease: 10%}
";

fn signal(query: &str, value: f64, unit: &str) -> Value {
    json!({
        "value": value, "unit": unit, "state": "ok", "is_lower_bound": false, "query": query,
        "reduce": "max", "series": 1,
    })
}

fn absent(unit: &str) -> Value {
    json!({"unit": unit, "state": "not_configured", "is_lower_bound": false, "series": 0})
}

fn term(signal: &str, value: Option<f64>, points: f64) -> Value {
    json!({
        "signal": signal, "value": value, "is_lower_bound": false, "limit": 1, "unit": "s",
        "weight": 1, "points": points,
    })
}

fn check(name: &str, rule: &str, query: &str, value: f64) -> Value {
    json!({
        "name": name, "type": rule, "actual": value, "expected": 1, "passed": true,
        "violation": "", "severity": "critical", "category": "custom", "description": "",
        "observed": {"least": value, "most": value}, "query": query, "requested": true,
    })
}

/// The report of then: all of it can be compared.
fn report() -> Value {
    let mut free = check("free", "min", "free", 3.0);
    free["reduce"] = "sum".into();
    let sum = |query: &str, value: f64| {
        let mut entry = signal(query, value, "tasks");
        entry["reduce"] = "sum".into();
        entry
    };
    json!({
        "schema_version": 1, "status": "HEALTHY", "runtime_health_score": 91.12,
        "failure_modes": [], "findings": [], "verdict": "pass", "verdict_reason": "all is well",
        "exit_code": 0, "evaluated_at": "2026-01-30T12:00:00Z", "source": "server",
        "target": "http://localhost:9090", "backend": {}, "config": "metrics.yaml",
        "score_is_lower_bound": false,
        "score_breakdown": [
            term("event_loop_lag", Some(0.05), 75.125),
            term("blocking_duration_avg", Some(0.0), 0.0),
            term("threadpool_queue_wait", None, 0.0),
            term("threadpool_backlog", Some(2.0), 16.0),
            term("peak_active_requests", None, 0.0),
        ],
        "failure_modes_not_assessable": [],
        "signals": {
            "event_loop_lag": signal("max_over_time(lag[1h])", 0.05, "s"),
            "blocking_duration_avg": signal("blocking", 0.0, "s"),
            "peak_active_requests": absent("requests"),
            "threadpool_queue_wait": absent("s"),
            "threadpool_tasks_started": sum("started", 9.0),
            "threadpool_tasks_completed": sum("completed", 7.0),
            "threadpool_backlog": absent("tasks"),
        },
        "scrapes": [], "thresholds": {},
        "weights": {
            "event_loop_lag": 1500, "blocking_duration_avg": 400, "threadpool_queue_wait": 300,
            "threadpool_backlog": 8, "peak_active_requests": 1,
        },
        "checks": [check("busy", "max", "rate(busy[1h])", 4.0), free],
    })
}

/// What the comparison of that name is held against, by that report.
fn value(report: &Value, name: &str) -> Result<Interval, String> {
    let plan = config::parse(Path::new("metrics.yaml"), CONFIG, &Request::default()).unwrap();
    let report = Report::from_json(&report.to_string()).unwrap();
    let values = Earlier::before(Duration::from_secs(60), report).values(&plan);
    values.get(&format!("baseline.{name}")).map_err(str::to_owned)
}

/// The report of then with another value in one place.
fn with(pointer: &str, value: Value) -> Value {
    let mut report = report();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = report.pointer_mut(parent).unwrap();
    match (key.parse::<usize>(), parent) {
        (Ok(index), Value::Array(items)) => items[index] = value,
        (_, parent) => parent[key] = value,
    }
    report
}

#[test]
fn values_are_those_that_are_not_rounded() {
    for (name, expected) in [
        ("score", 91.125),
        ("event_loop_lag", 0.05),
        ("threadpool_backlog", 2.0),
        ("busy", 4.0),
        ("free", 3.0),
    ] {
        assert_eq!(value(&report(), name), Ok(Interval::exactly(expected)), "{name}");
    }
}

#[test]
fn a_bound_stays_a_bound() {
    let at_least = |least| Ok(Interval::at_least(least));
    let upward = json!({"least": 4.0, "most": null});
    let downward = json!({"least": null, "most": 3.0});
    for (pointer, changed, name, expected) in [
        ("/score_is_lower_bound", true.into(), "score", at_least(91.125)),
        ("/signals/event_loop_lag/is_lower_bound", true.into(), "event_loop_lag", at_least(0.05)),
        ("/score_breakdown/3/is_lower_bound", true.into(), "threadpool_backlog", at_least(2.0)),
        (
            "/signals/event_loop_lag/at_end",
            json!({"value": 0.07, "is_lower_bound": true}),
            "event_loop_lag",
            at_least(0.07),
        ),
        ("/checks/0/observed", upward, "busy", at_least(4.0)),
        (
            "/checks/1/observed",
            downward,
            "free",
            Ok(Interval { least: f64::NEG_INFINITY, most: 3.0 }),
        ),
    ] {
        assert_eq!(value(&with(pointer, changed), name), expected, "{pointer}");
    }
}

#[test]
fn what_cannot_be_compared_is_unknown_and_says_why() {
    let null = || Value::Null;
    for (pointer, changed, name, words) in [
        ("/verdict", "inconclusive".into(), "busy", "without a result (inconclusive): all is well"),
        ("/verdict", "interrupted".into(), "event_loop_lag", "without a result (interrupted)"),
        ("/verdict", "error".into(), "score", "without a result (error)"),
        ("/verdict", "command_failed".into(), "score", "without a result (command failed)"),
        ("/weights/threadpool_backlog", 9.into(), "score", "threadpool_backlog is 8, and 9 in"),
        ("/weights", json!({}), "score", "the weight of event_loop_lag is 1500, and none in"),
        ("/runtime_health_score", null(), "score", "knows no signal of the score"),
        (
            "/signals/event_loop_lag/query",
            "lag_seconds".into(),
            "score",
            "selects lag, and lag_seconds",
        ),
        (
            "/signals/blocking_duration_avg",
            absent("s"),
            "score",
            "no query for blocking_duration_avg",
        ),
        // Signals that are left out now were a part of it.
        (
            "/score_breakdown/4",
            term("peak_active_requests", Some(4.0), 4.0),
            "score",
            "has peak_active_requests in its score",
        ),
        (
            "/signals/event_loop_lag/query",
            "lag_seconds".into(),
            "event_loop_lag",
            "selects lag, and lag_seconds",
        ),
        ("/signals/event_loop_lag/query", null(), "event_loop_lag", "no query for event_loop_lag"),
        ("/signals", json!({}), "event_loop_lag", "no query for event_loop_lag"),
        ("/signals/event_loop_lag/unit", "ms".into(), "event_loop_lag", "is in s, and in ms"),
        ("/signals/event_loop_lag/reduce", "avg".into(), "event_loop_lag", "in another way"),
        ("/signals/event_loop_lag/value", null(), "event_loop_lag", "is not known in the baseline"),
        (
            "/signals/threadpool_backlog",
            signal("waiting", 2.0, "tasks"),
            "threadpool_backlog",
            "a query of its own",
        ),
        (
            "/signals/threadpool_tasks_started/query",
            "begun".into(),
            "threadpool_backlog",
            "selects started, and begun",
        ),
        ("/score_breakdown/3/value", null(), "threadpool_backlog", "is not known in the baseline"),
        ("/checks", json!([]), "busy", "has no check `busy`"),
        ("/checks/0/query", "rate(idle[1h])".into(), "busy", "selects busy, and idle"),
        ("/checks/0/query", null(), "busy", "has no query in the baseline"),
        ("/checks/0/actual", null(), "busy", "busy is not known in the baseline"),
        ("/checks/0/reduce", "sum".into(), "busy", "in another way"),
        // Its smallest series was observed then, by default.
        ("/checks/0/type", "min".into(), "busy", "in another way"),
        ("/checks/1/reduce", null(), "free", "in another way"),
    ] {
        let found = value(&with(pointer, changed), name);
        let why = found.expect_err(pointer);
        assert!(why.contains(words), "{pointer}, {name}: {why}");
    }
}

#[test]
fn what_a_file_says_stays_on_its_line() {
    let mut report = with("/verdict", "error".into());
    report["verdict_reason"] = "a\n::error::b\u{1b}[31m".into();
    let why = value(&report, "score").unwrap_err();
    assert!(why.chars().all(|c| !c.is_control()), "{why:?}");
}

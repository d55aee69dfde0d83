//! Reports for the tests of this room.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Entry;
use crate::engine::Verdict;
use crate::model::level::Status;
use crate::report::Report;

/// A report of a calm service.
pub(super) fn report() -> Value {
    json!({
        "schema_version": 1, "status": "HEALTHY", "runtime_health_score": 35.5,
        "failure_modes": [], "findings": [], "verdict": "pass",
        "verdict_reason": "the score is 35.5, below 1200 where CRITICAL starts",
        "exit_code": 0, "gate": "critical", "evaluated_at": "2026-11-27T14:51:06Z",
        "source": "scrape", "target": "http://localhost:8000/metrics", "backend": {},
        "config": "metrics.yaml", "score_is_lower_bound": false, "score_breakdown": [],
        "failure_modes_not_assessable": [], "signals": {}, "scrapes": [], "thresholds": {},
        "weights": {}, "checks": [], "finding_details": [],
        "evidence": {
            "requests": 120, "error_ratio": 0, "targets": [], "queries": [], "shortfalls": [],
            "rules": [],
        },
    })
}

/// A failure mode.
pub(super) fn mode(name: &str, severity: &str) -> Value {
    let description = "Synchronous calls hold the event loop, so every coroutine waits for them.";
    let evidence = json!([{
        "signal": "event_loop_lag", "value": 1.2, "is_lower_bound": false, "limit": 0.5,
        "unit": "s",
    }]);
    json!({
        "type": name, "severity": severity, "description": description, "evidence": evidence,
        "cause": "blocked",
    })
}

/// A finding.
pub(super) fn finding(check: &str, severity: &str, signal: Option<&str>) -> Value {
    let evidence = json!([{
        "signal": signal, "observed": {"least": 1.2, "most": 1.2}, "limit": 0.5, "unit": "s",
    }]);
    json!({
        "check": check, "severity": severity, "message": format!("`{check}` is over its limit."),
        "evidence": evidence,
    })
}

/// A check.
pub(super) fn check(name: &str, rule: &str, severity: &str, category: &str) -> Value {
    json!({
        "name": name, "type": rule, "actual": 4.0, "expected": 1.0, "passed": false,
        "violation": "", "severity": severity, "category": category, "description": "",
        "observed": {"least": 4.0, "most": 4.0}, "requested": true,
    })
}

/// Evidence that is missing.
pub(super) fn shortfall(rule: &str, detail: &str) -> Value {
    json!({"rule": rule, "detail": detail, "advice": "do something about it", "allowed": false})
}

/// A calm one, a failing one, and one without a verdict.
pub(super) fn reports() -> [Value; 3] {
    let culprit = |file: &str, line: Option<u32>, function: &str| {
        json!({
            "file": file, "line": line, "function": function, "blocked_s": 1.2, "stalls": 3,
            "cause": "asleep",
        })
    };
    let mut starved = report();
    for (key, value) in [
        ("status", json!("CRITICAL")),
        ("verdict", json!("fail")),
        ("runtime_health_score", json!(2415.25)),
        ("score_is_lower_bound", json!(true)),
        ("verdict_reason", json!("the score is \"2415\"; CRITICAL starts at 1200")),
        ("failure_modes", json!([mode("EVENT_LOOP_STARVATION", "HIGH")])),
        (
            "finding_details",
            json!([
                finding("event_loop_lag", "info", Some("event_loop_lag")),
                finding("late_scrape", "info", None),
                finding("late_scrape", "info", None),
            ]),
        ),
        (
            "culprits",
            json!([
                culprit("app/db.py", Some(42), "fetch_user"),
                culprit("app/main.py", None, "handle")
            ]),
        ),
    ] {
        starved[key] = value;
    }
    starved["evidence"]["error_ratio"] = json!(0.25);
    let mut unseen = report();
    unseen["verdict"] = json!("inconclusive");
    unseen["status"] = json!("INCONCLUSIVE");
    unseen["runtime_health_score"] = Value::Null;
    unseen["evidence"]["requests"] = Value::Null;
    [report(), starved, unseen]
}

/// A report as one is read.
pub(super) fn read(json: &Value) -> Report {
    Report::from_json(&json.to_string()).unwrap()
}

/// What is kept of a calm audit.
pub(super) fn entry(at: Timestamp) -> Entry {
    Entry {
        at,
        verdict: Verdict::Pass,
        status: Status::Healthy,
        score: Some(35.5),
        score_is_lower_bound: false,
        requests: Some(120.0),
        error_ratio: Some(0.0),
        reason: "the score is 35.5, below 1200 where CRITICAL starts".into(),
        modes: [].into(),
        broken: [].into(),
        culprits: [].into(),
    }
}

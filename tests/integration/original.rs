//! On complete telemetry the report agrees with that of async-runtime-auditor 0.1.1, key by
//! key. `tests/original/record.py` recorded its reports.

use std::collections::BTreeMap;

use crate::support;
use crate::support::fake::{Fake, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Case {
    answers: BTreeMap<String, String>,
    thresholds: Value,
    report: Map<String, Value>,
    exit_code: i32,
}

/// A finding of the original, and how ours on the same fact begins.
const FINDINGS: [(&str, &str); 6] = [
    ("Event-loop starvation detected.", "The event loop runs late"),
    ("Long-duration synchronous blocking observed.", "Synchronous calls block the loop"),
    ("Customer-visible latency hides runtime instability.", "Request latency hides it"),
    ("Concurrent load saturation detected.", "Requests in flight peak"),
    ("Threadpool backlog accumulation detected.", "The thread pool has a backlog"),
    ("Executor queue amplification detected.", "Tasks wait for a thread"),
];

#[test]
fn complete_telemetry_gives_the_same_report() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../original/cases.json")).expect("recorded cases");
    assert!(cases.len() > 70);
    for case in cases {
        let ours = audit(&case);
        let report = ours.json();
        for (key, theirs) in &case.report {
            match key.as_str() {
                "failure_modes" => same_failure_modes(theirs, &report[key]),
                "findings" => same_findings(theirs, &report[key]),
                _ => assert!(same(theirs, &report[key]), "{key}: {} for {case}", report[key]),
            }
        }
        assert_eq!(ours.code, case.exit_code, "{case}");
    }
}

fn audit(case: &Case) -> support::Run {
    let answers = case.answers.clone();
    let backend = Fake::start(move |request| match request.parameters.get("query") {
        Some(query) => {
            let known = answers.get(query).map(|value| (BTreeMap::new(), value.clone()));
            Response::vector(&Vec::from_iter(known))
        }
        None => Response::new(200, "fine"),
    });
    let queries: BTreeMap<_, _> = case.answers.keys().map(|key| (key, key)).collect();
    let config =
        json!({"target": backend.url(), "queries": queries, "thresholds": case.thresholds});
    // JSON is YAML.
    let directory = support::directory_with(&config.to_string());
    support::auditor(directory.path(), &["--output-format", "json", "--fail-on-critical"])
}

fn same(theirs: &Value, ours: &Value) -> bool {
    theirs == ours || theirs.as_f64().is_some_and(|theirs| Some(theirs) == ours.as_f64())
}

fn same_failure_modes(theirs: &Value, ours: &Value) {
    let names = |modes: &Value| -> Vec<_> {
        let modes = modes.as_array().expect("a list").iter();
        modes.map(|mode| (mode["type"].clone(), mode["severity"].clone())).collect()
    };
    assert_eq!(names(theirs), names(ours));
}

fn same_findings(theirs: &Value, ours: &Value) {
    let (theirs, ours) = (theirs.as_array().unwrap(), ours.as_array().unwrap());
    assert_eq!(theirs.len(), ours.len(), "{theirs:?} {ours:?}");
    for (theirs, ours) in theirs.iter().zip(ours) {
        let (_, begin) = FINDINGS.iter().find(|(text, _)| theirs == text).expect("a known finding");
        assert!(ours.as_str().unwrap().starts_with(begin), "{theirs} is not {ours}");
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} with {} reported as {:?}", self.answers, self.thresholds, self.report)
    }
}

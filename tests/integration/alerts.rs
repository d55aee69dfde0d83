//! The alert routes beside those of the program that they come from, recorded by
//! `tests/original/record_alerts.py`: what is listed, counted and kept is the same.
//!
//! On purpose it differs in two things. What the original calls an agent is a service here, and `agent`
//! another word for it. And a parameter or a value that does not exist is refused with those that do,
//! where the original answers that there are no such alerts: a word that is misspelt is not calm.

use std::collections::{BTreeMap, BTreeSet};

use auditor::engine::Verdict;
use auditor::model::level::Status;
use auditor::watch::{Alert, Entry, Filter, answers, failures, query};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Session {
    session: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    /// What the checks find, or why they raise.
    found: Value,
    /// What is told of a service that is stuck.
    report: Value,
    request: String,
    status: u16,
    body: Value,
}

/// The queries that the original has an answer for, and this program a refusal.
const REFUSED: [&str; 7] = [
    "severity=fatal",
    "severity=CRITICAL",
    "category=cost",
    "agent=nobody",
    "domain=nowhere",
    "colour=red",
    "severity=info&severity=critical",
];
const SERVICES: [&str; 3] = ["api", "worker", "idle"];

fn recorded() -> Vec<Session> {
    let text = include_str!("../original/alerts.json");
    // The one key that has another name here.
    serde_json::from_str(&text.replace("\"agent\":", "\"service\":")).unwrap()
}

/// What a watcher has between two requests.
#[derive(Default)]
struct Store {
    alerts: Vec<Alert>,
    last_check: Option<String>,
}

impl Store {
    /// What is answered; `None` where the request is refused.
    fn answer(&mut self, step: &Step) -> Option<(u16, Value)> {
        let (path, query) = step.request.split_once('?').unwrap_or((&step.request, ""));
        let query = pairs(query);
        let answer = match path {
            "/check" => self.check(step),
            "/api/alerts" => {
                let domains = ["event_loop", "requests", "load"].map(str::to_owned);
                let filter = Filter::parse(&query, &SERVICES, &BTreeSet::from(domains)).ok()?;
                let listing = answers::listing(&self.alerts, &filter, self.last_check.as_deref());
                (200, json!(listing))
            }
            _ => {
                let service = path.strip_prefix("/api/failure-report/").unwrap();
                (
                    200,
                    json!(failures::report(service, &[calm()], query::hours(&query).ok()?, now())),
                )
            }
        };
        Some(answer)
    }

    fn check(&mut self, step: &Step) -> (u16, Value) {
        if let Some(why) = step.found.as_str() {
            // The alerts of before stay, and so does the time of the check that found them.
            return (500, json!({"error": why}));
        }
        self.alerts = serde_json::from_value(step.found.clone()).unwrap();
        // The time is the only thing that the original alone knows.
        self.last_check = step.body["checked_at"].as_str().map(str::to_owned);
        let reports: BTreeMap<_, _> = answers::stuck(&self.alerts)
            .into_iter()
            .filter(|_| !step.report.is_null())
            .map(|service| (service.to_owned(), &step.report))
            .collect();
        let checked_at = self.last_check.as_deref().unwrap();
        (200, json!(answers::summary(checked_at, &self.alerts, reports)))
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.into(), value.into()));
    query.split('&').filter_map(pair).collect()
}

fn now() -> Timestamp {
    "2026-11-27T15:00:00Z".parse().unwrap()
}

fn calm() -> Entry {
    Entry {
        at: now(),
        verdict: Verdict::Pass,
        status: Status::Healthy,
        score: Some(35.0),
        score_is_lower_bound: false,
        requests: Some(120.0),
        error_ratio: Some(0.0),
        reason: "all is well".into(),
        modes: [].into(),
        broken: [].into(),
        culprits: [].into(),
    }
}

#[test]
fn the_routes_answer_as_the_original_does() {
    let sessions = recorded();
    let (mut steps, mut refused) = (0, Vec::new());
    for Session { session, steps: all } in &sessions {
        let mut store = Store::default();
        for step in all {
            steps += 1;
            let name = format!("{session}: {}", step.request);
            let Some((status, body)) = store.answer(step) else {
                assert_eq!(step.status, 200, "{name}");
                refused.push(step.request.split_once('?').unwrap().1);
                continue;
            };
            assert_eq!(status, step.status, "{name}");
            if step.request.starts_with("/api/failure-report/") {
                // More is told of it here; what is told there is the same.
                for (key, value) in step.body.as_object().unwrap() {
                    assert_eq!(&body[key], value, "{name}: {key}");
                }
            } else {
                assert_eq!(body, step.body, "{name}");
            }
        }
    }
    assert!(steps > 40, "{steps} of them are no contract");
    assert_eq!(refused, REFUSED);
}

/// People read it as it comes: the sums first, then the alerts.
#[test]
fn the_keys_have_the_order_of_the_original() {
    let check = answers::summary("2026-11-27T15:00:00Z", &[], BTreeMap::<String, ()>::new());
    assert_eq!(
        serde_json::to_string(&check).unwrap(),
        r#"{"checked_at":"2026-11-27T15:00:00Z","alert_count":0,"critical":0,"warning":0,"info":0,"alerts":[],"failure_reports":{}}"#
    );
    let listing = answers::listing(&[], &Filter::default(), None);
    let json = serde_json::to_string(&listing).unwrap();
    assert_eq!(json, r#"{"alerts":[],"total":0,"last_check":null}"#);
}

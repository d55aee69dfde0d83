//! Each kind of alert is raised by what it is about, and by nothing else.

mod calm;
mod history;
mod report;

use jiff::SignedDuration;
use serde_json::Value;

use super::*;
use crate::watch::example;

fn now() -> Timestamp {
    "2026-11-27T15:00:00Z".parse().unwrap()
}

/// Calm audits, five minutes apart, of which the last ended just now; each changed by its number.
fn audits(count: usize, change: impl Fn(usize, &mut Entry)) -> Vec<Entry> {
    let entry = |number: usize| {
        let ago = SignedDuration::from_mins(5 * (count - 1 - number) as i64);
        let mut entry = example::entry(now() - ago);
        change(number, &mut entry);
        entry
    };
    (0..count).map(entry).collect()
}

/// What a report raises at the end of a history.
fn raised(report: &Value, entries: &[Entry]) -> Vec<Alert> {
    of("api", &example::read(report), entries, now())
}

/// What a history raises whose newest report has nothing in it that is not in its entry.
fn raised_by(entries: &[Entry]) -> Vec<Alert> {
    raised(&example::report(), entries)
}

/// What the report alone raises.
fn raised_alone(report: &Value) -> Vec<Alert> {
    raised(report, &[])
}

fn found<'a>(alerts: &'a [Alert], id: &str) -> &'a Alert {
    let found = alerts.iter().find(|it| it.id == id);
    found.unwrap_or_else(|| panic!("{id} is not in {alerts:#?}"))
}

fn ids(alerts: &[Alert]) -> Vec<&str> {
    alerts.iter().map(|it| it.id.as_str()).collect()
}

/// The time of the audit so many before the newest.
fn ago(audits: i64) -> String {
    (now() - SignedDuration::from_mins(5 * audits)).to_string()
}

fn listed(name: &str) -> std::sync::Arc<[std::sync::Arc<str>]> {
    [name.into()].into()
}

#[test]
fn the_worst_comes_first() {
    let alert = |id: &str, severity| Alert { id: id.to_owned(), severity, ..an_alert() };
    let mut alerts = vec![
        alert("a", Severity::Info),
        alert("c", Severity::Critical),
        alert("b", Severity::Critical),
        alert("d", Severity::Warning),
    ];
    sort(&mut alerts);
    assert_eq!(ids(&alerts), ["b", "c", "d", "a"]);
}

fn an_alert() -> Alert {
    not_audited("api", "there is no such file", now())
}

#[test]
fn what_could_not_be_audited_is_critical() {
    let alert = an_alert();
    assert_eq!((alert.id.as_str(), alert.severity), ("not_audited:api", Severity::Critical));
    assert_eq!(
        (alert.category, alert.detected_at.as_str()),
        (Category::Health, "2026-11-27T15:00:00Z")
    );
    assert!(alert.detail.contains("there is no such file"), "{}", alert.detail);
}

#[test]
fn what_is_stuck_has_the_word_in_its_identifier_and_not_only_in_its_service() {
    for (id, service, category, is_stuck) in [
        ("stuck:api", "api", Category::Health, true),
        ("check:api:stuck_worker", "api", Category::Health, true),
        ("stuck:stuck", "stuck", Category::Health, true),
        ("stuck:api", "api", Category::Quality, false),
        ("dormant:stuck-queue", "stuck-queue", Category::Health, false),
        ("check:api:lag", "api", Category::Health, false),
    ] {
        let (id, service) = (id.to_owned(), service.to_owned());
        let alert = Alert { id, service, category, ..an_alert() };
        assert_eq!(alert.is_stuck(), is_stuck, "{alert:?}");
    }
}

#[test]
fn the_domains_are_those_of_the_table_and_of_the_checks() {
    let mut report = example::report();
    report["checks"] = [("one", "billing"), ("two", "quality"), ("three", "runtime")]
        .map(|(name, category)| example::check(name, "max", "info", category))
        .to_vec()
        .into();
    let domains = domains([example::read(&report)].iter());
    for domain in ["event_loop", "billing", "runtime"] {
        assert!(domains.contains(domain), "{domain}: {domains:?}");
    }
    assert!(!domains.contains("quality"), "that is a category of alerts: {domains:?}");
}

//! What stands in the newest report is an alert each.

use serde_json::json;

use super::*;

fn with(changes: &[(&str, Value)]) -> Value {
    let mut report = example::report();
    for (key, value) in changes {
        report[*key] = value.clone();
    }
    report
}

#[test]
fn a_calm_report_raises_nothing() {
    assert_eq!(raised_alone(&example::report()), []);
}

#[test]
fn a_failure_mode_weighs_what_it_weighs_in_the_report() {
    for (name, severity, weighs) in [
        ("EVENT_LOOP_STARVATION", "HIGH", Severity::Critical),
        ("LOAD_SATURATION", "MEDIUM", Severity::Warning),
    ] {
        let report = with(&[("failure_modes", json!([example::mode(name, severity)]))]);
        let alerts = raised_alone(&report);
        let alert = found(&alerts, &format!("mode:api:{name}"));
        assert_eq!((alert.severity, alert.category), (weighs, Category::Health));
        assert_eq!(alert.domain, "event_loop", "by the signal that proves it");
        assert!(alert.detail.contains("event_loop_lag is 1.2 s, over 0.5 s"), "{}", alert.detail);
        assert_eq!(
            alert.finding,
            example::read(&report).failure_modes.iter().map(|it| json!(it)).next().unwrap()
        );
    }
}

#[test]
fn a_finding_is_sorted_by_the_word_of_its_check_or_by_what_it_is() {
    use Category::{Health, Quality, Throughput};
    for (name, rule, word, signal, category, domain) in [
        ("event_loop_lag", "max", "runtime", Some("event_loop_lag"), Health, "event_loop"),
        ("threadpool_backlog", "max", "runtime", Some("threadpool_backlog"), Health, "threadpool"),
        ("load_warning", "max", "runtime", Some("peak_active_requests"), Health, "load"),
        ("error_ratio", "max", "custom", Some("error_ratio"), Quality, "requests"),
        ("p99_latency", "max", "custom", Some("p99_latency"), Quality, "latency"),
        ("latency_hides_lag", "max", "runtime", Some("event_loop_lag"), Quality, "event_loop"),
        ("rush", "spike", "custom", None, Throughput, "custom"),
        ("baseline.score", "baseline", "baseline", None, Quality, "baseline"),
        ("baseline.event_loop_lag", "baseline", "baseline", None, Quality, "event_loop"),
        ("queue", "max", "custom", None, Health, "custom"),
        ("queue", "max", "billing", None, Health, "billing"),
        ("queue", "max", "quality", None, Quality, "custom"),
        ("queue", "max", "failure_pattern", None, Category::FailurePattern, "custom"),
        ("p99_latency", "max", "billing", Some("p99_latency"), Quality, "billing"),
    ] {
        let report = with(&[
            ("checks", json!([example::check(name, rule, "warning", word)])),
            ("finding_details", json!([example::finding(name, "warning", signal)])),
        ]);
        let alerts = raised_alone(&report);
        let alert = found(&alerts, &format!("check:api:{name}"));
        assert_eq!(
            (alert.severity, alert.category, alert.domain.as_str()),
            (Severity::Warning, category, domain),
            "{name} {word}"
        );
        assert_eq!(alert.finding["check"], name);
    }
}

#[test]
fn findings_of_one_name_are_one_alert() {
    let of = |message: &str| {
        let mut finding = example::finding("late_scrape", "info", None);
        finding["message"] = json!(message);
        finding
    };
    let findings = json!([of("One was late."), of("Another was late.")]);
    let alerts = raised_alone(&with(&[("finding_details", findings)]));
    assert_eq!(ids(&alerts), ["check:api:late_scrape"]);
    assert_eq!(alerts[0].detail, "One was late. Another was late.");
    assert_eq!(alerts[0].domain, "event_loop");
    assert_eq!(alerts[0].finding["evidence"].as_array().unwrap().len(), 2);
}

#[test]
fn a_budget_is_a_matter_of_cost() {
    for severity in ["critical", "warning", "info"] {
        let report = with(&[
            ("checks", json!([example::check("tokens", "budget", "critical", "custom")])),
            ("finding_details", json!([example::finding("tokens", severity, None)])),
        ]);
        let alerts = raised_alone(&report);
        assert_eq!(ids(&alerts), ["cost:api:tokens"]);
        assert_eq!(alerts[0].severity.name(), severity, "as much as the finding");
        assert_eq!(alerts[0].category, Category::Health);
    }
}

/// Whatever made the gate fail, something critical says so.
#[test]
fn a_failing_verdict_is_critical_without_any_finding() {
    for verdict in ["fail", "command_failed"] {
        let report =
            with(&[("verdict", json!(verdict)), ("verdict_reason", json!("the score is 1300"))]);
        let alerts = raised_alone(&report);
        assert_eq!(ids(&alerts), ["failing:api"]);
        assert_eq!(alerts[0].severity, Severity::Critical);
        assert!(alerts[0].detail.contains("the score is 1300"), "{}", alerts[0].detail);
    }
}

#[test]
fn a_status_that_fails_no_gate_is_told_by_what_it_weighs() {
    for (status, verdict, severity) in [
        ("DEGRADED", "pass", Severity::Info),
        ("DEGRADED", "not_gated", Severity::Warning),
        ("CRITICAL", "not_gated", Severity::Critical),
        ("COLLAPSE_RISK", "not_gated", Severity::Critical),
        ("DEGRADED", "inconclusive", Severity::Warning),
    ] {
        let alerts = raised_alone(&with(&[("status", json!(status)), ("verdict", json!(verdict))]));
        assert_eq!(found(&alerts, "status:api").severity, severity, "{status} {verdict}");
    }
    let failing = with(&[("status", json!("CRITICAL")), ("verdict", json!("fail"))]);
    assert_eq!(ids(&raised_alone(&failing)), ["failing:api"]);
}

#[test]
fn what_was_not_seen_is_not_calm() {
    for (verdict, rule, id, severity) in [
        ("inconclusive", "max_age", "no_verdict:api", Severity::Warning),
        ("interrupted", "max_age", "no_verdict:api", Severity::Warning),
        ("inconclusive", "gone_targets", "no_verdict:api", Severity::Critical),
        ("error", "max_age", "not_audited:api", Severity::Critical),
    ] {
        let mut report =
            with(&[("verdict", json!(verdict)), ("verdict_reason", json!("nothing came"))]);
        report["evidence"]["shortfalls"] = json!([example::shortfall(rule, "it is old")]);
        let alerts = raised_alone(&report);
        let alert = found(&alerts, id);
        assert_eq!((alert.severity, alert.domain.as_str()), (severity, "evidence"));
        assert!(
            alert.detail.ends_with("nothing came. To do: do something about it."),
            "{}",
            alert.detail
        );
    }
}

#[test]
fn work_that_is_open_and_not_done_is_stuck() {
    let pool = format!("{}12 were in it, more than 3", crate::evidence::stuck_pool::BEGINNING);
    let stalled = example::shortfall("stall_at_end", "the last page took 4 s, over 1 s");
    let pool = example::shortfall("holes", &pool);
    let hole = example::shortfall("holes", "a page has no event_loop_lag");
    let busy = example::shortfall("busy_machine", "the service waited for a CPU");
    let mut allowed = stalled.clone();
    allowed["allowed"] = json!(true);
    let check = |name: &str| vec![example::finding(name, "critical", None)];
    for (shortfalls, findings, expected) in [
        (vec![&stalled], vec![], Some((Severity::Critical, "event_loop"))),
        (vec![&pool], vec![], Some((Severity::Critical, "threadpool"))),
        (vec![], check("stuck"), Some((Severity::Critical, "event_loop"))),
        (vec![], check("stuck_worker"), Some((Severity::Critical, "event_loop"))),
        (vec![&busy], check("stuck"), Some((Severity::Critical, "event_loop"))),
        (vec![&stalled, &busy], vec![], Some((Severity::Info, "event_loop"))),
        (vec![&allowed], vec![], Some((Severity::Info, "event_loop"))),
        (vec![&pool, &busy], vec![], Some((Severity::Critical, "threadpool"))),
        (vec![&hole], vec![], None),
        (vec![&busy], check("unstuck"), None),
    ] {
        let mut report = with(&[("finding_details", json!(findings))]);
        report["evidence"]["shortfalls"] = json!(shortfalls);
        let alerts = raised_alone(&report);
        let stuck = alerts.iter().find(|it| it.id == "stuck:api");
        let told = stuck.map(|it| (it.severity, it.domain.as_str()));
        assert_eq!(told, expected, "{shortfalls:?} {findings:?}");
        assert!(stuck.is_none_or(Alert::is_stuck));
    }
}

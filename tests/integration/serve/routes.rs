//! What is answered to whom: verdicts, alerts, reports, metrics.

use serde_json::{Value, json};

use super::{Watched, staging};
use crate::support::empty_directory;

fn ids(alerts: &Value) -> Vec<&str> {
    alerts["alerts"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect()
}

#[test]
fn a_service_that_falls_ill_and_recovers_is_told_by_every_route() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "orders.yaml");
    let watched = Watched::start(directory.path(), &["--config", "api=orders.yaml"]);

    let check = watched.json("/check");
    assert_eq!(check["alert_count"], 0, "{check:#}");
    assert_eq!(check["failure_reports"], json!({}));
    let calm = watched.get("/metrics").body;
    assert!(calm.contains("auditor_verdict{service=\"api\",verdict=\"pass\"} 1\n"), "{calm}");

    staging.set("lag", "2.5");
    staging.set("blocking", "1.8");
    let check = watched.json("/check");
    assert!(check["critical"].as_u64().unwrap() >= 1, "{check:#}");
    let counted = check["alerts"].as_array().unwrap().len();
    assert_eq!(check["alert_count"], counted, "{check:#}");
    assert!(ids(&check).contains(&"mode:api:EVENT_LOOP_STARVATION"), "{check:#}");
    let first = &check["alerts"][0];
    for key in ["id", "severity", "category", "service", "domain", "title", "detail", "detected_at"]
    {
        assert!(first[key].is_string(), "{key}: {first:#}");
    }
    assert!(!first["finding"].is_null(), "{first:#}");

    let all = watched.json("/api/alerts");
    assert_eq!(all["last_check"], check["checked_at"]);
    assert_eq!(all["total"], check["alert_count"]);
    for (query, expected) in [
        ("severity=critical&service=api", true),
        ("agent=api&category=health&domain=event_loop", true),
        ("severity=&category=", true),
        ("severity=info&domain=event_loop&category=failure_pattern", false),
    ] {
        let some = watched.json(&format!("/api/alerts?{query}"));
        assert_eq!(!ids(&some).is_empty(), expected, "{query}: {some:#}");
    }

    let failures = watched.json("/api/failure-report/api?hours=1");
    assert_eq!(failures["service"], "api");
    assert_eq!(failures["period_hours"], 1);
    assert!(failures.to_string().contains("EVENT_LOOP_STARVATION"), "{failures:#}");

    let ill = watched.get("/metrics").body;
    assert!(ill.contains("auditor_verdict{service=\"api\",verdict=\"fail\"} 1\n"), "{ill}");
    assert!(
        ill.contains("auditor_alerts{service=\"api\",severity=\"critical\",category=\"health\"}")
    );
    let page = watched.get("/");
    assert!(page.head.contains("text/html"), "{page:?}");
    assert!(page.body.contains("api") && !page.body.contains("<script"), "{page:?}");
    let report = watched.get("/report/api?at=failing");
    assert!(report.body.contains("EVENT_LOOP_STARVATION"), "{report:?}");
    let raw = watched.json("/report/api?format=json");
    assert_eq!(raw["verdict"], "fail");

    staging.set("lag", "0.01");
    staging.set("blocking", "0.01");
    let check = watched.json("/check");
    assert_eq!((&check["critical"], &check["warning"]), (&json!(0), &json!(0)), "{check:#}");
    let failures = watched.json("/api/failure-report/api");
    assert_eq!(failures["period_hours"], 24);
    assert!(failures.to_string().contains("EVENT_LOOP_STARVATION"), "it was so today");
    let report = watched.get("/report/api?at=failing");
    assert!(report.body.contains("EVENT_LOOP_STARVATION"), "the last one that failed");
    assert_eq!(watched.end().0, 0);
}

#[test]
fn what_is_not_understood_is_refused_with_what_there_is() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let watched = Watched::start(directory.path(), &["--config", "api.yaml"]);
    for (path, status, words) in [
        ("/api/alerts?severity=fatal", 400, "critical"),
        ("/api/alerts?category=pain", 400, "failure_pattern"),
        ("/api/alerts?service=shop", 400, "api"),
        ("/api/alerts?agent=shop", 400, "api"),
        ("/api/alerts?domain=moon", 400, "event_loop"),
        ("/api/alerts?severty=info", 400, "severity"),
        ("/api/alerts?severity=info&severity=info", 400, "severity"),
        ("/api/failure-report/shop", 404, "api"),
        ("/api/failure-report/api?hours=0", 400, "hours"),
        ("/api/failure-report/api?hours=soon", 400, "hours"),
        ("/api/failure-report/api?days=1", 400, "hours"),
        ("/report/api?at=noon", 400, "failing"),
        ("/report/api?at=2001-01-01T00:00:00Z", 404, "no report"),
        ("/report/api?format=pdf", 400, "html"),
        ("/report/..%2F..%2Fapi.yaml", 404, "api"),
        ("/check?now=1", 400, "now"),
        ("/metrics?x=1", 400, "x"),
        ("/alerts", 404, "/api/alerts"),
        ("/api/alerts/", 404, "/api/alerts"),
    ] {
        let reply = watched.get(path);
        assert_eq!(reply.status, status, "{path}: {reply:?}");
        assert!(reply.json()["error"].is_string(), "{path}: {reply:?}");
        assert!(reply.body.contains(words), "{path}: {reply:?}");
    }
}

#[test]
fn a_service_that_cannot_be_audited_is_an_alert_and_the_others_go_on() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    staging.configure(directory.path(), "shop.yaml");
    staging.set("lag", "2.5");
    staging.set("blocking", "1.8");
    let args = ["--config", "api.yaml", "--config", "shop.yaml"];
    let watched = Watched::start(directory.path(), &args);
    let before = watched.json("/check");
    let break_it = |name: &str| std::fs::write(directory.path().join(name), "queries: [").unwrap();
    break_it("api.yaml");
    let check = watched.json("/check");
    assert!(ids(&check).contains(&"not_audited:api"), "{check:#}");
    assert_ne!(check["checked_at"], before["checked_at"]);
    let metrics = watched.get("/metrics").body;
    assert!(metrics.contains("auditor_service_audited{service=\"api\"} 0\n"), "{metrics}");
    assert!(!metrics.contains("auditor_verdict{service=\"api\",verdict=\"pass\"} 1"), "{metrics}");
    staging.configure(directory.path(), "api.yaml");
    let again = watched.json("/check");
    assert!(!ids(&again).contains(&"not_audited:api"), "{again:#}");

    // A round in which nothing could be audited has failed as a whole.
    break_it("api.yaml");
    break_it("shop.yaml");
    let reply = watched.get("/check");
    assert_eq!(reply.status, 500, "{reply:?}");
    let error = reply.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("api: ") && error.contains("shop.yaml:1:"), "{error}");
    let after = watched.json("/api/alerts");
    for id in ids(&again) {
        assert!(ids(&after).contains(&id), "{id}: {after:#}");
    }
    assert_eq!(after["last_check"], again["checked_at"], "nothing was checked since");
}

#[test]
fn the_raw_numbers_have_their_envelope_or_say_that_they_are_off() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let watched = Watched::start(directory.path(), &["--config", "api.yaml"]);
    watched.json("/check");
    let raw = watched.json("/metrics.json");
    assert_eq!(raw["schema_version"], 1);
    assert!(raw["generated_at"].as_str().unwrap().ends_with('Z'), "{raw:#}");
    assert!(raw["clk_tck"].as_u64().is_some_and(|it| it > 0), "{raw:#}");
    assert_eq!(raw["stages"], json!([]));
    assert!(raw["queue"]["counts"]["done"].as_u64().unwrap() >= 1, "{raw:#}");
    assert_eq!(raw["queue"]["counts"]["running"], 0);
    assert_eq!(raw["queue"]["retries"], Value::Null, "what is not known is no 0");
    let own = raw["agents"].as_array().unwrap().last().unwrap();
    assert_eq!(own["agent"], "auditor");
    assert!(own["cpu_ticks"].is_u64() && own["runtime_s"].is_number(), "{raw:#}");
    assert_eq!(raw["cost"]["running"], json!([]));
    drop(watched);
    let off = Watched::start(directory.path(), &["--config", "api.yaml", "--no-metrics-json"]);
    assert_eq!(off.json("/metrics.json"), json!({"schema_version": 1, "enabled": false}));
}

#[test]
fn a_token_is_asked_for_once_one_is_given() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    std::fs::write(directory.path().join("token"), "s3cret-and-long\n").unwrap();
    let args = ["--config", "api.yaml", "--token-file", "token"];
    let watched = Watched::start(directory.path(), &args);
    for path in ["/", "/metrics", "/check", "/-/healthy", "/nothing"] {
        let reply = watched.get(path);
        assert_eq!(reply.status, 401, "{path}: {reply:?}");
        assert!(reply.head.to_lowercase().contains("www-authenticate"), "{reply:?}");
    }
    // `:s3cret-and-long` and `me:s3cret-and-long` in base64.
    for header in [
        "Authorization: Bearer s3cret-and-long\r\n",
        "authorization: bearer s3cret-and-long\r\n",
        "Authorization: Basic bWU6czNjcmV0LWFuZC1sb25n\r\n",
    ] {
        assert_eq!(watched.get_with("/api/alerts", header).status, 200, "{header}");
    }
    for header in ["Authorization: Bearer s3cret\r\n", "Authorization: Basic bWU6\r\n"] {
        assert_eq!(watched.get_with("/api/alerts", header).status, 401, "{header}");
    }
    assert!(!watched.said().contains("s3cret"), "{}", watched.said());
}

/// A service that is gone has no verdict that would fail: it is worse than that.
#[test]
fn telemetry_that_cannot_be_reached_is_critical() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let args = ["--config", "api.yaml", "--every", "1h"];
    let watched = Watched::start(directory.path(), &args);
    watched.json("/check");
    drop(staging);
    let check = watched.json("/check");
    let alert = &check["alerts"][0];
    assert_eq!((&alert["id"], &alert["severity"]), (&json!("not_audited:api"), &json!("critical")));
    let metrics = watched.get("/metrics").body;
    assert!(metrics.contains("auditor_service_audited{service=\"api\"} 0\n"), "{metrics}");
    assert!(watched.get("/").body.contains("NOT AUDITED"));
}

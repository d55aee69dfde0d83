//! When audits are carried out.

use std::thread;
use std::time::Duration;

use super::{Watched, staging};
use crate::support::empty_directory;

#[test]
fn those_who_ask_at_once_share_a_round_that_begins_after_they_asked() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let watched = Watched::start(directory.path(), &["--config", "api.yaml", "--every", "1h"]);
    watched.json("/check");
    staging.delay(Duration::from_millis(700));
    let before = staging.audits();
    thread::scope(|scope| {
        let first = scope.spawn(|| watched.json("/check"));
        watched.wait_for("the audit", |_| (staging.audits() > before).then_some(()));
        // Too late for the round that is under way.
        staging.set("lag", "2.5");
        staging.set("blocking", "2.5");
        let others: Vec<_> = (0..20).map(|_| scope.spawn(|| watched.json("/check"))).collect();
        for other in others {
            let check = other.join().unwrap();
            assert!(check["critical"].as_u64().unwrap() > 0, "{check:#}");
        }
        first.join().unwrap();
    });
    // One was under way, and one waited; on a busy machine some ask when that has begun.
    let rounds = staging.audits() - before;
    assert!((2..=3).contains(&rounds), "{rounds}");
}

#[test]
fn services_are_audited_on_a_schedule_and_their_verdicts_are_told_as_they_change() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    let services = "scenarios:\n- {id: shop, config: api.yaml}\n- {id: cart, config: api.yaml}\n";
    std::fs::write(directory.path().join("services.yaml"), services).unwrap();
    let args = ["--config", "api.yaml", "--services", "services.yaml", "--every", "1s"];
    let watched = Watched::start(directory.path(), &args);
    let enough = |it: &Watched| {
        let raw = it.json("/metrics.json");
        (raw["queue"]["counts"]["done"].as_u64()? >= 9).then_some(())
    };
    watched.wait_for("three rounds of three", enough);
    staging.set("lag", "3");
    staging.set("blocking", "3");
    watched.wait_for("a verdict", |it| it.said().contains("cart: pass -> fail").then_some(()));
    let said = watched.end().1;
    assert_eq!(said.matches("shop: pass: ").count(), 1, "{said}");
}

/// Before its first audit has ended nothing is known of a service, and after a while that is not calm.
#[test]
fn a_round_that_does_not_end_is_told() {
    let (staging, directory) = (staging(), empty_directory());
    staging.configure(directory.path(), "api.yaml");
    staging.delay(Duration::from_secs(25));
    let watched = Watched::start(directory.path(), &["--config", "api.yaml", "--every", "1s"]);
    assert_eq!(watched.json("/api/alerts")["total"], 0);
    assert_eq!(watched.get("/-/healthy").status, 200);
    let alerts = watched.wait_for("an alert", |it| {
        let alerts = it.json("/api/alerts?severity=critical");
        (alerts["total"] != 0).then_some(alerts)
    });
    assert_eq!(alerts["alerts"][0]["id"], "not_audited:api", "{alerts:#}");
    assert!(alerts["last_check"].is_null(), "{alerts:#}");
    assert_eq!(watched.get("/-/healthy").status, 503);
}

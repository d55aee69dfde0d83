//! The page for Prometheus: what is written of each service, and that nothing unseen is a number.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use auditor::render::watch::{METRICS_CONTENT_TYPE, Metric, MetricKind, metrics};
use auditor::watch::View;

use super::{HOUR, MINUTE, Service, Staging, ago, audits, report};
use crate::support::real;

/// What is counted elsewhere.
fn further() -> Vec<Metric<'static>> {
    let of = |code, value| (vec![("code", code)], value);
    vec![
        Metric {
            name: "auditor_http_requests_total",
            help: "Requests that were answered.",
            kind: MetricKind::Counter,
            samples: vec![of("200", 12.0), of("404", 1.0)],
        },
        Metric {
            name: "process_resident_memory_bytes",
            help: "Resident memory.",
            kind: MetricKind::Gauge,
            samples: vec![(Vec::new(), 2e7)],
        },
    ]
}

fn page(view: &View<'_>) -> String {
    let mut page = Vec::new();
    metrics(view, &further(), &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// The values by their series.
fn values(page: &str) -> BTreeMap<&str, &str> {
    let samples: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
    let values: BTreeMap<_, _> = samples.iter().map(|it| it.rsplit_once(' ').unwrap()).collect();
    assert_eq!(values.len(), samples.len(), "a series is there twice: {page}");
    values
}

#[test]
fn promtool_reads_it() {
    if !real::programs("the metrics of a watcher by promtool", &["promtool"]) {
        return;
    }
    let nobody = Staging { services: Vec::new(), alerts: Vec::new(), last_check: None };
    for staging in [Staging::new(), nobody] {
        let mut child = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let page = page(&staging.view());
        child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let checked = child.wait_with_output().unwrap();
        assert!(checked.status.success(), "{checked:?}\n{page}");
        assert!(checked.stderr.is_empty() && checked.stdout.is_empty(), "{checked:?}");
    }
    assert!(METRICS_CONTENT_TYPE.starts_with("text/plain; version=0.0.4"));
}

/// Prometheus wants all samples of a metric together.
#[test]
fn each_metric_begins_once_and_is_told_apart_by_service() {
    let page = page(&Staging::new().view());
    let mut begun = BTreeSet::new();
    let mut current = "";
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("# TYPE ") {
            current = name.split(' ').next().unwrap();
            assert!(begun.insert(current), "{current} begins twice");
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert_eq!(name, current, "{line}");
        }
    }
    let values = values(&page);
    for (service, verdict) in
        [("api", "pass"), ("checkout", "fail"), ("search", "inconclusive"), ("billing", "error")]
    {
        let is = |name: &str| {
            values[format!("auditor_verdict{{service=\"{service}\",verdict=\"{name}\"}}").as_str()]
        };
        assert_eq!(is(verdict), "1", "{service}");
        let others = ["pass", "fail", "inconclusive", "error"].map(is);
        assert_eq!(others.iter().filter(|it| **it == "1").count(), 1, "{service}");
    }
    let of = |series: &str| values[series];
    assert_eq!(of("auditor_exit_code{service=\"checkout\"}"), "1");
    let mode = "auditor_failure_mode{service=\"checkout\",mode=\"EVENT_LOOP_STARVATION\"}";
    assert_eq!(of(mode), "1");
    let of_kind = |severity: &str, category: &str| {
        let labels = format!("severity=\"{severity}\",category=\"{category}\"");
        of(&format!("auditor_alerts{{service=\"checkout\",{labels}}}")).to_owned()
    };
    assert_eq!(of_kind("critical", "health"), "1");
    assert_eq!(of_kind("warning", "failure_pattern"), "1");
    assert_eq!(of_kind("info", "quality"), "0", "that there is none is said");
    assert_eq!(of("auditor_history_not_kept_total{service=\"billing\"}"), "1");
    assert_eq!(of("auditor_http_requests_total{code=\"404\"}"), "1");
    let since = ago(3 * HOUR + 17 * MINUTE).as_second().to_string();
    assert_eq!(of("auditor_verdict_since_timestamp_seconds{service=\"checkout\"}"), since);
}

/// The series of one service that are values of how it is, rather than of what the watcher did.
fn judged<'a>(values: &'a BTreeMap<&str, &'a str>, service: &str) -> Vec<(&'a str, &'a str)> {
    const JUDGED: [&str; 6] = [
        "auditor_score{",
        "auditor_signal{",
        "auditor_check_passed{",
        "auditor_check_value{",
        "auditor_failure_mode{",
        "auditor_alerts{",
    ];
    let of = format!("service=\"{service}\"");
    let found = values.iter().filter(|(series, _)| series.contains(&of));
    let found = found.filter(|(series, _)| JUDGED.iter().any(|name| series.starts_with(name)));
    found.map(|(series, value)| (*series, *value)).collect()
}

#[test]
fn what_was_not_seen_is_never_a_number() {
    let mut staging = Staging::new();
    let calm = report("passes");
    let late = audits(&calm, 5 * HOUR, 16 * MINUTE);
    staging.services.push(Service::new("late", late, Some(calm)));
    let page = page(&staging.view());
    let values = values(&page);
    for service in ["billing", "mailer", "late"] {
        let of = |name: &str, labels: &str| {
            values[format!("{name}{{service=\"{service}\"{labels}}}").as_str()]
        };
        assert_eq!(of("auditor_service_audited", ""), "0", "{service}");
        assert_eq!(of("auditor_verdict", ",verdict=\"error\""), "1", "{service}");
        assert_eq!(of("auditor_status", ",status=\"INCONCLUSIVE\""), "1", "{service}");
        assert_eq!(of("auditor_score_is_lower_bound", ""), "1", "{service}");
        assert_eq!(of("auditor_exit_code", ""), "3", "{service}");
        let numbers = judged(&values, service).into_iter().filter(|(_, value)| *value != "NaN");
        // That it is not audited is an alert.
        let numbers: Vec<_> = numbers.filter(|it| !it.0.starts_with("auditor_alerts{")).collect();
        assert!(numbers.is_empty(), "{service}: {numbers:?}");
        let zeros = judged(&values, service).into_iter().filter(|(_, value)| *value == "0");
        assert_eq!(zeros.count(), 0, "{service}");
    }
    // What was checked before is still named: an alert on it does not end by itself.
    let check = values
        .keys()
        .filter(|it| it.starts_with("auditor_check_passed{") && it.contains("service=\"billing\""));
    assert!(check.count() > 3);
    assert_eq!(values["auditor_service_audited{service=\"api\"}"], "1");
    assert_eq!(values["auditor_service_audited{service=\"search\"}"], "1");
}

#[test]
fn before_the_first_round_there_is_no_time_of_a_check() {
    let mut staging = Staging::new();
    staging.last_check = None;
    let text = page(&staging.view());
    assert_eq!(values(&text)["auditor_last_check_timestamp_seconds"], "NaN");
    assert_eq!(values(&text)["auditor_round_under_way"], "0");
    assert_eq!(values(&text)["auditor_every_seconds"], "300");
}

/// A report that cannot be read leaves what was kept of it in memory.
#[test]
fn without_its_report_a_verdict_is_still_shown() {
    let mut staging = Staging::new();
    staging.services[1].latest = None;
    let text = page(&staging.view());
    let values = values(&text);
    assert_eq!(values["auditor_verdict{service=\"checkout\",verdict=\"fail\"}"], "1");
    assert_eq!(values["auditor_exit_code{service=\"checkout\"}"], "1");
    let mode = |name: &str| {
        values[format!("auditor_failure_mode{{service=\"checkout\",mode=\"{name}\"}}").as_str()]
    };
    assert_eq!(mode("EVENT_LOOP_STARVATION"), "1");
    assert_eq!(mode("LOAD_SATURATION"), "NaN", "what cannot be told is in the report");
}

#[test]
fn a_hostile_name_stays_in_its_label() {
    let mut staging = Staging::new();
    staging.services[0].name = "a\"} 1\nauditor_x{y=\"\\";
    let text = page(&staging.view());
    assert!(text.contains(r#"{service="a\"} 1\nauditor_x{y=\"\\",verdict="pass"} 1"#), "{text}");
    assert!(text.lines().all(|line| !line.starts_with("auditor_x")));
}

//! What a watcher shows of services that are well, sick, not seen, and not audited.

#[cfg(target_os = "linux")]
mod browser;
mod metrics;
mod page;

use std::path::Path;
use std::time::Duration;

use auditor::engine::Verdict;
use auditor::model::check::Severity;
use auditor::report::Report;
use auditor::watch::{Alert, Category, Entry, ServiceView, View};
use jiff::Timestamp;
use serde_json::json;

use crate::support::auditor;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const EVERY: i64 = 5 * MINUTE;
/// Now, and so many seconds ago.
const NOW: i64 = 1_795_790_466;

fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW - seconds).unwrap()
}

/// What an audit of a recorded service comes to.
pub(crate) fn report(name: &str) -> Report {
    let directory = Path::new("tests/reports").join(name);
    let args = ["--recording", "recording.om", "--fail-on-critical", "--output-format", "json"];
    let run = auditor(&directory, &[&args[..], &["--no-report"]].concat());
    Report::from_json(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

/// What is kept of such a report.
pub(crate) fn entry(report: &Report, at: Timestamp) -> Entry {
    let broken = report.finding_details.iter().map(|it| it.check.as_str().into());
    Entry {
        at,
        verdict: report.verdict,
        status: report.status,
        score: report.runtime_health_score,
        score_is_lower_bound: report.score_is_lower_bound,
        requests: None,
        error_ratio: None,
        reason: report.verdict_reason.as_str().into(),
        modes: report.failure_modes.iter().map(|it| (&*it.mode).into()).collect(),
        broken: broken.collect(),
        culprits: [].into(),
    }
}

/// An audit every few minutes from so many seconds ago to so many, the score a little different each time.
fn audits(report: &Report, from: i64, to: i64) -> Vec<Entry> {
    let times = (to..from).step_by(EVERY as usize).collect::<Vec<_>>();
    let of = |seconds: &i64| {
        let mut entry = entry(report, ago(*seconds));
        entry.score = entry.score.map(|it| it + (seconds / EVERY * 37 % 23) as f64);
        entry
    };
    times.iter().rev().map(of).collect()
}

/// What is known of one service.
struct Service {
    name: &'static str,
    entries: Vec<Entry>,
    latest: Option<Report>,
    not_audited: Option<(String, Timestamp)>,
    damaged: usize,
    not_kept: u64,
}

impl Service {
    fn new(name: &'static str, entries: Vec<Entry>, latest: Option<Report>) -> Self {
        Self { name, entries, latest, not_audited: None, damaged: 0, not_kept: 0 }
    }

    fn view(&self) -> ServiceView<'_> {
        ServiceView {
            name: self.name,
            config: "metrics.yaml",
            entries: &self.entries,
            latest: self.latest.as_ref(),
            not_audited: self.not_audited.as_ref().map(|(why, since)| (why.as_str(), *since)),
            damaged: self.damaged,
            not_kept: self.not_kept,
            audits: (
                self.entries.len() as u64,
                Duration::from_secs(self.entries.len() as u64 * 20),
            ),
        }
    }
}

fn alert(severity: Severity, category: Category, id: &str, title: &str, since: i64) -> Alert {
    Alert {
        id: id.to_owned(),
        severity,
        category,
        service: id.split(':').nth(1).unwrap().to_owned(),
        domain: "event_loop".to_owned(),
        title: title.to_owned(),
        detail: "Max event loop lag 2.5 s, limit 0.5 s. Move what blocks to a thread.".to_owned(),
        detected_at: ago(since).to_string(),
        finding: json!({}),
    }
}

/// A watcher of five services: one well, one sick, one not seen well, one not audited, and a new one.
struct Staging {
    services: Vec<Service>,
    alerts: Vec<Alert>,
    last_check: Option<Timestamp>,
}

impl Staging {
    fn new() -> Self {
        let [calm, sick, open] = ["passes", "starved", "inconclusive"].map(report);
        let well = audits(&calm, DAY, MINUTE);
        let was_sick = audits(&sick, 16 * HOUR, 15 * HOUR + 30 * MINUTE);
        let parts = [
            audits(&calm, DAY, 16 * HOUR),
            was_sick,
            audits(&calm, 15 * HOUR + 30 * MINUTE, 3 * HOUR + 20 * MINUTE),
            audits(&sick, 3 * HOUR + 20 * MINUTE, 2 * MINUTE),
        ];
        let hazy = [
            audits(&calm, DAY, 12 * HOUR),
            audits(&calm, 9 * HOUR, 40 * MINUTE),
            audits(&open, 40 * MINUTE, 3 * MINUTE),
        ];
        let mut billing =
            Service::new("billing", audits(&calm, 10 * HOUR, 25 * MINUTE), Some(calm.clone()));
        let why = "billing.staging:8000 cannot be reached: connection refused";
        billing.not_audited = Some((why.to_owned(), ago(20 * MINUTE)));
        billing.damaged = 2;
        billing.not_kept = 1;
        let services = vec![
            Service::new("api", well, Some(calm)),
            Service::new("checkout", parts.concat(), Some(sick)),
            Service::new("search", hazy.concat(), Some(open)),
            billing,
            Service::new("mailer", Vec::new(), None),
        ];
        use Category::{FailurePattern, Health};
        let alerts = vec![
            alert(
                Severity::Critical,
                Health,
                "mode:checkout:EVENT_LOOP_STARVATION",
                "EVENT_LOOP_STARVATION",
                3 * HOUR + 15 * MINUTE,
            ),
            alert(
                Severity::Critical,
                Health,
                "not_audited:billing",
                "billing is not audited",
                20 * MINUTE,
            ),
            alert(
                Severity::Warning,
                FailurePattern,
                "recurring:checkout:EVENT_LOOP_STARVATION",
                "EVENT_LOOP_STARVATION again and again",
                15 * HOUR,
            ),
            alert(
                Severity::Warning,
                Health,
                "no_verdict:search",
                "search has no verdict",
                40 * MINUTE,
            ),
        ];
        Self { services, alerts, last_check: Some(ago(MINUTE)) }
    }

    fn view(&self) -> View<'_> {
        View {
            now: ago(0),
            started_at: ago(2 * DAY),
            every: Duration::from_secs(EVERY as u64),
            round: Duration::ZERO,
            retention: Duration::from_secs(30 * DAY as u64),
            last_check: self.last_check,
            next_round: Some(ago(-3 * MINUTE)),
            is_under_way: false,
            services: self.services.iter().map(Service::view).collect(),
            alerts: &self.alerts,
        }
    }

    fn page(&self) -> String {
        page_of(&self.view())
    }
}

fn page_of(view: &View<'_>) -> String {
    let mut page = Vec::new();
    auditor::render::watch::page(view, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// The recorded services are what the tests take them for.
#[test]
fn the_services_are_well_sick_and_not_seen_well() {
    let verdicts = ["passes", "starved", "inconclusive"].map(|it| report(it).verdict);
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive]);
}

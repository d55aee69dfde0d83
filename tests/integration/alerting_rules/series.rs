//! The series that Prometheus has of a story: every minute the page that the watcher shows then.

use std::collections::BTreeMap;
use std::time::Duration;

use auditor::model::check::Severity;
use auditor::report::Report;
use auditor::watch::{Alert, Category, Entry, ServiceView, View};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::stories::{END, EVERY, Is, Story, TURN};
use crate::watch_shown::entry;

fn minute(at: i64) -> Timestamp {
    Timestamp::from_second(at * 60).unwrap()
}

/// What an audit comes to.
pub(super) struct Reports {
    pub(super) well: Report,
    pub(super) sick: Report,
    pub(super) hazy: Report,
}

impl Reports {
    fn of(&self, is: Is) -> Option<&Report> {
        match is {
            Is::Well => Some(&self.well),
            Is::Sick => Some(&self.sick),
            Is::Hazy => Some(&self.hazy),
            Is::NotAudited | Is::Gone => None,
        }
    }
}

fn critical(id: &str) -> Alert {
    Alert {
        id: id.to_owned(),
        severity: Severity::Critical,
        category: Category::Health,
        service: "api".to_owned(),
        domain: "event_loop".to_owned(),
        title: String::new(),
        detail: String::new(),
        detected_at: String::new(),
        finding: Value::Null,
    }
}

/// What the watcher shows in a minute: of the service of the story, and of another that is well.
fn page(story: &Story, reports: &Reports, now: i64) -> String {
    let rounds = (0..=now).step_by(EVERY as usize).filter(|at| (story.goes_on)(*at));
    let rounds: Vec<_> = rounds.collect();
    let audits = |is: &dyn Fn(i64) -> Is| -> Vec<Entry> {
        rounds.iter().filter_map(|at| Some(entry(reports.of(is(*at))?, minute(*at)))).collect()
    };
    let last = rounds.last().copied();
    // Before the first round, nothing is known, and nothing is said.
    let is = last.map_or(Is::Well, story.service);
    let (of_api, of_web) = (audits(&story.service), audits(&|_| Is::Well));
    let latest = rounds.iter().rev().find_map(|at| reports.of((story.service)(*at)));
    let not_audited = (is == Is::NotAudited).then_some(("refused", minute(TURN)));
    let audits = (0, Duration::ZERO);
    let api = ServiceView {
        name: "api",
        config: "api.yaml",
        entries: &of_api,
        latest,
        not_audited,
        damaged: (story.damaged)(now),
        not_kept: (story.not_kept)(now),
        audits,
    };
    let web = ServiceView {
        name: "web",
        entries: &of_web,
        latest: last.map(|_| &reports.well),
        not_audited: None,
        damaged: 0,
        not_kept: 0,
        ..api
    };
    let alerts: Vec<_> = match is {
        Is::Sick => vec![critical("mode:api:EVENT_LOOP_STARVATION")],
        Is::NotAudited => vec![critical("not_audited:api")],
        Is::Well | Is::Hazy | Is::Gone => Vec::new(),
    };
    let view = View {
        now: minute(now),
        started_at: minute(0),
        every: Duration::from_secs(EVERY as u64 * 60),
        round: Duration::ZERO,
        retention: Duration::from_secs(86_400),
        last_check: last.map(minute),
        next_round: None,
        is_under_way: false,
        services: if is == Is::Gone { vec![web] } else { vec![api, web] },
        alerts: &alerts,
    };
    let mut page = Vec::new();
    auditor::render::watch::metrics(&view, &[], &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// The series that Prometheus has of it, in the notation of `promtool test rules`.
pub(super) fn series(story: &Story, reports: &Reports) -> Vec<Value> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for now in 0..END {
        let mut scraped = Vec::new();
        if let Some(is_up) = (story.up)(now) {
            scraped.push(("up".to_owned(), u8::from(is_up).to_string()));
        }
        if (story.up)(now) == Some(true) {
            let page = page(story, reports, now);
            let samples = page.lines().filter(|line| !line.starts_with('#'));
            let samples = samples.map(|line| line.rsplit_once(' ').unwrap());
            scraped.extend(samples.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        for (name, value) in scraped {
            let (name, labels) = name.split_once('{').unwrap_or((&name, "}"));
            let comma = if labels == "}" { "" } else { "," };
            let name = format!("{name}{{job=\"auditor\",instance=\"w:9464\"{comma}{labels}");
            let values = all.entry(name).or_default();
            values.resize(now as usize, "_".to_owned());
            values.push(value);
        }
    }
    let text = |values: Vec<String>| {
        let mut values = values;
        if values.len() < END as usize {
            values.push("stale".to_owned());
        }
        values.join(" ")
    };
    all.into_iter().map(|(name, values)| json!({"series": name, "values": text(values)})).collect()
}

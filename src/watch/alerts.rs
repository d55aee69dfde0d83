//! What the audits of a service raise: an alert for each thing that stands against it now.
//!
//! Some follow from the newest report alone, and some from what was usual before (`usual`) or came
//! again and again (`recurring`). Nothing here keeps a state of its own: since when something lasts is
//! read from the history, so that a restart changes nothing.

mod findings;
mod kind;
mod recurring;
mod run;
mod traffic;
mod usual;
mod verdict;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Entry, history};
use crate::model::check::Severity;
use crate::report::Report;
use kind::Draft;

/// Something that stands against a service now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Of no other alert, and the same for as long as it lasts: its kind, the service and, where there
    /// may be several, what it is about: `check:api:event_loop_lag`.
    pub id: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What kind of trouble it is.
    pub category: Category,
    /// The service.
    pub service: String,
    /// The part of the runtime, such as `event_loop`; of a check of one's own its `category`.
    pub domain: String,
    /// What it is, in a few words.
    pub title: String,
    /// The values beside their limits, and what to do next.
    pub detail: String,
    /// When it was first seen, of the audits that have seen it without a break; RFC 3339.
    pub detected_at: String,
    /// The finding of the report, or the numbers that it is concluded from.
    pub finding: serde_json::Value,
}

/// What kind of trouble an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The runtime: held up, overloaded, stuck, or not seen.
    Health,
    /// What is delivered became worse.
    Quality,
    /// More or less is done than usual.
    Throughput,
    /// The same trouble again and again.
    FailurePattern,
}

impl Category {
    /// Every category, with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("health", Self::Health),
        ("quality", Self::Quality),
        ("throughput", Self::Throughput),
        ("failure_pattern", Self::FailurePattern),
    ];

    /// The category of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(it, _)| *it == name).map(|(_, category)| category)
    }
}

impl Alert {
    /// Whether the service does nothing while it has something to do. As in the original, the word is
    /// in the identifier; that it is in the name of the service alone says nothing.
    pub fn is_stuck(&self) -> bool {
        let id = self.id.replacen(&format!(":{}", self.service), ":", 1);
        self.category == Category::Health && id.contains(kind::STUCK.id)
    }
}

/// What the newest report and the history before it raise; the last of the entries is the report's.
/// The worst comes first.
pub fn of(service: &str, latest: &Report, entries: &[Entry], now: Timestamp) -> Vec<Alert> {
    let own = [history::entry_of(now, latest)];
    let entries = if entries.is_empty() { &own } else { entries };
    let Some((newest, earlier)) = entries.split_last() else { return Vec::new() };
    let seen = Seen { report: latest, entries, newest, earlier, now };
    let drafts = [
        verdict::drafts(&seen),
        findings::drafts(&seen),
        traffic::drafts(&seen),
        usual::drafts(&seen),
        recurring::drafts(&seen),
    ];
    let mut alerts: Vec<_> = drafts.into_iter().flatten().map(|it| it.alert(service)).collect();
    sort(&mut alerts);
    alerts
}

/// The alert of a service that could not be audited: what was not seen is not calm.
pub fn not_audited(service: &str, why: &str, since: Timestamp) -> Alert {
    let detail = format!(
        "Nothing is known of the service, because it could not be audited: {why}. To do: look at what \
         `auditor` says of this configuration, and at the log of the watcher."
    );
    Draft::new(&kind::NOT_AUDITED, detail, json!({"reason": why}), since).alert(service)
}

/// The alert of a service whose audits do not come to their end any more, since its last one or since the
/// watcher was started.
pub fn late(service: &str, last: Timestamp) -> Alert {
    let why = format!("no audit of it has come to its end since {last:.0}");
    not_audited(service, &why, last)
}

/// Puts the worst first, and alerts of the same severity in the order of their identifiers.
pub fn sort(alerts: &mut [Alert]) {
    alerts.sort_by(|one, other| {
        other.severity.cmp(&one.severity).then_with(|| one.id.cmp(&other.id))
    });
}

/// Every domain that an alert may have: those of the table, and the categories of the checks that
/// there are.
pub fn domains<'a>(reports: impl Iterator<Item = &'a Report>) -> BTreeSet<String> {
    let checks = reports.flat_map(|report| &report.checks).map(|check| check.category.as_str());
    let own = checks.filter(|it| Category::from_name(it).is_none());
    kind::DOMAINS.into_iter().chain(own).map(str::to_owned).collect()
}

/// What alerts follow from.
struct Seen<'a> {
    report: &'a Report,
    /// The oldest first; the newest is the report's.
    entries: &'a [Entry],
    newest: &'a Entry,
    earlier: &'a [Entry],
    now: Timestamp,
}

#[cfg(test)]
mod tests;

//! What is kept of each service in memory, and all of it at one moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::processes::WatchedProcess;
use crate::report::Report;
use crate::watch::history::History;
use crate::watch::{Alert, Entry, ServiceView, Standing, View, alerts};

/// What is kept of a service in memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    /// Its configuration.
    pub(super) config: String,
    /// Its reports, the oldest first.
    pub(super) entries: Arc<Vec<Entry>>,
    /// The newest of them.
    pub(super) latest: Option<Arc<Report>>,
    /// What stands against it by that report.
    pub(super) alerts: Arc<Vec<Alert>>,
    /// Why it could not be audited the last time, and since when not.
    pub(super) not_audited: Option<(String, Timestamp)>,
    /// Files of its history that could not be read.
    pub(super) damaged: usize,
    /// Reports that could not be written.
    pub(super) not_kept: u64,
    /// Audits that have ended with a report, and how long they took in all.
    pub(super) audits: (u64, Duration),
    /// Audits that could not be carried out.
    pub(super) failed: u64,
    /// The processes behind it.
    pub(super) processes: Arc<Vec<WatchedProcess>>,
    /// Whether its audit of the round that is under way has not begun.
    pub(super) is_queued: bool,
    /// When its audit began that is under way.
    pub(super) under_way: Option<Instant>,
}

impl Kept {
    /// What an earlier watcher has left.
    pub(super) fn of_history(
        name: &str,
        history: &History,
        config: String,
        now: Timestamp,
    ) -> Self {
        // One that was removed meanwhile is as good as none.
        let latest = history.newest_report().ok().flatten();
        Self {
            config,
            entries: Arc::new(history.entries().to_vec()),
            alerts: Arc::new(
                latest.iter().flat_map(|it| alerts::of(name, it, history.entries(), now)).collect(),
            ),
            latest: latest.map(Arc::new),
            damaged: history.damaged(),
            ..Self::default()
        }
    }

    /// What is new about a report, in a line; `None` if it says the same as the one before.
    pub(super) fn change(&self, report: &Report) -> Option<String> {
        let before = self.latest.as_ref().map(|it| it.verdict);
        let verdict = report.verdict;
        if before == Some(verdict) && self.not_audited.is_none() {
            return None;
        }
        let (words, reason) = (verdict.name(), &report.verdict_reason);
        Some(match before {
            Some(before) => format!("{} -> {words}: {reason}", before.name()),
            None => format!("{words}: {reason}"),
        })
    }

    /// What stands against it now. What did before it could not be audited still does.
    pub(super) fn all_alerts(&self, name: &str) -> Vec<Alert> {
        let Some((why, since)) = &self.not_audited else { return self.alerts.to_vec() };
        let not_audited = alerts::not_audited(name, why, *since);
        let earlier = self.alerts.iter().filter(|it| it.id != not_audited.id).cloned();
        earlier.chain([not_audited.clone()]).collect()
    }

    /// Takes note of an audit.
    pub(super) fn add(
        &mut self,
        (report, alerts): (Report, Vec<Alert>),
        entries: Arc<Vec<Entry>>,
        processes: Vec<WatchedProcess>,
        took: Duration,
    ) {
        self.alerts = Arc::new(alerts);
        self.config.clone_from(&report.config);
        self.latest = Some(Arc::new(report));
        self.entries = entries;
        self.processes = Arc::new(processes);
        self.not_audited = None;
        self.audits = (self.audits.0 + 1, self.audits.1 + took);
    }
}

/// What is known at one moment.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) now: Timestamp,
    pub(super) started_at: Timestamp,
    pub(super) every: Duration,
    pub(super) round: Duration,
    pub(super) retention: Duration,
    pub(super) last_check: Option<Timestamp>,
    pub(super) next_round: Option<Timestamp>,
    pub(super) is_under_way: bool,
    pub(super) round_began: Option<Instant>,
    pub(super) names: Vec<String>,
    pub(super) kept: Vec<Kept>,
    pub(super) alerts: Arc<Vec<Alert>>,
}

impl Snapshot {
    /// What is kept of the service of that name.
    pub(super) fn of(&self, service: &str) -> Option<&Kept> {
        let index = self.names.iter().position(|name| name == service)?;
        self.kept.get(index)
    }

    /// Whether the last audit of a service says nothing of now.
    pub(super) fn is_unseen(&self, service: &str) -> bool {
        let view = self.view();
        let found = view.services.iter().find(|it| it.name == service);
        found.is_none_or(|it| view.standing(it).audited().is_none())
    }

    /// Whether a round has been under way for longer than rounds may.
    pub(super) fn is_overdue(&self) -> bool {
        let since = self.round_began;
        since.is_some_and(|since| since.elapsed() > self.view().late_after())
    }

    /// The same with an alert for each service whose last audit says nothing of now any more.
    pub(super) fn with_late(mut self) -> Self {
        let view = self.view();
        let standings = view.services.iter().map(|it| (it.name, view.standing(it)));
        let late: Vec<_> = standings
            .filter_map(|(name, standing)| match standing {
                Standing::Late(newest) => Some(alerts::late(name, newest.at)),
                Standing::NoAudit if view.is_late(self.started_at) => {
                    Some(alerts::late(name, self.started_at))
                }
                _ => None,
            })
            .collect();
        if !late.is_empty() {
            let earlier = self.alerts.iter().filter(|it| late.iter().all(|late| late.id != it.id));
            let mut all: Vec<_> = earlier.cloned().chain(late.iter().cloned()).collect();
            alerts::sort(&mut all);
            self.alerts = Arc::new(all);
        }
        self
    }

    /// The same, for those who show it.
    pub(super) fn view(&self) -> View<'_> {
        let named = self.names.iter().zip(&self.kept);
        View {
            now: self.now,
            started_at: self.started_at,
            every: self.every,
            round: self.round,
            retention: self.retention,
            last_check: self.last_check,
            next_round: self.next_round,
            is_under_way: self.is_under_way,
            services: named.map(|(name, kept)| of(name, kept)).collect(),
            alerts: &self.alerts,
        }
    }
}

fn of<'a>(name: &'a str, kept: &'a Kept) -> ServiceView<'a> {
    ServiceView {
        name,
        config: &kept.config,
        entries: &kept.entries,
        latest: kept.latest.as_deref(),
        not_audited: kept.not_audited.as_ref().map(|(why, since)| (why.as_str(), *since)),
        damaged: kept.damaged,
        not_kept: kept.not_kept,
        audits: kept.audits,
    }
}

//! What is kept of each service in memory, and all of it at one moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::processes::WatchedProcess;
use crate::report::Report;
use crate::watch::history::History;
use crate::watch::{Alert, Entry, ServiceView, View};

/// What is kept of a service in memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    /// Its configuration.
    pub(super) config: String,
    /// Its reports, the oldest first.
    pub(super) entries: Arc<Vec<Entry>>,
    /// The newest of them.
    pub(super) latest: Option<Arc<Report>>,
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
    pub(super) fn of_history(history: &History, config: String) -> Self {
        // One that was removed meanwhile is as good as none.
        let latest = history.newest_report().ok().flatten();
        Self {
            config,
            entries: Arc::new(history.entries().to_vec()),
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

    /// Takes note of an audit.
    pub(super) fn add(
        &mut self,
        report: Report,
        entries: Arc<Vec<Entry>>,
        processes: Vec<WatchedProcess>,
        took: Duration,
    ) {
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
    pub(super) retention: Duration,
    pub(super) last_check: Option<Timestamp>,
    pub(super) next_round: Option<Timestamp>,
    pub(super) is_under_way: bool,
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

    /// The same, for those who show it.
    pub(super) fn view(&self) -> View<'_> {
        let named = self.names.iter().zip(&self.kept);
        View {
            now: self.now,
            started_at: self.started_at,
            every: self.every,
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

//! What is known at one moment, for those who show it.

use std::time::Duration;

use jiff::Timestamp;

use super::{Alert, Entry};
use crate::report::Report;

/// All that is known at one moment.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The moment.
    pub now: Timestamp,
    /// When the watcher was started.
    pub started_at: Timestamp,
    /// From the start of a round of audits to the start of the next.
    pub every: Duration,
    /// How long reports are kept.
    pub retention: Duration,
    /// When the last round ended in which every service was audited; `None` before the first.
    pub last_check: Option<Timestamp>,
    /// When the next round begins, at the latest.
    pub next_round: Option<Timestamp>,
    /// Whether a round is under way.
    pub is_under_way: bool,
    /// The services, in the order in which they were given.
    pub services: Vec<ServiceView<'a>>,
    /// What stands against them, the worst first.
    pub alerts: &'a [Alert],
}

/// What is known of one service.
#[derive(Debug, Clone, Copy)]
pub struct ServiceView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its configuration.
    pub config: &'a str,
    /// What is kept of its reports, the oldest first.
    pub entries: &'a [Entry],
    /// The newest report; `None` before the first, or where it could not be read.
    pub latest: Option<&'a Report>,
    /// Why it could not be audited the last time, and since when not; `None` if it was.
    pub not_audited: Option<(&'a str, Timestamp)>,
    /// Files of its history that could not be read.
    pub damaged: usize,
    /// Reports that could not be written since the start.
    pub not_kept: u64,
    /// Audits since the start, and how long they took in all.
    pub audits: (u64, Duration),
}

impl<'a> ServiceView<'a> {
    /// What is known of the newest audit.
    pub fn newest(&self) -> Option<&'a Entry> {
        self.entries.last()
    }

    /// Since when the verdict is what it is: the first of the audits up to the newest that all ended
    /// with it.
    pub fn since(&self) -> Option<Timestamp> {
        let newest = self.newest()?;
        let same = self.entries.iter().rev().take_while(|it| it.verdict == newest.verdict);
        same.last().map(|it| it.at)
    }

    /// The newest audit that failed.
    pub fn last_failing(&self) -> Option<&'a Entry> {
        self.entries.iter().rev().find(|entry| entry.has_failed())
    }
}

//! What a watcher knows from round to round.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::kept::Kept;
use super::services::Service;
use crate::watch::alerts::{self, Alert};

/// What is known, and what is under way.
pub(super) struct State {
    /// What is kept of each service, in their order.
    pub(super) kept: Vec<Kept>,
    /// What stands against them.
    pub(super) alerts: Arc<Vec<Alert>>,
    /// When the last round ended that has not failed.
    pub(super) last_check: Option<Timestamp>,
    /// Rounds that have begun.
    pub(super) begun: u64,
    /// The last round that has ended.
    pub(super) ended: u64,
    /// When the last one began.
    pub(super) round_began: Option<Instant>,
    /// Somebody waits for a round that has not begun.
    pub(super) is_asked_for: bool,
    /// When the next one begins at the latest; `None` while one is under way.
    pub(super) next_round: Option<Timestamp>,
    /// What came of the last round.
    pub(super) outcome: Option<Arc<Outcome>>,
    /// There will be no further one.
    pub(super) is_over: bool,
}

/// What came of a round.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// When it ended.
    pub(super) checked_at: Timestamp,
    /// What stands against the services then.
    pub(super) alerts: Arc<Vec<Alert>>,
    /// Why no service could be audited, if none could be.
    pub(super) error: Option<String>,
}

impl State {
    /// What an earlier watcher has left, which is shown with its time until the first round has ended.
    pub(super) fn new(services: &[Service], kept: Vec<Kept>, now: Timestamp) -> Self {
        let last_check = kept.iter().map(|it| it.entries.last().map(|it| it.at)).min().flatten();
        Self {
            alerts: Arc::new(gathered(services, &kept)),
            kept,
            last_check,
            begun: 0,
            ended: 0,
            round_began: None,
            is_asked_for: false,
            next_round: Some(now),
            outcome: None,
            is_over: false,
        }
    }

    /// A round begins.
    pub(super) fn begin(&mut self) {
        self.begun += 1;
        self.round_began = Some(Instant::now());
        self.is_asked_for = false;
        self.next_round = None;
        self.kept.iter_mut().for_each(|it| it.is_queued = true);
    }

    /// Takes note of what stands against the services now.
    pub(super) fn gather(&mut self, services: &[Service]) {
        self.alerts = Arc::new(gathered(services, &self.kept));
    }

    /// The round has ended. Where a service could not be audited, what stood against it stays, and so
    /// does an alert that says so; where none could be, the round has failed.
    pub(super) fn end(&mut self, services: &[Service], errors: &[String], now: Timestamp) {
        self.kept.iter_mut().for_each(|it| it.is_queued = false);
        self.gather(services);
        let has_failed = !errors.is_empty() && errors.len() == services.len();
        let error = has_failed.then(|| errors.join("; "));
        if error.is_none() {
            self.last_check = Some(now);
        }
        let alerts = Arc::clone(&self.alerts);
        self.outcome = Some(Arc::new(Outcome { checked_at: now, alerts, error }));
        self.ended = self.begun;
    }
}

/// What stands against the services, the worst first.
fn gathered(services: &[Service], kept: &[Kept]) -> Vec<Alert> {
    let each = services.iter().zip(kept);
    let mut all: Vec<_> = each.flat_map(|(service, kept)| kept.all_alerts(&service.name)).collect();
    alerts::sort(&mut all);
    all
}

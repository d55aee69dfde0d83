//! The rounds of audits: on a schedule, and when somebody asks for one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::audit::carry_out;
use super::super::perform::{Charts, Setting};
use super::super::schedule;
use super::kept::{Kept, Snapshot};
use super::processes::{self, WatchedProcess};
use super::services::{self, Service};
use super::state::{Outcome, State};
use crate::cli::ServeArgs;
use crate::engine::Verdict;
use crate::report::Report;
use crate::watch::alerts;
use crate::watch::history::History;
use crate::{interrupt, output};

/// How often it is looked whether a signal has come.
const GLANCE: Duration = Duration::from_millis(100);

/// Audits the services again and again.
pub(super) struct Watcher {
    services: Vec<Service>,
    histories: Vec<Mutex<History>>,
    state: Mutex<State>,
    changed: Condvar,
    every: Duration,
    /// How long a round takes at least.
    round: Duration,
    retention: Duration,
    started_at: Timestamp,
    is_quiet: bool,
    is_verbose: bool,
}

/// Why a service was not audited.
enum NotAudited {
    /// The watcher ends.
    Interrupted,
    /// What is wrong.
    Because(String),
}

impl Watcher {
    pub(super) fn new(
        services: Vec<Service>,
        kept: Vec<(History, Kept)>,
        (args, round): (&ServeArgs, Duration),
        now: Timestamp,
    ) -> Self {
        let (histories, kept): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
        let state = State::new(&services, kept, now);
        Self {
            services,
            histories: histories.into_iter().map(Mutex::new).collect(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            every: args.every,
            round,
            retention: args.retention,
            started_at: now,
            is_quiet: args.quiet,
            is_verbose: args.verbose,
        }
    }

    /// A panic of another thread leaves nothing half done: what is known is replaced whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out rounds until a signal comes.
    pub(super) fn keep_watch(&self) {
        let _over = Over(self);
        let mut next = Instant::now();
        while self.wait_for(next) {
            let began = Instant::now();
            next = began + self.every;
            self.round();
            let left = next.saturating_duration_since(Instant::now());
            self.state().next_round = Timestamp::now().checked_add(left).ok();
        }
    }

    /// Waits for the next round; `false` if there is none any more.
    fn wait_for(&self, next: Instant) -> bool {
        let mut state = self.state();
        loop {
            if interrupt::received().is_some() {
                return false;
            }
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() || state.is_asked_for {
                return true;
            }
            let waited = self.changed.wait_timeout(state, left.min(GLANCE));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Has a round carried out that begins after this call; `None` where there is none any more. Those who
    /// ask meanwhile share the next one, so that one is under way and one waits, at most.
    pub(super) fn check(&self) -> Option<Arc<Outcome>> {
        let mut state = self.state();
        let wanted = state.begun + 1;
        state.is_asked_for = true;
        self.changed.notify_all();
        while state.ended < wanted {
            if state.is_over {
                return None;
            }
            let waited = self.changed.wait_timeout(state, GLANCE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.outcome.clone()
    }

    fn round(&self) {
        self.state().begin();
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        let results = schedule::run(&self.services, jobs, |service| self.audit(service));
        let bad_end = || Err(NotAudited::Because("its thread came to a bad end".to_owned()));
        let results =
            self.services.iter().zip(results.into_iter().map(|it| it.unwrap_or_else(bad_end)));
        let mut errors = Vec::new();
        let mut is_whole = true;
        for (service, result) in results {
            match result {
                Ok(()) => {}
                Err(NotAudited::Interrupted) => is_whole = false,
                Err(NotAudited::Because(why)) => {
                    self.not_audited(service, &why);
                    errors.push(format!("{}: {why}", service.name));
                }
            }
        }
        self.prune();
        if is_whole {
            self.state().end(&self.services, &errors, Timestamp::now());
        }
        self.changed.notify_all();
    }

    /// Audits a service, and keeps what came of it.
    fn audit(&self, service: &Service) -> Result<(), NotAudited> {
        if interrupt::received().is_some() {
            return Err(NotAudited::Interrupted);
        }
        let began = Instant::now();
        if let Some(kept) = self.state().kept.get_mut(service.index) {
            (kept.is_queued, kept.under_way) = (false, Some(began));
        }
        // One audit that comes to a bad end is not the end of all the others.
        let audited = catch_unwind(AssertUnwindSafe(|| self.audited(service, began)));
        if let Some(kept) = self.state().kept.get_mut(service.index) {
            kept.under_way = None;
        }
        let panicked = |_| Err(NotAudited::Because("the audit came to a bad end".to_owned()));
        let (report, processes) = audited.unwrap_or_else(panicked)?;
        if report.verdict == Verdict::Interrupted && interrupt::received().is_some() {
            return Err(NotAudited::Interrupted);
        }
        self.keep(service, report, processes, began.elapsed());
        Ok(())
    }

    fn audited(
        &self,
        service: &Service,
        began: Instant,
    ) -> Result<(Report, Vec<WatchedProcess>), NotAudited> {
        let because = |why: &dyn std::fmt::Display| NotAudited::Because(why.to_string());
        let now = super::super::now().map_err(|error| because(&error))?;
        let prepared = service.prepare(now).map_err(|error| because(&error))?;
        let (cli, plan) = prepared.ok_or(NotAudited::Interrupted)?;
        if let Some(why) = services::of_plan(&cli, &plan) {
            return Err(NotAudited::Because(why));
        }
        let setting = Setting {
            is_quiet: self.is_quiet,
            is_verbose: self.is_verbose,
            stdout_is_taken: true,
            charts: Charts::UnlessPassed,
            scenario: Some(&service.name),
            ..Setting::default()
        };
        let watched = plan.clone();
        let carried_out = carry_out(&cli, plan, began, setting, None);
        let (report, _) = carried_out.map_err(|error| because(&format!("{error:#}")))?;
        Ok((report, processes::watched(&watched)))
    }

    fn keep(
        &self,
        service: &Service,
        report: Report,
        processes: Vec<WatchedProcess>,
        took: Duration,
    ) {
        let now = Timestamp::now();
        let Some(history) = self.histories.get(service.index) else { return };
        let mut history = history.lock().unwrap_or_else(PoisonError::into_inner);
        let written = history.keep(now, &report);
        let entries = Arc::new(history.entries().to_vec());
        drop(history);
        if let Err(error) = &written {
            output::message(&format!("error: {}: the report is not kept: {error}", service.name));
        }
        // It takes its time where there is much to compare with, and nobody is to wait for it.
        let alerts = alerts::of(&service.name, &report, &entries, now);
        let mut state = self.state();
        let Some(kept) = state.kept.get_mut(service.index) else { return };
        if let Some(change) = kept.change(&report) {
            output::message(&format!("{}: {change}", service.name));
        }
        kept.add((report, alerts), entries, processes, took);
        kept.not_kept += u64::from(written.is_err());
        state.gather(&self.services);
    }

    fn not_audited(&self, service: &Service, why: &str) {
        let mut state = self.state();
        let Some(kept) = state.kept.get_mut(service.index) else { return };
        if kept.not_audited.as_ref().is_none_or(|(before, _)| before != why) {
            output::message(&format!("error: {}: not audited: {why}", service.name));
        }
        kept.failed += 1;
        let since = kept.not_audited.as_ref().map_or_else(Timestamp::now, |(_, since)| *since);
        kept.not_audited = Some((why.to_owned(), since));
        state.gather(&self.services);
    }

    /// Lets go of what is older than it is to be kept.
    fn prune(&self) {
        for (service, history) in self.services.iter().zip(&self.histories) {
            let mut history = history.lock().unwrap_or_else(PoisonError::into_inner);
            for warning in history.prune(Timestamp::now()) {
                output::message(&format!("warning: {}: {warning}", service.name));
            }
            let (entries, damaged) = (Arc::new(history.entries().to_vec()), history.damaged());
            drop(history);
            if let Some(kept) = self.state().kept.get_mut(service.index) {
                (kept.entries, kept.damaged) = (entries, damaged);
            }
        }
    }

    /// The history of the service of that name.
    pub(super) fn history(&self, service: &str) -> Option<MutexGuard<'_, History>> {
        let index = self.services.iter().position(|it| it.name == service)?;
        Some(self.histories.get(index)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The names of the services.
    pub(super) fn names(&self) -> Vec<&str> {
        self.services.iter().map(|it| it.name.as_str()).collect()
    }

    /// What is known now.
    pub(super) fn snapshot(&self) -> Snapshot {
        let state = self.state();
        Snapshot {
            now: Timestamp::now(),
            started_at: self.started_at,
            every: self.every,
            round: self.round,
            retention: self.retention,
            last_check: state.last_check,
            next_round: state.next_round,
            is_under_way: state.begun > state.ended,
            round_began: state.round_began.filter(|_| state.begun > state.ended),
            names: self.services.iter().map(|it| it.name.clone()).collect(),
            kept: state.kept.clone(),
            alerts: Arc::clone(&state.alerts),
        }
        .with_late()
    }

    /// Whether there will be no further round.
    pub(super) fn is_over(&self) -> bool {
        self.state().is_over
    }
}

/// However the watch ends, those who wait for it hear of it.
struct Over<'a>(&'a Watcher);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.changed.notify_all();
    }
}

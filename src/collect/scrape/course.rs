//! The course of a load: when it is over, and for which pages it is still waited then.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{GLANCE, lock};
use crate::interrupt;

/// How long it is waited for pages that come in good time, once the load is over.
pub(super) const AT_MOST: Duration = Duration::from_secs(10);

/// What the scrapers wait for.
#[derive(Default)]
pub(super) struct Course {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When the load was over.
    ended: Option<Instant>,
    /// Pages that have not come in good time since.
    awaited: usize,
    /// Pages that have come before it began, in the scrapes that count.
    begun: usize,
}

/// Ends the load when it goes.
pub(super) struct Stop<'a>(pub(super) &'a Course);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).ended.get_or_insert_with(Instant::now);
        self.0.changed.notify_all();
    }
}

impl Course {
    /// Waits until then, or until the load is over; since when, if it is.
    pub(super) fn over_before(&self, due: Instant) -> Option<Instant> {
        self.wait(due, |state| state.ended.is_some()).1
    }

    /// Waits until then, or until no page is waited for any more; whether that is so. After a
    /// signal none is.
    pub(super) fn complete_before(&self, due: Instant) -> bool {
        self.happens_before(due, |state| state.awaited == 0)
    }

    fn happens_before(&self, due: Instant, happened: impl Fn(&State) -> bool) -> bool {
        loop {
            let until = due.min(Instant::now() + GLANCE);
            let (has_happened, _) = self.wait(until, &happened);
            let is_over = has_happened || interrupt::received().is_some();
            if is_over || until == due {
                return is_over;
            }
        }
    }

    /// A page has been scraped before the load, be it that this failed.
    pub(super) fn begin(&self) {
        lock(&self.state).begun += 1;
        self.changed.notify_all();
    }

    /// Waits until then, or until so many pages have been scraped before the load; whether they
    /// have. After a signal it is not waited for any.
    pub(super) fn begun_before(&self, due: Instant, pages: usize) -> bool {
        self.happens_before(due, |state| state.begun >= pages)
    }

    /// A page is waited for once more, or no longer.
    pub(super) fn await_page(&self, is_awaited: bool) {
        let mut state = lock(&self.state);
        state.awaited =
            if is_awaited { state.awaited + 1 } else { state.awaited.saturating_sub(1) };
        drop(state);
        self.changed.notify_all();
    }

    /// Whether `happened` did so before `due`, and when the load was over.
    fn wait(&self, due: Instant, happened: impl Fn(&State) -> bool) -> (bool, Option<Instant>) {
        let left = due.saturating_duration_since(Instant::now());
        let waited =
            self.changed.wait_timeout_while(lock(&self.state), left, |state| !happened(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (happened(&state), state.ended)
    }
}

/// What is left of that time, in whole milliseconds.
pub(super) fn left(ended: Instant) -> Duration {
    let left = AT_MOST.saturating_sub(ended.elapsed());
    Duration::from_millis(left.as_micros().div_ceil(1000) as u64)
}

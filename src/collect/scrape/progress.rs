//! How the watching goes, for who looks on.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Shared, lock};
use crate::collect::clock::Clock;
use crate::collect::observer::ProgressUpdate;
use crate::promql::{self, Value};

/// How often progress is told.
pub(super) const TELL: Duration = Duration::from_secs(1);

/// Knows how it goes.
pub(super) struct ProgressReporter<'a> {
    pub(super) shared: &'a Shared,
    pub(super) clock: Clock,
    pub(super) lag: Option<&'a promql::Query>,
}

impl ProgressReporter<'_> {
    pub(super) fn update(&self, passed: Duration, left: Option<Duration>) -> ProgressUpdate {
        let scrapes = self.shared.made.load(Ordering::Relaxed);
        let failed = self.shared.failed.load(Ordering::Relaxed);
        ProgressUpdate { passed, left, scrapes, failed, worst_lag_s: self.worst_lag() }
    }

    fn worst_lag(&self) -> Option<f64> {
        let deadline = Some(Instant::now() + TELL);
        let at = self.clock.now().as_millisecond();
        let storage = lock(&self.shared.storage);
        match self.lag?.evaluate(&storage, at, deadline) {
            Ok(Value::Scalar(value)) => Some(value),
            Ok(Value::Vector(all)) => all.iter().map(|sample| sample.value).reduce(f64::max),
            _ => None,
        }
    }
}

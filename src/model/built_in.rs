//! The thresholds of `metrics.yaml`, as checks. A new threshold is a new row of [`BUILT_IN`].

use super::check::{Check, Limit, Observed, Severity};
use super::origin::Place;
use super::signal::Signal;

/// A threshold of `metrics.yaml`, as a check.
#[derive(Debug)]
pub struct BuiltIn {
    /// The check's name.
    pub id: &'static str,
    /// The key under `thresholds:` that sets its limit.
    pub threshold: &'static str,
    /// What it observes.
    pub signal: Signal,
    /// Whether it is the most that is allowed; else it is the least.
    pub is_max: bool,
    /// The limit, unless the configuration says otherwise.
    pub default: f64,
    /// A word to sort by.
    pub category: &'static str,
    /// What it means.
    pub description: &'static str,
}

/// The thresholds of `metrics.yaml`, in the order of the report. Those of a signal's own name can
/// be set under `checks:` too.
pub const BUILT_IN: [BuiltIn; 8] = [
    max("event_loop_lag", "max_event_loop_lag_s", Signal::EVENT_LOOP_LAG, 0.5),
    max("blocking_duration_avg", "max_blocking_duration_s", Signal::BLOCKING_DURATION_AVG, 1.0),
    max("threadpool_queue_wait", "max_queue_wait_s", Signal::THREADPOOL_QUEUE_WAIT, 1.0),
    max("threadpool_backlog", "max_threadpool_backlog", Signal::THREADPOOL_BACKLOG, 3.0),
    max("peak_active_requests", "max_active_requests", Signal::PEAK_ACTIVE_REQUESTS, 150.0),
    BuiltIn {
        description: "a finding warns from here on, before the limit is reached",
        ..max(LOAD_WARNING, "load_warning_threshold", Signal::PEAK_ACTIVE_REQUESTS, 100.0)
    },
    BuiltIn {
        description: "lag above this counts as hidden where p99 looks good",
        ..max(HIDDEN_LAG, "latency_hide_threshold_s", Signal::EVENT_LOOP_LAG, 1.0)
    },
    BuiltIn {
        is_max: false,
        description: "p99 below this looks good",
        ..max(GOOD_LATENCY, "p99_latency_hide_threshold_s", Signal::P99_LATENCY, 0.15)
    },
];

/// Requests in flight, before their limit is reached.
pub const LOAD_WARNING: &str = "load_warning";
/// Lag that would be hidden by a good latency.
pub const HIDDEN_LAG: &str = "latency_hides_lag";
/// Latency that looks good.
pub const GOOD_LATENCY: &str = "latency_looks_good";

const fn max(id: &'static str, threshold: &'static str, signal: Signal, default: f64) -> BuiltIn {
    let description = signal.def().description;
    BuiltIn { id, threshold, signal, is_max: true, default, category: "runtime", description }
}

impl BuiltIn {
    /// The threshold of that key.
    pub fn of_threshold(key: &str) -> Option<&'static Self> {
        Self::all().iter().find(|it| it.threshold == key)
    }

    /// The limit of a signal under the signal's own name.
    pub fn of_signal(signal: Signal) -> Option<&'static Self> {
        Self::all().iter().find(|it| it.id == signal.key())
    }

    /// Every row.
    pub fn all() -> &'static [Self] {
        const TABLE: &[BuiltIn] = &BUILT_IN;
        TABLE
    }

    /// The check, with its default or another limit. By itself it fails no gate, as in
    /// async-runtime-auditor 0.1: there only the score does.
    pub fn check(&self, limit: f64, origin: Option<Place>) -> Check {
        Check {
            id: self.id.to_owned(),
            observes: Observed::Signal(self.signal),
            limit: if self.is_max { Limit::Max(limit) } else { Limit::Min(limit) },
            severity: Severity::Info,
            category: self.category.to_owned(),
            description: self.description.to_owned(),
            origin,
            is_requested: false,
        }
    }
}

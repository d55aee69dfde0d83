//! What an audit judges by: thresholds, weights and the levels of a status.

use serde::Serialize;

/// Limits a service is held to. Seconds, tasks and requests as the names say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Thresholds {
    /// Score from which the status is `COLLAPSE_RISK`.
    pub health_score_collapse: f64,
    /// Score from which the status is `CRITICAL`.
    pub health_score_critical: f64,
    /// Score from which the status is `DEGRADED`.
    pub health_score_degraded: f64,
    /// Limit of the event loop's lag, seconds.
    pub max_event_loop_lag_s: f64,
    /// Limit of the mean blocking time, seconds.
    pub max_blocking_duration_s: f64,
    /// Limit of the mean wait for a pool thread, seconds.
    pub max_queue_wait_s: f64,
    /// Limit of the pool's backlog, tasks.
    pub max_threadpool_backlog: f64,
    /// Limit of the requests in flight.
    pub max_active_requests: f64,
    /// Requests in flight above which a finding warns.
    pub load_warning_threshold: f64,
    /// Lag above which a low latency counts as hiding it, seconds.
    pub latency_hide_threshold_s: f64,
    /// p99 latency below which it counts as hiding the lag, seconds.
    pub p99_latency_hide_threshold_s: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            health_score_collapse: 2500.0,
            health_score_critical: 1200.0,
            health_score_degraded: 400.0,
            max_event_loop_lag_s: 0.5,
            max_blocking_duration_s: 1.0,
            max_queue_wait_s: 1.0,
            max_threadpool_backlog: 3.0,
            max_active_requests: 150.0,
            load_warning_threshold: 100.0,
            latency_hide_threshold_s: 1.0,
            p99_latency_hide_threshold_s: 0.15,
        }
    }
}

/// Points of the score for one second, task or request of a signal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weights {
    /// Points a second of lag.
    pub event_loop_lag: f64,
    /// Points a second of mean blocking.
    pub blocking_duration_avg: f64,
    /// Points a second of mean queue wait.
    pub threadpool_queue_wait: f64,
    /// Points a task of backlog.
    pub threadpool_backlog: f64,
    /// Points a request in flight.
    pub peak_active_requests: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            event_loop_lag: 1500.0,
            blocking_duration_avg: 400.0,
            threadpool_queue_wait: 300.0,
            threadpool_backlog: 8.0,
            peak_active_requests: 1.0,
        }
    }
}

/// A level of the score that is not healthy; a gate names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// `DEGRADED` or worse.
    Degraded,
    /// `CRITICAL` or worse.
    Critical,
    /// `COLLAPSE_RISK`.
    Collapse,
}

impl Level {
    /// The levels, worst first.
    pub const WORST_FIRST: [Self; 3] = [Self::Collapse, Self::Critical, Self::Degraded];

    /// The score from which a service is at this level.
    pub const fn limit(self, thresholds: &Thresholds) -> f64 {
        match self {
            Self::Degraded => thresholds.health_score_degraded,
            Self::Critical => thresholds.health_score_critical,
            Self::Collapse => thresholds.health_score_collapse,
        }
    }

    /// The status of a service at this level.
    pub const fn status(self) -> Status {
        match self {
            Self::Degraded => Status::Degraded,
            Self::Critical => Status::Critical,
            Self::Collapse => Status::CollapseRisk,
        }
    }
}

/// How the runtime is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The score is below every level.
    Healthy,
    /// The score has reached the first level.
    Degraded,
    /// The score has reached the second level.
    Critical,
    /// The score has reached the worst level.
    CollapseRisk,
    /// Signals are missing, and those that are known prove no breach.
    Inconclusive,
}

impl Status {
    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::Critical => "CRITICAL",
            Self::CollapseRisk => "COLLAPSE_RISK",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

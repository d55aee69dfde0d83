//! Failure modes: named conjunctions of checks. A new mode is a new row of [`MODES`].

use serde::{Deserialize, Serialize};

/// A way in which an async runtime fails: proven where all of its checks are broken.
#[derive(Debug, PartialEq, Eq)]
pub struct Mode {
    /// Its `type` in the report.
    pub name: &'static str,
    /// How bad it is.
    pub severity: ModeSeverity,
    /// What it means, in one sentence.
    pub description: &'static str,
    /// The checks that have to be broken.
    pub checks: &'static [&'static str],
    /// Those of them that prove it alone where the configuration has no query for the others.
    pub alone: &'static [&'static str],
    /// Whether CPU use tells what keeps the loop busy.
    pub has_cause: bool,
}

/// How bad a failure mode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ModeSeverity {
    /// Users are, or are about to be, affected.
    High,
    /// A limit is near.
    Medium,
}

impl ModeSeverity {
    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
        }
    }
}

/// The failure mode that what blocks the loop explains.
pub const STARVATION: &str = "EVENT_LOOP_STARVATION";

/// Every failure mode, in the order of the report.
pub const MODES: [Mode; 3] = [
    Mode {
        name: STARVATION,
        severity: ModeSeverity::High,
        description: "Synchronous calls hold the event loop, so every coroutine waits for them.",
        checks: &["event_loop_lag", "blocking_duration_avg"],
        alone: &["event_loop_lag", "blocking_duration_avg"],
        has_cause: true,
    },
    Mode {
        name: "THREADPOOL_SATURATION",
        severity: ModeSeverity::High,
        description: "Work arrives faster than the thread pool finishes it, and queues up in \
                      front of it.",
        checks: &["threadpool_queue_wait", "threadpool_backlog"],
        // Some work waits for a thread in every pool that is used well.
        alone: &["threadpool_queue_wait"],
        has_cause: false,
    },
    Mode {
        name: "LOAD_SATURATION",
        severity: ModeSeverity::Medium,
        description: "More requests are in flight at once than the service is meant to carry.",
        checks: &["peak_active_requests"],
        alone: &["peak_active_requests"],
        has_cause: false,
    },
];

impl Mode {
    /// Every row.
    pub fn all() -> &'static [Self] {
        const TABLE: &[Mode] = &MODES;
        TABLE
    }
}

/// What keeps a starved loop busy, as far as CPU use tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It computes.
    CpuBound,
    /// It waits: synchronous I/O, a lock, a sleep.
    Blocked,
    /// Some of both, or the CPU is throttled.
    Mixed,
}

impl Cause {
    /// CPU use, in cores, from which a starved loop is called CPU-bound.
    pub const CPU_BOUND_CORES: f64 = 0.7;
    /// CPU use, in cores, up to which a starved loop is called blocked.
    pub const BLOCKED_CORES: f64 = 0.3;

    /// What to look for, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::CpuBound => "The process computes: move the work to processes or threads.",
            Self::Blocked => {
                "The process waits: look for synchronous I/O, a lock or a sleep on the loop."
            }
            Self::Mixed => "The process partly computes and partly waits, or its CPU is throttled.",
        }
    }
}

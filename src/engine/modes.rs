//! Failure modes: named combinations of signals over their limits, with their evidence.

use super::{backlog, backlog_inputs};
use crate::judgement::Thresholds;
use crate::readings::{Bound, Labels, Readings};
use crate::signal::Signal;

/// CPU use, in cores, from which a starved loop is called CPU-bound.
const CPU_BOUND_CORES: f64 = 0.7;
/// CPU use, in cores, up to which a starved loop is called blocked.
const BLOCKED_CORES: f64 = 0.3;

/// A way in which an async runtime fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Synchronous code holds the event loop.
    EventLoopStarvation,
    /// Work queues up behind the thread pool.
    ThreadpoolSaturation,
    /// More requests in flight than the service is meant to carry.
    LoadSaturation,
}

/// How bad a failure mode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Users are, or are about to be, affected.
    High,
    /// A limit is near.
    Medium,
}

/// What keeps a starved loop busy, as far as CPU use tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It computes.
    CpuBound,
    /// It waits: synchronous I/O, a lock, a sleep.
    Blocked,
    /// Some of both, or the CPU is throttled.
    Mixed,
}

/// One signal over its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The signal.
    pub signal: Signal,
    /// Its value, in its unit; a lower bound if `is_lower_bound`.
    pub value: f64,
    /// Whether the value may be greater still.
    pub is_lower_bound: bool,
    /// The limit it is above.
    pub limit: f64,
    /// Labels of the series it comes from.
    pub labels: Option<Labels>,
}

/// A failure mode that the readings prove.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureMode {
    /// Which one.
    pub mode: Mode,
    /// The signals that prove it.
    pub evidence: Vec<Evidence>,
    /// What keeps the loop busy; only for starvation, and only where CPU use is known.
    pub cause: Option<Cause>,
}

/// A failure mode that cannot be told for want of readings.
#[derive(Debug, Clone, PartialEq)]
pub struct Unassessable {
    /// Which one.
    pub mode: Mode,
    /// The signals that are not known well enough.
    pub unknown: Vec<Signal>,
}

impl Mode {
    /// Its `type` in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventLoopStarvation => "EVENT_LOOP_STARVATION",
            Self::ThreadpoolSaturation => "THREADPOOL_SATURATION",
            Self::LoadSaturation => "LOAD_SATURATION",
        }
    }

    /// Its severity.
    pub const fn severity(self) -> Severity {
        match self {
            Self::EventLoopStarvation | Self::ThreadpoolSaturation => Severity::High,
            Self::LoadSaturation => Severity::Medium,
        }
    }

    /// What it means, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::EventLoopStarvation => {
                "Synchronous calls hold the event loop, so every coroutine waits for them."
            }
            Self::ThreadpoolSaturation => {
                "Work arrives faster than the thread pool finishes it, and queues up in front of it."
            }
            Self::LoadSaturation => {
                "More requests are in flight at once than the service is meant to carry."
            }
        }
    }
}

impl Severity {
    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
        }
    }
}

impl Cause {
    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CpuBound => "cpu_bound",
            Self::Blocked => "blocked",
            Self::Mixed => "mixed",
        }
    }

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

/// One condition of a failure mode: a quantity and the limit it must be above.
struct Condition<'a> {
    signal: Signal,
    value: Bound,
    limit: f64,
    inputs: &'a [Signal],
}

/// Every mode that is proven, and every mode that cannot be told.
pub(super) fn assess(
    readings: &Readings,
    thresholds: &Thresholds,
) -> (Vec<FailureMode>, Vec<Unassessable>) {
    let plain = |signal: Signal, limit: f64, inputs: &'static [Signal]| Condition {
        signal,
        value: readings.get(signal).bound,
        limit,
        inputs,
    };
    use Signal::{BlockingDurationAvg, EventLoopLag, PeakActiveRequests, ThreadpoolQueueWait};
    let modes = [
        (
            Mode::EventLoopStarvation,
            vec![
                plain(EventLoopLag, thresholds.max_event_loop_lag_s, &[EventLoopLag]),
                plain(
                    BlockingDurationAvg,
                    thresholds.max_blocking_duration_s,
                    &[BlockingDurationAvg],
                ),
            ],
        ),
        (
            Mode::ThreadpoolSaturation,
            vec![
                plain(ThreadpoolQueueWait, thresholds.max_queue_wait_s, &[ThreadpoolQueueWait]),
                Condition {
                    signal: Signal::ThreadpoolBacklog,
                    value: backlog(readings),
                    limit: thresholds.max_threadpool_backlog,
                    inputs: backlog_inputs(readings),
                },
            ],
        ),
        (
            Mode::LoadSaturation,
            vec![plain(PeakActiveRequests, thresholds.max_active_requests, &[PeakActiveRequests])],
        ),
    ];
    let (mut proven, mut open) = (Vec::new(), Vec::new());
    for (mode, conditions) in modes {
        let met: Vec<_> = conditions.iter().map(|c| c.value.exceeds(c.limit)).collect();
        if met.iter().all(|met| *met == Some(true)) {
            let evidence = conditions.iter().map(|c| evidence(readings, c)).collect();
            let cause = (mode == Mode::EventLoopStarvation).then(|| cause(readings)).flatten();
            proven.push(FailureMode { mode, evidence, cause });
        } else if !met.contains(&Some(false)) {
            let unknown = conditions.iter().zip(met).filter(|(_, met)| met.is_none());
            let inputs = unknown.flat_map(|(condition, _)| condition.inputs);
            let unknown = inputs.copied().filter(|s| readings.get(*s).bound.exact().is_none());
            open.push(Unassessable { mode, unknown: unknown.collect() });
        }
    }
    (proven, open)
}

fn evidence(readings: &Readings, condition: &Condition<'_>) -> Evidence {
    Evidence {
        signal: condition.signal,
        value: condition.value.least(),
        is_lower_bound: condition.value.exact().is_none(),
        limit: condition.limit,
        labels: readings.get(condition.signal).labels.clone(),
    }
}

fn cause(readings: &Readings) -> Option<Cause> {
    let cpu = readings.get(Signal::ProcessCpuCores);
    let cores = cpu.bound.exact().filter(|_| cpu.measured)?;
    Some(if cores >= CPU_BOUND_CORES {
        Cause::CpuBound
    } else if cores <= BLOCKED_CORES {
        Cause::Blocked
    } else {
        Cause::Mixed
    })
}

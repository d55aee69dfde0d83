//! The engine: pure functions of readings, thresholds and weights.
//!
//! No I/O, no clock, no printing. Given the same readings it gives the same answer.

mod findings;
mod modes;
mod score;
mod verdict;

pub use findings::findings;
pub use modes::{Cause, Evidence, FailureMode, Mode, Severity, Unassessable};
pub use score::{Score, Term};
pub use verdict::Verdict;

use crate::judgement::{Level, Status, Thresholds, Weights};
use crate::readings::{Bound, Readings};
use crate::signal::Signal;
use crate::target_health::TargetHealth;

/// What the engine made of the readings.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// The score with its terms.
    pub score: Score,
    /// The status by the score.
    pub status: Status,
    /// Failure modes that are proven, in a fixed order.
    pub failure_modes: Vec<FailureMode>,
    /// Failure modes whose inputs are not known well enough.
    pub not_assessable: Vec<Unassessable>,
    /// Findings in words, in a fixed order.
    pub findings: Vec<String>,
    /// Whether the service may ship.
    pub verdict: Verdict,
    /// Why that is the verdict, in one sentence without a full stop.
    pub verdict_reason: String,
}

/// What else is known of an audit, beside its readings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances<'a> {
    /// The level that fails the gate, if there is one.
    pub gate: Option<Level>,
    /// How the service let itself be scraped.
    pub scrapes: &'a [TargetHealth],
    /// How the command failed that ran meanwhile, if it did.
    pub command_failure: Option<&'a str>,
    /// What went wrong while the readings were taken, if anything did.
    pub failure: Option<&'a str>,
}

/// Judges `readings`.
pub fn assess(
    readings: &Readings,
    thresholds: &Thresholds,
    weights: &Weights,
    circumstances: Circumstances<'_>,
) -> Assessment {
    let score = Score::new(readings, weights);
    let status = score.status(thresholds);
    let (failure_modes, not_assessable) = modes::assess(readings, thresholds);
    let (verdict, verdict_reason) = verdict::decide(&score, status, thresholds, circumstances);
    Assessment {
        findings: findings(readings, circumstances.scrapes, thresholds),
        score,
        status,
        failure_modes,
        not_assessable,
        verdict,
        verdict_reason,
    }
}

/// The thread pool's backlog, tasks: its own query, else max(0, started − completed).
pub fn backlog(readings: &Readings) -> Bound {
    use crate::readings::State::NotConfigured;
    let own = readings.get(Signal::ThreadpoolBacklog);
    if own.state != NotConfigured {
        return own.bound;
    }
    let started = readings.get(Signal::ThreadpoolTasksStarted).bound;
    match readings.get(Signal::ThreadpoolTasksCompleted).bound {
        Bound::Exact(completed) => started.map(|started| (started - completed).max(0.0)),
        // Any number of tasks may have been completed: nothing is proven.
        Bound::AtLeast(_) => Bound::AtLeast(0.0),
    }
}

/// The signals that the backlog may be made of.
pub const BACKLOG: [Signal; 3] =
    [Signal::ThreadpoolTasksStarted, Signal::ThreadpoolTasksCompleted, Signal::ThreadpoolBacklog];

/// Which signals the backlog was made of.
fn backlog_inputs(readings: &Readings) -> &'static [Signal] {
    use crate::readings::State::NotConfigured;
    if readings.get(Signal::ThreadpoolBacklog).state == NotConfigured {
        &[Signal::ThreadpoolTasksStarted, Signal::ThreadpoolTasksCompleted]
    } else {
        &[Signal::ThreadpoolBacklog]
    }
}

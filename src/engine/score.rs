//! The health score: a weighted sum of five signals, none of them negative.

use super::{backlog, backlog_inputs};
use crate::judgement::{Level, Status, Thresholds, Weights};
use crate::readings::{Bound, Readings};
use crate::signal::Signal;

/// One term of the score.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The signal it comes from; the backlog may be a difference of two others.
    pub signal: Signal,
    /// The signal's value, in its unit.
    pub value: Bound,
    /// Points for one unit.
    pub weight: f64,
    /// What it adds to the score.
    pub points: Bound,
    /// Whether anything was measured.
    pub measured: bool,
}

/// The health score; the higher, the worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Their sum: a lower bound while a term is one, because no term is negative.
    pub total: Bound,
    /// The terms, in the order of the formula.
    pub terms: Vec<Term>,
}

impl Term {
    /// Whether its part of the score is known; without weight it can be as unknown as it likes.
    pub fn is_known(&self) -> bool {
        self.points.exact().is_some() || self.weight == 0.0
    }
}

impl Score {
    /// score = 1500·lag + 400·blocking + 300·wait + 8·backlog + 1·active, with the
    /// default weights; the formula of async-runtime-auditor 0.1.
    pub fn new(readings: &Readings, weights: &Weights) -> Self {
        let measured = |signals: &[Signal]| signals.iter().all(|s| readings.get(*s).measured);
        let term = |signal: Signal, value: Bound, weight: f64, inputs: &[Signal]| Term {
            signal,
            value,
            weight,
            points: value.map(|value| points(signal, value, weight)),
            measured: measured(inputs),
        };
        let plain = |signal: Signal, weight: f64| {
            term(signal, readings.get(signal).bound, weight, &[signal])
        };
        let terms = vec![
            plain(Signal::EventLoopLag, weights.event_loop_lag),
            plain(Signal::BlockingDurationAvg, weights.blocking_duration_avg),
            plain(Signal::ThreadpoolQueueWait, weights.threadpool_queue_wait),
            term(
                Signal::ThreadpoolBacklog,
                backlog(readings),
                weights.threadpool_backlog,
                backlog_inputs(readings),
            ),
            plain(Signal::PeakActiveRequests, weights.peak_active_requests),
        ];
        Self { total: total(&terms), terms }
    }

    /// Whether any term was measured; if none was, the score is no more than a blank.
    pub fn is_measured(&self) -> bool {
        self.terms.iter().any(|term| term.measured)
    }

    /// The status by the score. A lower bound is enough only for `CRITICAL` and worse:
    /// that breach stands whatever the missing signals would have said.
    pub fn status(&self, thresholds: &Thresholds) -> Status {
        let reached = Level::WORST_FIRST
            .into_iter()
            .find(|level| self.total.least() >= level.limit(thresholds));
        match (reached, self.total) {
            (Some(level), Bound::Exact(_)) => level.status(),
            (None, Bound::Exact(_)) => Status::Healthy,
            (Some(level), Bound::AtLeast(_)) if level >= Level::Critical => level.status(),
            (_, Bound::AtLeast(_)) => Status::Inconclusive,
        }
    }
}

/// Saturates instead of overflowing, so that a finite signal has a finite score.
fn points(signal: Signal, value: f64, weight: f64) -> f64 {
    let points = match signal {
        // In the predecessor's order of operations, for the same last bit: ms times points a ms.
        Signal::EventLoopLag => value * 1000.0 * (weight / 1000.0),
        _ => value * weight,
    };
    points.min(f64::MAX)
}

fn total(terms: &[Term]) -> Bound {
    let sum = terms.iter().fold(0.0, |sum: f64, term| (sum + term.points.least()).min(f64::MAX));
    if terms.iter().all(Term::is_known) { Bound::Exact(sum) } else { Bound::AtLeast(sum) }
}

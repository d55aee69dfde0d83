//! The health score: a weighted sum of five signals, none of them negative.

use super::quantity::quantity;
use crate::model::interval::Interval;
use crate::model::level::{Level, Levels, Status};
use crate::model::reading::Readings;
use crate::model::signal::Signal;
use crate::model::weights::Weights;

/// One term of the score.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The signal it comes from; the backlog may be a difference of two others.
    pub signal: Signal,
    /// The signal's value, in its unit.
    pub value: Interval,
    /// Points for one unit.
    pub weight: f64,
    /// What it adds to the score.
    pub points: Interval,
    /// Whether anything was measured.
    pub measured: bool,
}

/// The health score; the higher, the worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Their sum: a lower bound while a term is one, because no term is negative.
    pub total: Interval,
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
        let term = |(signal, weight): (Signal, f64)| {
            let quantity = quantity(readings, signal);
            Term {
                signal,
                value: quantity.value,
                weight,
                points: quantity.value.map(|value| points(signal, value, weight)),
                measured: quantity.measured,
            }
        };
        let terms: Vec<_> = weights.iter().map(term).collect();
        Self { total: total(&terms), terms }
    }

    /// Whether any term was measured; if none was, the score is no more than a blank.
    pub fn is_measured(&self) -> bool {
        self.terms.iter().any(|term| term.measured)
    }

    /// The status by the score. A lower bound is enough only for `CRITICAL` and worse:
    /// that breach stands whatever the missing signals would have said.
    pub fn status(&self, levels: &Levels) -> Status {
        let reached = Level::WORST_FIRST
            .into_iter()
            .find(|level| self.total.least >= levels.start_of(*level));
        match (reached, self.total.exact()) {
            (Some(level), Some(_)) => level.status(),
            (None, Some(_)) => Status::Healthy,
            (Some(level), None) if level >= Level::Critical => level.status(),
            (_, None) => Status::Inconclusive,
        }
    }
}

/// Saturates instead of overflowing, so that a finite signal has a finite score.
fn points(signal: Signal, value: f64, weight: f64) -> f64 {
    let points = if signal == Signal::EVENT_LOOP_LAG {
        // In the predecessor's order of operations, for the same last bit: ms times points a ms.
        value * 1000.0 * (weight / 1000.0)
    } else {
        value * weight
    };
    points.min(f64::MAX)
}

fn total(terms: &[Term]) -> Interval {
    let sum = terms.iter().fold(0.0, |sum: f64, term| (sum + term.points.least).min(f64::MAX));
    if terms.iter().all(Term::is_known) { Interval::exactly(sum) } else { Interval::at_least(sum) }
}

//! The weights of the score: points for one second, task or request of a signal.

use super::signal::Signal;

/// The signals of the score in the order of its formula, with their default weights: the formula
/// of async-runtime-auditor 0.1. A signal enters the score by a new row.
pub const SCORE: [(Signal, f64); 5] = [
    (Signal::EVENT_LOOP_LAG, 1500.0),
    (Signal::BLOCKING_DURATION_AVG, 400.0),
    (Signal::THREADPOOL_QUEUE_WAIT, 300.0),
    (Signal::THREADPOOL_BACKLOG, 8.0),
    (Signal::PEAK_ACTIVE_REQUESTS, 1.0),
];

/// Points for one unit of each signal of the score, in the order of the formula; none negative.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights([(Signal, f64); SCORE.len()]);

impl Default for Weights {
    fn default() -> Self {
        Self(SCORE)
    }
}

impl Weights {
    /// Every signal with its weight.
    pub fn iter(&self) -> impl Iterator<Item = (Signal, f64)> + '_ {
        self.0.iter().copied()
    }

    /// Sets the weight of a signal; says whether it has one.
    pub fn set(&mut self, signal: Signal, weight: f64) -> bool {
        let entry = self.0.iter_mut().find(|(it, _)| *it == signal);
        entry.map(|(_, it)| *it = weight).is_some()
    }
}

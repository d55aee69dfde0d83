//! What is asked of the telemetry, and what it answers.

use std::time::Duration;

use jiff::Timestamp;

use crate::promql::Expression;

use super::reading::{Incomplete, Sample, Series};

/// The time over which an expression is evaluated, up to the instant of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How long.
    pub window: Duration,
    /// From one evaluation to the next; not longer than the window.
    pub step: Duration,
}

impl Span {
    /// The instants of the evaluations, in milliseconds since the Unix epoch, the last one `at`.
    pub fn instants(self, at: Timestamp) -> Vec<i64> {
        let milliseconds = |it: Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX);
        let (window, step) = (milliseconds(self.window), milliseconds(self.step).max(1));
        let (at, steps) = (at.as_millisecond(), window / step);
        (0..=steps).rev().map(|back| at.saturating_sub(back.saturating_mul(step))).collect()
    }
}

/// One expression, and over which time it is evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// PromQL.
    pub expr: Expression,
    /// Over which time; `None` for the instant alone.
    pub span: Option<Span>,
    /// Whether no series or `NaN` stands for a value, so that the two have to be told apart.
    pub nothing_counts: bool,
    /// Whether it has to be told which `NaN` of the answer is 0/0.
    pub zero_by_zero: bool,
    /// Whether an answer that the backend calls incomplete is taken for whole.
    pub accept_partial: bool,
    /// Whether a server answers it; else it is answered on samples at hand.
    pub is_of_server: bool,
}

/// A question beside those of a plan: what it answers says what their answers are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// PromQL that yields a vector.
    pub expr: Expression,
    /// Over which time; `None` for the instant alone.
    pub span: Option<Span>,
}

impl Probe {
    /// The expression at the instant alone.
    pub fn of_instant(expr: Expression) -> Self {
        Self { expr, span: None }
    }
}

/// What an expression came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// At an instant; a scalar is a series without labels.
    Vector(Vec<Sample>),
    /// Over a range of time, at the instants of the span.
    Matrix(Vec<Series>),
}

/// An answered question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the expression came to.
    pub values: Values,
    /// Whether something is missing from it.
    pub incomplete: Option<Incomplete>,
    /// The series, and of a range the instants, at which it is known to be 0/0 and nothing else;
    /// `None` where that was not asked, or cannot be told.
    pub zero_by_zero: Option<Values>,
}

impl Values {
    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Vector(samples) => samples.is_empty(),
            Self::Matrix(series) => series.is_empty(),
        }
    }

    /// Whether one of the values is `NaN`.
    pub fn has_nan(&self) -> bool {
        match self {
            Self::Vector(samples) => samples.iter().any(|sample| sample.value.is_nan()),
            Self::Matrix(all) => {
                all.iter().any(|series| series.points.iter().any(|(_, value)| value.is_nan()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_instant_is_that_of_the_audit() {
        let at = Timestamp::from_millisecond(100_000).unwrap();
        for (window, step, instants) in [
            (30, 10, &[70_000, 80_000, 90_000, 100_000][..]),
            (35, 10, &[70_000, 80_000, 90_000, 100_000]),
            (10, 10, &[90_000, 100_000]),
        ] {
            let (window, step) = (Duration::from_secs(window), Duration::from_secs(step));
            assert_eq!(Span { window, step }.instants(at), instants);
        }
    }
}

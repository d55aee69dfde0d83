//! Readings: what an answer says about a signal, known or not known and why.
//!
//! This is the seam between the source and the engine: plain data, no I/O.

mod answer;

use std::collections::BTreeMap;

use crate::signal::{OnMissing, Reduce, Signal};

/// Labels of a series, sorted by name.
pub type Labels = BTreeMap<String, String>;

/// One series of an instant vector at the evaluation instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels, `__name__` included where the answer has it.
    pub labels: Labels,
    /// Its value as sent: `NaN` and infinities included.
    pub value: f64,
}

/// Why a reading is, or is not, a known value.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Every series was read.
    Ok,
    /// The query returned no series.
    NoData,
    /// A series is `NaN`.
    NotANumber,
    /// A series is infinite.
    Infinite,
    /// The backend says that its answer is incomplete; its words.
    Partial(String),
    /// There is no answer; the cause.
    Failed(String),
    /// The configuration has no query for it.
    NotConfigured,
}

/// What is known of a quantity that is never negative.
///
/// A quantity of which nothing is known is `AtLeast(0.0)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Its value.
    Exact(f64),
    /// It has this value or a greater one.
    AtLeast(f64),
}

impl Bound {
    /// The value, where it is known.
    pub const fn exact(self) -> Option<f64> {
        match self {
            Self::Exact(value) => Some(value),
            Self::AtLeast(_) => None,
        }
    }

    /// The least value it can have.
    pub const fn least(self) -> f64 {
        match self {
            Self::Exact(value) | Self::AtLeast(value) => value,
        }
    }

    /// Whether it is above `limit`; `None` where that cannot be told.
    pub fn exceeds(self, limit: f64) -> Option<bool> {
        match self {
            _ if self.least() > limit => Some(true),
            Self::Exact(_) => Some(false),
            Self::AtLeast(_) => None,
        }
    }

    /// The bound of `f(self)` for an `f` that never falls.
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Exact(value) => Self::Exact(f(value)),
            Self::AtLeast(value) => Self::AtLeast(f(value)),
        }
    }
}

/// What was read of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Whether it is known, or why not.
    pub state: State,
    /// What is known of it. Finite and never negative.
    pub bound: Bound,
    /// Whether any value stands behind `bound`, or it is the 0 of an unknown.
    pub measured: bool,
    /// Labels of the series that decided a maximum or minimum.
    pub labels: Option<Labels>,
    /// How many series the answer had.
    pub series: usize,
    /// What was assumed on the way to the value.
    pub notes: Vec<Note>,
}

/// Why an answer is known to lack something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incomplete {
    /// The backend says so, in these words.
    BackendSays(String),
    /// A question that belongs to it has no answer; why not.
    Unanswered(String),
}

impl Incomplete {
    /// The same, in the words that `f` makes of its words.
    pub fn map(self, f: impl FnOnce(&str) -> String) -> Self {
        match self {
            Self::BackendSays(words) => Self::BackendSays(f(&words)),
            Self::Unanswered(words) => Self::Unanswered(f(&words)),
        }
    }
}

/// An assumption that a reader of the report should know of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A negative value was read as 0.
    NegativeAsZero,
    /// An empty answer was read as 0, as configured.
    NoDataAsZero,
    /// `NaN` was read as 0, as configured or by default.
    NanAsZero,
    /// The backend called its answer incomplete, in these words; it was accepted, as configured.
    PartialAccepted(String),
}

impl Note {
    /// The note in words.
    pub fn text(&self) -> String {
        match self {
            Self::NegativeAsZero => "a negative value was read as 0".to_owned(),
            Self::NoDataAsZero => "no data was read as 0 (on_no_data: zero)".to_owned(),
            Self::NanAsZero => "NaN was read as 0 (on_nan: zero)".to_owned(),
            Self::PartialAccepted(words) => {
                format!("an incomplete answer was taken for whole (accept_partial): {words}")
            }
        }
    }
}

/// How an answer is to be read; the part of a query that is not PromQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAs {
    /// How several series become one.
    pub reduce: Reduce,
    /// What an empty answer stands for.
    pub on_no_data: OnMissing,
    /// What `NaN` stands for.
    pub on_nan: OnMissing,
    /// Whether an answer that the backend calls incomplete is taken for whole.
    pub accept_partial: bool,
}

impl ReadAs {
    /// How `signal` is read unless the configuration says otherwise.
    pub const fn default_for(signal: Signal) -> Self {
        Self {
            reduce: signal.default_reduce(),
            on_no_data: OnMissing::Inconclusive,
            on_nan: signal.default_on_nan(),
            accept_partial: false,
        }
    }
}

impl Reading {
    /// A reading without a value.
    pub const fn unknown(state: State) -> Self {
        Self {
            state,
            bound: Bound::AtLeast(0.0),
            measured: false,
            labels: None,
            series: 0,
            notes: Vec::new(),
        }
    }

    /// A signal that the configuration leaves out: it contributes nothing.
    pub const fn not_configured() -> Self {
        let mut reading = Self::unknown(State::NotConfigured);
        reading.bound = Bound::Exact(0.0);
        reading
    }
}

/// One reading for every signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings([Reading; Signal::ALL.len()]);

impl Readings {
    /// Takes the readings from `read`; a signal it has none for is not configured.
    pub fn new(mut read: impl FnMut(Signal) -> Option<Reading>) -> Self {
        Self(Signal::ALL.map(|signal| read(signal).unwrap_or_else(Reading::not_configured)))
    }

    /// The reading of `signal`.
    pub fn get(&self, signal: Signal) -> &Reading {
        // Proof: ALL lists the variants in the order of their discriminants.
        &self.0[signal as usize]
    }

    /// Replaces the reading of `signal`.
    pub fn set(&mut self, signal: Signal, reading: Reading) {
        self.0[signal as usize] = reading;
    }

    /// Every signal with its reading, in the order of the report.
    pub fn iter(&self) -> impl Iterator<Item = (Signal, &Reading)> {
        Signal::ALL.into_iter().zip(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_listed_in_the_order_of_their_discriminants() {
        for (index, signal) in Signal::ALL.into_iter().enumerate() {
            assert_eq!(signal as usize, index);
            assert_eq!(Signal::from_key(signal.key()), Some(signal));
        }
    }
}

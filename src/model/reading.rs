//! Readings: what an answer says about a signal or a check, known or not known and why.
//!
//! This is the seam between what was seen and the engine: plain data, no I/O.

mod answer;
mod range;

use std::collections::BTreeMap;

use super::check::Rule;
use super::interval::Interval;
use super::signal::{OnMissing, Reduce, Signal};
pub use crate::promql::Sample;
pub use crate::storage::Labels;

/// Why a reading is, or is not, a known value.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Every series was read.
    Ok,
    /// The query returned no series.
    NoData,
    /// The log has no such value; why.
    NotLogged(String),
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

impl State {
    /// Why it is not known, in words.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ok | Self::NotConfigured => None,
            Self::NoData => Some(
                "the query returned no series; check the metric's name, the labels and the time",
            ),
            Self::NotANumber => Some("a series is NaN"),
            Self::Infinite => Some("a series is infinite"),
            Self::NotLogged(words) | Self::Partial(words) | Self::Failed(words) => Some(words),
        }
    }
}

/// One series over a range of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// When, in milliseconds since the Unix epoch, and what; in order. A step at which it has no
    /// value is left out.
    pub points: Vec<(i64, f64)>,
}

/// What was read of one signal, or of a check's own query or log.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Whether it is known, or why not.
    pub state: State,
    /// What is known of it; its ends are finite where they are known. Of a signal, never
    /// negative.
    pub value: Interval,
    /// Whether any value stands behind `value`, or it is that of an unknown.
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
    /// A value that the log does not have was read as 0, as configured; why it has none.
    NotLoggedAsZero(String),
    /// `NaN` that is 0/0 was read as 0, as configured or by default.
    NanAsZero,
    /// `NaN` that is not known to be 0/0 was not read as 0.
    OtherNan,
    /// The backend called its answer incomplete, in these words; it was accepted, as configured.
    PartialAccepted(String),
}

/// What to do about a `NaN` that is not known to be 0/0.
const OTHER_NAN: &str = "on_nan: zero is for 0/0 alone, which this is not known to be; look for \
                         samples that are NaN, and divide sums: sum(rate(a_sum[5m])) / \
                         sum(rate(a_count[5m]))";

/// What a rate below 0 says.
const MISSED_RESET: &str = "a rate or an increase is below 0: a counter went back, and what it had \
                            counted before is missing";

impl Note {
    /// The note in words.
    pub fn text(&self) -> String {
        match self {
            Self::NegativeAsZero => "a negative value was read as 0".to_owned(),
            Self::NoDataAsZero => "no data was read as 0 (on_no_data: zero)".to_owned(),
            Self::NotLoggedAsZero(why) => format!("{why}, which was read as 0 (on_no_data: zero)"),
            Self::NanAsZero => "NaN was read as 0 (on_nan: zero)".to_owned(),
            Self::OtherNan => OTHER_NAN.to_owned(),
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
    /// Whether a value may be negative; else it is read as 0.
    pub is_signed: bool,
    /// Whether a negative value proves that a counter was reset and the reset was missed, where it
    /// may not be negative.
    pub is_rate: bool,
}

impl ReadAs {
    /// How `signal` is read unless the configuration says otherwise.
    pub const fn default_for(signal: Signal) -> Self {
        Self {
            reduce: signal.def().reduce,
            on_no_data: OnMissing::Inconclusive,
            on_nan: signal.def().on_nan,
            accept_partial: false,
            is_signed: false,
            is_rate: false,
        }
    }

    /// How the query of a check is read unless the configuration says otherwise: the series that
    /// is worst by its rule decides.
    pub const fn default_for_check(rule: Rule) -> Self {
        Self {
            reduce: match rule {
                Rule::Min => Reduce::Min,
                Rule::Max | Rule::Budget | Rule::Spike | Rule::Baseline => Reduce::Max,
            },
            on_no_data: OnMissing::Inconclusive,
            on_nan: OnMissing::Inconclusive,
            accept_partial: false,
            is_signed: true,
            is_rate: false,
        }
    }
}

impl Reading {
    /// A reading without a value.
    pub const fn unknown(state: State) -> Self {
        Self {
            state,
            value: Interval::NOT_NEGATIVE,
            measured: false,
            labels: None,
            series: 0,
            notes: Vec::new(),
        }
    }

    /// A signal that the configuration leaves out: it contributes nothing.
    pub const fn not_configured() -> Self {
        let mut reading = Self::unknown(State::NotConfigured);
        reading.value = Interval::exactly(0.0);
        reading
    }
}

/// What was read of a check's own query over a range of time.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeReading {
    /// Whether it is known, or why not.
    pub state: State,
    /// Its series, sorted by their labels.
    pub series: Vec<Series>,
    /// The instants at which it was evaluated, in milliseconds since the Unix epoch, in order.
    pub instants: Vec<i64>,
    /// What was assumed on the way to the values.
    pub notes: Vec<Note>,
}

/// What was read for an audit.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// By the number of the signal's row.
    signals: Vec<Reading>,
    /// Of the checks' own queries, by the name of the check.
    checks: BTreeMap<String, CheckReading>,
}

/// What was read of a check's own query.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckReading {
    /// At an instant.
    Value(Reading),
    /// Over a range of time.
    Range(RangeReading),
}

impl Readings {
    /// Takes the readings of signals from `read`; a signal it has none for is not configured.
    pub fn new(mut read: impl FnMut(Signal) -> Option<Reading>) -> Self {
        let read = |signal| read(signal).unwrap_or_else(Reading::not_configured);
        Self { signals: Signal::all().map(read).collect(), checks: BTreeMap::new() }
    }

    /// The reading of `signal`.
    pub fn get(&self, signal: Signal) -> &Reading {
        // Proof: there is one for every row, and a signal is the number of a row.
        &self.signals[signal.index()]
    }

    /// Replaces the reading of `signal`.
    pub fn set(&mut self, signal: Signal, reading: Reading) {
        self.signals[signal.index()] = reading;
    }

    /// What was read of the query of that check.
    pub fn of_check(&self, id: &str) -> Option<&CheckReading> {
        self.checks.get(id)
    }

    /// Sets what was read of the query of that check.
    pub fn set_check(&mut self, id: &str, reading: CheckReading) {
        self.checks.insert(id.to_owned(), reading);
    }

    /// Every signal with its reading, in the order of the report.
    pub fn iter(&self) -> impl Iterator<Item = (Signal, &Reading)> {
        Signal::all().zip(&self.signals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::signal::SIGNALS;

    #[test]
    fn every_signal_is_found_by_its_key() {
        assert_eq!(Signal::all().count(), SIGNALS.len());
        for (index, signal) in Signal::all().enumerate() {
            assert_eq!(signal.index(), index);
            assert_eq!(Signal::from_key(signal.key()), Some(signal));
        }
    }
}

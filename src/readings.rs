//! Readings: what an answer says about a signal, known or not known and why.
//!
//! This is the seam between the source and the engine: plain data, no I/O.

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

/// An assumption that a reader of the report should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A negative value was read as 0.
    NegativeAsZero,
    /// An empty answer was read as 0, as configured.
    NoDataAsZero,
    /// `NaN` was read as 0, as configured or by default.
    NanAsZero,
}

impl Note {
    /// The note in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NegativeAsZero => "a negative value was read as 0",
            Self::NoDataAsZero => "no data was read as 0 (on_no_data: zero)",
            Self::NanAsZero => "NaN was read as 0 (on_nan: zero)",
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
}

impl ReadAs {
    /// How `signal` is read unless the configuration says otherwise.
    pub const fn default_for(signal: Signal) -> Self {
        Self {
            reduce: signal.default_reduce(),
            on_no_data: OnMissing::Inconclusive,
            on_nan: signal.default_on_nan(),
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

    /// Reads an answer. `incomplete` carries the backend's words if it says so itself.
    ///
    /// The order of `samples` does not matter: backends are free to change it.
    pub fn new(mut samples: Vec<Sample>, incomplete: Option<String>, how: ReadAs) -> Self {
        samples.sort_by(|a, b| a.labels.cmp(&b.labels).then(a.value.total_cmp(&b.value)));
        let series = samples.len();
        if samples.is_empty() {
            return Self::empty(incomplete, how);
        }
        let mut notes = Vec::new();
        let mut unreadable = incomplete.map(State::Partial);
        let mut values = Vec::with_capacity(series);
        for sample in samples {
            match classify(sample.value, how.on_nan) {
                Ok((value, note)) => {
                    values.push((value, sample.labels));
                    notes.extend(note);
                }
                Err(state) => unreadable = Some(worse(unreadable, state)),
            }
        }
        notes.sort_unstable_by_key(|note| *note as u8);
        notes.dedup();
        // A minimum over some of the series says nothing about the least it can be.
        let useless = unreadable.is_some() && how.reduce == Reduce::Min;
        let measured = !values.is_empty() && !useless;
        let (value, labels) = reduce(values, how.reduce, series);
        let bound = match unreadable {
            None => Bound::Exact(value),
            Some(_) if useless => Bound::AtLeast(0.0),
            Some(_) => Bound::AtLeast(value),
        };
        Self { state: unreadable.unwrap_or(State::Ok), bound, measured, labels, series, notes }
    }

    fn empty(incomplete: Option<String>, how: ReadAs) -> Self {
        match (incomplete, how.on_no_data) {
            (Some(words), _) => Self::unknown(State::Partial(words)),
            (None, OnMissing::Inconclusive) => Self::unknown(State::NoData),
            (None, OnMissing::Zero) => Self {
                bound: Bound::Exact(0.0),
                measured: true,
                notes: vec![Note::NoDataAsZero],
                ..Self::unknown(State::Ok)
            },
        }
    }
}

/// A value that can be counted on, or the state of a series that has none.
fn classify(value: f64, on_nan: OnMissing) -> Result<(f64, Option<Note>), State> {
    if value.is_nan() {
        return match on_nan {
            OnMissing::Zero => Ok((0.0, Some(Note::NanAsZero))),
            OnMissing::Inconclusive => Err(State::NotANumber),
        };
    }
    if value.is_infinite() {
        return Err(State::Infinite);
    }
    if value < 0.0 {
        return Ok((0.0, Some(Note::NegativeAsZero)));
    }
    // Adding 0.0 turns -0.0 into 0.0.
    Ok((value + 0.0, None))
}

/// The state to report when several series are unreadable for different reasons.
fn worse(before: Option<State>, now: State) -> State {
    match before {
        Some(State::Partial(words)) => State::Partial(words),
        Some(State::Infinite) => State::Infinite,
        _ => now,
    }
}

/// Reduces the readable series of an answer of `total` series to one finite value.
fn reduce(values: Vec<(f64, Labels)>, how: Reduce, total: usize) -> (f64, Option<Labels>) {
    let sum = || values.iter().fold(0.0, |sum: f64, (value, _)| (sum + value).min(f64::MAX));
    match how {
        Reduce::Sum => (sum(), None),
        // The unreadable series count too: none of them is below 0.
        Reduce::Avg => (sum() / total as f64, None),
        Reduce::Max => deciding(values, |value, best| value > best),
        Reduce::Min => deciding(values, |value, best| value < best),
    }
}

fn deciding(values: Vec<(f64, Labels)>, beats: impl Fn(f64, f64) -> bool) -> (f64, Option<Labels>) {
    let best =
        values.into_iter().reduce(|best, next| if beats(next.0, best.0) { next } else { best });
    match best {
        Some((value, labels)) => (value, Some(labels)),
        None => (0.0, None),
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

    fn sample(instance: &str, value: f64) -> Sample {
        Sample { labels: Labels::from([("instance".into(), instance.into())]), value }
    }

    fn how(reduce: Reduce) -> ReadAs {
        ReadAs { reduce, on_no_data: OnMissing::Inconclusive, on_nan: OnMissing::Inconclusive }
    }

    fn read(values: &[f64], how: ReadAs) -> Reading {
        let samples = values.iter().enumerate().map(|(i, v)| sample(&i.to_string(), *v)).collect();
        Reading::new(samples, None, how)
    }

    #[test]
    fn the_series_that_decides_is_named_whatever_the_order() {
        let samples = vec![sample("b", 0.9), sample("c", 0.9), sample("a", 0.1)];
        let reversed = samples.iter().rev().cloned().collect();
        let reading = Reading::new(samples, None, how(Reduce::Max));
        assert_eq!(reading.bound, Bound::Exact(0.9));
        assert_eq!(reading.labels.as_ref().map(|l| l["instance"].as_str()), Some("b"));
        assert_eq!(reading, Reading::new(reversed, None, how(Reduce::Max)));
    }

    #[test]
    fn every_reduction_on_readable_series() {
        for (reduce, expected) in
            [(Reduce::Max, 4.0), (Reduce::Min, 1.0), (Reduce::Sum, 7.0), (Reduce::Avg, 7.0 / 3.0)]
        {
            assert_eq!(read(&[1.0, 4.0, 2.0], how(reduce)).bound, Bound::Exact(expected));
        }
    }

    #[test]
    fn one_unreadable_series_leaves_a_lower_bound() {
        for (reduce, least) in
            [(Reduce::Max, 4.0), (Reduce::Min, 0.0), (Reduce::Sum, 6.0), (Reduce::Avg, 2.0)]
        {
            let reading = read(&[4.0, f64::NAN, 2.0], how(reduce));
            assert_eq!(reading.bound, Bound::AtLeast(least), "{reduce:?}");
            assert_eq!(reading.state, State::NotANumber);
        }
        assert_eq!(read(&[1.0, f64::INFINITY], how(Reduce::Max)).state, State::Infinite);
        assert_eq!(read(&[f64::NEG_INFINITY], how(Reduce::Max)).bound, Bound::AtLeast(0.0));
    }

    #[test]
    fn the_gravest_reason_is_told() {
        for values in [[f64::NAN, f64::INFINITY], [f64::INFINITY, f64::NAN]] {
            assert_eq!(read(&values, how(Reduce::Max)).state, State::Infinite);
        }
        let partial = Reading::new(vec![sample("a", f64::NAN)], Some("x".into()), how(Reduce::Max));
        assert_eq!(partial.state, State::Partial("x".into()));
    }

    #[test]
    fn the_first_of_equal_minima_is_named() {
        let reading = read(&[2.0, 1.0, 1.0], how(Reduce::Min));
        assert_eq!(reading.labels.map(|labels| labels["instance"].clone()), Some("1".into()));
    }

    #[test]
    fn nan_is_zero_only_where_configured() {
        let zero = ReadAs { on_nan: OnMissing::Zero, ..how(Reduce::Max) };
        let reading = read(&[f64::NAN], zero);
        assert_eq!((reading.bound, &reading.state), (Bound::Exact(0.0), &State::Ok));
        assert_eq!(reading.notes, [Note::NanAsZero]);
        assert!(!read(&[f64::NAN], how(Reduce::Max)).measured);
    }

    #[test]
    fn an_empty_answer_is_unknown_unless_configured() {
        assert_eq!(read(&[], how(Reduce::Sum)).state, State::NoData);
        let zero = ReadAs { on_no_data: OnMissing::Zero, ..how(Reduce::Sum) };
        assert_eq!(read(&[], zero).bound, Bound::Exact(0.0));
        let partial = Reading::new(Vec::new(), Some("a store is down".into()), zero);
        assert_eq!(
            partial.bound,
            Bound::AtLeast(0.0),
            "an incomplete answer is no proof of nothing"
        );
    }

    #[test]
    fn a_negative_value_is_zero_and_flagged() {
        let reading = read(&[-3.0], how(Reduce::Max));
        assert_eq!(reading.bound, Bound::Exact(0.0));
        assert_eq!(reading.notes, [Note::NegativeAsZero]);
        let Bound::Exact(zero) = read(&[-0.0], how(Reduce::Max)).bound else { panic!("not exact") };
        assert!(zero.is_sign_positive());
    }

    #[test]
    fn an_incomplete_answer_is_a_lower_bound() {
        let reading = Reading::new(vec![sample("a", 2.0)], Some("shard".into()), how(Reduce::Max));
        assert_eq!(reading.bound, Bound::AtLeast(2.0));
        assert_eq!(reading.state, State::Partial("shard".into()));
    }

    #[test]
    fn sums_stay_finite() {
        assert_eq!(read(&[f64::MAX, f64::MAX], how(Reduce::Sum)).bound, Bound::Exact(f64::MAX));
    }

    #[test]
    fn signals_are_listed_in_the_order_of_their_discriminants() {
        for (index, signal) in Signal::ALL.into_iter().enumerate() {
            assert_eq!(signal as usize, index);
            assert_eq!(Signal::from_key(signal.key()), Some(signal));
        }
    }
}

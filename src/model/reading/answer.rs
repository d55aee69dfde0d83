//! How an answer becomes a reading: what each series counts for, and how several become one.

use std::collections::HashSet;

use super::{
    CheckReading, Incomplete, Labels, MISSED_RESET, Note, RangeReading, ReadAs, Reading, Sample,
    State,
};
use crate::model::interval::Interval;
use crate::model::signal::{OnMissing, Reduce};

impl Reading {
    /// Reads an answer, `incomplete` if it is known to lack something. Of the series in
    /// `zero_by_zero` it is known that they are 0/0, as far as they are `NaN`.
    ///
    /// The order of `samples` does not matter: backends are free to change it.
    pub fn new(
        mut samples: Vec<Sample>,
        zero_by_zero: &[Sample],
        incomplete: Option<Incomplete>,
        how: ReadAs,
    ) -> Self {
        samples.sort_by(|a, b| a.labels.cmp(&b.labels).then(a.value.total_cmp(&b.value)));
        let series = samples.len();
        if samples.is_empty() {
            return Self::empty(incomplete, how);
        }
        let zeros: HashSet<_> = zero_by_zero
            .iter()
            .filter(|sample| sample.value == 0.0)
            .map(|sample| sample.labels.without_name())
            .collect();
        let (mut notes, mut unreadable) = (Vec::new(), None);
        match incomplete {
            Some(Incomplete::BackendSays(words)) if how.accept_partial => {
                notes.push(Note::PartialAccepted(words));
            }
            other => unreadable = other.map(Incomplete::into_state),
        }
        let mut values = Vec::with_capacity(series);
        for sample in samples {
            let is_zero = || zeros.contains(&sample.labels.without_name());
            let (value, note) = classify(sample.value, is_zero, how);
            notes.extend(note);
            match value {
                Ok(value) => values.push((value, sample.labels)),
                Err(state) => unreadable = Some(worse(unreadable, state)),
            }
        }
        notes.sort_unstable();
        notes.dedup();
        let useful = unreadable.is_none() || how.is_signed || how.reduce != Reduce::Min;
        let measured = !values.is_empty() && useful;
        let (value, labels) = reduce(values, how.reduce, series);
        let value = match unreadable {
            None => Interval::exactly(value),
            Some(_) if !measured => unknown(how),
            Some(_) => partly(value, how),
        };
        Self { state: unreadable.unwrap_or(State::Ok), value, measured, labels, series, notes }
    }

    /// The same where it is known that something was not seen, and `why`: a lower bound of what is
    /// not signed.
    #[must_use]
    pub fn bounded(self, why: &str, how: ReadAs) -> Self {
        if self.state != State::Ok {
            return self;
        }
        let state = State::Partial(why.to_owned());
        let has_value = self.series > 0 && (how.is_signed || how.reduce != Reduce::Min);
        match self.value.exact().filter(|_| has_value) {
            Some(value) => Self { state, value: partly(value, how), ..self },
            None => Self { state, value: unknown(how), measured: false, ..self },
        }
    }

    fn empty(incomplete: Option<Incomplete>, how: ReadAs) -> Self {
        match (incomplete, how.on_no_data) {
            // Accepted or not: of nothing there is no part.
            (Some(incomplete), _) => {
                Self { value: unknown(how), ..Self::unknown(incomplete.into_state()) }
            }
            (None, OnMissing::Inconclusive) => {
                Self { value: unknown(how), ..Self::unknown(State::NoData) }
            }
            (None, OnMissing::Zero) => Self {
                value: Interval::exactly(0.0),
                measured: true,
                notes: vec![Note::NoDataAsZero],
                ..Self::unknown(State::Ok)
            },
        }
    }
}

impl CheckReading {
    /// The same where it is known that something was not seen, and `why`.
    #[must_use]
    pub fn bounded(self, why: &str, how: ReadAs) -> Self {
        match self {
            Self::Value(reading) => Self::Value(reading.bounded(why, how)),
            Self::Range(reading) if reading.state == State::Ok => {
                Self::Range(RangeReading { state: State::Partial(why.to_owned()), ..reading })
            }
            Self::Range(reading) => Self::Range(reading),
        }
    }
}

impl Incomplete {
    pub(super) fn into_state(self) -> State {
        match self {
            Self::BackendSays(words) | Self::Unanswered(words) => State::Partial(words),
        }
    }
}

/// What is known of a quantity of which nothing was read.
const fn unknown(how: ReadAs) -> Interval {
    if how.is_signed { Interval::ANY } else { Interval::NOT_NEGATIVE }
}

/// What is known of a quantity of which `value` was made of some of its series.
const fn partly(value: f64, how: ReadAs) -> Interval {
    match how.reduce {
        _ if !how.is_signed => Interval::at_least(value),
        Reduce::Max => Interval::at_least(value),
        Reduce::Min => Interval { least: f64::NEG_INFINITY, most: value },
        Reduce::Sum | Reduce::Avg => Interval::ANY,
    }
}

/// A value that can be counted on, or the state of a series that has none; `is_zero` says whether a
/// `NaN` is 0/0.
fn classify(
    value: f64,
    is_zero: impl FnOnce() -> bool,
    how: ReadAs,
) -> (Result<f64, State>, Option<Note>) {
    let zero = |note| (Ok(0.0), Some(note));
    match value {
        _ if value.is_nan() => match how.on_nan {
            OnMissing::Zero if is_zero() => zero(Note::NanAsZero),
            OnMissing::Zero => (Err(State::NotANumber), Some(Note::OtherNan)),
            OnMissing::Inconclusive => (Err(State::NotANumber), None),
        },
        _ if value.is_infinite() => (Err(State::Infinite), None),
        _ if value < 0.0 && !how.is_signed && how.is_rate => {
            (Err(State::Partial(MISSED_RESET.to_owned())), None)
        }
        _ if value < 0.0 && !how.is_signed => zero(Note::NegativeAsZero),
        // Adding 0.0 turns -0.0 into 0.0.
        _ => (Ok(value + 0.0), None),
    }
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
    let bounded = |value: f64| value.clamp(f64::MIN, f64::MAX);
    let sum = || values.iter().fold(0.0, |sum: f64, (value, _)| bounded(sum + value));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(instance: &str, value: f64) -> Sample {
        Sample { labels: Labels::from([("instance", instance)]), value }
    }

    fn how(reduce: Reduce) -> ReadAs {
        ReadAs {
            reduce,
            on_no_data: OnMissing::Inconclusive,
            on_nan: OnMissing::Inconclusive,
            accept_partial: false,
            is_signed: false,
            is_rate: false,
        }
    }

    fn read(values: &[f64], how: ReadAs) -> Reading {
        let samples = values.iter().enumerate().map(|(i, v)| sample(&i.to_string(), *v)).collect();
        Reading::new(samples, &[], None, how)
    }

    #[test]
    fn the_series_that_decides_is_named_whatever_the_order() {
        let samples = vec![sample("b", 0.9), sample("c", 0.9), sample("a", 0.1)];
        let reversed = samples.iter().rev().cloned().collect();
        let reading = Reading::new(samples, &[], None, how(Reduce::Max));
        assert_eq!(reading.value, Interval::exactly(0.9));
        assert_eq!(reading.labels.as_ref().map(|l| l.get("instance")), Some("b"));
        assert_eq!(reading, Reading::new(reversed, &[], None, how(Reduce::Max)));
    }

    #[test]
    fn every_reduction_on_readable_series() {
        for (reduce, expected) in
            [(Reduce::Max, 4.0), (Reduce::Min, 1.0), (Reduce::Sum, 7.0), (Reduce::Avg, 7.0 / 3.0)]
        {
            assert_eq!(read(&[1.0, 4.0, 2.0], how(reduce)).value, Interval::exactly(expected));
        }
    }

    #[test]
    fn one_unreadable_series_leaves_a_lower_bound() {
        for (reduce, least) in
            [(Reduce::Max, 4.0), (Reduce::Min, 0.0), (Reduce::Sum, 6.0), (Reduce::Avg, 2.0)]
        {
            let reading = read(&[4.0, f64::NAN, 2.0], how(reduce));
            assert_eq!(reading.value, Interval::at_least(least), "{reduce:?}");
            assert_eq!(reading.state, State::NotANumber);
        }
        assert_eq!(read(&[1.0, f64::INFINITY], how(Reduce::Max)).state, State::Infinite);
        assert_eq!(read(&[f64::NEG_INFINITY], how(Reduce::Max)).value, Interval::at_least(0.0));
    }

    #[test]
    fn the_gravest_reason_is_told() {
        for values in [[f64::NAN, f64::INFINITY], [f64::INFINITY, f64::NAN]] {
            assert_eq!(read(&values, how(Reduce::Max)).state, State::Infinite);
        }
        let partial = Reading::new(
            vec![sample("a", f64::NAN)],
            &[],
            Some(Incomplete::BackendSays("x".into())),
            how(Reduce::Max),
        );
        assert_eq!(partial.state, State::Partial("x".into()));
    }

    #[test]
    fn the_first_of_equal_minima_is_named() {
        let reading = read(&[2.0, 1.0, 1.0], how(Reduce::Min));
        assert_eq!(
            reading.labels.map(|labels| labels.get("instance").to_owned()),
            Some("1".into())
        );
    }

    #[test]
    fn nan_is_zero_only_where_configured() {
        let zero = ReadAs { on_nan: OnMissing::Zero, ..how(Reduce::Max) };
        let nan = || vec![sample("a", f64::NAN)];
        let reading = Reading::new(nan(), &[sample("a", 0.0)], None, zero);
        assert_eq!((reading.value, &reading.state), (Interval::exactly(0.0), &State::Ok));
        assert_eq!(reading.notes, [Note::NanAsZero]);
        let reading = Reading::new(nan(), &[sample("a", 0.0)], None, how(Reduce::Max));
        assert_eq!((reading.state, reading.measured), (State::NotANumber, false));
    }

    #[test]
    fn nan_that_is_not_known_to_be_0_by_0_is_never_zero() {
        let zero = ReadAs { on_nan: OnMissing::Zero, ..how(Reduce::Max) };
        let samples = || vec![sample("a", f64::NAN), sample("b", 0.5)];
        for (known, state, value) in [
            (vec![], State::NotANumber, Interval::at_least(0.5)),
            (vec![sample("b", 0.0)], State::NotANumber, Interval::at_least(0.5)),
            (vec![sample("a", f64::NAN)], State::NotANumber, Interval::at_least(0.5)),
            (vec![sample("a", 1.0)], State::NotANumber, Interval::at_least(0.5)),
            (vec![sample("a", 0.0)], State::Ok, Interval::exactly(0.5)),
        ] {
            let reading = Reading::new(samples(), &known, None, zero);
            let note = if state == State::Ok { Note::NanAsZero } else { Note::OtherNan };
            assert_eq!((reading.state, reading.value), (state, value), "{known:?}");
            assert_eq!(reading.notes, [note]);
        }
        // What is infinite is not NaN.
        let infinite = vec![sample("a", f64::INFINITY)];
        let reading = Reading::new(infinite, &[sample("a", 0.0)], None, zero);
        assert_eq!(reading.state, State::Infinite);
    }

    #[test]
    fn a_rate_below_0_is_a_bound_and_no_calm_0() {
        let rate = ReadAs { is_rate: true, ..how(Reduce::Max) };
        let reading = read(&[-3.0, 0.5], rate);
        assert_eq!(reading.value, Interval::at_least(0.5));
        assert_eq!(reading.state, State::Partial(MISSED_RESET.to_owned()));
        assert!(!read(&[-3.0], rate).measured);
        assert_eq!(read(&[-0.0, 0.5], rate).state, State::Ok);
        let signed = ReadAs { is_signed: true, ..rate };
        assert_eq!(read(&[-3.0], signed).value, Interval::exactly(-3.0));
    }

    #[test]
    fn an_empty_answer_is_unknown_unless_configured() {
        assert_eq!(read(&[], how(Reduce::Sum)).state, State::NoData);
        let zero = ReadAs { on_no_data: OnMissing::Zero, ..how(Reduce::Sum) };
        assert_eq!(read(&[], zero).value, Interval::exactly(0.0));
        let partial = Reading::new(
            Vec::new(),
            &[],
            Some(Incomplete::BackendSays("a store is down".into())),
            zero,
        );
        assert_eq!(
            partial.value,
            Interval::at_least(0.0),
            "an incomplete answer is no proof of nothing"
        );
    }

    #[test]
    fn a_negative_value_is_zero_and_flagged() {
        let reading = read(&[-3.0], how(Reduce::Max));
        assert_eq!(reading.value, Interval::exactly(0.0));
        assert_eq!(reading.notes, [Note::NegativeAsZero]);
        let zero = read(&[-0.0], how(Reduce::Max)).value.exact().unwrap();
        assert!(zero.is_sign_positive());
    }

    #[test]
    fn an_incomplete_answer_is_a_lower_bound() {
        let incomplete = || Incomplete::BackendSays("shard".into());
        let reading =
            Reading::new(vec![sample("a", 2.0)], &[], Some(incomplete()), how(Reduce::Max));
        assert_eq!(reading.value, Interval::at_least(2.0));
        assert_eq!(reading.state, State::Partial("shard".into()));
    }

    #[test]
    fn an_incomplete_answer_can_be_accepted_but_not_an_empty_one_or_our_own_ignorance() {
        let accept =
            ReadAs { accept_partial: true, on_no_data: OnMissing::Zero, ..how(Reduce::Max) };
        let says = || Some(Incomplete::BackendSays("shard".into()));
        let read = |samples, incomplete| Reading::new(samples, &[], incomplete, accept);
        let accepted = read(vec![sample("a", 2.0)], says());
        assert_eq!((accepted.value, accepted.state), (Interval::exactly(2.0), State::Ok));
        assert_eq!(accepted.notes, [Note::PartialAccepted("shard".into())]);
        assert_eq!(read(Vec::new(), says()).state, State::Partial("shard".into()));
        let ours = read(vec![sample("a", 2.0)], Some(Incomplete::Unanswered("why".into())));
        assert_eq!(ours.value, Interval::at_least(2.0));
    }

    #[test]
    fn a_signed_value_keeps_its_sign_and_one_end_of_what_it_can_be() {
        let signed = |reduce| ReadAs { is_signed: true, ..how(reduce) };
        let at_most = |most| Interval { least: f64::NEG_INFINITY, most };
        for (values, reduce, known) in [
            (&[-3.0, 2.0][..], Reduce::Min, Interval::exactly(-3.0)),
            (&[-3.0, f64::NAN], Reduce::Min, at_most(-3.0)),
            (&[-3.0, f64::NAN], Reduce::Max, Interval::at_least(-3.0)),
            (&[-3.0, f64::NAN], Reduce::Sum, Interval::ANY),
            (&[f64::NAN], Reduce::Max, Interval::ANY),
            (&[], Reduce::Max, Interval::ANY),
        ] {
            assert_eq!(read(values, signed(reduce)).value, known, "{values:?} {reduce:?}");
        }
    }

    #[test]
    fn sums_stay_finite() {
        assert_eq!(
            read(&[f64::MAX, f64::MAX], how(Reduce::Sum)).value,
            Interval::exactly(f64::MAX)
        );
    }
}

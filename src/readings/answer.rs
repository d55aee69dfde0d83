//! How an answer becomes a reading: what each series counts for, and how several become one.

use super::{Bound, Incomplete, Labels, Note, ReadAs, Reading, Sample, State};
use crate::signal::{OnMissing, Reduce};

impl Reading {
    /// Reads an answer, `incomplete` if it is known to lack something.
    ///
    /// The order of `samples` does not matter: backends are free to change it.
    pub fn new(mut samples: Vec<Sample>, incomplete: Option<Incomplete>, how: ReadAs) -> Self {
        samples.sort_by(|a, b| a.labels.cmp(&b.labels).then(a.value.total_cmp(&b.value)));
        let series = samples.len();
        if samples.is_empty() {
            return Self::empty(incomplete, how);
        }
        let (mut notes, mut unreadable) = (Vec::new(), None);
        match incomplete {
            Some(Incomplete::BackendSays(words)) if how.accept_partial => {
                notes.push(Note::PartialAccepted(words));
            }
            other => unreadable = other.map(Incomplete::into_state),
        }
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
        notes.sort_unstable();
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

    fn empty(incomplete: Option<Incomplete>, how: ReadAs) -> Self {
        match (incomplete, how.on_no_data) {
            // Accepted or not: of nothing there is no part.
            (Some(incomplete), _) => Self::unknown(incomplete.into_state()),
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

impl Incomplete {
    fn into_state(self) -> State {
        match self {
            Self::BackendSays(words) | Self::Unanswered(words) => State::Partial(words),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(instance: &str, value: f64) -> Sample {
        Sample { labels: Labels::from([("instance".into(), instance.into())]), value }
    }

    fn how(reduce: Reduce) -> ReadAs {
        ReadAs {
            reduce,
            on_no_data: OnMissing::Inconclusive,
            on_nan: OnMissing::Inconclusive,
            accept_partial: false,
        }
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
        let partial = Reading::new(
            vec![sample("a", f64::NAN)],
            Some(Incomplete::BackendSays("x".into())),
            how(Reduce::Max),
        );
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
        let partial =
            Reading::new(Vec::new(), Some(Incomplete::BackendSays("a store is down".into())), zero);
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
        let incomplete = || Incomplete::BackendSays("shard".into());
        let reading = Reading::new(vec![sample("a", 2.0)], Some(incomplete()), how(Reduce::Max));
        assert_eq!(reading.bound, Bound::AtLeast(2.0));
        assert_eq!(reading.state, State::Partial("shard".into()));
    }

    #[test]
    fn an_incomplete_answer_can_be_accepted_but_not_an_empty_one_or_our_own_ignorance() {
        let accept =
            ReadAs { accept_partial: true, on_no_data: OnMissing::Zero, ..how(Reduce::Max) };
        let says = || Some(Incomplete::BackendSays("shard".into()));
        let read = |samples, incomplete| Reading::new(samples, incomplete, accept);
        let accepted = read(vec![sample("a", 2.0)], says());
        assert_eq!((accepted.bound, accepted.state), (Bound::Exact(2.0), State::Ok));
        assert_eq!(accepted.notes, [Note::PartialAccepted("shard".into())]);
        assert_eq!(read(Vec::new(), says()).state, State::Partial("shard".into()));
        let ours = read(vec![sample("a", 2.0)], Some(Incomplete::Unanswered("why".into())));
        assert_eq!(ours.bound, Bound::AtLeast(2.0));
    }

    #[test]
    fn sums_stay_finite() {
        assert_eq!(read(&[f64::MAX, f64::MAX], how(Reduce::Sum)).bound, Bound::Exact(f64::MAX));
    }
}

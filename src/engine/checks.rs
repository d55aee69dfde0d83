//! Every check, judged by the readings.

use super::quantity::quantity;
use crate::model::check::{
    Check, Criteria, Judged, Limit, Observed, Spike, SpikeJudged, Unjudgeable, judge_spike,
    judge_value,
};
use crate::model::interval::Interval;
use crate::model::reading::{CheckReading, Note, RangeReading, Reading, Readings, Series, State};

/// Judges every check of the criteria, in their order.
pub(super) fn judge(readings: &Readings, criteria: &Criteria) -> Vec<Judged> {
    criteria.checks.iter().map(|check| judge_one(readings, check)).collect()
}

fn judge_one(readings: &Readings, check: &Check) -> Judged {
    match (&check.observes, readings.of_check(&check.id)) {
        (Observed::Signal(signal), _) => {
            let quantity = quantity(readings, *signal);
            let unknown = quantity.inputs.iter().find(|signal| !readings.get(**signal).measured);
            let reading = unknown.map_or(quantity.reading, |signal| readings.get(*signal));
            of_value(check, quantity.value, quantity.measured, reading)
        }
        (Observed::Query | Observed::Log, Some(CheckReading::Value(reading))) => {
            of_value(check, reading.value, reading.measured, reading)
        }
        (Observed::Query | Observed::Log, Some(CheckReading::Range(reading))) => {
            of_range(check, reading)
        }
        (Observed::Log, None) => unread(check, "the log was not read"),
        // The others are compared with a baseline, apart from these.
        (Observed::Query | Observed::Check(_) | Observed::Score, _) => {
            unread(check, "the query was not asked")
        }
    }
}

fn unread(check: &Check, why: &str) -> Judged {
    of_value(check, Interval::ANY, false, &Reading::unknown(State::Failed(why.to_owned())))
}

fn of_value(check: &Check, value: Interval, measured: bool, reading: &Reading) -> Judged {
    let is_budget = matches!(check.limit, Limit::Budget { .. });
    let is_negative = is_budget && measured && value.least < 0.0;
    // What was not measured may stand for 0 in the score, but is no evidence for a check.
    let (passed, is_warning) =
        if measured && !is_negative { judge_value(&check.limit, value) } else { (None, false) };
    // Nor is a part: what was not seen may be worse, in whichever direction that is.
    let passed = passed.filter(|passed| !passed || value.exact().is_some());
    let mut reason = reason(&reading.state, &reading.notes);
    if is_negative {
        reason = Some("a budget that is used up by a negative amount cannot be judged".to_owned());
    }
    Judged {
        check: check.clone(),
        passed,
        is_warning,
        observed: value,
        measured,
        expected: check.limit.number(),
        baseline: None,
        earlier: None,
        series: reading.labels.clone(),
        reason,
    }
}

/// Each series is judged by itself, and the worst decides: a spike of one is not to drown in the
/// others.
fn of_range(check: &Check, reading: &RangeReading) -> Judged {
    let reason = reason(&reading.state, &reading.notes);
    let mut judged = Judged {
        check: check.clone(),
        passed: None,
        is_warning: false,
        observed: Interval::ANY,
        measured: false,
        expected: None,
        baseline: None,
        earlier: None,
        series: None,
        reason,
    };
    let Limit::Spike(spike) = &check.limit else { return judged };
    let each: Vec<_> = reading
        .series
        .iter()
        .map(|series| (series, judge_series(spike, series, &reading.instants)))
        .collect();
    let known = each.iter().filter_map(|(series, it)| Some((series, it.as_ref().ok()?)));
    let Some((series, worst)) = known.max_by(|a, b| height(a.1).total_cmp(&height(b.1))) else {
        let why = each.first().and_then(|(_, it)| it.as_ref().err());
        judged.reason = judged.reason.or_else(|| why.map(Unjudgeable::to_string));
        return judged;
    };
    let unknown = each.iter().find_map(|(series, it)| Some((series, it.as_ref().err()?)));
    let is_whole = reading.state == State::Ok && unknown.is_none();
    judged.passed = if worst.is_spike { Some(false) } else { is_whole.then_some(true) };
    judged.observed = Interval::exactly(worst.latest);
    judged.measured = true;
    (judged.expected, judged.baseline) = (Some(worst.threshold), Some(worst.baseline));
    judged.series = Some(series.labels.clone());
    let (points, instants) = (series.points.len(), reading.instants.len());
    if judged.reason.is_none() && unknown.is_none() && points < instants {
        judged.reason =
            Some(format!("the series began late: it has {points} of {instants} points"));
    }
    if let (None, Some((series, why))) = (&judged.reason, unknown) {
        judged.reason = Some(format!("{why}{}", crate::model::quantity::series(&series.labels)));
    }
    judged
}

/// How far the newest point is above its threshold.
fn height(judged: &SpikeJudged) -> f64 {
    judged.latest - judged.threshold
}

/// # Errors
/// Why the series cannot be judged.
fn judge_series(
    spike: &Spike,
    series: &Series,
    instants: &[i64],
) -> Result<SpikeJudged, Unjudgeable> {
    let (first, last) = (series.points.first(), series.points.last());
    let newest = instants.last().copied();
    if last.map(|(at, _)| *at) != newest {
        return Err(Unjudgeable::Ended);
    }
    let expected = instants.iter().filter(|at| first.is_some_and(|(first, _)| *at >= first));
    let missing = expected.count().saturating_sub(series.points.len());
    if missing > 0 {
        return Err(Unjudgeable::Holes(missing));
    }
    let values: Vec<_> = series.points.iter().map(|(_, value)| *value).collect();
    judge_spike(spike, &values)
}

/// Why a reading is not known, or what was assumed.
pub(super) fn reason(state: &State, notes: &[Note]) -> Option<String> {
    let notes = notes.iter().map(Note::text);
    let reasons: Vec<_> = state.reason().map(str::to_owned).into_iter().chain(notes).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::Severity;
    use crate::model::reading::Labels;
    use std::time::Duration;

    fn check(limit: Limit) -> Check {
        Check {
            id: "own".into(),
            observes: Observed::Query,
            limit,
            severity: Severity::Critical,
            category: "custom".into(),
            description: String::new(),
            origin: None,
            is_requested: true,
        }
    }

    fn judged(limit: Limit, reading: CheckReading) -> Judged {
        let mut readings = Readings::new(|_| None);
        readings.set_check("own", reading);
        judge_one(&readings, &check(limit))
    }

    fn value(value: Interval, state: State) -> CheckReading {
        CheckReading::Value(Reading { value, measured: true, ..Reading::unknown(state) })
    }

    #[test]
    fn a_breach_that_is_proven_stands_and_a_pass_needs_the_whole() {
        let at_most = |most| Interval { least: f64::NEG_INFINITY, most };
        for (limit, known, passed) in [
            (Limit::Max(2.0), Interval::exactly(2.0), Some(true)),
            (Limit::Max(2.0), Interval::at_least(2.5), Some(false)),
            (Limit::Max(2.0), Interval::at_least(1.0), None),
            (Limit::Max(2.0), at_most(1.0), None),
            (Limit::Min(2.0), Interval::exactly(2.0), Some(true)),
            (Limit::Min(2.0), at_most(1.0), Some(false)),
            (Limit::Min(2.0), at_most(3.0), None),
            (Limit::Min(2.0), Interval::at_least(3.0), None),
            (Limit::Min(2.0), Interval::ANY, None),
            (Limit::Budget { limit: 2.0, warning_ratio: 0.5 }, Interval::exactly(-1.0), None),
            (
                Limit::Budget { limit: 2.0, warning_ratio: 0.5 },
                Interval::at_least(2.0),
                Some(false),
            ),
            (Limit::Budget { limit: 2.0, warning_ratio: 0.5 }, Interval::exactly(1.0), Some(true)),
            (
                Limit::Budget { limit: 2.0, warning_ratio: 0.5 },
                Interval { least: 0.0, most: 1.0 },
                None,
            ),
        ] {
            let found = judged(limit.clone(), value(known, State::NotANumber));
            assert_eq!(found.passed, passed, "{limit:?} {known:?}");
        }
    }

    #[test]
    fn what_was_not_measured_is_no_evidence() {
        for limit in [Limit::Max(1.0), Limit::Min(0.0), Limit::Min(-1.0)] {
            let reading = Reading::unknown(State::NoData);
            let found = judged(limit, CheckReading::Value(reading));
            assert_eq!((found.passed, found.is_warning), (None, false));
            assert!(found.reason.is_some());
        }
    }

    /// The newest of four points at 0, 10, 20 and 30 s may be twice the mean of the others.
    fn spike(series: &[&[(i64, f64)]], state: State) -> Judged {
        let limit = Limit::Spike(Spike {
            window: Duration::from_secs(30),
            step: Duration::from_secs(10),
            multiplier: 2.0,
            min_baseline: 0.0,
        });
        let labels = |index: usize| Labels::from([("instance", index.to_string())]);
        let series = series.iter().enumerate();
        let series: Vec<_> = series
            .map(|(index, points)| Series { labels: labels(index), points: points.to_vec() })
            .collect();
        let instants = vec![0, 10, 20, 30];
        judged(limit, CheckReading::Range(RangeReading { state, series, instants, notes: vec![] }))
    }

    #[test]
    fn the_series_that_stands_out_most_decides() {
        let calm: &[_] = &[(0, 100.0), (10, 100.0), (20, 100.0), (30, 101.0)];
        let spiking: &[_] = &[(0, 1.0), (10, 1.0), (20, 1.0), (30, 9.0)];
        let found = spike(&[calm, spiking], State::Ok);
        assert_eq!((found.passed, found.expected), (Some(false), Some(2.0)));
        assert_eq!((found.observed.exact(), found.baseline), (Some(9.0), Some(1.0)));
        assert_eq!(found.series.unwrap().get("instance"), "1");
        assert_eq!(spike(&[calm], State::Ok).passed, Some(true));
    }

    #[test]
    fn a_hole_in_a_series_is_unknown_unless_another_one_spikes() {
        let calm: &[_] = &[(0, 1.0), (10, 1.0), (20, 1.0), (30, 1.0)];
        let young: &[_] = &[(20, 1.0), (30, 1.0)];
        let spiking: &[_] = &[(20, 1.0), (30, 9.0)];
        assert_eq!(spike(&[young], State::Ok).passed, Some(true), "it began later");
        for (broken, words) in [
            (&[(0, 1.0), (20, 1.0), (30, 1.0)][..], "1 of its points are missing"),
            (&[(0, 1.0), (10, 1.0), (20, 1.0)], "no point at the end of the window"),
            (&[(30, 1.0)], "less than two points"),
            (&[(20, -1.0), (30, 1.0)], "negative"),
            (&[(20, f64::NAN), (30, 1.0)], "NaN"),
            (&[(20, 1.0), (30, f64::INFINITY)], "infinite"),
            (&[], "no point at the end of the window"),
        ] {
            for series in [&[broken][..], &[calm, broken], &[broken, calm]] {
                let found = spike(series, State::Ok);
                assert_eq!(found.passed, None, "{broken:?}");
                assert!(found.reason.as_ref().is_some_and(|it| it.contains(words)), "{found:?}");
            }
            assert_eq!(spike(&[broken, spiking], State::Ok).passed, Some(false));
        }
        let partial = State::Partial("a store is down".into());
        assert_eq!(spike(&[calm], partial.clone()).passed, None);
        assert_eq!(spike(&[calm, spiking], partial).passed, Some(false));
        assert_eq!(spike(&[], State::NoData).passed, None);
    }
}

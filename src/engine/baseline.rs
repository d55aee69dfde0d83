//! What is compared with a baseline: a check each.

use super::checks::reason;
use super::quantity::quantity;
use super::score::Score;
use crate::model::baseline::Baseline;
use crate::model::check::{Check, Criteria, Judged, Limit, Observed};
use crate::model::interval::Interval;
use crate::model::reading::{Labels, Readings};
use crate::model::signal::Signal;

/// Judges every comparison of the criteria, in their order; `checks` are judged already. Of an audit
/// that looks at an earlier instant than its end, `whole` is what was read of the whole time.
pub(super) fn judge(
    readings: &Readings,
    whole: &Readings,
    (score, checks): (&Score, &[Judged]),
    criteria: &Criteria,
    baseline: &Baseline,
) -> Vec<Judged> {
    let one = |check: &Check| {
        let now = now((readings, whole), score, checks, &check.observes);
        compare(check, now, baseline.get(&check.id))
    };
    criteria.comparisons.iter().map(one).collect()
}

/// What is observed now.
struct Now {
    value: Interval,
    measured: bool,
    series: Option<Labels>,
    /// Why it is not known, or what was assumed.
    reason: Option<String>,
}

impl Now {
    /// Nothing, because it was not read.
    fn unread() -> Self {
        let reason = Some("it was not read".to_owned());
        Self { value: Interval::ANY, measured: false, series: None, reason }
    }
}

fn now(
    (readings, whole): (&Readings, &Readings),
    score: &Score,
    checks: &[Judged],
    observes: &Observed,
) -> Now {
    match observes {
        Observed::Signal(signal) => {
            // The backlog alone is about an instant.
            let is_of_instant = *signal == Signal::THREADPOOL_BACKLOG;
            let readings = if is_of_instant { readings } else { whole };
            let quantity = quantity(readings, *signal);
            let unknown = quantity.inputs.iter().find(|signal| !readings.get(**signal).measured);
            let reading = unknown.map_or(quantity.reading, |signal| readings.get(*signal));
            Now {
                value: quantity.value,
                measured: quantity.measured,
                series: reading.labels.clone(),
                reason: reason(&reading.state, &reading.notes),
            }
        }
        Observed::Check(name) => {
            let judged = checks.iter().find(|judged| judged.check.id == *name);
            judged.map_or_else(Now::unread, |judged| Now {
                value: judged.observed,
                measured: judged.measured,
                series: judged.series.clone(),
                reason: judged.reason.clone(),
            })
        }
        Observed::Score => {
            let open = score.terms.iter().filter(|term| !term.is_known());
            let names: Vec<_> = open.map(|term| term.signal.key()).collect();
            let reason = || format!("the score may be higher: {} not known", names.join(", "));
            Now {
                value: score.total,
                measured: score.is_measured(),
                series: None,
                reason: (!names.is_empty()).then(reason),
            }
        }
        Observed::Query | Observed::Log => Now::unread(),
    }
}

fn compare(check: &Check, now: Now, then: Result<Interval, &str>) -> Judged {
    let mut judged = Judged {
        check: check.clone(),
        passed: None,
        is_warning: false,
        observed: now.value,
        measured: now.measured,
        expected: None,
        baseline: None,
        earlier: then.ok(),
        series: now.series,
        reason: now.reason,
    };
    let (drift, then) = match (&check.limit, then) {
        (Limit::Drift(drift), Ok(then)) => (drift, then),
        // What has another limit is no comparison, and comes to nothing.
        (_, Ok(_)) => return judged,
        (_, Err(why)) => {
            judged.reason = Some(join(why.to_owned(), judged.reason));
            return judged;
        }
    };
    let compared = drift.judge(now.value, then);
    judged.expected = compared.expected;
    match compared.passed {
        // What was not measured is no evidence.
        Ok(passed) if now.measured => judged.passed = Some(passed),
        Ok(_) => {}
        // What is missing now says more than that something is.
        Err(_) if judged.reason.is_some() && then.exact().is_some() => {}
        Err(why) => judged.reason = Some(join(why.to_string(), judged.reason)),
    }
    judged
}

fn join(first: String, second: Option<String>) -> String {
    second.map_or(first.clone(), |second| format!("{first}; {second}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Circumstances, Verdict, assess};
    use crate::model::baseline::{Allowance, Direction, Drift};
    use crate::model::check::Severity;
    use crate::model::level::{Gate, Level};
    use crate::model::reading::{Reading, State};

    /// The comparisons of the score and of the lag, which may grow by a half.
    fn criteria(severity: Severity) -> Criteria {
        let observed = [("baseline.score", Observed::Score), ("baseline.event_loop_lag", LAG)];
        let comparisons = observed.map(|(id, observes)| Check {
            id: id.to_owned(),
            observes,
            limit: Limit::Drift(Drift {
                direction: Direction::Increase,
                allowance: Allowance::Ratio(0.5),
                floor: None,
            }),
            severity,
            category: "baseline".to_owned(),
            description: String::new(),
            origin: None,
            is_requested: true,
        });
        Criteria { comparisons: comparisons.into(), ..Criteria::default() }
    }

    const LAG: Observed = Observed::Signal(Signal::EVENT_LOOP_LAG);

    fn readings(value: Interval, state: State, measured: bool) -> Readings {
        let lag = Reading { value, measured, ..Reading::unknown(state) };
        Readings::new(|signal| (signal == Signal::EVENT_LOOP_LAG).then(|| lag.clone()))
    }

    /// A lag of 0.1 s and a score of 150.
    fn then(lag: Result<Interval, String>) -> Baseline {
        let score = lag.clone().map(|lag| lag.map(|lag| lag * 1500.0));
        let named = |(name, value)| (format!("baseline.{name}"), value);
        [("score", score), ("event_loop_lag", lag)].into_iter().map(named).collect()
    }

    #[test]
    fn growth_fails_the_gate_and_what_cannot_be_told_leaves_it_open() {
        let known = |lag| (Interval::exactly(lag), State::Ok, true);
        let partial = || State::Partial("a scrape failed".to_owned());
        let exactly = |lag| Ok(Interval::exactly(lag));
        let critical = Gate::at(Level::Critical);
        for (now, before, severity, gate, verdict) in [
            (known(0.15), exactly(0.1), Severity::Critical, critical, Verdict::Pass),
            (known(0.2), exactly(0.1), Severity::Critical, critical, Verdict::Fail),
            (known(0.2), exactly(0.1), Severity::Critical, Gate::default(), Verdict::NotGated),
            (known(0.2), exactly(0.1), Severity::Warning, critical, Verdict::Pass),
            (known(0.2), exactly(0.1), Severity::Warning, Gate::at(Level::Degraded), Verdict::Fail),
            (known(0.2), exactly(0.1), Severity::Info, Gate::at(Level::Degraded), Verdict::Pass),
            (
                known(0.1),
                Err("none".to_owned()),
                Severity::Critical,
                critical,
                Verdict::Inconclusive,
            ),
            (known(0.1), Err("none".to_owned()), Severity::Warning, critical, Verdict::Pass),
            (known(0.1), Ok(Interval::at_least(0.1)), Severity::Critical, critical, Verdict::Pass),
            (
                known(0.2),
                Ok(Interval::at_least(0.1)),
                Severity::Critical,
                critical,
                Verdict::Inconclusive,
            ),
            (
                (Interval::at_least(0.2), partial(), true),
                exactly(0.1),
                Severity::Critical,
                critical,
                Verdict::Fail,
            ),
            (
                (Interval::at_least(0.1), partial(), true),
                exactly(0.1),
                Severity::Critical,
                critical,
                Verdict::Inconclusive,
            ),
            (
                (Interval::NOT_NEGATIVE, State::NoData, false),
                exactly(0.1),
                Severity::Critical,
                critical,
                Verdict::Inconclusive,
            ),
        ] {
            let baseline = then(before);
            let (value, state, measured) = now;
            let readings = readings(value, state, measured);
            let circumstances =
                Circumstances { gate, baseline: Some(&baseline), ..Circumstances::default() };
            let assessment = assess(&readings, &criteria(severity), circumstances);
            let case = format!("{value:?} {baseline:?} {severity:?} {gate:?}");
            assert_eq!(assessment.verdict, verdict, "{case}: {}", assessment.verdict_reason);
        }
    }

    #[test]
    fn without_a_baseline_nothing_is_compared() {
        let readings = readings(Interval::exactly(0.2), State::Ok, true);
        let criteria = criteria(Severity::Critical);
        let assessment = assess(&readings, &criteria, Circumstances::default());
        assert_eq!(assessment.checks.len(), criteria.checks.len());
        let nothing = Baseline::default();
        let circumstances = Circumstances { baseline: Some(&nothing), ..Default::default() };
        let assessment = assess(&readings, &criteria, circumstances);
        let compared = &assessment.checks[criteria.checks.len()..];
        assert_eq!(compared.len(), 2);
        for judged in compared {
            assert_eq!(judged.passed, None);
            assert!(judged.reason.as_ref().is_some_and(|it| it.contains("no baseline")));
        }
    }
}

//! Waiting, after a command has ended, until the server has samples from after its end: it has
//! those of the last seconds only when it has scraped once more.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::clock::Clock;
use super::observer::{Observer, ProgressUpdate};
use crate::config::{Endpoint, SourceSpec};
use crate::interrupt;
use crate::model::question::{Probe, Values};
use crate::prometheus::{Answered, Server, ask_all};
use crate::promql::{Expression, Query, SelectorUse, selectors_by_braces};

/// The longest that is waited, and the shortest: a stall of some seconds is no reason to give up.
const MOST: Duration = Duration::from_secs(60);
const LEAST: Duration = Duration::from_secs(10);
/// So many usual intervals are waited.
const INTERVALS: u32 = 2;
/// How often the server is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How long one answer is worth waiting for.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many times in a row the server may give no answer.
const FAILURES: usize = 2;
/// How the samples from after the end of a command were waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settling {
    /// When the command ended.
    pub ended: Timestamp,
    /// How long it was waited.
    pub waited: Duration,
    /// The usual interval between samples, if it could be seen.
    pub interval: Option<Duration>,
}

/// Waits until each of `expressions` that has samples has one from after now, when a command has
/// ended that took so long.
pub(super) fn settle(
    endpoint: &Endpoint,
    spec: &SourceSpec,
    expressions: &[Expression],
    took: Duration,
    clock: Clock,
    observer: Observer<'_>,
) -> Settling {
    let (began, ended) = (Instant::now(), clock.now());
    let mut settling = Settling { ended, waited: Duration::ZERO, interval: None };
    let selectors = selectors(expressions);
    let is_wanted = spec.settle != Some(Duration::ZERO) && interrupt::received().is_none();
    if !is_wanted || selectors.is_empty() {
        return settling;
    }
    let range = took.clamp(Duration::from_secs(60), Duration::from_secs(300));
    let probes = probes(&selectors, range);
    let mut failures = 0;
    loop {
        let within = (Instant::now(), PATIENCE);
        let server = Server::new(endpoint, clock.now(), false, within, observer.log);
        let server = server.interruptible();
        let answers = ask_all(&server, &probes);
        let (newest, intervals) = answers.split_at(selectors.len());
        settling.interval = settling.interval.or_else(|| interval(intervals));
        failures = if newest.iter().all(Result::is_err) { failures + 1 } else { 0 };
        let most = spec.settle.unwrap_or_else(|| most(settling.interval));
        if failures == FAILURES || is_settled(newest, ended) || began.elapsed() >= most {
            break;
        }
        if let Some(tell) = observer.progress {
            let (passed, at_most) = (began.elapsed(), most);
            tell(&ProgressUpdate::Settling { passed, at_most });
        }
        if interrupt::sleep(EVERY.min(most.saturating_sub(began.elapsed()))).is_err() {
            break;
        }
    }
    settling.waited = began.elapsed();
    settling
}

/// What the expressions look at now, each selector once.
fn selectors(expressions: &[Expression]) -> Vec<String> {
    let uses = expressions.iter().flat_map(|expression| {
        let parsed = expression.parsed().map(Query::selectors).map(<[SelectorUse]>::to_vec);
        parsed.unwrap_or_else(|_| selectors_by_braces(expression.as_str()))
    });
    let now = uses.filter(|it| it.at.is_none() && it.offset <= 0);
    let mut selectors: Vec<_> = now.map(|it| it.text).collect();
    selectors.sort_unstable();
    selectors.dedup();
    selectors
}

/// The newest sample of each, then the usual interval of each in that time.
fn probes(selectors: &[String], range: Duration) -> Vec<Probe> {
    let seconds = range.as_secs();
    let newest = selectors.iter().map(|it| format!("max(timestamp({it}))"));
    let intervals = selectors.iter().map(|it| {
        let times = format!("timestamp({it})[{seconds}s:1s]");
        format!(
            "max((max_over_time({times}) - min_over_time({times})) / \
             (count_over_time({it}[{seconds}s]) - 1))"
        )
    });
    let probe = |expr| Probe { expr: Expression::new(expr), span: None };
    newest.chain(intervals).map(probe).collect()
}

/// The value of an answer of one series.
fn value(answer: &Answered) -> Option<f64> {
    match &answer.as_ref().ok()?.values {
        Values::Vector(samples) => samples.first().map(|sample| sample.value),
        Values::Matrix(_) => None,
    }
}

/// The longest interval.
fn interval(intervals: &[Answered]) -> Option<Duration> {
    let known = intervals.iter().filter_map(value).filter(|it| *it > 0.0);
    Duration::try_from_secs_f64(known.reduce(f64::max)?).ok()
}

fn most(interval: Option<Duration>) -> Duration {
    interval.map_or(MOST, |interval| interval.saturating_mul(INTERVALS).clamp(LEAST, MOST))
}

/// Whether all that has samples has one from after `ended`.
fn is_settled(newest: &[Answered], ended: Timestamp) -> bool {
    let ended = ended.as_millisecond();
    let mut known =
        newest.iter().filter_map(value).map(|it| (it * 1000.0).round() as i64).peekable();
    known.peek().is_some() && newest.iter().all(Result::is_ok) && known.all(|it| it >= ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::question::Answer;
    use crate::model::reading::Sample;
    use crate::prometheus::{Failed, Journey, QueryError};
    use crate::storage::Labels;

    fn answered(value: Option<f64>) -> Answered {
        let samples = value.map(|value| Sample { labels: Labels::new(), value });
        let values = Values::Vector(samples.into_iter().collect());
        Ok(Answer { values, incomplete: None, zero_by_zero: None })
    }

    #[test]
    fn it_is_settled_once_all_that_has_samples_has_a_new_one() {
        let ended = Timestamp::from_millisecond(100_500).unwrap();
        for (newest, expected) in [
            (&[Some(100.5)][..], true),
            (&[Some(101.0), None], true),
            (&[Some(101.0), Some(100.499)], false),
            (&[None, None], false),
            (&[], false),
        ] {
            let newest: Vec<_> = newest.iter().map(|it| answered(*it)).collect();
            assert_eq!(is_settled(&newest, ended), expected, "{newest:?}");
        }
        let failed = || {
            let error = QueryError::WrongType("no vector");
            Err(Failed { error, journey: Journey::default() })
        };
        assert!(!is_settled(&[answered(Some(101.0)), failed()], ended));
    }

    #[test]
    fn two_intervals_are_waited_within_bounds() {
        for (intervals, interval_s, most_s) in [
            (&[Some(1.0), Some(1.01)][..], Some(1), 10),
            (&[Some(15.0), None], Some(15), 30),
            (&[Some(60.0)], Some(60), 60),
            (&[Some(f64::NAN), Some(f64::INFINITY)], None, 60),
            (&[None], None, 60),
        ] {
            let intervals: Vec<_> = intervals.iter().map(|it| answered(*it)).collect();
            let found = interval(&intervals);
            assert_eq!(found.map(|it| it.as_secs()), interval_s);
            assert_eq!(most(found).as_secs(), most_s);
        }
    }

    #[test]
    fn only_what_is_looked_at_now_is_waited_for() {
        let expressions = ["rate(b[1m]) / b", "a{} offset 1m + a @ 5", "keep(c{}) default 1"];
        let found = selectors(&expressions.map(Expression::new));
        assert_eq!(found, ["b", "c{}"]);
    }
}

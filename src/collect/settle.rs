//! Waiting, after a command has ended, until the server has samples from after its end: it has
//! those of the last seconds only when it has scraped once more.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Watched;
use super::clock::Clock;
use super::coverage::UP;
use super::observer::{Observer, ProgressUpdate};
use crate::config::{Endpoint, SourceSpec};
use crate::interrupt;
use crate::model::clock_skew::ClockSkew;
use crate::model::question::{Answer, Probe, Values};
use crate::model::reading::Incomplete;
use crate::prometheus::samples::{newest_of_each, usual_interval};
use crate::prometheus::{Answered, Log, Server, ask_all};
use crate::promql::{Expression, Query, SelectorUse, selectors_by_braces};

/// The longest that is waited, and the shortest: a stall of some seconds is no reason to give up.
const MOST: Duration = Duration::from_secs(60);
const LEAST: Duration = Duration::from_secs(10);
/// So many usual intervals are waited.
const INTERVALS: u32 = 2;
/// How often the server is asked.
const EVERY: Duration = Duration::from_secs(1);
/// Long enough for some samples of what comes once a minute.
const RANGE: Duration = Duration::from_secs(240);
/// How long one answer is worth waiting for.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many times in a row the server may give no answer.
const FAILURES: usize = 2;

/// How the samples from after the end of a command were waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Settling {
    /// When the command ended, by this machine's clock.
    ended: Timestamp,
    /// How far the server's clock is off, as far as it says: its samples have the time of that.
    skew: Option<ClockSkew>,
    /// How long it was waited.
    pub waited: Duration,
    /// The usual interval between samples, if it could be seen.
    pub interval: Option<Duration>,
    /// Why the server gave no answer, when it was given up. No secret is in it.
    pub error: Option<String>,
}

impl Settling {
    /// When the command had ended for certain, by the server's clock.
    pub fn ended(&self) -> Timestamp {
        self.of_the_server(self.ended)
    }

    /// What the server's clock may show at most, at an instant of this machine's.
    pub(super) fn of_the_server(&self, at: Timestamp) -> Timestamp {
        of_the_server(at, self.skew)
    }

    /// How long before that it may have been.
    pub(super) fn doubt(&self) -> Duration {
        let seconds = self.skew.map_or(0.0, ClockSkew::doubt_s);
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

/// What a server's clock, which is off by `skew`, may show at most, at an instant of this machine's.
pub(super) fn of_the_server(at: Timestamp, skew: Option<ClockSkew>) -> Timestamp {
    let ahead_s = skew.map_or(0.0, |skew| skew.most_s);
    let ahead = SignedDuration::from_millis((ahead_s * 1000.0).ceil() as i64);
    at.checked_add(ahead).unwrap_or(at)
}

/// The usual interval between the samples of what the expressions look at, as far as the server tells;
/// of several the longest.
pub(crate) fn sample_interval(
    expressions: &[Expression],
    endpoint: &Endpoint,
    at: Timestamp,
    log: Log<'_>,
) -> Option<Duration> {
    let log = |line: &str| log(&endpoint.http.redact(line));
    let probes = intervals(&selectors(expressions), RANGE);
    let server = Server::new(endpoint, at, true, (Instant::now(), PATIENCE), &log);
    let answers = ask_all(&server, &probes).into_iter();
    usual(&answers.map(|answer| told(answer, true)).collect::<Vec<_>>())
}

/// Waits until each target has samples from after now of all that is required, when a command has
/// ended that took so long; `skew` is how far the server's clock is off.
pub(super) fn settle(
    endpoint: &Endpoint,
    spec: &SourceSpec,
    watched: Watched<'_>,
    (clock, took, skew): (Clock, Duration, Option<ClockSkew>),
    observer: Observer<'_>,
) -> Settling {
    let (began, ended) = (Instant::now(), clock.now());
    let (waited, interval, error) = (Duration::ZERO, None, None);
    let mut settling = Settling { ended, skew, waited, interval, error };
    let selectors = selectors(watched.required);
    let is_wanted = spec.settle != Some(Duration::ZERO) && interrupt::received().is_none();
    if !is_wanted || selectors.is_empty() {
        return settling;
    }
    let range = took.clamp(RANGE, Duration::from_secs(300));
    let (newest, intervals) = (newest(&selectors), intervals(&selectors, range));
    let log = |line: &str| (observer.log)(&endpoint.http.redact(line));
    let mut failures = 0;
    loop {
        let probes = match settling.interval {
            None => [&newest[..], &intervals].concat(),
            Some(_) => newest.clone(),
        };
        let (at, within) = (settling.of_the_server(clock.now()), (Instant::now(), PATIENCE));
        let server = Server::new(endpoint, at, watched.accept_partial, within, &log);
        let server = server.interruptible();
        let answers = ask_all(&server, &probes).into_iter();
        let told: Vec<_> = answers.map(|answer| told(answer, watched.accept_partial)).collect();
        let (newest, intervals) = told.split_at(selectors.len());
        settling.skew = server.clock().map(|skew| skew.narrower(settling.skew)).or(settling.skew);
        settling.interval = settling.interval.or_else(|| usual(intervals));
        settling.error = newest.iter().find_map(|it| it.as_ref().err().cloned());
        failures = if newest.iter().all(Result::is_err) { failures + 1 } else { 0 };
        let most = spec.settle.unwrap_or_else(|| most(settling.interval));
        let is_over = is_settled(newest, settling.ended()) || began.elapsed() >= most;
        if failures == FAILURES || is_over {
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
    let error = settling.error.map(|error| endpoint.http.redact(&error));
    Settling { waited: began.elapsed(), error, ..settling }
}

/// What the expressions look at now, each selector once.
fn selectors(expressions: &[Expression]) -> Vec<String> {
    let uses = expressions.iter().flat_map(|expression| {
        let parsed = expression.parsed().map(Query::selectors).map(<[SelectorUse]>::to_vec);
        parsed.unwrap_or_else(|_| selectors_by_braces(expression.as_str()).0)
    });
    let now = uses.filter(|it| it.at.is_none() && it.offset <= 0);
    // A server refuses to tell the times of metrics of several names; scrapes have theirs.
    let text = |it: SelectorUse| if it.metric().is_some() { it.text } else { UP.to_owned() };
    let mut selectors: Vec<_> = now.map(text).collect();
    selectors.sort_unstable();
    selectors.dedup();
    selectors
}

/// Up to when there are samples of each.
fn newest(selectors: &[String]) -> Vec<Probe> {
    let newest = |it: &String| Probe::of_instant(Expression::new(newest_of_each(it)));
    selectors.iter().map(newest).collect()
}

/// The usual interval of each in that time.
fn intervals(selectors: &[String], range: Duration) -> Vec<Probe> {
    let seconds = range.as_secs();
    let interval = |it: &String| {
        let (times, samples) =
            (format!("timestamp({it})[{seconds}s:1s]"), format!("{it}[{seconds}s]"));
        Probe::of_instant(Expression::new(usual_interval(&times, &samples)))
    };
    selectors.iter().map(interval).collect()
}

/// The value of an answer of one series, if it has one; or why there is no whole answer.
type Told = Result<Option<f64>, String>;

fn told(answer: Answered, accept_partial: bool) -> Told {
    match answer.map_err(|failed| failed.to_string())? {
        Answer { incomplete: Some(incomplete), .. } if !accept_partial => {
            let (Incomplete::BackendSays(why) | Incomplete::Unanswered(why)) = incomplete;
            Err(why)
        }
        Answer { values: Values::Vector(samples), .. } => {
            Ok(samples.first().map(|sample| sample.value))
        }
        Answer { values: Values::Matrix(_), .. } => Ok(None),
    }
}

/// The longest interval.
fn usual(intervals: &[Told]) -> Option<Duration> {
    let known = intervals.iter().filter_map(|it| *it.as_ref().ok()?).filter(|it| *it > 0.0);
    Duration::try_from_secs_f64(known.reduce(f64::max)?).ok()
}

fn most(interval: Option<Duration>) -> Duration {
    interval.map_or(MOST, |interval| interval.saturating_mul(INTERVALS).clamp(LEAST, MOST))
}

/// Whether all that has samples has one from after `ended`.
fn is_settled(newest: &[Told], ended: Timestamp) -> bool {
    let ended = ended.as_millisecond();
    let known = newest.iter().filter_map(|it| *it.as_ref().ok()?);
    let mut known = known.map(|it| (it * 1000.0).round() as i64).peekable();
    known.peek().is_some() && newest.iter().all(Result::is_ok) && known.all(|it| it >= ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::Sample;
    use crate::storage::Labels;

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
            let newest: Vec<_> = newest.iter().map(|it| Ok(*it)).collect();
            assert_eq!(is_settled(&newest, ended), expected, "{newest:?}");
        }
        assert!(!is_settled(&[Ok(Some(101.0)), Err("a store is down".to_owned())], ended));
    }

    #[test]
    fn a_part_is_an_answer_only_where_it_is_accepted() {
        let sample = Sample { labels: Labels::new(), value: 101.0 };
        let incomplete = Some(Incomplete::BackendSays("a store is down".to_owned()));
        let values = Values::Vector(vec![sample]);
        let answer = Answer { values, incomplete, zero_by_zero: None };
        assert_eq!(told(Ok(answer.clone()), false), Err("a store is down".to_owned()));
        assert_eq!(told(Ok(answer), true), Ok(Some(101.0)));
    }

    #[test]
    fn the_end_is_one_of_the_servers_clock() {
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        let (waited, interval, error) = (Duration::ZERO, None, None);
        for (skew, ended, doubt) in [
            (None, 100_000, 0),
            (Some((-0.25, 0.75)), 100_750, 1000),
            (Some((19.5, 20.5)), 120_500, 1000),
            (Some((-20.5, -20.0)), 80_000, 500),
        ] {
            let skew = skew.map(|(least_s, most_s)| ClockSkew { least_s, most_s });
            let settling =
                Settling { ended: at(100_000), skew, waited, interval, error: error.clone() };
            assert_eq!(settling.ended(), at(ended));
            assert_eq!(settling.doubt().as_millis(), doubt);
        }
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
            let intervals: Vec<_> = intervals.iter().map(|it| Ok(*it)).collect();
            let found = usual(&intervals);
            assert_eq!(found.map(|it| it.as_secs()), interval_s);
            assert_eq!(most(found).as_secs(), most_s);
        }
    }

    #[test]
    fn only_what_is_looked_at_now_is_waited_for() {
        let expressions = [
            "rate(b[1m]) / b",
            "a{} offset 1m + a @ 5",
            "keep(c{}) default 1",
            "max({__name__=~\"d|e\"})",
        ];
        let found = selectors(&expressions.map(Expression::new));
        assert_eq!(found, ["b", "c{}", "up"]);
    }
}

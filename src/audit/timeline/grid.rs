//! The instants of the points.

use std::time::Duration;

use jiff::Timestamp;

use crate::collect::Telemetry;
use crate::config::{ObservedRange, Plan};
use crate::evaluate;
use crate::model::question::{Question, Span};
use crate::prometheus::{Log, samples};
use crate::promql::{Expression, Query};
use crate::target_health::usual_interval;

/// More points than this cannot be told apart in a chart.
const MOST: u32 = 120;
/// So many samples are in each step, so that each has some where they do not come quite evenly.
const SAMPLES: u32 = 2;
/// The longest time in which a server is asked how often samples come.
const LOOK: Duration = Duration::from_secs(300);
/// So many samples of a series tell how often they come.
const SOME: usize = 500;
/// Counts the milliseconds of a range of ten: one more where its beginning is included.
const MILLISECONDS: &str = "count_over_time(vector(1)[10ms:1ms])";
const TEN: f64 = 10.0;
const A_MILLISECOND: Duration = Duration::from_millis(1);

/// Points at even distances, the last one at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) step: Duration,
    pub(super) points: usize,
}

impl Grid {
    /// Points whose steps cover the whole window.
    pub(super) fn new(window: Duration, interval: Duration) -> Self {
        let shortest = interval.saturating_mul(SAMPLES);
        // In whole milliseconds, as the instants are.
        let even = window.as_millis().div_ceil(u128::from(MOST));
        let even = Duration::from_millis(u64::try_from(even).unwrap_or(u64::MAX));
        let step = shortest.max(even).max(Duration::from_millis(1));
        let points = window.as_millis().div_ceil(step.as_millis().max(1)).max(1);
        Self { step, points: usize::try_from(points).unwrap_or(1) }
    }

    /// Evaluations that often, up to the last point, within the steps.
    pub(super) fn span(self, often: Duration) -> Span {
        let steps = u32::try_from(self.points).unwrap_or(MOST);
        let all = self.step.saturating_mul(steps).saturating_sub(A_MILLISECOND);
        let often = often.max(A_MILLISECOND);
        let times = u32::try_from(all.as_millis() / often.as_millis()).unwrap_or(u32::MAX);
        Span { window: often.saturating_mul(times), step: often }
    }

    /// The instants of the points, milliseconds since the Unix epoch.
    pub(super) fn instants(self, at: Timestamp) -> Vec<i64> {
        self.span(self.step).instants(at)
    }

    /// Which point's step an instant is in, of `instants`.
    pub(super) fn step_of(self, instants: &[i64], at: i64) -> Option<usize> {
        let point = instants.partition_point(|end| *end < at);
        (point < instants.len()).then_some(point)
    }
}

/// How samples come, and how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sampling {
    /// The usual interval of what is sampled least often.
    pub(super) interval: Duration,
    /// Whether a range of the server includes its beginning, as before Prometheus 3.
    pub(super) is_closed: bool,
}

impl Sampling {
    /// The range in which a sample at the end of the step before is not seen again.
    pub(super) fn range(self, step: Duration, is_of_server: bool) -> Duration {
        let is_closed = self.is_closed && is_of_server;
        step.saturating_sub(if is_closed { A_MILLISECOND } else { Duration::ZERO })
    }

    /// The range that reaches to the last sample before the step, and no further.
    pub(super) const fn range_for_rises(self, step: Duration) -> Duration {
        step.saturating_add(self.interval).saturating_sub(A_MILLISECOND)
    }
}

/// How what the plan uses was sampled; `None` where it was at a single instant.
pub(super) fn sampling(
    plan: &Plan,
    telemetry: &Telemetry,
    observed: &ObservedRange,
    window: Duration,
    log: Log<'_>,
) -> Option<Sampling> {
    let questions = plan.questions(Some(observed));
    let (of_server, is_closed) = of_server(plan, &questions, (telemetry, observed.at), window, log);
    let of_samples = of_samples(&questions, telemetry, observed.at);
    let told = observed.step.or(telemetry.settling.as_ref().and_then(|it| it.interval));
    let found = of_server.into_iter().chain(of_samples).map(|it| it.min(window));
    let longest = found.chain(told).max().or_else(|| plan.step())?;
    let interval = whole(longest);
    (interval <= window).then_some(Sampling { interval, is_closed })
}

/// In whole milliseconds, upwards.
fn whole(interval: Duration) -> Duration {
    let milliseconds = interval.as_nanos().div_ceil(1_000_000).max(1);
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

/// The longest usual interval among the series that are read from samples at hand.
fn of_samples(questions: &[Question], telemetry: &Telemetry, at: Timestamp) -> Option<Duration> {
    let storage = telemetry.storage()?;
    let beside = questions.iter().filter(|it| !it.is_of_server);
    let uses = beside.flat_map(|it| it.expr.parsed().map(Query::selectors).unwrap_or_default());
    let series = uses
        .filter(|it| !it.is_fixed)
        .flat_map(|it| storage.of_metric(it.metric()).filter(|series| it.matches(&series.labels)));
    let usual = series.filter_map(|series| {
        let until = at.as_millisecond();
        let points = series.read_points().take_while(|point| point.at <= until).take(SOME);
        let instants: Vec<_> = points.map(|point| point.at).collect();
        // Of two samples there is only one interval, which may be any.
        usual_interval(&instants).filter(|_| instants.len() > 2)
    });
    usual.max().and_then(|it| u64::try_from(it).ok()).map(Duration::from_millis)
}

/// The same of a server, as far as it tells; and whether its ranges include their beginning.
fn of_server(
    plan: &Plan,
    questions: &[Question],
    (telemetry, at): (&Telemetry, Timestamp),
    window: Duration,
    log: Log<'_>,
) -> (Option<Duration>, bool) {
    let of_server = questions.iter().filter(|it| it.is_of_server);
    let uses = of_server.flat_map(|it| it.expr.parsed().map(Query::selectors).unwrap_or_default());
    let now = uses.filter(|it| !it.is_fixed && it.offset == 0 && it.metric().is_some());
    let mut selectors: Vec<_> = now.map(|it| it.text.as_str()).collect();
    selectors.sort_unstable();
    selectors.dedup();
    if selectors.is_empty() {
        return (None, false);
    }
    let seconds = window.min(LOOK).as_secs().max(1);
    let expr = |it: &&str| {
        let (times, samples) =
            (format!("timestamp({it})[{seconds}s:1s]"), format!("{it}[{seconds}s]"));
        Expression::new(samples::usual_interval(&times, &samples))
    };
    let exprs = std::iter::once(Expression::new(MILLISECONDS)).chain(selectors.iter().map(expr));
    let answers = evaluate::ask(exprs.collect(), true, &plan.spec, (telemetry, at), log);
    let mut answers = answers.into_iter();
    let count = answers.next().and_then(Result::ok);
    let is_closed = count.is_some_and(|it| it.iter().any(|sample| sample.value > TEN));
    let values = answers.flatten().flatten().map(|sample| sample.value);
    let longest = values.filter(|value| value.is_finite() && *value > 0.0).reduce(f64::max);
    (longest.and_then(|it| Duration::try_from_secs_f64(it).ok()), is_closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_cover_the_window_and_hold_samples() {
        for (window_s, interval_ms, step_ms, points) in [
            (31, 1000, 2000, 16),
            (900, 15_000, 30_000, 30),
            (3600, 1000, 30_000, 120),
            (1, 1000, 2000, 1),
        ] {
            let interval = Duration::from_millis(interval_ms);
            let grid = Grid::new(Duration::from_secs(window_s), interval);
            assert_eq!((grid.step.as_millis(), grid.points), (step_ms, points), "{window_s} s");
            assert!(grid.step.as_millis() * grid.points as u128 >= u128::from(window_s) * 1000);
        }
    }
}

//! The instants of the points.

use std::time::Duration;

use crate::collect::Telemetry;
use crate::config::{ObservedRange, Plan};
use crate::evaluate;
use crate::model::question::Span;
use crate::prometheus::Log;
use crate::prometheus::samples::usual_interval;
use crate::promql::{Expression, Query};

/// More points than this cannot be told apart in a chart.
const MOST: u32 = 120;
/// So many samples are in each step, so that each has some where they do not come quite evenly.
const SAMPLES: u32 = 2;
/// The longest time in which a server is asked how often samples come.
const LOOK: Duration = Duration::from_secs(300);

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

    /// The time from the first point to the last.
    pub(super) fn span(self) -> Span {
        let steps = u32::try_from(self.points.saturating_sub(1)).unwrap_or(MOST);
        Span { window: self.step.saturating_mul(steps), step: self.step }
    }
}

/// The interval between samples; `None` where they were taken at a single instant.
pub(super) fn interval(
    plan: &Plan,
    telemetry: &Telemetry,
    observed: &ObservedRange,
    window: Duration,
    log: Log<'_>,
) -> Option<Duration> {
    let told = observed.step.or(telemetry.settling.as_ref().and_then(|it| it.interval));
    let known = || of_server(plan, telemetry, observed, window, log);
    told.or_else(known).or_else(|| plan.step()).map(whole).filter(|it| *it <= window)
}

/// In whole milliseconds, upwards.
fn whole(interval: Duration) -> Duration {
    let milliseconds = interval.as_nanos().div_ceil(1_000_000).max(1);
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

/// The usual interval of what is sampled least often.
fn of_server(
    plan: &Plan,
    telemetry: &Telemetry,
    observed: &ObservedRange,
    window: Duration,
    log: Log<'_>,
) -> Option<Duration> {
    let questions = plan.questions(Some(observed));
    let of_server = questions.iter().filter(|it| it.is_of_server);
    let uses = of_server.flat_map(|it| it.expr.parsed().map(Query::selectors).unwrap_or_default());
    let now = uses.filter(|it| !it.is_fixed && it.offset == 0 && it.metric().is_some());
    let mut selectors: Vec<_> = now.map(|it| it.text.as_str()).collect();
    selectors.sort_unstable();
    selectors.dedup();
    let seconds = window.min(LOOK).as_secs().max(1);
    let expr = |it: &&str| {
        let (times, samples) =
            (format!("timestamp({it})[{seconds}s:1s]"), format!("{it}[{seconds}s]"));
        Expression::new(usual_interval(&times, &samples))
    };
    let exprs = selectors.iter().map(expr).collect();
    let answers = evaluate::ask(exprs, true, &plan.spec, (telemetry, observed.at), log);
    let values = answers.iter().flatten().flatten().map(|sample| sample.value);
    let longest = values.filter(|value| value.is_finite() && *value > 0.0).reduce(f64::max)?;
    Duration::try_from_secs_f64(longest).ok()
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

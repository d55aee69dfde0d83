//! Samples of the series that a selector means: the latest, or those of a range.
//!
//! Where a selector is evaluated once, the samples of a series are decoded into one buffer after
//! the other. Within a subquery they are decoded once for all steps.

use std::rc::Rc;

use super::Error;
use super::decoded::Decoded;
use super::evaluate::{EvalTime, Evaluator};
use super::functions::Window;
use super::plan::{At, Matcher, Range, Selector, Test, TimeModifiers};
use super::series_labels::{SeriesLabels, VectorSample};
use crate::storage::{Labels, Point, Series, is_stale};

/// How old the latest sample may be, in milliseconds: Prometheus' default.
const LOOKBACK: i64 = 5 * 60 * 1000;

impl Matcher {
    fn matches(&self, labels: &Labels) -> bool {
        self.test.holds(labels.get(&self.label))
    }
}

impl Test {
    /// Whether a label may have this value.
    pub(super) fn holds(&self, value: &str) -> bool {
        match self {
            Self::Equal(expected) => value == expected,
            Self::NotEqual(unexpected) => value != unexpected,
            Self::Matches(pattern) => pattern.is_match(value),
            Self::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }
}

impl TimeModifiers {
    /// The instant that is selected when the expression is evaluated at `now`; `query` is the first
    /// and the last instant at which the whole query is evaluated.
    pub(super) fn resolve(self, now: i64, query: (i64, i64)) -> i64 {
        let from = match self.at {
            None => now,
            Some(At::Instant(at)) => at,
            Some(At::Start) => query.0,
            Some(At::End) => query.1,
        };
        from.saturating_sub(self.offset.unwrap_or_default())
    }
}

impl<'a> Evaluator<'a> {
    /// The latest sample of each series.
    pub(super) fn latest(
        &self,
        selector: &Selector,
        time: EvalTime,
        value: fn(Point) -> f64,
    ) -> Result<Vec<VectorSample<'a>>, Error> {
        let at = selector.modifiers.resolve(time.at, self.query);
        let after = at.saturating_sub(LOOKBACK);
        let mut latest = Vec::new();
        let mut take = |series: SeriesLabels<'a>, point: Option<Point>| {
            let point = point.filter(|point| !is_stale(point.value));
            latest.extend(point.map(|point| VectorSample { series, value: value(point) }));
            self.tick()
        };
        if time.reach.is_some() {
            for decoded in self.decoded(selector, time, LOOKBACK, |_| true)?.iter() {
                take(decoded.series.clone(), decoded.between(after, at).last().copied())?;
            }
        } else {
            for series in self.matching(selector) {
                let point = series.points.latest(at).filter(|point| point.at > after);
                take(SeriesLabels::stored(&series.labels), point)?;
            }
        }
        Ok(latest)
    }

    /// Calls `show` with the samples of each series that has any.
    pub(super) fn windows(
        &self,
        range: &Range,
        time: EvalTime,
        parameters: &[f64],
        mut show: impl FnMut(&SeriesLabels<'a>, Window<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (selector, range) = match range {
            Range::Selector { selector, range } => (selector, *range),
            Range::Subquery { of, range, step, modifiers } => {
                return self.subquery(of, (*range, *step, *modifiers), time, parameters, &mut show);
            }
        };
        let until = selector.modifiers.resolve(time.at, self.query);
        let bounds = (until.saturating_sub(range), until);
        let mut show = |series: &SeriesLabels<'a>, points: &[Point]| {
            self.tick()?;
            if points.is_empty() {
                return Ok(());
            }
            show(series, Window { points, bounds, now: time.at, parameters })
        };
        let is_sample: fn(f64) -> bool = |value| !is_stale(value);
        if time.reach.is_some() {
            for decoded in self.decoded(selector, time, range, is_sample)?.iter() {
                show(&decoded.series, decoded.between(bounds.0, bounds.1))?;
            }
        } else {
            let mut points = Vec::new();
            for series in self.matching(selector) {
                points.clear();
                let window = series.points.between(bounds.0, bounds.1);
                points.extend(window.filter(|point| is_sample(point.value)));
                show(&SeriesLabels::stored(&series.labels), &points)?;
            }
        }
        Ok(())
    }

    /// The series of a selector with their samples for every instant within reach. `back` is how
    /// far the selector looks back from each instant.
    fn decoded(
        &self,
        selector: &Selector,
        time: EvalTime,
        back: i64,
        keeps: fn(f64) -> bool,
    ) -> Result<Rc<Vec<Decoded<'a>>>, Error> {
        if let Some(decoded) = self.decoded.borrow().get(&selector.id) {
            return Ok(Rc::clone(decoded));
        }
        let (first, last) = time.reach();
        let after = selector.modifiers.resolve(first, self.query).saturating_sub(back);
        let until = selector.modifiers.resolve(last, self.query);
        let mut all = Vec::new();
        for series in self.matching(selector) {
            let points = series.points.between(after, until);
            let points: Vec<_> = points.filter(|point| keeps(point.value)).collect();
            self.hold(points.len())?;
            let series = SeriesLabels::stored(&series.labels);
            all.push(Decoded::new(series, points));
        }
        let all = Rc::new(all);
        self.decoded.borrow_mut().insert(selector.id, Rc::clone(&all));
        Ok(all)
    }

    fn matching(&self, selector: &Selector) -> impl Iterator<Item = &'a Series> {
        let of_metric = self.storage.of_metric(selector.metric.as_deref());
        of_metric.filter(|series| {
            selector.matchers.iter().all(|matcher| matcher.matches(&series.labels))
        })
    }
}

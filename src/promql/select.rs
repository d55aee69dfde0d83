//! Samples of the series that a selector means: the latest, or those of a range.
//!
//! Where a selector is evaluated once, the samples of a series are decoded into one buffer after
//! the other. Within a subquery they are decoded once for all steps.

use std::rc::Rc;

use super::Error;
use super::evaluate::{Evaluator, Moment};
use super::functions::Window;
use super::plan::{At, Matcher, Range, Selector, Test, Timing};
use crate::storage::{Labels, Point, Points, Series, is_stale};

/// How old the latest sample may be, in milliseconds: Prometheus' default.
const LOOKBACK: i64 = 5 * 60 * 1000;

/// A series and its samples, within what a query can reach.
#[derive(Debug)]
pub(super) struct Decoded {
    labels: Labels,
    points: Vec<Point>,
}

impl Matcher {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label);
        match &self.test {
            Test::Equal(expected) => value == expected,
            Test::NotEqual(unexpected) => value != unexpected,
            Test::Matches(pattern) => pattern.is_match(value),
            Test::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }
}

impl Timing {
    /// The instant that is meant at another one.
    pub(super) fn resolve(self, now: i64, of_query: i64) -> i64 {
        let from = match self.at {
            None => now,
            Some(At::Instant(at)) => at,
            Some(At::Query) => of_query,
        };
        from.saturating_sub(self.offset)
    }
}

impl Evaluator<'_> {
    /// The latest sample of each series.
    pub(super) fn latest(
        &self,
        selector: &Selector,
        moment: Moment,
    ) -> Result<Vec<(Labels, Point)>, Error> {
        let at = selector.timing.resolve(moment.at, self.at);
        let mut latest = Vec::new();
        let is_current =
            |point: &Point| point.at > at.saturating_sub(LOOKBACK) && !is_stale(point.value);
        if moment.reach.is_some() {
            for series in self.decoded(selector, moment, LOOKBACK, |_| true)?.iter() {
                self.tick()?;
                let until = series.points.partition_point(|point| point.at <= at);
                let point = series.points.get(..until).and_then(<[Point]>::last);
                latest
                    .extend(point.copied().filter(is_current).map(|p| (series.labels.clone(), p)));
            }
        } else {
            for series in self.matching(selector) {
                self.tick()?;
                let point = within(&series.points, at.saturating_sub(LOOKBACK), at).last();
                latest.extend(point.filter(is_current).map(|p| (series.labels.clone(), p)));
            }
        }
        Ok(latest)
    }

    /// Shows the samples of each series, where there are any.
    pub(super) fn windows(
        &self,
        range: &Range,
        moment: Moment,
        parameters: &[f64],
        mut show: impl FnMut(&Labels, Window<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (selector, range) = match range {
            Range::Selector { selector, range } => (selector, *range),
            Range::Subquery { of, range, step, timing } => {
                return self.subquery(of, (*range, *step, *timing), moment, parameters, &mut show);
            }
        };
        let until = selector.timing.resolve(moment.at, self.at);
        let bounds = (until.saturating_sub(range), until);
        let mut show = |labels: &Labels, points: &[Point]| {
            self.tick()?;
            if points.is_empty() {
                return Ok(());
            }
            show(labels, Window { points, bounds, now: moment.at, parameters })
        };
        if moment.reach.is_some() {
            for series in self.decoded(selector, moment, range, |value| !is_stale(value))?.iter() {
                let first = series.points.partition_point(|point| point.at <= bounds.0);
                let end = series.points.partition_point(|point| point.at <= bounds.1);
                show(&series.labels, series.points.get(first..end).unwrap_or_default())?;
            }
        } else {
            let mut points = Vec::new();
            for series in self.matching(selector) {
                points.clear();
                let window = within(&series.points, bounds.0, bounds.1);
                points.extend(window.filter(|point| !is_stale(point.value)));
                show(&series.labels, &points)?;
            }
        }
        Ok(())
    }

    /// The series of a selector and their samples, for every instant within reach; `back` is how
    /// far it looks back from each.
    fn decoded(
        &self,
        selector: &Selector,
        moment: Moment,
        back: i64,
        keeps: fn(f64) -> bool,
    ) -> Result<Rc<Vec<Decoded>>, Error> {
        if let Some(decoded) = self.decoded.borrow().get(&selector.id) {
            return Ok(Rc::clone(decoded));
        }
        let (first, last) = moment.reach();
        let from = selector.timing.resolve(first, self.at).saturating_sub(back);
        let until = selector.timing.resolve(last, self.at);
        let mut all = Vec::new();
        for series in self.matching(selector) {
            let points: Vec<_> =
                within(&series.points, from, until).filter(|point| keeps(point.value)).collect();
            self.hold(points.len())?;
            all.push(Decoded { labels: series.labels.clone(), points });
        }
        let all = Rc::new(all);
        self.decoded.borrow_mut().insert(selector.id, Rc::clone(&all));
        Ok(all)
    }

    fn matching<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a Series> {
        let of_metric = self.storage.of_metric(selector.metric.as_deref());
        of_metric.filter(|series| {
            selector.matchers.iter().all(|matcher| matcher.matches(&series.labels))
        })
    }
}

/// The samples after one instant and up to another.
fn within(points: &Points, after: i64, until: i64) -> impl Iterator<Item = Point> {
    let overlaps = points.last() > Some(after) && points.first().is_some_and(|at| at <= until);
    let points = overlaps.then(|| points.iter()).into_iter().flatten();
    points.skip_while(move |point| point.at <= after).take_while(move |point| point.at <= until)
}

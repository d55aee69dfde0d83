//! Ranges of samples that are the values of a query at many instants.

use std::collections::HashMap;

use super::evaluate::{EvalTime, Evaluator};
use super::functions::Window;
use super::plan::{TimeModifiers, Vector};
use super::series_labels::SeriesLabels;
use super::{Error, TOO_MANY_SAMPLES};
use crate::storage::Point;

/// The values of each series, in the order in which it was first seen.
#[derive(Debug, Default)]
struct Collected<'a> {
    places: HashMap<SeriesLabels<'a>, usize>,
    series: Vec<(SeriesLabels<'a>, Vec<Point>)>,
    points: usize,
}

impl<'a> Evaluator<'a> {
    /// Calls `show` with the values of each series at the steps of a range. Steps are aligned to
    /// multiples of their length since the epoch.
    pub(super) fn subquery(
        &self,
        of: &Vector,
        (range, step, modifiers): (i64, i64, TimeModifiers),
        time: EvalTime,
        parameters: &[f64],
        show: &mut dyn FnMut(&SeriesLabels<'a>, Window<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let until = modifiers.resolve(time.at, self.query);
        let bounds = (until.saturating_sub(range), until);
        let (first, last) = time.reach();
        let reach = (
            modifiers.resolve(first, self.query).saturating_sub(range),
            modifiers.resolve(last, self.query),
        );
        let first = bounds.0.div_euclid(step).saturating_add(1).saturating_mul(step);
        let steps = until.saturating_sub(first).div_euclid(step).saturating_add(1).max(0) as u64;
        if steps >= TOO_MANY_SAMPLES as u64 {
            return Err(Error::Execution("a subquery has too many steps".to_owned()));
        }
        let mut collected = Collected::default();
        for index in 0..steps as i64 {
            let at = first.saturating_add(index.saturating_mul(step));
            let labels = self.label_bytes();
            let samples = self.vector(of, EvalTime::within(at, reach))?;
            self.hold(samples.len())?;
            let mut kept = 0;
            for (hint, sample) in samples.into_iter().enumerate() {
                kept += collected.push(hint, sample.series, Point { at, value: sample.value });
            }
            // Labels that are the same at each step are kept once.
            self.release_labels(self.label_bytes().saturating_sub(labels + kept));
        }
        for (series, points) in &collected.series {
            show(series, Window { points, bounds, now: time.at, parameters })?;
        }
        self.release(collected.points);
        Ok(())
    }
}

impl<'a> Collected<'a> {
    /// Adds a point. `hint` is the index at which its series was in most cases before, which saves
    /// hashing its labels. Returns how many bytes of computed labels are kept that were not before.
    fn push(&mut self, hint: usize, series: SeriesLabels<'a>, point: Point) -> usize {
        self.points += 1;
        if let Some((there, points)) = self.series.get_mut(hint)
            && *there == series
        {
            points.push(point);
            return 0;
        }
        let before = self.series.len();
        let bytes = series.computed_bytes();
        let place = *self.places.entry(series).or_insert_with_key(|series| {
            self.series.push((series.clone(), Vec::new()));
            self.series.len() - 1
        });
        // Cannot panic: places are indices of what was pushed, and nothing is removed.
        self.series[place].1.push(point);
        if self.series.len() > before { bytes } else { 0 }
    }
}

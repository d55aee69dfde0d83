//! The samples of a series, decoded once for all steps of a subquery.

use std::cell::Cell;

use super::series_labels::SeriesLabels;
use crate::storage::Point;

/// A series and its samples, within what a query can reach.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    pub(super) series: SeriesLabels<'a>,
    points: Vec<Point>,
    /// Where the last range began and ended. The next one mostly begins and ends right behind.
    first: Cell<usize>,
    end: Cell<usize>,
}

impl<'a> Decoded<'a> {
    pub(super) fn new(series: SeriesLabels<'a>, points: Vec<Point>) -> Self {
        Self { series, points, first: Cell::new(0), end: Cell::new(0) }
    }

    /// The samples after one instant and up to another.
    pub(super) fn between(&self, after: i64, until: i64) -> &[Point] {
        let (first, end) = (self.seek(&self.first, after), self.seek(&self.end, until));
        self.points.get(first..end).unwrap_or_default()
    }

    /// How many samples there are up to an instant.
    fn seek(&self, place: &Cell<usize>, until: i64) -> usize {
        let is_past = |index: usize| self.points.get(index).is_none_or(|point| point.at > until);
        let mut index = place.get();
        if index > 0 && is_past(index - 1) {
            index = self.points.partition_point(|point| point.at <= until);
        }
        while !is_past(index) {
            index += 1;
        }
        place.set(index);
        index
    }
}

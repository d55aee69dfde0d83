//! Series of samples over time, held compactly in memory: what was scraped, or recorded.
//!
//! Instants are milliseconds since the Unix epoch, as Prometheus counts them.

mod labels;
mod points;

use std::collections::HashMap;

pub use labels::{Labels, METRIC_NAME};
pub use points::{Iter as PointsIter, Point, Points, STALE, is_stale};

/// A series: its labels, and its samples in the order of time.
#[derive(Debug, Clone)]
pub struct Series {
    /// What it is called.
    pub labels: Labels,
    /// What was seen of it.
    pub points: Points,
}

/// The place of a series in a [`Storage`], for as long as nothing is removed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(usize);

/// A sample that contradicts another one of its series at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is a sample of this series at the same time with another value")]
pub struct Contradiction;

/// Series and their samples.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    series: Vec<Series>,
    ids: HashMap<Labels, SeriesId>,
    by_name: HashMap<String, Vec<SeriesId>>,
}

impl Storage {
    /// The series with these labels; a new one if there was none.
    pub fn series(&mut self, labels: Labels) -> SeriesId {
        if let Some(id) = self.ids.get(&labels) {
            return *id;
        }
        let id = SeriesId(self.series.len());
        self.ids.insert(labels.clone(), id);
        self.by_name.entry(labels.metric_name().to_owned()).or_default().push(id);
        self.series.push(Series { labels, points: Points::default() });
        id
    }

    /// Adds a sample to a series of this storage. One that is earlier than the last of its series
    /// is not seen before [`Self::merge_out_of_order`].
    ///
    /// # Errors
    /// The last sample of the series is of the same instant and has another value.
    pub fn push(&mut self, id: SeriesId, point: Point) -> Result<(), Contradiction> {
        // Proof: ids come from `series`, and nothing is ever removed.
        self.series[id.0].points.push(point)
    }

    /// The series of this id.
    pub fn get(&self, id: SeriesId) -> &Series {
        // Proof: as in `push`.
        &self.series[id.0]
    }

    /// Every series, in the order in which they were first seen.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesId, &Series)> {
        self.series.iter().enumerate().map(|(index, series)| (SeriesId(index), series))
    }

    /// The series of a metric; of all, where none is named.
    pub fn of_metric<'a>(
        &'a self,
        name: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Series> + 'a> {
        match name {
            None => Box::new(self.series.iter()),
            Some(name) => {
                let ids = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
                Box::new(ids.iter().map(|id| self.get(*id)))
            }
        }
    }

    /// The first and the last instant of which there is a sample, in milliseconds.
    pub fn span(&self) -> Option<(i64, i64)> {
        let first = self.series.iter().filter_map(|series| series.points.first()).min();
        let last = self.series.iter().filter_map(|series| series.points.last()).max();
        first.zip(last)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Puts the samples that came late into their places, and gives back spare memory.
    ///
    /// # Errors
    /// A series, and an instant at which it has two values.
    pub fn merge_out_of_order(&mut self) -> Result<(), (&Labels, i64)> {
        for series in &mut self.series {
            if let Err(at) = series.points.merge_out_of_order() {
                return Err((&series.labels, at));
            }
        }
        Ok(())
    }
}

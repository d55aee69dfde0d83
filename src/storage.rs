//! Series of samples over time, held compactly in memory: what was scraped, or recorded.
//!
//! Instants are milliseconds since the Unix epoch, as Prometheus counts them.

mod cumulative;
mod labels;
mod limits;
mod points;

use std::collections::HashMap;

pub use cumulative::is_named_cumulative;
pub use labels::{Labels, METRIC_NAME};
pub use limits::{Full, Limits};
pub(crate) use limits::{Room, size_of_series};
/// The label `job` of what is seen of a service from outside.
pub const PROBE_JOB: &str = "auditor_probe";

pub use points::{Iter as PointsIter, Point, Points, STALE, is_stale};

/// A series: its labels, and its samples in the order of time.
#[derive(Debug, Clone)]
pub struct Series {
    /// What it is called.
    pub labels: Labels,
    /// What was seen of it.
    pub points: Points,
    /// The instants of the samples that were inferred from others, in order.
    inferred: Vec<i64>,
}

impl Series {
    /// The samples that were read, first to last: all but those that were inferred.
    pub fn read_points(&self) -> impl Iterator<Item = Point> {
        let is_inferred = |at: i64| self.inferred.binary_search(&at).is_ok();
        self.points.iter().filter(move |point| !is_inferred(point.at))
    }
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
    /// Metrics that are declared to be another kind than their names say: whether they accumulate.
    declared: HashMap<String, bool>,
    limits: Limits,
    /// About how much memory series and samples take.
    bytes: usize,
}

impl Storage {
    /// An empty one with limits of its own.
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The series with these labels; a new one if there was none.
    pub fn series(&mut self, labels: Labels) -> SeriesId {
        if let Some(id) = self.ids.get(&labels) {
            return *id;
        }
        let id = SeriesId(self.series.len());
        self.ids.insert(labels.clone(), id);
        self.by_name.entry(labels.metric_name().to_owned()).or_default().push(id);
        self.bytes += limits::size_of_series(&labels);
        self.series.push(Series { labels, points: Points::default(), inferred: Vec::new() });
        id
    }

    /// Adds a sample to a series of this storage. One that is earlier than the last of its series
    /// is not seen before [`Self::merge_out_of_order`].
    ///
    /// # Errors
    /// The last sample of the series is of the same instant and has another value.
    pub fn push(&mut self, id: SeriesId, point: Point) -> Result<(), Contradiction> {
        // Proof: ids come from `series`, and nothing is ever removed.
        let points = &mut self.series[id.0].points;
        let before = points.size();
        let pushed = points.push(point);
        self.bytes += points.size() - before;
        pushed
    }

    /// Adds a sample that nobody has seen, but that follows from others. It is seen after
    /// [`Self::merge_out_of_order`], and never among [`Series::read_points`]. Where the series has
    /// a sample, nothing is added.
    pub fn infer(&mut self, id: SeriesId, point: Point) {
        // Proof: as in `push`.
        let series = &mut self.series[id.0];
        let Err(place) = series.inferred.binary_search(&point.at) else { return };
        if !series.points.has(point.at) {
            series.inferred.insert(place, point.at);
            let _ = self.push(id, point);
        }
    }

    /// The series with these labels, if there is one.
    pub fn find(&self, labels: &Labels) -> Option<&Series> {
        self.ids.get(labels).map(|id| self.get(*id))
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

    /// Puts the series into the order of their names and labels, which does not depend on what
    /// was seen first: sums of many numbers depend on their order. Every [`SeriesId`] of before
    /// is void.
    pub fn sort(&mut self) {
        let mut groups: Vec<_> = std::mem::take(&mut self.by_name).into_iter().collect();
        groups.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut unsorted: Vec<_> = std::mem::take(&mut self.series).into_iter().map(Some).collect();
        self.series.reserve_exact(unsorted.len());
        for (name, ids) in groups {
            let series = ids.into_iter().filter_map(|id| unsorted.get_mut(id.0)?.take());
            let mut series: Vec<_> = series.collect();
            series.sort_by(|one, other| one.labels.cmp(&other.labels));
            let first = self.series.len();
            self.series.append(&mut series);
            self.by_name.insert(name, (first..self.series.len()).map(SeriesId).collect());
        }
        for (index, series) in self.series.iter().enumerate() {
            if let Some(id) = self.ids.get_mut(&series.labels) {
                *id = SeriesId(index);
            }
        }
    }

    /// Changes values of labels, all but the names of metrics, where `change` has another one for
    /// them. Series that were told apart stay apart.
    pub fn change_values(&mut self, change: impl Fn(&str) -> Option<String>) {
        let before = std::mem::take(self);
        (self.limits, self.declared) = (before.limits, before.declared);
        for Series { labels, points, inferred } in before.series {
            let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
            let changes = others.filter_map(|(name, value)| Some((name, change(value)?)));
            let (mut changed, mut twins) = (labels.clone(), String::new());
            for (name, value) in changes.collect::<Vec<_>>() {
                changed.set(name, &*value);
                while self.ids.contains_key(&changed) {
                    twins.push('*');
                    changed.set(name, format!("{value}{twins}"));
                }
            }
            let id = self.series(changed);
            self.bytes += points.size();
            self.series[id.0] = Series { labels: self.get(id).labels.clone(), points, inferred };
        }
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

//! Which series `up` are those of targets, and which targets a series is of.
//!
//! A page may have a metric `up` of its own: such series carry the target's labels and others
//! beside them, so whatever has all the labels of another `up` is the page's.

use std::collections::HashMap;

use super::coverage::UP;
use super::deadline::Deadline;
use super::error::SamplesError;
use crate::storage::{Labels, METRIC_NAME, Series, Storage};

/// The targets, each by its series `up`, found by the labels of their series.
pub(super) struct Targets<'a> {
    ups: Vec<&'a Series>,
    by_labels: Vec<Group<'a>>,
}

/// Series `up` that have the same names of labels.
struct Group<'a> {
    names: Vec<&'a str>,
    /// From the values of the labels to the index of the series.
    by_values: HashMap<Vec<&'a str>, usize>,
}

impl<'a> Targets<'a> {
    /// Those of a storage.
    ///
    /// # Errors
    /// It takes longer than it may.
    pub(super) fn new(storage: &'a Storage, deadline: &mut Deadline) -> Result<Self, SamplesError> {
        let ups = storage.of_metric(Some(UP)).filter(|up| !up.points.is_empty());
        let all = Self::of(ups.collect());
        let mut ups = Vec::new();
        for up in &all.ups {
            deadline.tick()?;
            if all.of_series(&up.labels).all(|index| std::ptr::eq(all.ups[index], *up)) {
                ups.push(*up);
            }
        }
        Ok(Self::of(ups))
    }

    fn of(ups: Vec<&'a Series>) -> Self {
        let mut places = HashMap::new();
        let mut by_labels: Vec<Group<'a>> = Vec::new();
        for (index, up) in ups.iter().enumerate() {
            let names: Vec<_> = of_target(&up.labels).map(|(name, _)| name).collect();
            let values = of_target(&up.labels).map(|(_, value)| value).collect();
            let place = *places.entry(names.clone()).or_insert_with(|| {
                by_labels.push(Group { names, by_values: HashMap::new() });
                by_labels.len() - 1
            });
            by_labels[place].by_values.insert(values, index);
        }
        Self { ups, by_labels }
    }

    /// The series `up` of each target.
    pub(super) fn ups(&self) -> &[&'a Series] {
        &self.ups
    }

    /// The indices of the targets all of whose labels a series has.
    pub(super) fn of_series(&self, labels: &Labels) -> impl Iterator<Item = usize> {
        self.by_labels.iter().filter_map(|group| {
            let values: Vec<_> = group.names.iter().map(|name| labels.get(name)).collect();
            group.by_values.get(&values).copied()
        })
    }
}

/// The labels of a target: those of its series but the name of the metric.
fn of_target(labels: &Labels) -> impl Iterator<Item = (&str, &str)> {
    labels.iter().filter(|(name, _)| *name != METRIC_NAME)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::storage::Point;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn storage(all: &[&[(&str, &str)]]) -> Storage {
        let mut storage = Storage::default();
        for pairs in all {
            let up = storage.series(pairs.iter().copied().chain([(METRIC_NAME, UP)]).collect());
            storage.push(up, Point { at: 0, value: 1.0 }).unwrap();
        }
        storage
    }

    fn deadline() -> Deadline {
        Deadline::new(Instant::now(), Duration::MAX)
    }

    #[test]
    fn a_page_has_an_up_of_its_own_if_it_has_more_labels_than_a_target() {
        let (a, b) = ([("instance", "a"), ("job", "x")], [("instance", "b"), ("job", "x")]);
        let db = [("component", "db"), ("instance", "a"), ("job", "x")];
        let far = [("exported_instance", "z"), ("instance", "b"), ("job", "x")];
        // As other tools give labels to their targets.
        let other = [("env", "test"), ("instance", "c"), ("job", "x")];
        for (all, expected) in [
            (&[&a[..], &b, &db, &far, &other][..], 3),
            (&[&a, &b], 2),
            (&[&db], 1),
            (&[&[], &a, &db], 1),
            (&[], 0),
        ] {
            let storage = storage(all);
            let targets = Targets::new(&storage, &mut deadline()).unwrap();
            assert_eq!(targets.ups().len(), expected, "{all:?}");
        }
    }

    #[test]
    fn a_series_is_of_the_targets_whose_labels_it_has() {
        let storage = storage(&[&[("instance", "a")], &[("instance", "b")], &[("job", "x")]]);
        let targets = Targets::new(&storage, &mut deadline()).unwrap();
        for (series, expected) in [
            (&[("instance", "a"), ("le", "1")][..], &[0][..]),
            (&[("instance", "b"), ("job", "x")], &[1, 2]),
            (&[("instance", "c")], &[]),
            (&[], &[]),
        ] {
            let found: Vec<_> = targets.of_series(&labels(series)).collect();
            assert_eq!(found, expected, "{series:?}");
        }
    }
}

//! Series grouped by some of their labels: for `by` and `without`, `on` and `ignoring`.

use std::collections::HashMap;

use super::series_labels::SeriesLabels;
use crate::storage::{Labels, METRIC_NAME};

/// Which labels count.
#[derive(Debug, Clone)]
pub(super) enum Grouping {
    /// These only.
    By(Vec<String>),
    /// All but these and the name of the metric.
    Without(Vec<String>),
    /// All but this one; the name of the metric counts.
    AllBut(&'static str),
}

impl Grouping {
    /// Whether a label counts.
    pub(super) fn keeps(&self, label: &str) -> bool {
        match self {
            Self::By(names) => names.iter().any(|name| name == label),
            Self::Without(names) => label != METRIC_NAME && !names.iter().any(|name| name == label),
            Self::AllBut(name) => label != *name,
        }
    }

    /// The labels that an expression names.
    pub(super) fn labels(&self) -> &[String] {
        match self {
            Self::By(labels) | Self::Without(labels) => labels,
            Self::AllBut(_) => &[],
        }
    }

    /// The labels that count.
    pub(super) fn of<'a>(&self, series: &SeriesLabels<'a>) -> SeriesLabels<'a> {
        match self {
            Self::By(names) if names.is_empty() => SeriesLabels::computed(Labels::default()),
            Self::Without(names) if names.is_empty() => series.clone().nameless(),
            _ => series.changed(|labels| labels.retain(|label| self.keeps(label))),
        }
    }
}

/// A value for each group of labels, in the order in which the groups were first seen.
#[derive(Debug)]
pub(super) struct Groups<'a, T> {
    grouping: &'a Grouping,
    /// From names and values, each ended by a byte that no UTF-8 contains, to the index in `all`.
    places: HashMap<Vec<u8>, usize>,
    all: Vec<T>,
    key: Vec<u8>,
}

impl<'a, T> Groups<'a, T> {
    pub(super) fn new(grouping: &'a Grouping) -> Self {
        Self { grouping, places: HashMap::new(), all: Vec::new(), key: Vec::new() }
    }

    /// The value for the group of these labels.
    pub(super) fn get(&mut self, series: &SeriesLabels<'_>) -> Option<&mut T> {
        self.find(series);
        let place = *self.places.get(self.key.as_slice())?;
        self.all.get_mut(place)
    }

    /// The value for the group of these labels, which is made if it is missing.
    pub(super) fn get_or_insert(
        &mut self,
        series: &SeriesLabels<'_>,
        make: impl FnOnce() -> T,
    ) -> &mut T {
        self.find(series);
        let place = match self.places.get(self.key.as_slice()) {
            Some(place) => *place,
            None => {
                self.places.insert(self.key.clone(), self.all.len());
                self.all.push(make());
                self.all.len() - 1
            }
        };
        // Cannot panic: places are indices of what was pushed, and nothing is removed.
        &mut self.all[place]
    }

    pub(super) fn into_values(self) -> Vec<T> {
        self.all
    }

    fn find(&mut self, series: &SeriesLabels<'_>) {
        self.key.clear();
        for (name, value) in series.iter().filter(|(name, _)| self.grouping.keeps(name)) {
            self.key.extend_from_slice(name.as_bytes());
            self.key.push(0xff);
            self.key.extend_from_slice(value.as_bytes());
            self.key.push(0xff);
        }
    }
}

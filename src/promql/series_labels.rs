//! The labels of series while a query is computed.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use crate::storage::{Labels, METRIC_NAME};

/// The labels of a series, with or without the name of the metric. Copies are cheap,
/// because most functions hand labels on as they are.
#[derive(Debug, Clone)]
pub(super) struct SeriesLabels<'a> {
    origin: Origin<'a>,
    is_nameless: bool,
}

#[derive(Debug, Clone)]
enum Origin<'a> {
    Stored(&'a Labels),
    Computed(Rc<Labels>),
}

/// A series and its value.
#[derive(Debug, Clone)]
pub(super) struct VectorSample<'a> {
    pub(super) series: SeriesLabels<'a>,
    pub(super) value: f64,
}

impl<'a> SeriesLabels<'a> {
    pub(super) fn stored(labels: &'a Labels) -> Self {
        Self { origin: Origin::Stored(labels), is_nameless: false }
    }

    pub(super) fn computed(labels: Labels) -> Self {
        Self { origin: Origin::Computed(Rc::new(labels)), is_nameless: false }
    }

    fn all(&self) -> &Labels {
        match &self.origin {
            Origin::Stored(labels) => labels,
            Origin::Computed(labels) => labels,
        }
    }

    /// The label's value; empty if there is no such label.
    pub(super) fn get(&self, label: &str) -> &str {
        if self.is_nameless && label == METRIC_NAME { "" } else { self.all().get(label) }
    }

    /// Names and values, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all().iter().filter(|(label, _)| !self.is_nameless || *label != METRIC_NAME)
    }

    pub(super) fn to_labels(&self) -> Labels {
        let mut labels = self.all().clone();
        if self.is_nameless {
            labels.set(METRIC_NAME, "");
        }
        labels
    }

    /// How many bytes of memory they take that were computed, without the text of what was there
    /// before.
    pub(super) fn overhead(&self) -> usize {
        match &self.origin {
            Origin::Stored(_) => 0,
            Origin::Computed(labels) => size_of::<(Arc<str>, Arc<str>)>() * labels.len(),
        }
    }

    /// How many bytes of memory they take that were computed, at most.
    pub(super) fn computed_bytes(&self) -> usize {
        match &self.origin {
            Origin::Stored(_) => 0,
            Origin::Computed(labels) => {
                let texts: usize = labels.iter().map(|(_, value)| value.len()).sum();
                self.overhead() + texts
            }
        }
    }

    /// The same without the name of the metric.
    pub(super) fn nameless(self) -> Self {
        Self { is_nameless: true, ..self }
    }

    /// The same with other labels.
    pub(super) fn changed(&self, change: impl FnOnce(&mut Labels)) -> Self {
        let mut labels = self.to_labels();
        change(&mut labels);
        Self::computed(labels)
    }
}

impl PartialEq for SeriesLabels<'_> {
    fn eq(&self, other: &Self) -> bool {
        let is_same =
            self.is_nameless == other.is_nameless && std::ptr::eq(self.all(), other.all());
        is_same || self.iter().eq(other.iter())
    }
}

impl Eq for SeriesLabels<'_> {}

impl Ord for SeriesLabels<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for SeriesLabels<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for SeriesLabels<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|label| label.hash(state));
    }
}

impl fmt::Display for SeriesLabels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_labels().fmt(f)
    }
}

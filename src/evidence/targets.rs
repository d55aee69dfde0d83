//! To which target a series belongs.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::storage::Labels;
use crate::target_health::TargetHealth;

/// Finds the target of a series: the one all of whose labels it has, and of several the one with
/// the most. There may be thousands.
pub(super) struct Finder<'a> {
    /// The names of their labels, the most first.
    kinds: Vec<Vec<&'a str>>,
    numbers: HashMap<&'a Labels, usize>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(targets: &'a [TargetHealth]) -> Self {
        let names = |labels: &'a Labels| labels.iter().map(|(name, _)| name).collect();
        let kinds: BTreeSet<Vec<_>> = targets.iter().map(|it| names(&it.target)).collect();
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|kind| Reverse(kind.len()));
        let numbers = targets.iter().enumerate().map(|(number, it)| (&it.target, number));
        Self { kinds, numbers: numbers.collect() }
    }

    /// The number of the target.
    pub(super) fn target(&self, series: &Labels) -> Option<usize> {
        self.kinds.iter().find_map(|kind| {
            let labels: Labels = kind.iter().map(|name| (*name, series.get(name))).collect();
            self.numbers.get(&labels).copied()
        })
    }
}

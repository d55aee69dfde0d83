//! To which target a series belongs.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::storage::Labels;
use crate::target_health::TargetHealth;

/// What a scrape says of itself, beside its page; Prometheus adds them.
const OF_SCRAPE: [&str; 9] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_sample_limit",
    "scrape_timeout_seconds",
    "scrape_body_size_bytes",
    "scrape_processes",
];

/// Whether the series is what a scrape of the target says of itself.
pub(super) fn is_of_scrape(series: &Labels, target: &Labels) -> bool {
    OF_SCRAPE.contains(&series.metric_name()) && series.len() == target.len() + 1
}

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

//! How a service could be scraped: a starved event loop fails to serve its page in time, and what a
//! failed scrape did not bring is missing from every answer.

use std::time::Duration;

use crate::model::quantity::{number, series};
use crate::storage::Labels;

/// A pause between scrapes this many times the usual one is a gap.
pub const GAP: f64 = 3.0;

/// How one target could be scraped.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetHealth {
    /// The target's labels: `instance`, `job`.
    pub target: Labels,
    /// How often it was tried.
    pub tried: usize,
    /// How often it failed.
    pub failed: usize,
    /// How long the slowest took, seconds.
    pub slowest_s: Option<f64>,
    /// The usual time from one to the next, seconds.
    pub interval_s: Option<f64>,
    /// The longest time without any scrape under way while there were any, seconds.
    pub longest_pause_s: f64,
    /// How long before the last scrape of all its own last one was, seconds, where that is longer
    /// than a gap.
    pub ended_s: Option<f64>,
}

/// What tells a target where nothing else does.
pub fn instance_and_job(labels: &Labels) -> Labels {
    let named = ["instance", "job"].map(|name| (name, labels.get(name)));
    named.into_iter().collect()
}

impl TargetHealth {
    /// What is missing of the telemetry by the usual rules, if anything is.
    pub fn missing(&self) -> Option<String> {
        self.failed_scrapes().or_else(|| self.gap(None)).or_else(|| self.gone())
    }

    /// That scrapes failed, if any did.
    pub fn failed_scrapes(&self) -> Option<String> {
        let target = series(&self.target);
        let words = || format!("{} of {} scrapes failed{target}", self.failed, self.tried);
        (self.failed > 0).then(words)
    }

    /// That it ended before the others did, if so.
    pub fn gone(&self) -> Option<String> {
        let (ended, target) = (number(self.ended_s?), series(&self.target));
        Some(format!("there was nothing of it for the last {ended} s{target}"))
    }

    /// That there was too long a pause between scrapes, if there was; three usual intervals may
    /// pass unless `longest` says otherwise.
    pub fn gap(&self, longest: Option<Duration>) -> Option<String> {
        let (pause, target) = (number(self.longest_pause_s), series(&self.target));
        if let Some(longest) = longest.map(|it| it.as_secs_f64()) {
            let words = || {
                format!(
                    "there was no scrape for {pause} s, where {} s may pass{target}",
                    number(longest)
                )
            };
            return (self.longest_pause_s > longest).then(words);
        }
        let usual = self.interval_s.filter(|usual| self.longest_pause_s > GAP * usual)?;
        let usual = number(usual);
        Some(format!("there was no scrape for {pause} s, where {usual} s are usual{target}"))
    }
}

//! How a service could be scraped: a starved event loop fails to serve its page in time, and what a
//! failed scrape did not bring is missing from every answer.

use crate::model::quantity::{number, series};
use crate::storage::Labels;

/// A pause between scrapes this many times the usual one is a gap.
const GAP: f64 = 3.0;
/// A pause that is shorter than this is none, in seconds: where a load is over at once, its scrapes
/// are so close that the pauses between them are those of threads.
const SHORTEST_GAP: f64 = 0.15;

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
    /// The longest time without any scrape under way, seconds.
    pub longest_pause_s: f64,
}

impl TargetHealth {
    /// What is missing of the telemetry, if anything is.
    pub fn missing(&self) -> Option<String> {
        let target = series(&self.target);
        if self.failed > 0 {
            return Some(format!("{} of {} scrapes failed{target}", self.failed, self.tried));
        }
        let usual = self
            .interval_s
            .filter(|usual| self.longest_pause_s > (GAP * usual).max(SHORTEST_GAP))?;
        let (pause, usual) = (number(self.longest_pause_s), number(usual));
        Some(format!("there was no scrape for {pause} s, where {usual} s are usual{target}"))
    }
}

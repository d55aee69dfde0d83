//! How a service could be scraped: a starved event loop fails to serve its page in time, and what a
//! failed scrape did not bring is missing from every answer.

use std::time::Duration;

use crate::model::blame::JOB as PROBE_JOB;
use crate::model::quantity::{number, series};
use crate::storage::Labels;

/// A pause between scrapes this many times the usual one is a gap.
const GAP: f64 = 3.0;
/// A pause up to this is none, seconds: a busy runner holds up whoever scrapes many times a second.
const SHORTEST_GAP: f64 = 1.0;

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
        let (failed, tried) = (self.failed, self.tried);
        let words = || match self.target.get("job") {
            PROBE_JOB => {
                format!("requests of the probe failed in {failed} of {tried} samples{target}")
            }
            _ => format!("{failed} of {tried} scrapes failed{target}"),
        };
        (self.failed > 0).then(words)
    }

    /// That it ended before the others did, if so.
    pub fn gone(&self) -> Option<String> {
        let (ended, target) = (number(self.ended_s?), series(&self.target));
        Some(format!("there was nothing of it for the last {ended} s{target}"))
    }

    /// That there was too long a pause between scrapes, if there was; three usual intervals, and a
    /// second at least, may pass unless `longest` says otherwise.
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
        let usual = self.interval_s.filter(|usual| is_gap(self.longest_pause_s, *usual))?;
        let usual = number(usual);
        Some(format!("there was no scrape for {pause} s, where {usual} s are usual{target}"))
    }
}

/// Whether a pause is too long where another one is usual, both in seconds.
pub fn is_gap(pause: f64, usual: f64) -> bool {
    pause > longest_pause(usual, None)
}

/// The longest pause that is none to be told, where another one is usual, in seconds; as configured,
/// if it is.
pub fn longest_pause(usual: f64, configured: Option<Duration>) -> f64 {
    configured.map_or((GAP * usual).max(SHORTEST_GAP), |it| it.as_secs_f64())
}

/// The median of the intervals between instants in order, milliseconds.
pub fn usual_interval(instants: &[i64]) -> Option<i64> {
    let mut intervals: Vec<_> =
        instants.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let middle = intervals.len() / 2;
    (!intervals.is_empty()).then(|| *intervals.select_nth_unstable(middle).1)
}

/// How long a page may take, in seconds, if it is to show that no loop is held up: no longer than
/// the limit of lag. A page that is slow by nature is measured by itself: it may take twice as long
/// as the `fastest` one.
pub fn good_time(lag_limit: f64, fastest: Option<f64>) -> f64 {
    fastest.map_or(lag_limit, |fastest| lag_limit.max(2.0 * fastest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_three_usual_pauses_and_more_than_a_second() {
        for (usual, pause, is_gap) in [
            (1.0, 2.99, false),
            (1.0, 3.01, true),
            (0.05, 0.99, false),
            (0.05, 1.01, true),
            (0.002, 0.99, false),
            (0.002, 1.01, true),
        ] {
            let health = TargetHealth {
                target: Labels::default(),
                tried: 3,
                failed: 0,
                slowest_s: None,
                interval_s: Some(usual),
                longest_pause_s: pause,
                ended_s: None,
            };
            assert_eq!(health.gap(None).is_some(), is_gap, "{pause} of {usual}");
        }
    }

    #[test]
    fn a_page_is_measured_by_the_limit_of_lag_or_by_itself_if_it_is_slow() {
        for (fastest, expected) in
            [(None, 0.5), (Some(0.01), 0.5), (Some(0.25), 0.5), (Some(0.3), 0.6), (Some(0.6), 1.2)]
        {
            assert_eq!(good_time(0.5, fastest), expected, "{fastest:?}");
        }
        assert_eq!(good_time(f64::INFINITY, Some(3.0)), f64::INFINITY);
    }
}

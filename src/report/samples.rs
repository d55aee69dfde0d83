//! Several audits of one run, and what their outcomes come to.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ordered, Report, SignalEntry, StateName};
use crate::breaker::Settings;
use crate::breaker::conclusion::Conclusion;
use crate::engine::Verdict;
use crate::model::level::Status;

/// The audits of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SamplesReport {
    /// How many audits were asked for.
    pub count: u32,
    /// From the start of one to the start of the next, seconds.
    pub interval_s: f64,
    /// How many passed or failed.
    pub conclusive: usize,
    /// How many failed.
    pub failing: usize,
    /// Those that were carried out, in their order.
    pub audits: Vec<SampleEntry>,
    /// Of each signal that there is a query for, how far its values are apart.
    pub signals: Ordered<SpreadEntry>,
    /// What failures in a row come to.
    pub breaker: BreakerEntry,
}

/// One audit of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampleEntry {
    /// Its evaluation instant, RFC 3339.
    pub evaluated_at: String,
    /// Its own verdict.
    pub verdict: Verdict,
    /// Status of the runtime.
    pub status: Status,
    /// The score, 2 decimals, or the least that it can be; `null` if no signal of it is known at all.
    pub score: Option<f64>,
    /// Why that is its verdict.
    pub reason: String,
}

/// How far the values of a signal are apart, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpreadEntry {
    /// In how many audits it is known, and not only a lower bound of it.
    pub known: usize,
    /// The median of the known values, of an even number the mean of the two in the middle; `null` if
    /// none is known.
    pub median: Option<f64>,
    /// The greatest of the values and the lower bounds.
    pub worst: Option<f64>,
    /// The least of the known values.
    pub least: Option<f64>,
    /// The difference of the two.
    pub spread: Option<f64>,
    /// Whether an audit has no more than a lower bound, so that `worst` and `spread` may be greater.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_lower_bound: bool,
}

/// The circuit breaker after the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakerEntry {
    /// So many failures in a row trip it.
    pub failure_threshold: u32,
    /// For so many further audits it stays open once it has tripped.
    pub cooldown: u32,
    /// Failures since the last pass; with `--state`, those of earlier runs included.
    pub consecutive_failures: u32,
    /// For how many further audits it stays open.
    pub cooldown_remaining: u32,
    /// Whether it was open for the last audit with a verdict.
    pub is_open: bool,
    /// After how many further audits it may close; 0 where it is closed.
    pub retry_after: u32,
    /// Whether an audit of this run tripped it.
    pub tripped: bool,
}

impl SamplesReport {
    /// What is told of `audits`, of `count` that were asked for, so far apart.
    pub fn new(
        (count, interval): (u32, Duration),
        audits: &[Report],
        settings: Settings,
        conclusion: &Conclusion,
    ) -> Self {
        let last = conclusion.last.map(|it| it.decision);
        Self {
            count,
            interval_s: interval.as_secs_f64(),
            conclusive: conclusion.conclusive,
            failing: conclusion.failing,
            audits: audits.iter().map(Into::into).collect(),
            signals: spreads(audits),
            breaker: BreakerEntry {
                failure_threshold: settings.failure_threshold.get(),
                cooldown: settings.cooldown,
                consecutive_failures: conclusion.counters.consecutive_failures,
                cooldown_remaining: conclusion.counters.cooldown_remaining,
                is_open: last.is_some_and(|it| it.is_open),
                retry_after: last.map_or(0, |it| it.retry_after),
                tripped: conclusion.tripped,
            },
        }
    }
}

impl From<&Report> for SampleEntry {
    fn from(audit: &Report) -> Self {
        Self {
            evaluated_at: audit.evaluated_at.clone(),
            verdict: audit.verdict,
            status: audit.status,
            score: audit.runtime_health_score,
            reason: audit.verdict_reason.clone(),
        }
    }
}

fn spreads(audits: &[Report]) -> Ordered<SpreadEntry> {
    let Some(first) = audits.first() else { return Ordered(Vec::new()) };
    let asked = first.signals.0.iter().filter(|(_, it)| it.state != StateName::NotConfigured);
    let spread = |key: &str| {
        let entries = audits.iter().filter_map(|audit| audit.signals.get(key));
        let (bounds, known): (Vec<_>, Vec<_>) = entries.partition(|it| it.is_lower_bound);
        let values = |of: Vec<&SignalEntry>| of.iter().filter_map(|it| it.value).collect();
        SpreadEntry::of(values(known), values(bounds))
    };
    Ordered(asked.map(|(key, _)| (key.clone(), spread(key))).collect())
}

impl SpreadEntry {
    /// Of known values, and of lower bounds of those that are not known.
    fn of(mut values: Vec<f64>, bounds: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let least = values.first().copied();
        let worst = values.last().into_iter().chain(&bounds).copied().max_by(f64::total_cmp);
        let middle = values.len() / 2;
        let upper = values.get(middle).copied();
        let median = match values.len() % 2 {
            1 => upper,
            // Halved before they are added, so that the sum cannot be infinite.
            _ => upper
                .zip(middle.checked_sub(1).and_then(|it| values.get(it)))
                .map(|(upper, lower)| lower / 2.0 + upper / 2.0),
        };
        let spread = worst.zip(least).map(|(worst, least)| (worst - least).clamp(0.0, f64::MAX));
        let is_lower_bound = !bounds.is_empty();
        Self { known: values.len(), median, worst, least, spread, is_lower_bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_summed_up_by_their_middle_and_their_ends() {
        for (values, median, worst, least, spread) in [
            (&[][..], None, None, None, None),
            (&[3.0], Some(3.0), Some(3.0), Some(3.0), Some(0.0)),
            (&[4.0, 1.0], Some(2.5), Some(4.0), Some(1.0), Some(3.0)),
            (&[9.0, 1.0, 2.0], Some(2.0), Some(9.0), Some(1.0), Some(8.0)),
            (&[7.0, 1.0, 5.0, 3.0], Some(4.0), Some(7.0), Some(1.0), Some(6.0)),
            (&[f64::MAX, f64::MAX], Some(f64::MAX), Some(f64::MAX), Some(f64::MAX), Some(0.0)),
        ] {
            let known = values.len();
            let is_lower_bound = false;
            let expected = SpreadEntry { known, median, worst, least, spread, is_lower_bound };
            assert_eq!(SpreadEntry::of(values.to_vec(), Vec::new()), expected, "{values:?}");
        }
    }

    /// What is at least so much may be the worst of all, whichever bound it has.
    #[test]
    fn a_lower_bound_counts_for_the_worst_and_for_nothing_else() {
        for (values, bounds, median, worst, least, spread) in [
            (&[1.0, 2.0][..], &[9.0][..], Some(1.5), Some(9.0), Some(1.0), Some(8.0)),
            (&[1.0, 9.0], &[2.0, 0.5], Some(5.0), Some(9.0), Some(1.0), Some(8.0)),
            (&[4.0], &[3.0], Some(4.0), Some(4.0), Some(4.0), Some(0.0)),
            (&[], &[3.0, 5.0], None, Some(5.0), None, None),
        ] {
            let (known, is_lower_bound) = (values.len(), true);
            let expected = SpreadEntry { known, median, worst, least, spread, is_lower_bound };
            let found = SpreadEntry::of(values.to_vec(), bounds.to_vec());
            assert_eq!(found, expected, "{values:?} {bounds:?}");
        }
    }
}

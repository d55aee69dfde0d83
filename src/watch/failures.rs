//! What failed over a time, from the history of a service.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Entry;
use crate::engine::Verdict;
use crate::model::evidence::Rule;
use crate::model::level::Status;

/// Of each kind so many names are listed, the most frequent ones.
const MOST_NAMES: usize = 20;
/// Fewer scores than this have no trend.
const FEWEST_SCORES: usize = 3;
/// Of less time than this, in hours, a slope per hour says nothing.
const LEAST_HOURS: f64 = 1.0;

/// What failed of a service over a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailureReport {
    /// The service.
    pub service: String,
    /// What it comes to.
    pub status: Outcome,
    /// How far back it looks.
    pub period_hours: u32,
    /// The audits of this time, by their verdict.
    pub audits: Audits,
    /// How many of them failed.
    pub failing_audits: usize,
    /// When the first of these ended, RFC 3339.
    pub first_seen: Option<String>,
    /// When the last of them ended, RFC 3339.
    pub last_seen: Option<String>,
    /// The newest audit of this time.
    pub current: Option<Current>,
    /// The failure modes that were proven, the most frequent first; as all that follows, of every audit of
    /// this time.
    pub modes: Vec<Frequency>,
    /// The checks with a finding.
    pub checks: Vec<Frequency>,
    /// The rules of evidence that fell short.
    pub shortfalls: Vec<Frequency>,
    /// The places that held the loop.
    pub culprits: Vec<Frequency>,
    /// Where the score goes; `None` with fewer than three that are known whole.
    pub trend: Option<Trend>,
}

/// What the audits of a time come to. What was not seen is not calm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one failed.
    Failing,
    /// None failed, and at least one passed; the word is the original's.
    NoRejections,
    /// None failed, and none passed.
    NoVerdict,
    /// There was none.
    NoAudits,
}

/// How many audits ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Audits {
    /// All of them.
    pub total: usize,
    /// Those that passed.
    pub pass: usize,
    /// Those that failed.
    pub fail: usize,
    /// Those whose command failed.
    pub command_failed: usize,
    /// Those without a gate, of which something stands against the service.
    pub not_gated: usize,
    /// Those of which not enough was seen.
    pub inconclusive: usize,
    /// Those that could not be carried out.
    pub error: usize,
    /// Those that were interrupted.
    pub interrupted: usize,
}

/// How the service is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Current {
    /// When the audit ended, RFC 3339.
    pub at: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its status.
    pub status: Status,
    /// Its score.
    pub score: Option<f64>,
    /// Why it ended so.
    pub reason: Arc<str>,
}

/// How often a name was there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frequency {
    /// The name.
    pub name: Arc<str>,
    /// In how many audits.
    pub count: usize,
    /// In which part of all audits of the time, 0 to 1, 3 decimals.
    pub share: f64,
}

/// The line through the scores, by least squares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trend {
    /// By how much the score rises in an hour, 3 decimals; below 0 it becomes better.
    pub score_per_hour: f64,
    /// How many scores it is of.
    pub scores: usize,
}

impl FailureReport {
    /// Takes note that nothing is known of now: what an earlier audit saw is not how the service is.
    pub fn is_unseen(&mut self) {
        self.current = None;
        if self.status == Outcome::NoRejections {
            self.status = Outcome::NoVerdict;
        }
    }
}

/// Sums up the audits of the last hours; the entries are the oldest first.
pub fn report(service: &str, entries: &[Entry], hours: u32, now: Timestamp) -> FailureReport {
    let from = now.checked_sub(SignedDuration::from_hours(hours.into())).unwrap_or(Timestamp::MIN);
    let start = entries.partition_point(|entry| entry.at < from);
    let entries = entries.get(start..).unwrap_or_default();
    let audits = counted(entries);
    let failing: Vec<_> = entries.iter().filter(|entry| entry.has_failed()).collect();
    let time = |entry: Option<&&Entry>| entry.map(|entry| entry.at.to_string());
    let (shortfalls, checks) = frequencies(entries, |entry| &entry.broken)
        .into_iter()
        .partition(|it| Rule::from_key(&it.name).is_some());
    FailureReport {
        service: service.to_owned(),
        status: match audits {
            _ if !failing.is_empty() => Outcome::Failing,
            Audits { total: 0, .. } => Outcome::NoAudits,
            Audits { pass: 0, .. } => Outcome::NoVerdict,
            _ => Outcome::NoRejections,
        },
        period_hours: hours,
        audits,
        failing_audits: failing.len(),
        first_seen: time(failing.first()),
        last_seen: time(failing.last()),
        current: entries.last().map(Into::into),
        modes: most(frequencies(entries, |entry| &entry.modes)),
        checks: most(checks),
        shortfalls: most(shortfalls),
        culprits: most(frequencies(entries, |entry| &entry.culprits)),
        trend: trend(entries),
    }
}

impl From<&Entry> for Current {
    fn from(entry: &Entry) -> Self {
        Self {
            at: entry.at.to_string(),
            verdict: entry.verdict,
            status: entry.status,
            score: entry.score,
            reason: Arc::clone(&entry.reason),
        }
    }
}

fn counted(entries: &[Entry]) -> Audits {
    let mut audits = Audits { total: entries.len(), ..Audits::default() };
    for entry in entries {
        *match entry.verdict {
            Verdict::Pass => &mut audits.pass,
            Verdict::Fail => &mut audits.fail,
            Verdict::CommandFailed => &mut audits.command_failed,
            Verdict::NotGated => &mut audits.not_gated,
            Verdict::Inconclusive => &mut audits.inconclusive,
            Verdict::Error => &mut audits.error,
            Verdict::Interrupted => &mut audits.interrupted,
        } += 1;
    }
    audits
}

/// In how many audits each name is, the most frequent first.
fn frequencies(entries: &[Entry], names: fn(&Entry) -> &Arc<[Arc<str>]>) -> Vec<Frequency> {
    let mut counts: HashMap<&Arc<str>, usize> = HashMap::new();
    for name in entries.iter().flat_map(|entry| names(entry).iter()) {
        *counts.entry(name).or_default() += 1;
    }
    let frequency = |(name, count): (&Arc<str>, usize)| {
        let share = thousandths(count as f64 / entries.len() as f64);
        Frequency { name: Arc::clone(name), count, share }
    };
    let mut all: Vec<_> = counts.into_iter().map(frequency).collect();
    all.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
    all
}

fn most(mut all: Vec<Frequency>) -> Vec<Frequency> {
    all.truncate(MOST_NAMES);
    all
}

/// The slope of the line that is nearest to the scores that are known whole: the sum of the products of
/// how far each is from the mean time and the mean score, over that of the squares of the former.
fn trend(entries: &[Entry]) -> Option<Trend> {
    let known = entries.iter().filter(|entry| !entry.score_is_lower_bound);
    let first = entries.first()?.at;
    let hours = |at: Timestamp| at.duration_since(first).as_secs_f64() / 3600.0;
    let points = known.filter_map(|it| Some((hours(it.at), it.score?)));
    let points: Vec<_> = points.filter(|(_, score)| score.is_finite()).collect();
    let is_short = match (points.first(), points.last()) {
        (Some((first, _)), Some((last, _))) => last - first < LEAST_HOURS,
        _ => true,
    };
    if points.len() < FEWEST_SCORES || is_short {
        return None;
    }
    let mean =
        |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (time, score) = (mean(|it| it.0), mean(|it| it.1));
    let products = points.iter().map(|it| (it.0 - time) * (it.1 - score)).sum::<f64>();
    let squares = points.iter().map(|it| (it.0 - time).powi(2)).sum::<f64>();
    let slope = thousandths(products / squares);
    slope.is_finite().then_some(Trend { score_per_hour: slope, scores: points.len() })
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;

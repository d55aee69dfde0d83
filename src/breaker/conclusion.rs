//! What the audits of a run come to: its verdict, why, and which of them decided.

use jiff::Timestamp;

use super::{Breaker, Counters, Outcome, Settings, Step};
use crate::engine::Verdict;

/// What counts of an audit.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// Its own verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Its score, or the least that it can be; `None` where nothing was measured.
    pub score: Option<f64>,
}

/// What else is known of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances<'a> {
    /// Whether there is a gate.
    pub is_gated: bool,
    /// That the run was interrupted, in words, if it was.
    pub interruption: Option<&'a str>,
    /// Where the counters are kept from run to run, if they are.
    pub kept: Option<KeptIn<'a>>,
}

/// The file of the counters, as the run found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptIn<'a> {
    /// Its path, on one line.
    pub file: &'a str,
    /// When an earlier run tripped the breaker, if that is known.
    pub tripped_at: Option<Timestamp>,
}

/// What a run comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// The verdict of the run.
    pub verdict: Verdict,
    /// Why, in one sentence without a full stop.
    pub reason: String,
    /// The number of the audit that decided.
    pub decided_by: usize,
    /// What the breaker remembers from now on.
    pub counters: Counters,
    /// The last audit with a verdict, as the breaker took it; `None` where none has one.
    pub last: Option<Step>,
    /// Whether one of the audits tripped the breaker.
    pub tripped: bool,
    /// How many have a verdict.
    pub conclusive: usize,
    /// How many failed.
    pub failing: usize,
}

/// Concludes from `audits`, in their order, with a breaker that remembers `counters`.
pub fn conclude(
    audits: &[Audited],
    settings: Settings,
    counters: Counters,
    circumstances: Circumstances<'_>,
) -> Conclusion {
    let mut breaker = Breaker { settings, counters };
    let taken: Vec<_> = audits
        .iter()
        .enumerate()
        .map(|(number, audit)| {
            let outcome = Outcome::from(audit.verdict);
            Taken { number, audit, outcome, step: breaker.step(outcome) }
        })
        .collect();
    let run = Run { taken: &taken, settings, circumstances };
    let (verdict, reason, decided_by) = run.verdict();
    Conclusion {
        verdict,
        reason,
        decided_by,
        counters: breaker.counters,
        last: taken.iter().rfind(|it| it.is_conclusive()).map(|it| it.step),
        tripped: taken.iter().any(|it| it.step.tripped),
        conclusive: run.count(|it| it.is_conclusive()),
        failing: run.count(|it| it.outcome == Outcome::Failed),
    }
}

/// An audit, and what the breaker made of it.
struct Taken<'a> {
    number: usize,
    audit: &'a Audited,
    outcome: Outcome,
    step: Step,
}

impl Taken<'_> {
    fn is_conclusive(&self) -> bool {
        self.outcome != Outcome::Inconclusive
    }

    /// Orders by how much stands against the service.
    fn weight(&self) -> (Verdict, f64) {
        (self.audit.verdict, self.audit.score.unwrap_or(f64::NEG_INFINITY))
    }
}

/// How a breaker is closed by hand; the file follows.
const RESET: &str = "to reset it, delete";

struct Run<'a> {
    taken: &'a [Taken<'a>],
    settings: Settings,
    circumstances: Circumstances<'a>,
}

impl<'a> Run<'a> {
    fn count(&self, is_so: impl Fn(&Taken<'a>) -> bool) -> usize {
        self.taken.iter().filter(|it| is_so(it)).count()
    }

    /// The first of the gravest for which that is so.
    fn gravest(&self, is_so: impl Fn(&Taken<'a>) -> bool) -> Option<&'a Taken<'a>> {
        let found = self.taken.iter().filter(|it| is_so(it)).rev();
        // Of equals `max_by` takes the last.
        found.max_by(|one, other| {
            let ((one, lower), (other, higher)) = (one.weight(), other.weight());
            one.cmp(&other).then(lower.total_cmp(&higher))
        })
    }

    /// The verdict, why, and the number of the audit that decided.
    fn verdict(&self) -> (Verdict, String, usize) {
        let Circumstances { is_gated, interruption, kept } = self.circumstances;
        if let Some(tripped) = self.taken.iter().find(|it| it.step.tripped) {
            let (count, why) = (tripped.step.consecutive_failures, &tripped.audit.reason);
            let limit = self.settings.failure_threshold;
            let failed = match count {
                1 => "a sample failed".to_owned(),
                count => format!("{count} consecutive samples failed"),
            };
            // Without a file nothing holds the next run back.
            let kept = kept.filter(|_| self.left() > 0);
            let open = kept.map(|it| {
                let KeptIn { file, .. } = it;
                format!(", and {} ({RESET} {file})", self.still_open())
            });
            let open = open.unwrap_or_default();
            return (
                Verdict::Fail,
                format!("{failed}, the limit is {limit}{open}: {why}"),
                tripped.number,
            );
        }
        if self.taken.iter().any(|it| it.step.decision.is_open) {
            let state = kept.filter(|_| self.left() > 0).map(|KeptIn { file, tripped_at }| {
                let since = tripped_at.map(|it| format!("it tripped at {it}; "));
                format!(" ({}{RESET} {file})", since.unwrap_or_default())
            });
            let open = self.still_open() + &state.unwrap_or_default();
            let (why, number) = told(self.gravest(Taken::is_conclusive));
            return (Verdict::Fail, format!("{open}, because of earlier failures: {why}"), number);
        }
        let passed = self.gravest(|it| it.outcome == Outcome::Passed);
        let shown = passed.or_else(|| self.gravest(Taken::is_conclusive));
        let shown = shown.or_else(|| self.gravest(|_| true));
        let (why, number) = told(shown);
        if let Some(words) = interruption {
            return (Verdict::Interrupted, format!("{words}; {}", self.summary()), number);
        }
        if self.count(Taken::is_conclusive) == 0 {
            let gravest = shown.map_or(Verdict::Error, |it| it.audit.verdict);
            let reason = match self.taken.len() {
                1 => why.to_owned(),
                count => format!("none of {count} samples has a verdict: {why}"),
            };
            return (gravest, reason, number);
        }
        let is_calm = self.taken.iter().all(|it| it.audit.verdict == Verdict::Pass);
        let verdict = if is_gated || is_calm { Verdict::Pass } else { Verdict::NotGated };
        let reason = match (self.taken.len(), shown.map(|it| it.outcome)) {
            (1, Some(Outcome::Passed)) => why.to_owned(),
            _ => format!("{}: {why}", self.summary()),
        };
        (verdict, reason, number)
    }

    /// For how many further audits the breaker is open.
    fn left(&self) -> u32 {
        let last = self.taken.iter().rfind(|it| it.is_conclusive());
        last.map_or(0, |it| it.step.decision.retry_after)
    }

    fn still_open(&self) -> String {
        match self.left() {
            0 => "the breaker was open up to this audit".to_owned(),
            1 => "the breaker is open for 1 further audit".to_owned(),
            left => format!("the breaker is open for {left} further audits"),
        }
    }

    /// How many failed, and how many have no verdict.
    fn summary(&self) -> String {
        let all = self.taken.len();
        let limit = self.settings.failure_threshold;
        let plural = if all == 1 { "" } else { "s" };
        let failed = match self.count(|it| it.outcome == Outcome::Failed) {
            0 => format!("none of {all} sample{plural} failed"),
            failed => {
                format!("{failed} of {all} sample{plural} failed, the limit is {limit} in a row")
            }
        };
        match self.count(|it| !it.is_conclusive()) {
            0 => failed,
            1 => format!("{failed}, and 1 has no verdict"),
            count => format!("{failed}, and {count} have no verdict"),
        }
    }
}

fn told<'a>(taken: Option<&'a Taken<'a>>) -> (&'a str, usize) {
    taken.map_or(("there was no audit", 0), |it| (&*it.audit.reason, it.number))
}

#[cfg(test)]
mod tests;

//! The circuit breaker: what the outcomes of several audits come to. One failure may be a flake;
//! so many in a row trip the breaker, and it then stays open for some further audits.
//!
//! Pure: it knows neither reports nor files, but for [`state`], which keeps its counters.

pub mod conclusion;
pub mod state;

use std::num::NonZeroU32;

use crate::engine::Verdict;

/// When the breaker trips, and for how long it stays open then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// So many failures in a row trip it.
    pub failure_threshold: NonZeroU32,
    /// For so many further audits it stays open once it has tripped.
    pub cooldown: u32,
}

/// What an audit says of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that fails it was found.
    Passed,
    /// Something that fails it is proven.
    Failed,
    /// It has no verdict: it counts neither way, and uses up no cooldown.
    Inconclusive,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass | Verdict::NotGated => Self::Passed,
            Verdict::Fail | Verdict::CommandFailed => Self::Failed,
            Verdict::Inconclusive | Verdict::Interrupted | Verdict::Error => Self::Inconclusive,
        }
    }
}

/// What the breaker remembers from one audit to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Failures since the last pass.
    pub consecutive_failures: u32,
    /// For how many further audits it stays open.
    pub cooldown_remaining: u32,
}

/// Whether the breaker is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is open, so that nothing may pass.
    pub is_open: bool,
    /// After how many further audits it may close; 0 where it is closed.
    pub retry_after: u32,
}

/// A number that no breaker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// There cannot be fewer than no failures.
    #[error("consecutive_failures is {0}; it has to be 0 or more")]
    Failures(i64),
    /// Without a failure there is nothing to trip it.
    #[error("failure_threshold is {0}; it has to be 1 or more")]
    Threshold(i64),
    /// It cannot be open for fewer than no audits.
    #[error("cooldown_remaining is {0}; it has to be 0 or more")]
    Cooldown(i64),
}

/// Whether a breaker with these numbers is open, as `evaluate_circuit_breaker` of cloudcircuit 0.1.0
/// decides: `open = failures >= threshold or cooldown > 0`.
///
/// # Errors
/// A number that no breaker has.
pub fn evaluate(
    consecutive_failures: i64,
    failure_threshold: i64,
    cooldown_remaining: i64,
) -> Result<Decision, Invalid> {
    if failure_threshold < 1 {
        return Err(Invalid::Threshold(failure_threshold));
    }
    let counters = Counters::new(consecutive_failures, cooldown_remaining)?;
    let failure_threshold = NonZeroU32::new(saturated(failure_threshold));
    let failure_threshold = failure_threshold.ok_or(Invalid::Threshold(0))?;
    Ok(counters.decide(failure_threshold))
}

impl Counters {
    /// Counters that were kept somewhere; what is beyond 32 bits is as good as the most of them.
    ///
    /// # Errors
    /// A number that is below 0.
    pub fn new(consecutive_failures: i64, cooldown_remaining: i64) -> Result<Self, Invalid> {
        if consecutive_failures < 0 {
            return Err(Invalid::Failures(consecutive_failures));
        }
        if cooldown_remaining < 0 {
            return Err(Invalid::Cooldown(cooldown_remaining));
        }
        Ok(Self {
            consecutive_failures: saturated(consecutive_failures),
            cooldown_remaining: saturated(cooldown_remaining),
        })
    }

    fn decide(self, failure_threshold: NonZeroU32) -> Decision {
        let has_tripped = self.consecutive_failures >= failure_threshold.get();
        let is_open = has_tripped || self.cooldown_remaining > 0;
        let retry_after = if is_open { self.cooldown_remaining } else { 0 };
        Decision { is_open, retry_after }
    }
}

fn saturated(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What one audit did to the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Whether the breaker was open for this audit, which then fails; after how many further ones
    /// it may close.
    pub decision: Decision,
    /// Whether this audit tripped it, be it that it was open already.
    pub tripped: bool,
    /// Failures in a row, this one included.
    pub consecutive_failures: u32,
}

/// A breaker over the outcomes of audits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// When it trips.
    pub settings: Settings,
    /// What it remembers.
    pub counters: Counters,
}

impl Breaker {
    /// Takes note of an audit. One without a verdict leaves everything as it is, and finds no open
    /// breaker either: there is nothing to hold back.
    pub fn step(&mut self, outcome: Outcome) -> Step {
        let (failure_threshold, counters) = (self.settings.failure_threshold, &mut self.counters);
        let mut tripped = false;
        let mut decision = Decision { is_open: false, retry_after: 0 };
        match outcome {
            Outcome::Inconclusive => {}
            Outcome::Passed | Outcome::Failed => {
                let failures = counters.consecutive_failures.saturating_add(1);
                counters.consecutive_failures =
                    if outcome == Outcome::Failed { failures } else { 0 };
                decision = counters.decide(failure_threshold);
                tripped = counters.consecutive_failures >= failure_threshold.get();
                counters.cooldown_remaining = match tripped {
                    true => self.settings.cooldown,
                    false => counters.cooldown_remaining.saturating_sub(1),
                };
                decision.retry_after =
                    if decision.is_open { counters.cooldown_remaining } else { 0 };
            }
        }
        let consecutive_failures = counters.consecutive_failures;
        Step { decision, tripped, consecutive_failures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(failure_threshold: u32, cooldown: u32) -> Breaker {
        let failure_threshold = NonZeroU32::new(failure_threshold).unwrap();
        Breaker {
            settings: Settings { failure_threshold, cooldown },
            counters: Counters::default(),
        }
    }

    /// The audits as letters, passed, failed and inconclusive; and of each whether the breaker is open
    /// for it (`T` where it trips, `o`, or `-`), with the audits that are left until it may close.
    #[test]
    fn what_each_audit_of_a_sequence_finds() {
        for (threshold, cooldown, outcomes, expected) in [
            (1, 0, "PPP", "-0 -0 -0"),
            (1, 0, "FPF", "T0 -0 T0"),
            (2, 0, "FPF", "-0 -0 -0"),
            (2, 0, "FFPF", "-0 T0 -0 -0"),
            (2, 0, "FFFP", "-0 T0 T0 -0"),
            (3, 0, "FFPFF", "-0 -0 -0 -0 -0"),
            (2, 2, "FFPPP", "-0 T2 o1 o0 -0"),
            (2, 2, "FFPFP", "-0 T2 o1 o0 -0"),
            (2, 2, "FFPFFP", "-0 T2 o1 o0 T2 o1"),
            (1, 3, "FPPFPPPP", "T3 o2 o1 T3 o2 o1 o0 -0"),
            (2, 1, "FIF", "-0 -0 T1"),
            (2, 1, "FFIIP", "-0 T1 -0 -0 o0"),
            (2, 1, "FFIPP", "-0 T1 -0 o0 -0"),
            (2, 1, "III", "-0 -0 -0"),
            (1, u32::MAX, "FP", "T4294967295 o4294967294"),
        ] {
            let mut breaker = breaker(threshold, cooldown);
            let steps = outcomes.chars().map(|outcome| {
                let step = breaker.step(match outcome {
                    'P' => Outcome::Passed,
                    'F' => Outcome::Failed,
                    _ => Outcome::Inconclusive,
                });
                let open = match (step.tripped, step.decision.is_open) {
                    (true, true) => 'T',
                    (false, true) => 'o',
                    (false, false) => '-',
                    (true, false) => panic!("it tripped, and is closed"),
                };
                format!("{open}{}", step.decision.retry_after)
            });
            let found = steps.collect::<Vec<_>>().join(" ");
            assert_eq!(found, expected, "{outcomes} with {threshold} and {cooldown}");
        }
    }

    #[test]
    fn what_was_kept_goes_on() {
        for (failures, remaining, outcome, open, after) in [
            (1, 0, Outcome::Failed, true, (2, 1)),
            (1, 0, Outcome::Passed, false, (0, 0)),
            (1, 2, Outcome::Inconclusive, false, (1, 2)),
            (0, 2, Outcome::Passed, true, (0, 1)),
            // Tripped by then: what comes next decides, not what was.
            (7, 0, Outcome::Passed, false, (0, 0)),
            (u32::MAX, 0, Outcome::Failed, true, (u32::MAX, 1)),
        ] {
            let mut breaker = breaker(2, 1);
            breaker.counters =
                Counters { consecutive_failures: failures, cooldown_remaining: remaining };
            let step = breaker.step(outcome);
            let counters = breaker.counters;
            let left = (counters.consecutive_failures, counters.cooldown_remaining);
            assert_eq!((step.decision.is_open, left), (open, after), "{failures} {remaining}");
        }
    }
}

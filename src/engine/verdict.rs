//! The verdict: whether the service may ship, and why.

use super::Circumstances;
use super::score::Score;
use crate::judgement::{Level, Status, Thresholds};
use crate::quantity::{number, number_beside};

/// The answer of an audit, the worst that is proven first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The gate's level is reached.
    Fail,
    /// The command that ran meanwhile failed.
    CommandFailed,
    /// The audit could not be carried out.
    Error,
    /// Signals are missing, so that the gate's level may or may not be reached.
    Inconclusive,
    /// Nothing stands against it: the gate's level is not reached, or the status is healthy.
    Pass,
    /// The status is not healthy, and no gate was asked for that could fail.
    NotGated,
}

impl Verdict {
    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::CommandFailed => "command_failed",
            Self::Error => "error",
            Self::Inconclusive => "inconclusive",
            Self::Pass => "pass",
            Self::NotGated => "not_gated",
        }
    }
}

/// Decides, and says why.
pub(super) fn decide(
    score: &Score,
    status: Status,
    thresholds: &Thresholds,
    circumstances: Circumstances<'_>,
) -> (Verdict, String) {
    let Circumstances { gate, failure, command_failure, .. } = circumstances;
    let least = score.total.least();
    let is_bound = score.total.exact().is_none();
    if let Some(level) = gate {
        let limit = level.limit(thresholds);
        let (value, limit_text) = number_beside(least, limit);
        let (gate, at_least) = (level.status().name(), if is_bound { "at least " } else { "" });
        if least >= limit {
            let reason = format!("the score is {at_least}{value}; {gate} starts at {limit_text}");
            return (Verdict::Fail, reason);
        }
        if failure.is_none() && command_failure.is_none() && !is_bound {
            let reason = format!("the score is {value}, below {limit_text} where {gate} starts");
            return (Verdict::Pass, reason);
        }
    }
    if let Some(failure) = command_failure {
        return (Verdict::CommandFailed, failure.to_owned());
    }
    if let Some(failure) = failure {
        return (Verdict::Error, failure.to_owned());
    }
    if gate.is_some() || status == Status::Inconclusive {
        return (Verdict::Inconclusive, missing(score, thresholds, gate));
    }
    if status == Status::Healthy {
        return (Verdict::Pass, "the status is HEALTHY; no gate was asked for".to_owned());
    }
    let reason =
        format!("the status is {}, and no gate was asked for (--fail-on LEVEL)", status.name());
    (Verdict::NotGated, reason)
}

fn missing(score: &Score, thresholds: &Thresholds, gate: Option<Level>) -> String {
    if !score.is_measured() {
        return "no signal of the score is known".to_owned();
    }
    let unknown = score.terms.iter().filter(|term| !term.is_known());
    let names: Vec<_> = unknown.map(|term| term.signal.key()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let least = score.total.least();
    let score = match gate {
        None => format!("at least {}", number(least)),
        Some(level) => {
            let (least, limit) = number_beside(least, level.limit(thresholds));
            format!("at least {least}, and {} starts at {limit}", level.status().name())
        }
    };
    format!("{} {verb} not known; the score is {score}", names.join(", "))
}

//! The engine: pure functions of readings and criteria.
//!
//! No I/O, no clock, no printing. Given the same readings it gives the same answer.

mod baseline;
mod checks;
mod findings;
mod modes;
mod quantity;
mod score;
mod verdict;

pub use quantity::{BACKLOG, backlog, backlog_of};
pub use score::{Score, Term};
pub use verdict::Verdict;

use crate::model::baseline::Baseline;
use crate::model::check::{Criteria, Judged};
use crate::model::evidence::{Evidence, OwnRequests};
use crate::model::finding::{FailureMode, Finding, Unassessable};
use crate::model::level::{Gate, Status};
use crate::model::reading::Readings;
use crate::model::signal::Signal;
use crate::target_health::TargetHealth;

/// What the engine made of the readings.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// The score with its terms.
    pub score: Score,
    /// The status by the score.
    pub status: Status,
    /// Every check, in the order of the criteria; behind them what is compared with a baseline.
    pub checks: Vec<Judged>,
    /// Failure modes that are proven, in a fixed order.
    pub failure_modes: Vec<FailureMode>,
    /// Failure modes whose inputs are not known well enough.
    pub not_assessable: Vec<Unassessable>,
    /// Findings, in a fixed order.
    pub findings: Vec<Finding>,
    /// Whether the service may ship.
    pub verdict: Verdict,
    /// Why that is the verdict, in one sentence without a full stop.
    pub verdict_reason: String,
}

/// Nothing is known, and nothing missing.
const NO_EVIDENCE: &Evidence = &Evidence {
    own_requests: OwnRequests { own: 0.0, others: 0.0 },
    targets: Vec::new(),
    queries: Vec::new(),
    requests: None,
    error_ratio: None,
    shortfalls: Vec::new(),
};

impl Default for Circumstances<'_> {
    /// An audit without a gate in which nothing is missing.
    fn default() -> Self {
        Self {
            evidence: NO_EVIDENCE,
            queries: &[],
            gate: Gate::default(),
            scrapes: &[],
            baseline: None,
            whole: None,
            command_failure: None,
            interruption: None,
            failure: None,
            asks_for_signals: true,
        }
    }
}

/// What else is known of an audit, beside its readings.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// What was seen, and what was not.
    pub evidence: &'a Evidence,
    /// The signal of each query by its number, where it is one's.
    pub queries: &'a [Option<Signal>],
    /// What fails the gate.
    pub gate: Gate,
    /// How the service let itself be scraped.
    pub scrapes: &'a [TargetHealth],
    /// What an earlier audit found, if this one is compared with it.
    pub baseline: Option<&'a Baseline>,
    /// What was read of the whole time, where the readings are of an earlier instant than its end.
    pub whole: Option<&'a Readings>,
    /// How the command failed that ran meanwhile, if it did.
    pub command_failure: Option<&'a str>,
    /// That the audit was interrupted, if it was.
    pub interruption: Option<&'a str>,
    /// What went wrong while the readings were taken, if anything did.
    pub failure: Option<&'a str>,
    /// Whether any signal is asked for; else there is no score, and checks alone decide.
    pub asks_for_signals: bool,
}

/// Judges `readings`.
pub fn assess(
    readings: &Readings,
    criteria: &Criteria,
    circumstances: Circumstances<'_>,
) -> Assessment {
    let score = Score::new(readings, &criteria.weights);
    let status = match circumstances.asks_for_signals {
        true => score.status(&criteria.levels),
        false => Status::Inconclusive,
    };
    let mut checks = checks::judge(readings, criteria);
    if let Some(baseline) = circumstances.baseline {
        let whole = circumstances.whole.unwrap_or(readings);
        let compared = baseline::judge(readings, whole, (&score, &checks), criteria, baseline);
        checks.extend(compared);
    }
    let (failure_modes, not_assessable) = modes::assess(readings, &checks);
    let mut assessment = Assessment {
        findings: findings::findings(&checks, circumstances, criteria),
        score,
        status,
        checks,
        failure_modes,
        not_assessable,
        verdict: Verdict::Error,
        verdict_reason: String::new(),
    };
    (assessment.verdict, assessment.verdict_reason) =
        verdict::decide(&assessment, criteria, circumstances);
    assessment
}

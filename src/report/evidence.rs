//! Evidence in the report: what was seen, and what was not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Word;
use super::checks::OriginEntry;
use crate::audit::Audit;
use crate::config::Plan;
use crate::model::evidence::{QueryEvidence, RuleSet, Shortfall, TargetEvidence};
use crate::storage::Labels;

/// What was seen, and what was not. Seconds and parts of a whole have three decimals.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceReport {
    /// Requests that were served; `null` where it is not known.
    pub requests: Option<f64>,
    /// The part of them that failed, 0 to 1; `null` where it is not known.
    pub error_ratio: Option<f64>,
    /// What was seen of each target; empty where a server was asked that does not tell.
    pub targets: Vec<TargetEvidenceEntry>,
    /// What was seen of what each query uses.
    pub queries: Vec<QueryEvidenceEntry>,
    /// What is missing.
    pub shortfalls: Vec<ShortfallEntry>,
    /// The rules that the configuration sets.
    pub rules: Vec<RuleEntry>,
}

/// What was seen of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetEvidenceEntry {
    /// Its labels.
    pub target: Labels,
    /// The part of its scrapes that brought a page, 0 to 1; `null` where it is not known.
    pub covered: Option<f64>,
    /// How old its newest sample was at the instant of the audit, seconds.
    pub newest_sample_age_s: Option<f64>,
    /// Processes behind its page; `null` where it is not known.
    pub processes: Option<usize>,
    /// Restarts; `null` where it is not known.
    pub restarts: Option<usize>,
}

/// What was seen of what one query uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueryEvidenceEntry {
    /// The signal, or the check whose query it is.
    pub name: String,
    /// The part of the scrapes that brought it, 0 to 1; `null` where it is not known.
    pub covered: Option<f64>,
    /// How old its newest sample was at the instant of the audit, seconds.
    pub newest_sample_age_s: Option<f64>,
}

/// Evidence that is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShortfallEntry {
    /// The rule, by its key under `evidence`.
    pub rule: Word,
    /// What is missing.
    pub detail: String,
    /// What to do about it.
    pub advice: Word,
    /// At which target; `null` if it is no single one's.
    pub target: Option<Labels>,
    /// The signals and checks that it leaves a lower bound; `null` for all.
    pub concerns: Option<Vec<String>>,
    /// Whether the configuration relaxes the rule, so that it is only told.
    pub allowed: bool,
}

/// A rule of evidence that the configuration sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleEntry {
    /// The rule.
    pub rule: Word,
    /// What it is set to.
    pub to: String,
    /// What it is by default.
    pub default: Word,
    /// Where it was set.
    pub origin: Option<OriginEntry>,
}

pub(super) fn report(plan: &Plan, audit: &Audit) -> EvidenceReport {
    let evidence = &audit.evidence;
    EvidenceReport {
        requests: evidence.requests.map(rounded),
        error_ratio: evidence.error_ratio.map(rounded),
        targets: evidence.targets.iter().map(target).collect(),
        queries: evidence.queries.iter().filter_map(|it| query(plan, it)).collect(),
        shortfalls: evidence.shortfalls.iter().map(|it| shortfall(plan, it)).collect(),
        rules: plan.criteria.evidence.set.iter().map(rule).collect(),
    }
}

fn target(seen: &TargetEvidence) -> TargetEvidenceEntry {
    TargetEvidenceEntry {
        target: seen.target.clone(),
        covered: seen.covered.map(rounded),
        newest_sample_age_s: seen.newest_sample_age_s.map(rounded),
        processes: seen.processes,
        restarts: seen.restarts,
    }
}

fn query(plan: &Plan, seen: &QueryEvidence) -> Option<QueryEvidenceEntry> {
    Some(QueryEvidenceEntry {
        name: plan.queries.get(seen.query)?.name().to_owned(),
        covered: seen.covered.map(rounded),
        newest_sample_age_s: seen.newest_sample_age_s.map(rounded),
    })
}

fn shortfall(plan: &Plan, shortfall: &Shortfall) -> ShortfallEntry {
    let Shortfall { rule, scope, target, detail } = shortfall;
    ShortfallEntry {
        rule: rule.key().into(),
        detail: detail.clone(),
        advice: rule.def().advice.into(),
        target: target.clone(),
        concerns: scope.numbers().map(|numbers| {
            let names = numbers.iter().filter_map(|number| plan.queries.get(*number));
            names.map(|query| query.name().to_owned()).collect()
        }),
        allowed: plan.criteria.evidence.allows(*rule),
    }
}

fn rule(set: &RuleSet) -> RuleEntry {
    RuleEntry {
        rule: set.rule.key().into(),
        to: set.to.clone(),
        default: set.rule.def().default.into(),
        origin: set.origin.as_ref().map(Into::into),
    }
}

/// Three decimals.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

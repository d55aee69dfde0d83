//! Checks and findings in the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Word;
use super::sentences::sentence;
use crate::audit::Audit;
use crate::config::{Asked, Plan, Query};
use crate::engine::Assessment;
use crate::model::baseline::{Allowance, Direction};
use crate::model::check::{Judged, Limit, Observed, Rule, Severity};
use crate::model::finding::{Evidence, Finding};
use crate::model::interval::Interval;
use crate::model::origin::Place;
use crate::model::reading::{Labels, ReadAs};
use crate::model::signal::Reduce;

/// A check, and what became of it. Numbers have the unit of what is observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckEntry {
    /// Its name.
    pub name: String,
    /// Its rule.
    #[serde(rename = "type")]
    pub rule: Rule,
    /// What was observed: of a maximum, a budget and what may increase the least that it can be, of
    /// a minimum and what may decrease the most, of a spike the newest point; `null` where nothing
    /// was measured.
    pub actual: Option<f64>,
    /// What it is held to; `null` for a spike or a comparison without a baseline.
    pub expected: Option<f64>,
    /// Whether it holds; `null` where that cannot be told.
    pub passed: Option<bool>,
    /// What is broken, `error_ratio=0.02 > 0.01`, or that a budget's warning ratio is reached;
    /// empty otherwise. A budget that warns has passed.
    pub violation: String,
    /// How much it weighs.
    pub severity: Severity,
    /// A word to sort by.
    pub category: String,
    /// Labels of the series that decided.
    pub series: Option<Labels>,
    /// What it means.
    pub description: String,
    /// The unit of its numbers, where it is known.
    pub unit: Option<Word>,
    /// The least and the most that what was observed can be.
    pub observed: Range,
    /// Why it cannot be told, or what was assumed.
    pub reason: Option<String>,
    /// The query as sent, if it has one of its own.
    pub query: Option<String>,
    /// Where in a log its value stands; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogEntry>,
    /// How several series of that query became one; absent where the default of its rule holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduce: Option<Reduce>,
    /// More on a budget.
    pub budget: Option<BudgetEntry>,
    /// More on a spike.
    pub spike: Option<SpikeEntry>,
    /// More on a comparison with an earlier audit; absent of other checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineEntry>,
    /// Whether the configuration names it under `checks:` or `baseline:`.
    pub requested: bool,
    /// Where its limit was given; `null` for a default.
    pub origin: Option<OriginEntry>,
}

/// Where in a log the value of a check stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogEntry {
    /// The name of the log in the configuration.
    pub file: String,
    /// The file that was read.
    pub path: String,
    /// What the line contains; the last such line counts.
    pub line: String,
    /// The key, before `=`.
    pub key: String,
}

impl LogEntry {
    /// Where it stands, in words.
    pub fn words(&self) -> String {
        let Self { path, line, key, .. } = self;
        format!("the value of `{key}` in the last line with `{line}` of {path}")
    }
}

/// How much of a budget is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetEntry {
    /// The part that is used, 1 for all of it; `null` where it is not known.
    pub usage_ratio: Option<f64>,
    /// What is left, negative if more was used; `null` where it is not known.
    pub remaining: Option<f64>,
    /// The part from which it warns.
    pub warning_ratio: f64,
    /// Whether that is reached.
    pub is_warning: bool,
}

/// What the newest point was held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpikeEntry {
    /// The mean of the earlier points; `null` where it is not known.
    pub baseline_mean: Option<f64>,
    /// How many times the baseline the newest may be.
    pub multiplier: f64,
    /// The least that the baseline counts as.
    pub min_baseline: f64,
    /// How far back the points go, seconds.
    pub window_s: f64,
    /// From one point to the next, seconds.
    pub step_s: f64,
}

/// What an earlier audit found, and how far the value is from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineEntry {
    /// The value then, or the least it can have been; `null` where it is not known.
    pub value: Option<f64>,
    /// Whether the value then may have been greater.
    pub is_lower_bound: bool,
    /// The value now less the value then; `null` where either is not known whole.
    pub change: Option<f64>,
    /// The same as a part of the value then, 0.2 for 20% more; `null` also where that was not above 0.
    pub change_ratio: Option<f64>,
    /// How much more it may be; `null` where it may not be less.
    pub max_increase: Option<f64>,
    /// How much less it may be; `null` where it may not be more.
    pub max_decrease: Option<f64>,
    /// Whether the allowance is a part of the value then, 0.1 for 10%; else it has the unit of the
    /// value.
    pub relative: bool,
    /// The value then counts as at least this.
    pub floor: Option<f64>,
}

/// The least and the most that a value can be; `null` where there is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The least.
    pub least: Option<f64>,
    /// The most.
    pub most: Option<f64>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OriginEntry {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// A finding in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingEntry {
    /// The check that is broken, or the name of what else was found.
    pub check: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The same in words, as in `findings`.
    pub message: String,
    /// The values that prove it.
    pub evidence: Vec<FindingEvidence>,
}

/// A value beside its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingEvidence {
    /// The signal; `null` for a check's own query and for scrapes.
    pub signal: Option<Word>,
    /// The least and the most that it can be.
    pub observed: Range,
    /// What it is held to.
    pub limit: f64,
    /// The unit of all of them; empty where it is not known.
    pub unit: Word,
    /// Labels of the series that decided.
    pub series: Option<Labels>,
    /// Where the limit was given; `null` for a default.
    pub origin: Option<OriginEntry>,
}

pub(super) fn check(plan: &Plan, audit: &Audit, judged: &Judged) -> CheckEntry {
    let check = &judged.check;
    let decisive = match &check.limit {
        Limit::Min(_) => judged.observed.most,
        Limit::Drift(drift) if drift.direction == Direction::Decrease => judged.observed.most,
        _ => judged.observed.least,
    };
    let actual = judged.measured.then_some(decisive).filter(|value| value.is_finite());
    let is_own = |it: &Query| it.asked == Asked::Check(check.id.clone());
    let (unit, query, reduce) = match check.observes {
        Observed::Signal(signal) => (Some(signal.unit().into()), None, None),
        Observed::Query => {
            let own = plan.queries.iter().find(|it| is_own(it)).map(|it| it.read_as.reduce);
            let usual = ReadAs::default_for_check(check.limit.rule()).reduce;
            (None, audit.expr(plan, is_own).map(str::to_owned), own.filter(|it| *it != usual))
        }
        Observed::Log | Observed::Check(_) | Observed::Score => (None, None, None),
    };
    CheckEntry {
        name: check.id.clone(),
        rule: check.limit.rule(),
        actual,
        expected: judged.expected,
        passed: judged.passed,
        violation: judged.violation().unwrap_or_default(),
        severity: check.severity,
        category: check.category.clone(),
        series: judged.series.clone(),
        description: check.description.clone(),
        unit,
        observed: judged.observed.into(),
        reason: judged.reason.clone(),
        query,
        log: log(plan, &check.id),
        reduce,
        budget: budget(judged),
        spike: spike(judged),
        baseline: baseline(judged),
        requested: check.is_requested,
        origin: check.origin.as_ref().map(Into::into),
    }
}

fn log(plan: &Plan, check: &str) -> Option<LogEntry> {
    let lookup = plan.logs.iter().find(|lookup| lookup.check == check)?;
    let path = plan.spec.log(&lookup.file)?.display().to_string();
    let [file, line, key] = [&lookup.file, &lookup.line, &lookup.key].map(String::clone);
    Some(LogEntry { file, path, line, key })
}

fn budget(judged: &Judged) -> Option<BudgetEntry> {
    let Limit::Budget { limit, warning_ratio } = judged.check.limit else { return None };
    let value = judged.observed.exact().filter(|_| judged.passed.is_some());
    Some(BudgetEntry {
        usage_ratio: value.map(|value| value / limit),
        remaining: value.map(|value| limit - value),
        warning_ratio,
        is_warning: judged.is_warning,
    })
}

fn spike(judged: &Judged) -> Option<SpikeEntry> {
    let Limit::Spike(spike) = &judged.check.limit else { return None };
    Some(SpikeEntry {
        baseline_mean: judged.baseline,
        multiplier: spike.multiplier,
        min_baseline: spike.min_baseline,
        window_s: spike.window.as_secs_f64(),
        step_s: spike.step.as_secs_f64(),
    })
}

fn baseline(judged: &Judged) -> Option<BaselineEntry> {
    let Limit::Drift(drift) = &judged.check.limit else { return None };
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    let then = judged.earlier.and_then(Interval::exact);
    let now = judged.observed.exact().filter(|_| judged.measured);
    let change = now.zip(then).and_then(|(now, then)| finite(now - then));
    let ratio =
        |change: f64| then.filter(|then| *then > 0.0).and_then(|then| finite(change / then));
    let (allowed, relative) = match drift.allowance {
        Allowance::Ratio(part) => (part, true),
        Allowance::Absolute(by) => (by, false),
    };
    let of = |direction| Some(allowed).filter(|_| drift.direction == direction);
    Some(BaselineEntry {
        value: judged.earlier.and_then(|then| finite(then.least)),
        is_lower_bound: judged.earlier.is_some() && then.is_none(),
        change,
        change_ratio: change.and_then(ratio),
        max_increase: of(Direction::Increase),
        max_decrease: of(Direction::Decrease),
        relative,
        floor: drift.floor,
    })
}

pub(super) fn words(finding: &Finding, assessment: &Assessment) -> String {
    let judged = assessment.checks.iter().find(|judged| judged.check.id == finding.check);
    sentence(finding, judged.and_then(Judged::violation))
}

pub(super) fn detail(finding: &Finding, assessment: &Assessment) -> FindingEntry {
    FindingEntry {
        check: finding.check.clone(),
        severity: finding.severity,
        message: words(finding, assessment),
        evidence: finding.evidence.iter().map(Into::into).collect(),
    }
}

impl From<&Evidence> for FindingEvidence {
    fn from(evidence: &Evidence) -> Self {
        Self {
            signal: evidence.signal.map(|signal| signal.key().into()),
            observed: evidence.observed.into(),
            limit: evidence.limit,
            unit: evidence.unit.into(),
            series: evidence.series.clone(),
            origin: evidence.origin.as_ref().map(Into::into),
        }
    }
}

impl From<Interval> for Range {
    fn from(interval: Interval) -> Self {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        Self { least: finite(interval.least), most: finite(interval.most) }
    }
}

impl From<&Place> for OriginEntry {
    fn from(place: &Place) -> Self {
        let file = place.path.display().to_string();
        Self { file, line: place.line, column: place.column }
    }
}

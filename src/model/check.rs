//! Checks: what is observed, and the limit it is held to.
//!
//! The thresholds of `metrics.yaml` are checks too: the rows of [`super::built_in`], each limit with
//! the one key that sets it. Failure modes are conjunctions of them ([`super::mode`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::baseline::{Direction, Drift, PREFIX};
use super::built_in::BuiltIn;
use super::evidence::EvidenceRules;
use super::interval::Interval;
use super::level::Levels;
use super::origin::Place;
use super::quantity::{logged_beside, number_beside};
use super::signal::Signal;
use super::weights::Weights;
use crate::storage::Labels;

/// The section of `metrics.yaml` that has checks of one's own, and the word for all of them.
pub const SECTION: &str = "checks";

/// How much a broken check weighs under a gate.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It fails no gate.
    Info,
    /// It fails a gate at `degraded`.
    Warning,
    /// It fails every gate.
    Critical,
}

impl Severity {
    /// Every severity, as the configuration and the report spell it.
    pub const ALL: [(&'static str, Self); 3] =
        [("critical", Self::Critical), ("warning", Self::Warning), ("info", Self::Info)];

    /// Its name in the configuration and the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What an observed value is held to. Its numbers have the unit of what is observed.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// It holds while the value is not above this.
    Max(f64),
    /// It holds while the value is not below this.
    Min(f64),
    /// A part of a whole may be used up; the rule of cloudcircuit 0.1's `check_budget`.
    Budget {
        /// The whole, above 0; it is broken from this value on.
        limit: f64,
        /// The part from which it warns, above 0 and at most 1.
        warning_ratio: f64,
    },
    /// The newest point may not stand out; the rule of cloudcircuit 0.1's `check_anomaly_spike`.
    Spike(Spike),
    /// It may not move further away from what it was in an earlier audit.
    Drift(Drift),
}

/// When the newest point of a series stands out from the earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Spike {
    /// How far back the earlier points go.
    pub window: Duration,
    /// From one point to the next.
    pub step: Duration,
    /// The newest point may be this many times the mean of the earlier ones; above 1.
    pub multiplier: f64,
    /// The mean counts as at least this, so that a quiet series may stir; not negative.
    pub min_baseline: f64,
}

/// Which rule a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// [`Limit::Max`].
    Max,
    /// [`Limit::Min`].
    Min,
    /// [`Limit::Budget`].
    Budget,
    /// [`Limit::Spike`].
    Spike,
    /// [`Limit::Drift`].
    Baseline,
}

impl Rule {
    /// Every rule that a check under `checks:` may have, as the configuration and the report spell
    /// it. What is compared with a baseline has a section of its own.
    pub const ALL: [(&'static str, Self); 4] =
        [("max", Self::Max), ("min", Self::Min), ("budget", Self::Budget), ("spike", Self::Spike)];
}

impl Limit {
    /// Which rule it is.
    pub const fn rule(&self) -> Rule {
        match self {
            Self::Max(_) => Rule::Max,
            Self::Min(_) => Rule::Min,
            Self::Budget { .. } => Rule::Budget,
            Self::Spike(_) => Rule::Spike,
            Self::Drift(_) => Rule::Baseline,
        }
    }

    /// The number that one value is held to; a spike's follows from the series itself, and that of a
    /// comparison from its baseline.
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Max(limit) | Self::Min(limit) | Self::Budget { limit, .. } => Some(*limit),
            Self::Spike(_) | Self::Drift(_) => None,
        }
    }
}

/// What a check observes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// A signal of the audit.
    Signal(Signal),
    /// A query of its own, which has the check's name.
    Query,
    /// A value in a log.
    Log,
    /// What the check of that name observes by a query of its own.
    Check(String),
    /// The score.
    Score,
}

/// One limit that a service is held to.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Its name, of no other check.
    pub id: String,
    /// What it observes.
    pub observes: Observed,
    /// What that is held to.
    pub limit: Limit,
    /// How much it weighs if it is broken.
    pub severity: Severity,
    /// A word to sort by.
    pub category: String,
    /// What it means, for readers.
    pub description: String,
    /// Where its limit was given; `None` for a default, and for the command line.
    pub origin: Option<Place>,
    /// Whether the configuration names it, under `checks:` or `baseline:`.
    pub is_requested: bool,
}

/// What a service is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Criteria {
    /// The checks: the built-in ones first, in their order.
    pub checks: Vec<Check>,
    /// What is compared with a baseline, if there is one: a check each.
    pub comparisons: Vec<Check>,
    /// Where the levels of the score start.
    pub levels: Levels,
    /// The weights of the score.
    pub weights: Weights,
    /// How much has to have been seen.
    pub evidence: EvidenceRules,
}

impl Default for Criteria {
    /// What holds where the configuration says nothing.
    fn default() -> Self {
        let built_in = BuiltIn::all().iter().map(|it| it.check(it.default, None));
        Self {
            checks: built_in.collect(),
            comparisons: Vec::new(),
            levels: Levels::default(),
            weights: Weights::default(),
            evidence: EvidenceRules::default(),
        }
    }
}

impl Criteria {
    /// The check of that name.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// The number that the check of that name is held to.
    pub fn limit(&self, id: &str) -> Option<f64> {
        self.check(id).and_then(|check| check.limit.number())
    }
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The check.
    pub check: Check,
    /// Whether it holds; `None` where that cannot be told.
    pub passed: Option<bool>,
    /// Whether a budget's warning ratio is reached.
    pub is_warning: bool,
    /// What was observed, of a spike the newest point.
    pub observed: Interval,
    /// Whether any measured value stands behind it.
    pub measured: bool,
    /// What that was held to; `None` where a spike or a comparison has no baseline.
    pub expected: Option<f64>,
    /// The mean of a spike's earlier points.
    pub baseline: Option<f64>,
    /// What an earlier audit found, of a comparison.
    pub earlier: Option<Interval>,
    /// The series that decided.
    pub series: Option<Labels>,
    /// Why it cannot be told, or what was assumed.
    pub reason: Option<String>,
}

impl Judged {
    /// How much weighs what was found; `None` if nothing was.
    pub fn found(&self) -> Option<Severity> {
        match self.passed {
            Some(false) => Some(self.check.severity),
            // Not more than the check itself weighs.
            _ if self.is_warning => Some(self.check.severity.min(Severity::Warning)),
            _ => None,
        }
    }
}

impl Judged {
    /// What is broken: the value beside its limit, `error_ratio=0.02 > 0.01`; `None` if nothing
    /// is.
    pub fn violation(&self) -> Option<String> {
        self.found()?;
        let (value, relation) = match (&self.check.limit, self.passed) {
            (Limit::Max(_) | Limit::Spike(_), _) => (self.observed.least, ">"),
            (Limit::Drift(drift), _) if drift.direction == Direction::Increase => {
                (self.observed.least, ">")
            }
            (Limit::Min(_) | Limit::Drift(_), _) => (self.observed.most, "<"),
            (Limit::Budget { .. }, _) => (self.observed.least, ">="),
        };
        let (expected, suffix) = match &self.check.limit {
            Limit::Budget { limit, warning_ratio } if self.passed != Some(false) => {
                (limit * warning_ratio, format!(" ({warning_ratio} of {limit})"))
            }
            Limit::Drift(drift) => {
                (self.expected?, format!(" ({})", drift.in_words(self.earlier?)))
            }
            _ => (self.expected?, String::new()),
        };
        let (value, expected) = match self.check.observes {
            Observed::Log => logged_beside(value, expected),
            _ => number_beside(value, expected),
        };
        let name = self.check.id.strip_prefix(PREFIX).filter(|_| self.earlier.is_some());
        let name = name.unwrap_or(&self.check.id);
        Some(format!("{name}={value} {relation} {expected}{suffix}"))
    }
}

/// Judges one value by a limit that stands by itself, without earlier values: whether it holds, and whether it warns.
pub fn judge_value(limit: &Limit, value: Interval) -> (Option<bool>, bool) {
    match *limit {
        Limit::Max(max) => (value.exceeds(max).map(|is_above| !is_above), false),
        Limit::Min(min) => (value.reaches(min), false),
        Limit::Budget { limit, warning_ratio } => {
            // Usage is divided before it is compared, as in the original, for the same last bit.
            let is_warning = value.least / limit >= warning_ratio;
            (value.reaches(limit).map(|is_used_up| !is_used_up), is_warning)
        }
        Limit::Spike(_) | Limit::Drift(_) => (None, false),
    }
}

/// The newest point of a series beside the earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub struct SpikeJudged {
    /// The newest point.
    pub latest: f64,
    /// The mean of the earlier points.
    pub baseline: f64,
    /// The most that the newest may be.
    pub threshold: f64,
    /// Whether it is above that.
    pub is_spike: bool,
}

/// Why the points of a series cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unjudgeable {
    /// There is nothing to compare with.
    #[error("there are less than two points")]
    TooFew,
    /// A point is `NaN`.
    #[error("a point is NaN")]
    NotANumber,
    /// A point is infinite.
    #[error("a point is infinite")]
    Infinite,
    /// A point is negative.
    #[error("a point is negative")]
    Negative,
    /// The newest point is older than the end of the window.
    #[error("there is no point at the end of the window")]
    Ended,
    /// So many points between the first and the last are missing.
    #[error("{0} of its points are missing")]
    Holes(usize),
}

/// Judges the points of a series, the newest last.
///
/// # Errors
/// Why they cannot be judged.
pub fn judge_spike(spike: &Spike, points: &[f64]) -> Result<SpikeJudged, Unjudgeable> {
    let Some((latest, earlier)) = points.split_last().filter(|(_, earlier)| !earlier.is_empty())
    else {
        return Err(Unjudgeable::TooFew);
    };
    if points.iter().any(|point| point.is_nan()) {
        return Err(Unjudgeable::NotANumber);
    }
    if points.iter().any(|point| point.is_infinite()) {
        return Err(Unjudgeable::Infinite);
    }
    if points.iter().any(|point| *point < 0.0) {
        return Err(Unjudgeable::Negative);
    }
    let sum = earlier.iter().fold(0.0, |sum: f64, point| (sum + point).min(f64::MAX));
    let baseline = sum / earlier.len() as f64;
    let threshold = (baseline.max(spike.min_baseline) * spike.multiplier).min(f64::MAX);
    Ok(SpikeJudged { latest: *latest, baseline, threshold, is_spike: *latest > threshold })
}

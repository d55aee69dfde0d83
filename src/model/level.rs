//! The levels of the score, the status of a service by them, and what fails a gate.

use serde::{Deserialize, Serialize};

/// The scores from which a service is at each level.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// Score from which the status is `DEGRADED`.
    pub degraded: f64,
    /// Score from which the status is `CRITICAL`.
    pub critical: f64,
    /// Score from which the status is `COLLAPSE_RISK`.
    pub collapse: f64,
}

impl Default for Levels {
    fn default() -> Self {
        Self { degraded: 400.0, critical: 1200.0, collapse: 2500.0 }
    }
}

/// A level of the score that is not healthy; a gate names one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// `DEGRADED` or worse.
    Degraded,
    /// `CRITICAL` or worse.
    Critical,
    /// `COLLAPSE_RISK`.
    Collapse,
}

impl Levels {
    /// The score from which a service is at a level.
    pub const fn start_of(&self, level: Level) -> f64 {
        match level {
            Level::Degraded => self.degraded,
            Level::Critical => self.critical,
            Level::Collapse => self.collapse,
        }
    }

    /// Sets the score from which a service is at a level.
    pub const fn set(&mut self, level: Level, start: f64) {
        match level {
            Level::Degraded => self.degraded = start,
            Level::Critical => self.critical = start,
            Level::Collapse => self.collapse = start,
        }
    }
}

impl Level {
    /// The levels, worst first.
    pub const WORST_FIRST: [Self; 3] = [Self::Collapse, Self::Critical, Self::Degraded];

    /// Every level, as the command line and the thresholds spell it.
    pub const ALL: [(&'static str, Self); 3] =
        [("degraded", Self::Degraded), ("critical", Self::Critical), ("collapse", Self::Collapse)];

    /// The key under `thresholds:` that sets where it starts.
    pub const fn threshold(self) -> &'static str {
        match self {
            Self::Degraded => "health_score_degraded",
            Self::Critical => "health_score_critical",
            Self::Collapse => "health_score_collapse",
        }
    }

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::Critical => "critical",
            Self::Collapse => "collapse",
        }
    }

    /// The status of a service at this level.
    pub const fn status(self) -> Status {
        match self {
            Self::Degraded => Status::Degraded,
            Self::Critical => Status::Critical,
            Self::Collapse => Status::CollapseRisk,
        }
    }
}

/// How the runtime is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The score is below every level.
    Healthy,
    /// The score has reached the first level.
    Degraded,
    /// The score has reached the second level.
    Critical,
    /// The score has reached the worst level.
    CollapseRisk,
    /// Signals are missing, and those that are known prove no breach.
    Inconclusive,
}

impl Status {
    /// Every status, the best first.
    pub const ALL: [Self; 5] =
        [Self::Healthy, Self::Degraded, Self::Critical, Self::CollapseRisk, Self::Inconclusive];

    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::Critical => "CRITICAL",
            Self::CollapseRisk => "COLLAPSE_RISK",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// What fails the gate. A broken check of severity critical fails every gate; one of severity
/// warning, a gate at [`Level::Degraded`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gate {
    /// The level of the score, or a worse one.
    pub level: Option<Level>,
    /// Any failure mode that is proven.
    pub failure_mode: bool,
}

impl Gate {
    /// What `--fail-on` takes for a failure mode.
    pub const FAILURE_MODE: &'static str = "failure-mode";

    /// A gate at a level.
    pub const fn at(level: Level) -> Self {
        Self { level: Some(level), failure_mode: false }
    }

    /// Whether there is one.
    pub const fn is_set(self) -> bool {
        self.level.is_some() || self.failure_mode
    }

    /// Adds a level; of several the least grave counts, since it includes the others.
    pub fn add(&mut self, level: Level) {
        self.level = Some(self.level.map_or(level, |before| before.min(level)));
    }
}

//! One scenario in the summary of a suite.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Metrics, Ordered, Plain, Scalar};
use crate::engine::Verdict;
use crate::model::check::{Rule, Severity};
use crate::model::level::Status;
use crate::model::mode::STARVATION;
use crate::report::{CheckEntry, CulpritEntry, OriginEntry, Report, SourceKind, Word};

/// How a scenario ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ScenarioStatus {
    /// Its processes exited with 0, and nothing fails its gate.
    Pass,
    /// A process failed, or its gate.
    Fail,
    /// There is no verdict.
    Inconclusive,
}

impl ScenarioStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pass, Self::Fail, Self::Inconclusive];

    /// Its name in the summary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// The exit codes of processes; `null` for one that a signal ended.
pub type ProcessExits = Ordered<Option<i64>>;

/// One scenario, in the order in which it is serialised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioEntry {
    /// Its place in the suite, from 1; with a manifest what that says.
    pub order: i64,
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// How it ended.
    pub status: ScenarioStatus,
    /// Why, in one sentence.
    pub reason: String,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// The exit codes of its processes.
    pub process_exit: ProcessExits,
    /// What its logs say, and the signals that are known.
    pub metrics: Metrics,
    /// Its own checks, and of the others those that are broken.
    pub checks: Vec<ScenarioCheck>,
    /// What is broken, `p50_us=200000 > 150000`.
    pub violations: Vec<String>,
    /// Files that tell more.
    pub evidence: Ordered<String>,
    /// The verdict of its audit; absent if it could not be begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The status of the runtime; absent where only logs were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_status: Option<Status>,
    /// The score, 2 decimals; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Failure modes that are proven.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_modes: Vec<Word>,
    /// Findings in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// The place that holds the event loop most, and the line of code there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprit: Option<String>,
    /// Whether it is a row of a manifest that the suite does not list.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlisted: bool,
    /// Where it is to be mended: the line that blocks, or where it is written; for what annotates files.
    #[serde(skip)]
    pub origin: Option<OriginEntry>,
}

/// A check of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioCheck {
    /// Its name.
    pub metric: String,
    /// Its rule.
    #[serde(rename = "type")]
    pub rule: Word,
    /// What was observed; `null` where nothing was measured.
    pub actual: Option<Plain>,
    /// What it is held to; `null` for a spike without a baseline.
    pub expected: Option<Plain>,
    /// Whether it holds; `null` where that cannot be told.
    pub passed: Option<bool>,
    /// What is broken; empty where nothing is.
    pub violation: String,
    /// How much it weighs.
    pub severity: Severity,
    /// Why it cannot be told, or what was assumed; absent where there is nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the configuration names it under `checks:`; a finding tells of the others.
    #[serde(skip)]
    pub is_own: bool,
}

/// What is known of a scenario beside the report of its audit.
#[derive(Debug, Clone)]
pub struct ScenarioFacts {
    /// Its place in the suite.
    pub order: i64,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// How its processes exited before it was audited, where others ran them.
    pub exits: Vec<(String, i64)>,
    /// What its logs say.
    pub metrics: Vec<(String, Vec<(String, Scalar)>)>,
    /// Files that tell more.
    pub evidence: Vec<(String, String)>,
    /// Whether the suite does not list it.
    pub unlisted: bool,
    /// Where it is written.
    pub origin: Option<OriginEntry>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// The place of what holds the loop, if that is in the repository.
fn place_of(culprit: &CulpritEntry, report: &Report) -> Option<OriginEntry> {
    let root = report.repository.as_deref()?;
    let file = culprit.file.strip_prefix(root)?.strip_prefix(['/', '\\'])?.to_owned();
    let line = usize::try_from(culprit.line?).ok().filter(|line| *line > 0)?;
    Some(OriginEntry { file, line, column: 1 })
}

/// The place as people read it, and the line of code there.
fn in_words(culprit: &CulpritEntry) -> String {
    let code = culprit.source.as_deref().map(str::trim).filter(|it| !it.is_empty());
    code.map_or_else(|| culprit.place(), |code| format!("{}: {code}", culprit.place()))
}

impl ScenarioEntry {
    /// The entry of a scenario whose audit could not be begun. That a process failed is known all the same.
    pub fn not_audited(facts: ScenarioFacts, why: String) -> Self {
        let entry = Self::of_facts(facts);
        if has_failed(&entry.process_exit) {
            let reason = format!("{}; {why}", process_exits(&entry.process_exit));
            return Self { status: ScenarioStatus::Fail, reason, ..entry };
        }
        Self { reason: why, ..entry }
    }

    /// The same where its report could not be kept: that is no pass, and leaves a failure one.
    #[must_use]
    pub fn not_kept(self, why: String) -> Self {
        match self.status {
            ScenarioStatus::Pass => {
                Self { status: ScenarioStatus::Inconclusive, reason: why, ..self }
            }
            ScenarioStatus::Fail | ScenarioStatus::Inconclusive => self,
        }
    }

    /// The entry of a scenario that was audited.
    pub fn new(facts: ScenarioFacts, report: &Report) -> Self {
        let ran = report.command.as_ref();
        let ran = ran.map(|it| ("command".into(), it.exit_code.map(i64::from)));
        let entry = Self::of_facts(facts);
        let is_log_alone = report.source == SourceKind::Log;
        // Some built-in checks are only parts of a finding.
        let is_found =
            |check: &CheckEntry| report.finding_details.iter().any(|it| it.check == check.name);
        let checks: Vec<_> = report
            .checks
            .iter()
            .filter(|it| it.requested || it.passed == Some(false) && is_found(it))
            .map(ScenarioCheck::from)
            .collect();
        let broken = checks.iter().filter(|check| check.passed == Some(false));
        let violations: Vec<_> = broken.map(|check| check.violation.clone()).collect();
        let has_failed = has_failed(&entry.process_exit);
        let status = match report.exit_code {
            _ if has_failed => ScenarioStatus::Fail,
            1 => ScenarioStatus::Fail,
            0 if matches!(report.verdict, Verdict::Pass) => ScenarioStatus::Pass,
            _ => ScenarioStatus::Inconclusive,
        };
        let reason = match status {
            _ if has_failed => process_exits(&entry.process_exit),
            ScenarioStatus::Fail
                if is_log_alone && !violations.is_empty() && report.verdict == Verdict::Fail =>
            {
                violations.join("; ")
            }
            _ => report.verdict_reason.clone(),
        };
        let mut process_exit = entry.process_exit;
        process_exit.0.extend(ran);
        let signals = report.signals.iter().filter_map(|(name, signal)| {
            let value = signal.value.filter(|value| value.is_finite())?;
            Some((Word::Owned(name.to_owned()), Scalar::Number(Plain::of(value))))
        });
        let mut metrics = entry.metrics;
        let signals: Vec<_> = signals.collect();
        if !signals.is_empty() {
            metrics.0.push(("signals".into(), Ordered(signals)));
        }
        // Of a calm service it holds nothing up that matters.
        let is_starved = report.failure_modes.iter().any(|it| it.mode == STARVATION);
        let worst = report.culprits.iter().flatten().next().filter(|_| is_starved);
        Self {
            status,
            reason,
            process_exit,
            metrics,
            checks,
            violations,
            verdict: Some(report.verdict),
            runtime_status: (!is_log_alone).then_some(report.status),
            score: report.runtime_health_score.filter(|_| !is_log_alone),
            failure_modes: report.failure_modes.iter().map(|it| it.mode.clone()).collect(),
            findings: report.findings.clone(),
            culprit: worst.map(in_words),
            origin: worst.and_then(|it| place_of(it, report)).or(entry.origin),
            ..entry
        }
    }

    fn of_facts(facts: ScenarioFacts) -> Self {
        let exits = facts.exits.into_iter().map(|(name, code)| (Word::Owned(name), Some(code)));
        let metrics = facts.metrics.into_iter().map(|(name, pairs)| {
            let pairs = pairs.into_iter().map(|(key, value)| (Word::Owned(key), value));
            (Word::Owned(name), Ordered(pairs.collect()))
        });
        let evidence = facts.evidence.into_iter().map(|(name, it)| (Word::Owned(name), it));
        Self {
            order: facts.order,
            id: facts.id,
            name: facts.name,
            status: ScenarioStatus::Inconclusive,
            reason: String::new(),
            duration_ms: facts.duration_ms,
            process_exit: Ordered(exits.collect()),
            metrics: Ordered(metrics.collect()),
            checks: Vec::new(),
            violations: Vec::new(),
            evidence: Ordered(evidence.collect()),
            verdict: None,
            runtime_status: None,
            score: None,
            failure_modes: Vec::new(),
            findings: Vec::new(),
            culprit: None,
            unlisted: facts.unlisted,
            origin: facts.origin,
        }
    }
}

fn has_failed(exits: &ProcessExits) -> bool {
    exits.iter().any(|(_, code)| *code != Some(0))
}

/// That a process failed: `process_rc(sim=1,streamer=0)`.
fn process_exits(exits: &ProcessExits) -> String {
    let code = |code: &Option<i64>| code.map_or_else(|| "none".to_owned(), |it| it.to_string());
    let all: Vec<_> = exits.iter().map(|(name, it)| format!("{name}={}", code(it))).collect();
    format!("process_rc({})", all.join(","))
}

impl From<&CheckEntry> for ScenarioCheck {
    fn from(check: &CheckEntry) -> Self {
        let rule = Rule::ALL.iter().find(|(_, rule)| *rule == check.rule);
        Self {
            metric: check.name.clone(),
            rule: rule.map_or("", |(name, _)| name).into(),
            actual: check.actual.map(Plain::of),
            expected: check.expected.map(Plain::of),
            passed: check.passed,
            violation: if check.passed == Some(false) {
                check.violation.clone()
            } else {
                String::new()
            },
            severity: check.severity,
            reason: check.reason.clone(),
            is_own: check.requested,
        }
    }
}

//! The verdict: whether the service may ship, and why.

use serde::{Deserialize, Serialize};

use super::quantity::BACKLOG;
use super::score::{Score, Term};
use super::{Assessment, Circumstances};
use crate::model::check::{Criteria, Judged, Severity};
use crate::model::evidence::{Scope, Shortfall};
use crate::model::level::{Gate, Level, Levels, Status};
use crate::model::quantity::{number, number_beside};
use crate::model::signal::Signal;

/// The answer of an audit, from the best to the worst that is proven.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing that fails the gate is there; or without a gate, the status is healthy.
    Pass,
    /// Something stands against the service, and no gate was asked for that could fail.
    NotGated,
    /// Something is missing, so that the gate may or may not have to fail.
    Inconclusive,
    /// The audit was interrupted before its end.
    Interrupted,
    /// The audit could not be carried out.
    Error,
    /// The command that ran meanwhile failed.
    CommandFailed,
    /// What fails the gate is proven.
    Fail,
}

impl Verdict {
    /// Every verdict, in the order of their weight.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::NotGated,
        Self::Inconclusive,
        Self::Interrupted,
        Self::Error,
        Self::CommandFailed,
        Self::Fail,
    ];

    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommandFailed => "command_failed",
            Self::NotGated => "not_gated",
            other => other.words(),
        }
    }

    /// Its name in plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::CommandFailed => "command failed",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
            Self::Inconclusive => "inconclusive",
            Self::Pass => "pass",
            Self::NotGated => "not gated",
        }
    }
}

/// Decides, and says why.
pub(super) fn decide(
    assessment: &Assessment,
    criteria: &Criteria,
    circumstances: Circumstances<'_>,
) -> (Verdict, String) {
    let Circumstances { gate, failure, command_failure, interruption, .. } = circumstances;
    let levels = &criteria.levels;
    if let Some(reason) = proven(assessment, levels, circumstances) {
        return (Verdict::Fail, reason);
    }
    if let Some(failure) = command_failure {
        return (Verdict::CommandFailed, failure.to_owned());
    }
    if let Some(interruption) = interruption {
        // What went wrong beside may well come of it.
        let besides = failure.map(|failure| format!("; besides: {failure}")).unwrap_or_default();
        return (Verdict::Interrupted, format!("{interruption}{besides}"));
    }
    if let Some(failure) = failure {
        return (Verdict::Error, failure.to_owned());
    }
    if let Some(reason) = missing(assessment, criteria, circumstances) {
        return (Verdict::Inconclusive, reason);
    }
    match (gate.is_set(), circumstances.asks_for_signals) {
        (true, true) => (Verdict::Pass, passed(assessment, levels, gate)),
        (false, true) => not_gated(assessment),
        (_, false) => by_checks(assessment, gate),
    }
}

/// What fails the gate and is proven.
fn proven(
    assessment: &Assessment,
    levels: &Levels,
    circumstances: Circumstances<'_>,
) -> Option<String> {
    let Circumstances { gate, asks_for_signals, .. } = circumstances;
    let total = assessment.score.total;
    let is_reached = |level: &Level| asks_for_signals && total.least >= levels.start_of(*level);
    if let Some(level) = gate.level.filter(is_reached) {
        let (value, limit) = number_beside(total.least, levels.start_of(level));
        let at_least = if total.exact().is_none() { "at least " } else { "" };
        let name = level.status().name();
        return Some(format!("the score is {at_least}{value}; {name} starts at {limit}"));
    }
    if gate.failure_mode && !assessment.failure_modes.is_empty() {
        let (names, verb) = modes(assessment);
        return Some(format!("{names} {verb} proven"));
    }
    if !gate.is_set() {
        return None;
    }
    gravest(assessment, weighs(gate)).map(|broken| format!("the check {}", broken_words(broken)))
}

/// The check that weighs most of those that are found to weigh at least so much; the first of them.
fn gravest(assessment: &Assessment, least: Option<Severity>) -> Option<&Judged> {
    let found = assessment.checks.iter().filter(|judged| judged.found() >= least);
    // Of equals `max_by_key` takes the last.
    found.rev().max_by_key(|judged| judged.found())
}

/// The least severity that fails the gate.
fn weighs(gate: Gate) -> Option<Severity> {
    let is_strict = gate.level == Some(Level::Degraded);
    Some(if is_strict { Severity::Warning } else { Severity::Critical })
}

fn broken_words(judged: &Judged) -> String {
    let severity = judged.found().unwrap_or(judged.check.severity).name();
    let verb = if judged.passed == Some(false) { "is broken" } else { "warns" };
    let violation = judged.violation().map(|it| format!(": {it}")).unwrap_or_default();
    format!("`{}` ({severity}) {verb}{violation}", judged.check.id)
}

fn modes(assessment: &Assessment) -> (String, &'static str) {
    let names: Vec<_> = assessment.failure_modes.iter().map(|it| it.mode.name).collect();
    (names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// What is missing, and may hide what fails the gate. Without a gate, what may hide the status.
fn missing(
    assessment: &Assessment,
    criteria: &Criteria,
    circumstances: Circumstances<'_>,
) -> Option<String> {
    let (gate, levels) = (circumstances.gate, &criteria.levels);
    let score = &assessment.score;
    // Below the level and whole, it cannot reach the level any more.
    let is_open = score.total.exact().is_none();
    if is_open && (gate.is_set() || assessment.status == Status::Inconclusive) {
        // What has no value at all says more than what may be higher.
        let has_blank = score.terms.iter().any(|term| !term.is_known() && !term.measured);
        let unseen = unseen(score, criteria, circumstances).filter(|_| !has_blank);
        return Some(match unseen {
            Some(shortfall) => {
                let Shortfall { rule, detail, .. } = shortfall;
                let least = least(score, levels, gate.level);
                format!("{detail} (rule `{}`); the score is {least}", rule.key())
            }
            None => missing_signals(score, levels, gate.level),
        });
    }
    if let Some(open) = assessment.not_assessable.first().filter(|_| gate.failure_mode) {
        let unknown: Vec<_> = open.unknown.iter().map(|signal| signal.key()).collect();
        let names = unknown.join(", ");
        return Some(format!("{} cannot be told without {names}", open.mode.name));
    }
    let counts =
        |judged: &&Judged| judged.passed.is_none() && Some(judged.check.severity) >= weighs(gate);
    let Some(judged) = assessment.checks.iter().find(counts) else {
        return nothing_counts(assessment, circumstances);
    };
    let reason = judged.reason.as_deref();
    let reason = reason.map(|it| format!(": {}", naming_the_rule(it, criteria, circumstances)));
    let (severity, reason) = (judged.check.severity.name(), reason.unwrap_or_default());
    Some(format!("the check `{}` ({severity}) cannot be told{reason}", judged.check.id))
}

/// That no check weighs enough for the gate, where there is nothing but checks.
fn nothing_counts(assessment: &Assessment, circumstances: Circumstances<'_>) -> Option<String> {
    let Circumstances { gate, asks_for_signals, .. } = circumstances;
    let weighs = |it: &Judged| it.check.is_requested && Some(it.check.severity) >= weighs(gate);
    let is_any = asks_for_signals || !gate.is_set() || assessment.checks.iter().any(weighs);
    (!is_any).then(|| "no check here weighs enough to fail the gate (`severity`)".to_owned())
}

/// The reason of a check; where it begins with evidence that is missing, the rule is named.
fn naming_the_rule(reason: &str, criteria: &Criteria, circumstances: Circumstances<'_>) -> String {
    let missing = counting(criteria, circumstances).find_map(|it| {
        let rest = reason.strip_prefix(&it.detail)?;
        Some(format!("{} (rule `{}`){rest}", it.detail, it.rule.key()))
    });
    missing.unwrap_or_else(|| reason.to_owned())
}

/// The evidence that is missing and not allowed to be.
fn counting<'a>(
    criteria: &Criteria,
    circumstances: Circumstances<'a>,
) -> impl Iterator<Item = &'a Shortfall> {
    let rules = &criteria.evidence;
    circumstances.evidence.shortfalls.iter().filter(|it| !rules.allows(it.rule))
}

/// The evidence that is missing of what is not known of the score.
fn unseen<'a>(
    score: &Score,
    criteria: &Criteria,
    circumstances: Circumstances<'a>,
) -> Option<&'a Shortfall> {
    let is_open = |signal: Signal| {
        let is_input =
            |term: &Term| term.signal == Signal::THREADPOOL_BACKLOG && BACKLOG.contains(&signal);
        let of = |term: &Term| term.signal == signal || is_input(term);
        score.terms.iter().any(|term| !term.is_known() && of(term))
    };
    let concerns = |it: &&Shortfall| match &it.scope {
        Scope::Everything => true,
        Scope::Queries(numbers) => numbers.iter().any(|number| {
            circumstances.queries.get(*number).copied().flatten().is_some_and(is_open)
        }),
    };
    counting(criteria, circumstances).find(concerns)
}

fn missing_signals(score: &Score, levels: &Levels, gate: Option<Level>) -> String {
    if !score.is_measured() {
        return "no signal of the score is known".to_owned();
    }
    let unknown = || score.terms.iter().filter(|term| !term.is_known());
    let has_blank = unknown().any(|term| !term.measured);
    let named = unknown().filter(|term| !has_blank || !term.measured);
    let names: Vec<_> = named.map(|term| term.signal.key()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let least = least(score, levels, gate);
    format!("{} {verb} not known; the score is {least}", names.join(", "))
}

/// How much the score is at least, beside the start of the level that fails the gate.
fn least(score: &Score, levels: &Levels, gate: Option<Level>) -> String {
    let least = score.total.least;
    match gate {
        None => format!("at least {}", number(least)),
        Some(level) => {
            let (least, limit) = number_beside(least, levels.start_of(level));
            format!("at least {least}, and {} starts at {limit}", level.status().name())
        }
    }
}

/// Why the gate passes, and what it does not look at.
fn passed(assessment: &Assessment, levels: &Levels, gate: Gate) -> String {
    let total = assessment.score.total.least;
    let reason = match gate.level {
        Some(level) => {
            let (value, limit) = number_beside(total, levels.start_of(level));
            let name = level.status().name();
            format!("the score is {value}, below {limit} where {name} starts")
        }
        None => "no failure mode is proven".to_owned(),
    };
    reason + &not_looked_at(assessment, gate)
}

/// What stands against the service, and the switch that gates on it.
fn not_looked_at(assessment: &Assessment, gate: Gate) -> String {
    let mut words = String::new();
    if !assessment.failure_modes.is_empty() {
        let (names, verb) = modes(assessment);
        words += &format!("; but {names} {verb} proven (--fail-on failure-mode gates on it)");
    }
    if gate.level.is_none() && !matches!(assessment.status, Status::Healthy) {
        let name = assessment.status.name();
        words += &format!("; but the status is {name} (--fail-on LEVEL gates on it)");
    }
    words + &broken_beside(assessment)
}

/// Where there is no score, because no signal is asked for.
fn by_checks(assessment: &Assessment, gate: Gate) -> (Verdict, String) {
    if gate.is_set() {
        let requested = || assessment.checks.iter().filter(|it| it.check.is_requested);
        let which = match requested().all(|it| it.passed == Some(true)) {
            true => "all checks passed",
            false => "all checks that the gate looks at passed",
        };
        return (Verdict::Pass, which.to_owned() + &broken_beside(assessment));
    }
    match gravest(assessment, Some(Severity::Warning)) {
        Some(judged) => {
            let broken = broken_words(judged);
            let reason = format!("the check {broken}, and no gate was asked for (--fail-on LEVEL)");
            (Verdict::NotGated, reason)
        }
        None => (Verdict::Pass, "all checks passed; no gate was asked for".to_owned()),
    }
}

/// The check that a stricter gate looks at, if one is broken.
fn broken_beside(assessment: &Assessment) -> String {
    let warns = |judged: &&Judged| judged.found() == Some(Severity::Warning);
    let judged = assessment.checks.iter().find(warns);
    judged.map_or_else(String::new, |judged| {
        let broken = broken_words(judged);
        format!("; but the check {broken} (--fail-on degraded gates on it)")
    })
}

fn not_gated(assessment: &Assessment) -> (Verdict, String) {
    let status = assessment.status;
    if status != Status::Healthy {
        let name = status.name();
        let reason = format!("the status is {name}, and no gate was asked for (--fail-on LEVEL)");
        return (Verdict::NotGated, reason);
    }
    if let Some(judged) = gravest(assessment, Some(Severity::Warning)) {
        let broken = broken_words(judged);
        let reason = format!("the check {broken}, and no gate was asked for (--fail-on LEVEL)");
        return (Verdict::NotGated, reason);
    }
    let reason = "the status is HEALTHY; no gate was asked for".to_owned();
    if assessment.failure_modes.is_empty() {
        return (Verdict::Pass, reason);
    }
    let (names, verb) = modes(assessment);
    let reason =
        format!("{reason}; but {names} {verb} proven (--fail-on failure-mode gates on it)");
    (Verdict::Pass, reason)
}

//! What stands in the newest report: proven failure modes, findings, and what is stuck.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::kind::{self, CHECK, COST, Draft, MODE, STUCK};
use super::run::{run, shown, tells};
use super::{Category, Seen};
use crate::evidence::stuck_pool;
use crate::model::baseline;
use crate::model::built_in::HIDDEN_LAG;
use crate::model::check::{Rule, Severity};
use crate::model::evidence;
use crate::model::finding::LATE_SCRAPE;
use crate::model::mode::ModeSeverity;
use crate::model::quantity::number_beside;
use crate::model::signal::Signal;
use crate::report::{CheckEntry, FailureModeEntry, FindingEntry, ShortfallEntry};
use crate::watch::Entry;

/// What checks that see stuck work are called, or their names begin with.
const STUCK_CHECK: &str = STUCK.id;
/// Words for a category that say nothing of the domain: what checks have that name none.
const NO_WORDS: [&str; 3] = ["runtime", "custom", "baseline"];

pub(super) fn drafts(seen: &Seen<'_>) -> Vec<Draft> {
    let modes = seen.report.failure_modes.iter().map(|it| mode(seen, it));
    // Where there is no verdict for want of evidence, that is an alert with all that is missing.
    let is_told =
        |it: &FindingEntry| evidence::Rule::from_key(&it.check).is_some() && !tells(seen.newest);
    let checks = merged(&seen.report.finding_details);
    let checks = checks.into_iter().filter(|it| !is_told(it)).map(|it| check(seen, &it));
    modes.chain(checks).chain(stuck(seen)).collect()
}

fn mode(seen: &Seen<'_>, mode: &FailureModeEntry) -> Draft {
    let run = run((seen.newest, seen.earlier), |entry, _| {
        shown(entry, entry.modes.iter().any(|it| **it == *mode.mode))
    });
    let values = mode.evidence.iter().map(|it| {
        let (value, limit) = number_beside(it.value, it.limit);
        let at_least = if it.is_lower_bound { "at least " } else { "" };
        format!("{} is {at_least}{value} {unit}, over {limit} {unit}", it.signal, unit = it.unit)
    });
    let cause = mode.cause.map(|it| format!(" {}", it.description())).unwrap_or_default();
    let values = values.collect::<Vec<_>>().join("; ");
    let detail = format!(
        "{} ({values}).{cause} To do: `auditor explain {}` says what helps.",
        mode.description, mode.mode
    );
    let severity = match mode.severity {
        ModeSeverity::High => Severity::Critical,
        ModeSeverity::Medium => Severity::Warning,
    };
    let domain = mode.evidence.iter().find_map(|it| kind::domain_of(&it.signal));
    let domain = domain.unwrap_or(MODE.domain).into();
    let about = Some(mode.mode.clone().into_owned());
    Draft { about, severity, domain, ..Draft::new(&MODE, detail, value(mode), run.since) }
}

/// The findings, one for each check: where several targets fall short of a rule, or are late, their
/// values stand together.
fn merged(findings: &[FindingEntry]) -> Vec<FindingEntry> {
    let mut merged: Vec<FindingEntry> = Vec::new();
    for finding in findings {
        match merged.iter_mut().find(|it| it.check == finding.check) {
            Some(it) => {
                it.severity = it.severity.max(finding.severity);
                it.message = format!("{} {}", it.message, finding.message);
                it.evidence.extend(finding.evidence.iter().cloned());
            }
            None => merged.push(finding.clone()),
        }
    }
    merged
}

/// The alert of a finding; that of a budget is one of cost.
fn check(seen: &Seen<'_>, finding: &FindingEntry) -> Draft {
    let entry = seen.report.checks.iter().find(|it| it.name == finding.check);
    let kind = match entry {
        Some(entry) if entry.rule == Rule::Budget => &COST,
        _ => &CHECK,
    };
    let run = run((seen.newest, seen.earlier), |entry, _| shown(entry, has(entry, &finding.check)));
    let description = entry.map(|it| it.description.trim_end_matches('.'));
    let detail = match description.filter(|it| !it.is_empty()) {
        Some(description) => format!("{} It means: {description}.", finding.message),
        None => finding.message.clone(),
    };
    Draft {
        about: Some(finding.check.clone()),
        severity: finding.severity,
        category: category(finding, entry),
        domain: domain(&finding.check, signal(finding), entry),
        ..Draft::new(kind, detail, value(finding), run.since)
    }
}

/// The signal that a finding is about, if it is about one.
fn signal(finding: &FindingEntry) -> Option<&str> {
    finding.evidence.iter().find_map(|it| it.signal.as_deref())
}

/// Whether the check of that name has a finding.
pub(super) fn has(entry: &Entry, check: &str) -> bool {
    entry.broken.iter().any(|it| **it == *check)
}

fn category(finding: &FindingEntry, entry: Option<&CheckEntry>) -> Category {
    let of_quality = [Signal::ERROR_RATIO.key(), Signal::P99_LATENCY.key(), HIDDEN_LAG];
    let is_quality = |name: &str| of_quality.contains(&name);
    let named = entry.and_then(|it| Category::from_name(&it.category));
    let by_itself = || match entry.map(|it| it.rule) {
        _ if is_quality(&finding.check) => Category::Quality,
        Some(Rule::Baseline) => Category::Quality,
        Some(Rule::Spike) => Category::Throughput,
        _ if signal(finding).is_some_and(is_quality) => Category::Quality,
        _ => Category::Health,
    };
    named.unwrap_or_else(by_itself)
}

/// The domain of a check: the word that its configuration has for it, or what its signal tells of.
pub(super) fn domain(
    name: &str,
    signal: Option<&str>,
    entry: Option<&CheckEntry>,
) -> Cow<'static, str> {
    let word = entry.map(|it| it.category.as_str());
    let word = word.filter(|it| Category::from_name(it).is_none());
    if let Some(own) = word.filter(|it| !NO_WORDS.contains(it)) {
        return own.to_owned().into();
    }
    if evidence::Rule::from_key(name).is_some() {
        return kind::EVIDENCE.into();
    }
    let name = if name == LATE_SCRAPE { Signal::EVENT_LOOP_LAG.key() } else { name };
    let compared = name.strip_prefix(baseline::PREFIX).unwrap_or(name);
    let of_signal = signal.into_iter().chain([compared]).find_map(kind::domain_of);
    let of_signal = of_signal.map(Cow::Borrowed);
    of_signal.unwrap_or_else(|| word.unwrap_or(CHECK.domain).to_owned().into())
}

/// That work is open and none is done: a stall in flight when the time was over, a pool that takes no
/// task, or a check of that name.
fn stuck(seen: &Seen<'_>) -> Option<Draft> {
    let (at_end, holes) = (evidence::Rule::StallAtEnd.key(), evidence::Rule::Holes.key());
    let is_of_pool =
        |it: &&ShortfallEntry| it.rule == holes && it.detail.starts_with(stuck_pool::BEGINNING);
    let shortfalls = &seen.report.evidence.shortfalls;
    let checks = seen.report.finding_details.iter();
    let checks: Vec<_> = checks.filter(|it| it.check.starts_with(STUCK_CHECK)).collect();
    let pools: Vec<_> = shortfalls.iter().filter(is_of_pool).collect();
    let stalls: Vec<_> = shortfalls.iter().filter(|it| it.rule == at_end).collect();
    if checks.is_empty() && pools.is_empty() && stalls.is_empty() {
        return None;
    }
    let missing = || stalls.iter().chain(&pools);
    let words = missing().map(|it| format!("{}. To do: {}.", it.detail, it.advice));
    let detail = checks.iter().map(|it| it.message.clone()).chain(words);
    let detail = detail.collect::<Vec<_>>().join(" ");
    let finding = json!({"checks": checks, "shortfalls": missing().collect::<Vec<_>>()});
    let run = run((seen.newest, seen.earlier), |entry, _| {
        let is_check = entry.broken.iter().any(|it| it.starts_with(STUCK_CHECK));
        let is_pool = !pools.is_empty() && has(entry, holes);
        shown(entry, is_check || is_pool || has(entry, at_end))
    });
    let mut draft = Draft::new(&STUCK, detail, finding, run.since);
    // On a machine that had no time for the service, a page that comes late is the machine's; and who
    // relaxes a rule wants to be told only.
    let is_busy = shortfalls.iter().any(|it| it.rule == evidence::Rule::BusyMachine.key());
    if checks.is_empty() && missing().all(|it| it.allowed || (is_busy && it.rule == at_end)) {
        draft.severity = Severity::Info;
    }
    if stalls.is_empty() && checks.is_empty() {
        draft.domain = kind::POOL.into();
    }
    Some(draft)
}

/// A part of the report as JSON.
fn value(part: &impl serde::Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

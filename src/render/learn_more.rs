//! Where a report that is no pass leads to: to what the word means that decided, or to what the
//! queries found.

use super::blame;
use crate::engine::Verdict;
use crate::model::baseline;
use crate::model::check::{Rule, SECTION};
use crate::model::level::Status;
use crate::model::signal::Signal;
use crate::report::{CheckEntry, Report, SignalEntry, SourceKind, StateName};

/// The line that says so; `None` of a pass.
pub(super) fn line(report: &Report) -> Option<String> {
    let is_explained = rule(report).is_some() || decisive(report).is_some_and(is_of_baseline);
    let is_without_values = report.verdict == Verdict::Inconclusive && !is_explained;
    let load = if report.command.is_some() { " -- COMMAND" } else { "" };
    if is_without_values && lacks_probe(report) {
        return Some(format!(
            "Nothing here sees the loop without the probe; add it, with a route that is answered at \
             once: auditor {} --probe URL{load}",
            report.options
        ));
    }
    if is_without_values {
        return Some(format!("To find out why: auditor doctor {}{load}", report.options));
    }
    if blame::is_loop_broken(report) && could_name_the_line(report) {
        return Some(format!(
            "To name the line that blocks, on the machine of the service: auditor {} --probe URL{load}",
            report.options
        ));
    }
    topic(report).map(|topic| format!("To learn more: auditor explain {topic}"))
}

/// Whether the service was at hand, and the probe that would look at its stacks was not there.
fn could_name_the_line(report: &Report) -> bool {
    report.source == SourceKind::Scrape && report.stalled.is_none() && topic(report).is_some()
}

/// Whether the lag is what the probe would see, and there was none.
fn lacks_probe(report: &Report) -> bool {
    let lag = report.signals.get(Signal::EVENT_LOOP_LAG.key());
    let is_of_probe = |entry: &SignalEntry| {
        entry.state == StateName::NoData
            && entry.query.as_ref().is_some_and(|query| query.contains("auditor_probe_lag_seconds"))
    };
    lag.is_some_and(is_of_probe)
        && !report.options.contains("--probe")
        && report.source != SourceKind::Recording
}

/// What to ask `auditor explain` for; `None` of a pass.
pub(super) fn topic(report: &Report) -> Option<&str> {
    match report.verdict {
        Verdict::Pass => None,
        Verdict::Inconclusive => Some(rule(report).unwrap_or_else(|| match decisive(report) {
            Some(check) if is_of_baseline(check) => baseline::SECTION,
            _ => Status::Inconclusive.name(),
        })),
        Verdict::Interrupted | Verdict::Error => Some(report.verdict.name()),
        Verdict::Fail | Verdict::NotGated | Verdict::CommandFailed => {
            Some(report.failure_modes.first().map_or_else(|| decided(report), |it| &*it.mode))
        }
    }
}

/// The rule of evidence that the reason names.
fn rule(report: &Report) -> Option<&str> {
    let mut rules = report.evidence.shortfalls.iter().map(|it| &*it.rule);
    rules.find(|rule| report.verdict_reason.contains(&format!("(rule `{rule}`)")))
}

/// What decided where no failure mode is proven.
fn decided(report: &Report) -> &str {
    if report.verdict == Verdict::CommandFailed {
        return report.verdict.name();
    }
    match decisive(report) {
        None => report.status.name(),
        Some(check) if is_of_baseline(check) => baseline::SECTION,
        // A check of one's own may have the name of anything.
        Some(check) => Signal::from_key(&check.name).map_or(SECTION, Signal::key),
    }
}

/// The check that the reason of the verdict begins with.
fn decisive(report: &Report) -> Option<&CheckEntry> {
    let is_named = |name: &str| report.verdict_reason.starts_with(&format!("the check `{name}`"));
    report.checks.iter().find(|check| is_named(&check.name))
}

fn is_of_baseline(check: &CheckEntry) -> bool {
    check.rule == Rule::Baseline
}

//! Where a report that is no pass leads to: to what the word means that decided, or to what the
//! queries found.

use crate::engine::Verdict;
use crate::model::check::SECTION;
use crate::model::level::Status;
use crate::model::signal::Signal;
use crate::report::Report;

/// The line that says so; `None` of a pass.
pub(super) fn line(report: &Report) -> Option<String> {
    let is_without_values = report.verdict == Verdict::Inconclusive && rule(report).is_none();
    if is_without_values {
        return Some(format!("To find out why: auditor doctor {}", report.options));
    }
    topic(report).map(|topic| format!("To learn more: auditor explain {topic}"))
}

/// What to ask `auditor explain` for; `None` of a pass.
fn topic(report: &Report) -> Option<&str> {
    match report.verdict {
        Verdict::Pass => None,
        Verdict::Inconclusive => Some(rule(report).unwrap_or(Status::Inconclusive.name())),
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
    let is_named = |name: &str| report.verdict_reason.starts_with(&format!("the check `{name}`"));
    match report.checks.iter().find(|check| is_named(&check.name)) {
        None => report.status.name(),
        // A check of one's own may have the name of anything.
        Some(check) => Signal::from_key(&check.name).map_or(SECTION, Signal::key),
    }
}

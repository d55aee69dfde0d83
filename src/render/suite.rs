//! Renderings of the summary of a suite: of each format a function of the summary alone.

mod html;
mod junit;
mod markdown;
mod prometheus;
mod text;

use std::io::{self, Write};

use super::remarks::{Place, Remark, Weight};
use super::{github as annotations, gitlab as quality, sarif as alerts};
use crate::model::level::Status;
use crate::one_line::one_line;
use crate::report::suite::{ScenarioEntry, ScenarioStatus, Summary};

pub(super) use html::html;
pub(super) use junit::junit;
pub use markdown::markdown;
pub(super) use prometheus::{FIRST_LINE as FIRST_LINE_OF_PAGE, prometheus};
pub(super) use text::{FIRST_WORD, plain};
pub use text::{text, verdict};

/// What the remarks on a suite are instances of.
pub(super) const TOPIC: &str = "suite";

/// The most lines that an annotation has beside its first one.
const MOST_BESIDE: usize = 5;

/// The whole summary as JSON, with a line feed at its end.
///
/// # Errors
/// If it cannot be written.
pub fn json(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, summary)?;
    out.write_all(b"\n")
}

/// The verdict as an annotation of GitHub, and one for each scenario that did not pass.
///
/// # Errors
/// If it cannot be written.
pub fn github(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    annotations::suite(summary, &remarks(summary), out)
}

/// An issue for each scenario that did not pass.
///
/// # Errors
/// If it cannot be written.
pub(super) fn gitlab(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    quality::write(with_verdict(summary), &file(summary), out)
}

/// A result for each scenario that did not pass.
///
/// # Errors
/// If it cannot be written.
pub(super) fn sarif(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    alerts::suite(summary, &with_verdict(summary), &file(summary), out)
}

/// The verdict in one line, without colours.
pub(super) fn verdict_line(summary: &Summary) -> String {
    let verdict = summary.verdict.words().to_uppercase();
    let (reason, code) = (one_line(&summary.verdict_reason), summary.exit_code);
    format!("{verdict} - {reason} (exit code {code})")
}

/// How many scenarios ended how, in words.
fn counts(summary: &Summary) -> String {
    let counts = summary.counts;
    let noun = if counts.total == 1 { "scenario" } else { "scenarios" };
    let mut words = format!("{} {noun}: {} passed", counts.total, counts.pass);
    if counts.fail > 0 {
        words += &format!(", {} failed", counts.fail);
    }
    if counts.inconclusive > 0 {
        words += &format!(", {} without a verdict", counts.inconclusive);
    }
    if !summary.not_finished.is_empty() {
        words += &format!("; {} not finished", summary.not_finished.len());
    }
    words
}

/// The scenarios that did not pass.
fn others(summary: &Summary) -> impl Iterator<Item = &ScenarioEntry> {
    summary.scenarios.iter().filter(|it| it.status != ScenarioStatus::Pass)
}

/// What is to be said of a scenario beside its reason, a line each.
fn details(entry: &ScenarioEntry) -> Vec<String> {
    let culprit = entry.culprit.iter().map(|it| format!("{it} holds the event loop"));
    let modes = entry.failure_modes.iter().map(|it| format!("{it} is proven"));
    let own = || entry.checks.iter().filter(|check| check.is_own);
    let broken = || own().filter(|check| check.passed == Some(false));
    let violations = broken().map(|check| check.violation.clone());
    let is_of_check = |finding: &String| entry.violations.iter().any(|it| finding.contains(it));
    let findings = entry.findings.iter().filter(|it| !is_of_check(it)).cloned();
    let assumed = broken().filter_map(|check| check.reason.clone());
    let told = culprit.chain(modes).chain(violations).chain(findings).chain(assumed);
    let mut lines: Vec<String> = Vec::new();
    for line in told.map(|line| one_line(&line)).chain(unknown(entry)).chain(kept(entry)) {
        if !entry.reason.contains(&line) && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The checks that cannot be told, beside the one that the reason names.
fn unknown(entry: &ScenarioEntry) -> Option<String> {
    let unknown = entry.checks.iter().filter(|check| check.is_own && check.passed.is_none());
    let names = unknown.map(|check| format!("`{}`", check.metric));
    let names: Vec<_> = names.filter(|name| !entry.reason.contains(name)).collect();
    let verb = if names.len() == 1 { "the check" } else { "the checks" };
    (!names.is_empty()).then(|| format!("{verb} {} cannot be told", names.join(", ")))
}

/// Where its report is.
fn kept(entry: &ScenarioEntry) -> Option<String> {
    entry.evidence.get("report").map(|path| format!("report: {}", one_line(path)))
}

/// The command that leads on, where there is a word to look up.
fn learn_more(summary: &Summary) -> Option<String> {
    let topic = |entry: &ScenarioEntry| match (entry.failure_modes.first(), entry.runtime_status) {
        (Some(mode), _) => Some(mode.to_string()),
        (None, Some(status)) if status != Status::Healthy => Some(status.name().to_owned()),
        _ => None,
    };
    others(summary).find_map(topic).map(|topic| format!("To learn more: auditor explain {topic}"))
}

/// An id, and whether the suite lists it.
fn id(entry: &ScenarioEntry) -> String {
    let id = one_line(&entry.id);
    if entry.unlisted { format!("{id} (unlisted)") } else { id }
}

/// The scenarios of the suite of which there is no row, in words.
fn without_row(summary: &Summary) -> Option<String> {
    let ids: Vec<_> = summary.without_row.iter().map(|id| one_line(id)).collect();
    (!ids.is_empty()).then(|| format!("Without a row in the manifest: {}", ids.join(", ")))
}

/// The verdict where it is no success, and a remark for each scenario that did not pass.
fn with_verdict(summary: &Summary) -> Vec<Remark> {
    let verdict = (summary.exit_code != 0).then(|| Remark {
        topic: TOPIC.to_owned(),
        weight: Weight::Error,
        lines: std::iter::once(verdict_line(summary)).chain(without_row(summary)).collect(),
        place: Some(file(summary)),
        source: None,
        is_open: matches!(summary.exit_code, 3),
        identity: "verdict".to_owned(),
    });
    verdict.into_iter().chain(remarks(summary)).collect()
}

/// A remark for each scenario that did not pass.
fn remarks(summary: &Summary) -> Vec<Remark> {
    let remark = |entry: &ScenarioEntry| {
        let (status, reason) = (entry.status.name(), one_line(&entry.reason));
        let mut lines = vec![format!("{}: {status} - {reason}", id(entry))];
        lines.extend(details(entry).into_iter().take(MOST_BESIDE));
        Remark {
            topic: format!("{TOPIC}/{}", one_line(&entry.id)),
            weight: Weight::Error,
            lines,
            place: entry.origin.as_ref().map(|origin| Place {
                path: one_line(&origin.file).replace('\\', "/"),
                line: Some(origin.line),
                column: Some(origin.column),
            }),
            source: None,
            is_open: entry.status == ScenarioStatus::Inconclusive,
            identity: format!("scenario {}", entry.order),
        }
    };
    others(summary).map(remark).collect()
}

/// The file of the suite, as a place.
fn file(summary: &Summary) -> Place {
    let path = summary.suite_in_repository.as_ref().unwrap_or(&summary.suite);
    Place { path: one_line(path).replace('\\', "/"), line: None, column: None }
}

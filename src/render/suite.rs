//! Renderings of the summary of a suite: of each format a function of the summary alone.

mod html;
mod junit;
mod markdown;
mod prometheus;
mod text;

use std::io::{self, Write};

use super::remarks::{Place, Remark, Weight};
use super::{github as annotations, gitlab as quality, sarif as alerts};
use crate::one_line::one_line;
use crate::report::suite::{ScenarioEntry, ScenarioStatus, Summary};

pub(super) use html::html;
pub(super) use junit::junit;
pub use markdown::markdown;
pub(super) use prometheus::{FIRST_LINE as FIRST_LINE_OF_PAGE, prometheus};
pub(super) use text::{FIRST_WORD, plain};
pub use text::{text, verdict};

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
    quality::write(remarks(summary), &file(summary), out)
}

/// A result for each scenario that did not pass.
///
/// # Errors
/// If it cannot be written.
pub(super) fn sarif(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    alerts::suite(summary, &remarks(summary), &file(summary), out)
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
    let is_told = |line: &str| entry.reason.contains(line);
    let culprit = entry.culprit.iter().map(|it| format!("{it} holds the event loop"));
    let modes = entry.failure_modes.iter().map(|it| format!("{it} is proven"));
    let broken = entry.checks.iter().filter(|check| check.is_own && check.passed == Some(false));
    let violations = broken.map(|check| check.violation.clone());
    let is_of_check = |finding: &String| entry.violations.iter().any(|it| finding.contains(it));
    let findings = entry.findings.iter().filter(|it| !is_of_check(it)).cloned();
    let is_told_already = |reason: &str| entry.reason.contains(reason);
    let unknown = entry.checks.iter().filter(|check| check.passed.is_none());
    let unknown = unknown.filter(|check| !check.reason.as_deref().is_some_and(is_told_already));
    let unknown = unknown.map(|check| {
        let reason = check.reason.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
        format!("the check `{}` cannot be told{reason}", check.metric)
    });
    let all = culprit.chain(modes).chain(violations).chain(findings).chain(unknown);
    all.map(|line| one_line(&line)).filter(|line| !is_told(line)).collect()
}

/// A remark for each scenario that did not pass.
fn remarks(summary: &Summary) -> Vec<Remark> {
    let remark = |entry: &ScenarioEntry| {
        let (status, reason) = (entry.status.name(), one_line(&entry.reason));
        let mut lines = vec![format!("{}: {status} - {reason}", entry.id)];
        lines.extend(details(entry).into_iter().take(MOST_BESIDE));
        Remark {
            topic: entry.id.clone(),
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

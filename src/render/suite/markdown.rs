//! The summary as GitHub Flavored Markdown, for the summary of a step.

use std::io::{self, Write};

use super::{counts, details, id, others, verdict_line, without_row};
use crate::engine::Verdict;
use crate::render::markdown::{FIRST_LINE, MOST, cell, text};
use crate::report::suite::{ScenarioEntry, ScenarioStatus, Summary};

/// The verdict first, then the scenarios that did not pass, then the others.
///
/// # Errors
/// If it cannot be written.
pub fn markdown(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let mark = match summary.verdict {
        Verdict::Pass => "✅",
        Verdict::Fail | Verdict::CommandFailed | Verdict::Error => "❌",
        Verdict::NotGated | Verdict::Inconclusive | Verdict::Interrupted => "⚠️",
    };
    let line = text(&verdict_line(summary));
    writeln!(out, "{FIRST_LINE}\n\n## {mark} auditor suite: {line}\n")?;
    writeln!(out, "{}", text(&counts(summary)))?;
    if let Some(line) = without_row(summary) {
        writeln!(out, "\n{}", text(&line))?;
    }
    if let Some(error) = summary.error.as_deref().filter(|it| *it != summary.verdict_reason) {
        writeln!(out, "\n**Error:** {}", text(error))?;
    }
    let passed = summary.scenarios.iter().filter(|it| it.status == ScenarioStatus::Pass);
    let shown: Vec<_> = others(summary).chain(passed).take(MOST).collect();
    if !shown.is_empty() {
        writeln!(out, "\n| Scenario | Status | Seconds | Why |\n|---|---|--:|---|")?;
    }
    shown.iter().try_for_each(|entry| row(entry, out))?;
    match summary.scenarios.len().saturating_sub(MOST) {
        0 => Ok(()),
        more => writeln!(out, "\nand {more} more; all are in the JSON summary"),
    }
}

fn row(entry: &ScenarioEntry, out: &mut dyn Write) -> io::Result<()> {
    let mark = match entry.status {
        ScenarioStatus::Pass => "✅",
        ScenarioStatus::Fail => "❌",
        ScenarioStatus::Inconclusive => "⚠️",
    };
    let mut why = vec![text(&entry.reason)];
    if entry.status != ScenarioStatus::Pass {
        why.extend(details(entry).iter().map(|line| text(line)));
    }
    let (id, status) = (cell(&id(entry)), entry.status.name());
    let seconds = entry.duration_ms as f64 / 1000.0;
    writeln!(out, "| {id} | {mark} {status} | {seconds:.1} | {} |", why.join("<br>"))
}

//! The summary for people: what did not pass in full, the verdict last.

use std::io::{self, Write};

use anstream::adapter::strip_bytes;
use anstyle::Style;

use super::{counts, details, id, learn_more, without_row};
use crate::engine::Verdict;
use crate::one_line::one_line;
use crate::render::text::{BAD, DIM, GOOD, WARN};
use crate::report::suite::{ScenarioEntry, ScenarioStatus, Summary};

/// What every summary begins with.
pub(in crate::render) const FIRST_WORD: &str = "Suite: ";
/// So many scenarios that passed have a line of their own.
const MOST: usize = 100;

/// The summary as text with ANSI colours; strip them where they are not wanted.
///
/// # Errors
/// If it cannot be written.
pub fn text(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let profile = summary.mode.as_ref().map(|name| format!(", profile {name}"));
    let (suite, run) = (one_line(&summary.suite), one_line(&summary.run_id));
    writeln!(out, "{DIM}{FIRST_WORD}{suite}{}, run {run}{DIM:#}", profile.unwrap_or_default())?;
    if !summary.scenarios.is_empty() {
        writeln!(out)?;
    }
    let width = summary.scenarios.iter().map(|it| id(it).chars().count()).max();
    let width = width.unwrap_or_default().min(40);
    let mut passed = 0;
    for entry in &summary.scenarios {
        passed += usize::from(entry.status == ScenarioStatus::Pass);
        if entry.status != ScenarioStatus::Pass || passed <= MOST {
            scenario(entry, width, out)?;
        }
    }
    if let Some(more) = passed.checked_sub(MOST).filter(|more| *more > 0) {
        writeln!(out, "  and {more} more that passed")?;
    }
    if !summary.not_finished.is_empty() {
        let names: Vec<_> = summary.not_finished.iter().take(MOST).map(|it| one_line(it)).collect();
        writeln!(out, "\n{WARN}Not finished:{WARN:#} {}", names.join(", "))?;
    }
    if let Some(line) = without_row(summary) {
        writeln!(out, "\n{WARN}{line}{WARN:#}")?;
    }
    if let Some(error) = summary.error.as_deref().filter(|it| *it != summary.verdict_reason) {
        writeln!(out, "\n{BAD}Error:{BAD:#} {}", one_line(error))?;
    }
    writeln!(out, "\n{}", counts(summary))?;
    verdict(summary, out)?;
    match learn_more(summary) {
        Some(line) => writeln!(out, "{DIM}{line}{DIM:#}"),
        None => Ok(()),
    }
}

/// The summary as text without colours.
///
/// # Errors
/// If it cannot be written.
pub(in crate::render) fn plain(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let mut coloured = Vec::new();
    text(summary, &mut coloured)?;
    out.write_all(&strip_bytes(&coloured).into_vec())
}

fn scenario(entry: &ScenarioEntry, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let style = style(entry.status);
    let (status, id) = (entry.status.name(), id(entry));
    let seconds = entry.duration_ms as f64 / 1000.0;
    let reason = one_line(&entry.reason);
    writeln!(
        out,
        "  {style}{status:<12}{style:#}  {id:<width$}  {DIM}{seconds:>6.1} s{DIM:#}  {reason}"
    )?;
    if entry.status == ScenarioStatus::Pass {
        return Ok(());
    }
    details(entry).iter().try_for_each(|line| writeln!(out, "{:16}{line}", ""))
}

const fn style(status: ScenarioStatus) -> Style {
    match status {
        ScenarioStatus::Pass => GOOD,
        ScenarioStatus::Fail => BAD,
        ScenarioStatus::Inconclusive => WARN,
    }
}

/// The line of text that says how the suite ended, with ANSI colours.
///
/// # Errors
/// If it cannot be written.
pub fn verdict(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let style = match summary.verdict {
        Verdict::Pass => GOOD,
        Verdict::Fail | Verdict::CommandFailed | Verdict::Error => BAD,
        Verdict::Inconclusive | Verdict::Interrupted | Verdict::NotGated => WARN,
    };
    let verdict = summary.verdict.words().to_uppercase();
    let (reason, code) = (one_line(&summary.verdict_reason), summary.exit_code);
    writeln!(out, "Verdict: {style}{verdict}{style:#} - {reason} (exit code {code})")
}

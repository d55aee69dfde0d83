//! What the doctor found, as text.

use std::io::{self, Write};

use super::text::{BAD, BOLD, DIM, GOOD, WARN};
use crate::doctor::{Diagnosis, Finding};
use crate::model::quantity::number;

/// Writes a diagnosis.
///
/// # Errors
/// If it cannot be written.
pub fn doctor(diagnosis: &Diagnosis, out: &mut dyn Write) -> io::Result<()> {
    let Diagnosis { source, config, at, .. } = diagnosis;
    writeln!(out, "{DIM}Asked: {source} at {at}\nConfig: {config}{DIM:#}\n")?;
    diagnosis.queries.iter().try_for_each(|it| finding(out, it))?;
    if !diagnosis.not_configured.is_empty() {
        writeln!(out, "{DIM}not configured{DIM:#}: {}", diagnosis.not_configured.join(", "))?;
    }
    if !diagnosis.not_seen.is_empty() {
        writeln!(out, "\n{BOLD}Not seen:{BOLD:#}")?;
    }
    for shortfall in &diagnosis.not_seen {
        writeln!(out, "  {WARN}{shortfall}{WARN:#}")?;
    }
    writeln!(out)?;
    could(out, "pass", diagnosis.cannot_pass.as_deref())?;
    could(out, "fail", diagnosis.cannot_fail.as_deref())?;
    writeln!(out, "Next: {}", diagnosis.next)
}

fn finding(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    match &finding.value {
        Some(value) => writeln!(out, "{BOLD}{}{BOLD:#}: {GOOD}{value}{GOOD:#}", finding.name)?,
        None => writeln!(out, "{BOLD}{}{BOLD:#}: {WARN}unknown{WARN:#}", finding.name)?,
    }
    writeln!(out, "  {DIM}asked: {}{DIM:#}", finding.asked)?;
    let age =
        finding.newest_sample_age_s.map(|age| format!(", newest sample {} s old", number(age)));
    if finding.series > 0 {
        writeln!(out, "  {DIM}{} series{}{DIM:#}", finding.series, age.unwrap_or_default())?;
    }
    if let Some(line) = &finding.line {
        writeln!(out, "  {DIM}found: {line}{DIM:#}")?;
    }
    if let Some(why) = &finding.why {
        writeln!(out, "  why: {why}")?;
    }
    if let Some(to_do) = &finding.to_do {
        writeln!(out, "  to do: {to_do}")?;
    }
    finding.warnings.iter().try_for_each(|it| writeln!(out, "  {WARN}warning{WARN:#}: {it}"))
}

fn could(out: &mut dyn Write, what: &str, why_not: Option<&str>) -> io::Result<()> {
    match why_not {
        None => writeln!(out, "The gate could {what}: {GOOD}yes{GOOD:#}"),
        Some(why) => writeln!(out, "The gate could {what}: {BAD}no{BAD:#} - {why}"),
    }
}

//! What was seen, in one line of text.

use std::io::{self, Write};

use super::text::DIM;
use crate::model::quantity::number;
use crate::report::{EvidenceReport, Report};

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let evidence = &report.evidence;
    let parts: Vec<_> = [requests(evidence), targets(evidence)].into_iter().flatten().collect();
    if parts.is_empty() && evidence.rules.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    if !parts.is_empty() {
        writeln!(out, "{DIM}Seen: {}{DIM:#}", parts.join("; "))?;
    }
    for rule in &evidence.rules {
        let place = rule.origin.as_ref().map(|it| format!(" ({}:{})", it.file, it.line));
        let (key, to, place) = (&rule.rule, &rule.to, place.unwrap_or_default());
        writeln!(out, "{DIM}Evidence: {key} is {to}{place}; default: {}{DIM:#}", rule.default)?;
    }
    Ok(())
}

fn requests(evidence: &EvidenceReport) -> Option<String> {
    let requests = number(evidence.requests?);
    let failed = evidence.error_ratio.map(|ratio| format!(", {}% failed", number(ratio * 100.0)));
    Some(format!("{requests} requests{}", failed.unwrap_or_default()))
}

fn targets(evidence: &EvidenceReport) -> Option<String> {
    let covered = evidence.targets.iter().filter_map(|target| target.covered);
    let covered = covered.reduce(f64::min)?;
    let oldest = evidence.targets.iter().filter_map(|target| target.newest_sample_age_s);
    let oldest = oldest.reduce(f64::max);
    let age = oldest.map(|age| format!(", newest sample {} s old", number(age)));
    let restarts: usize = evidence.targets.iter().filter_map(|target| target.restarts).sum();
    let restarts = if restarts > 0 { format!(", {restarts} restarts") } else { String::new() };
    let (count, percent) = (evidence.targets.len(), number((covered * 100.0).floor()));
    let noun = if count == 1 { "target" } else { "targets" };
    Some(format!(
        "{percent}% of the scrapes of {count} {noun}{}{restarts}",
        age.unwrap_or_default()
    ))
}

//! What was seen, in one line of text, and what was not.

use std::io::{self, Write};

use super::text::{BOLD, DIM, WARN};
use crate::model::blame::JOB as PROBE_JOB;
use crate::model::quantity::number;
use crate::model::signal::Signal;
use crate::report::{EvidenceReport, Report, ShortfallEntry};

/// So many signals and checks are named beside what was not seen of them.
const FEW: usize = 2;

/// What the probe counts of requests, by looking at the sockets now and then.
const SEEN_BY_PROBE: &str = "auditor_requests_seen_total";

/// What was not seen, and once for each rule what to do.
pub(super) fn not_seen(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let shortfalls = &report.evidence.shortfalls;
    if !shortfalls.is_empty() {
        writeln!(out, "\n{BOLD}Not seen:{BOLD:#}")?;
    }
    for (index, shortfall) in shortfalls.iter().enumerate() {
        let ShortfallEntry { rule, detail, advice, allowed, .. } = shortfall;
        let allowed_by = if *allowed { " (allowed)" } else { "" };
        let of = concerned(shortfall).map(|names| format!(" (for {names})")).unwrap_or_default();
        writeln!(out, "  {WARN}{rule}{WARN:#}{allowed_by}: {detail}{of}")?;
        let is_last = shortfalls.get(index + 1).is_none_or(|next| next.rule != *rule);
        if is_last && !allowed {
            writeln!(out, "    To do: {advice}.")?;
        }
    }
    Ok(())
}

/// What a shortfall concerns, if that is little, and the words do not name it.
pub(super) fn concerned(shortfall: &ShortfallEntry) -> Option<String> {
    let names = shortfall.concerns.as_ref().filter(|names| names.len() <= FEW)?;
    let is_named = names.iter().any(|name| shortfall.detail.contains(name.as_str()));
    (!is_named).then(|| names.join(", "))
}

/// The rule and the rest of a reason that begins with what was not seen.
pub(super) fn split<'a>(report: &'a Report, reason: &'a str) -> Option<(&'a str, &'a str)> {
    let shortfalls = report.evidence.shortfalls.iter();
    let shortfall = shortfalls.filter(|it| reason.starts_with(&it.detail));
    let ShortfallEntry { rule, detail, .. } = shortfall.max_by_key(|it| it.detail.len())?;
    let rest = reason.get(detail.len()..)?;
    Some((rule, rest.trim_start_matches("; ")))
}

/// A reason that names the rule in place of what was not seen.
pub(super) fn brief(report: &Report, reason: &str) -> String {
    let named = |rule: &str| format!("not everything was seen (rule `{rule}`)");
    let brief = report.evidence.shortfalls.iter().fold(reason.to_owned(), |brief, it| {
        brief.replace(&format!("{} (rule `{}`)", it.detail, it.rule), &named(&it.rule))
    });
    match split(report, &brief) {
        None => brief,
        Some((rule, "")) => named(rule),
        Some((rule, rest)) => format!("{}; {rest}", named(rule)),
    }
}

pub(super) fn seen(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let evidence = &report.evidence;
    let parts: Vec<_> = [requests(report), targets(evidence)].into_iter().flatten().collect();
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

/// How many requests were seen; the probe does not see all.
pub(super) fn count_of_requests(report: &Report) -> Option<String> {
    let signal = report.signals.get(Signal::REQUESTS_TOTAL.key());
    let query = signal.and_then(|entry| entry.query.as_deref()).unwrap_or_default();
    let at_least = if query.contains(SEEN_BY_PROBE) { "at least " } else { "" };
    Some(format!("{at_least}{} requests", number(report.evidence.requests?)))
}

pub(super) fn requests(report: &Report) -> Option<String> {
    let requests = count_of_requests(report)?;
    let failed = report.evidence.error_ratio.map(|ratio| {
        let key = Signal::ERROR_RATIO.key();
        let is_held = ratio == 0.0 || report.checks.iter().any(|check| check.name == key);
        let hint =
            if is_held { "" } else { " (to gate on that: checks: {error_ratio: {max: 0.01}})" };
        format!(", {}% failed{hint}", number(ratio * 100.0))
    });
    Some(requests + &failed.unwrap_or_default())
}

pub(super) fn targets(evidence: &EvidenceReport) -> Option<String> {
    let covered = evidence.targets.iter().filter_map(|target| target.covered);
    let covered = covered.reduce(f64::min)?;
    let oldest = evidence.targets.iter().filter_map(|target| target.newest_sample_age_s);
    let oldest = oldest.reduce(f64::max);
    let age = oldest.map(|age| format!(", newest sample {} s old", number(age)));
    let restarts: usize = evidence.targets.iter().filter_map(|target| target.restarts).sum();
    let restarts = if restarts > 0 { format!(", {restarts} restarts") } else { String::new() };
    let (count, percent) = (evidence.targets.len(), number((covered * 100.0).floor()));
    if evidence.targets.iter().all(|it| it.target.get("job") == PROBE_JOB) {
        let processes: usize = evidence.targets.iter().filter_map(|it| it.processes).sum();
        let what = match processes {
            0 => "the service from outside".to_owned(),
            1 => "1 process".to_owned(),
            many => format!("{many} processes"),
        };
        return Some(format!(
            "{what} for {percent}% of the time{}{restarts}",
            age.unwrap_or_default()
        ));
    }
    let noun = if count == 1 { "target" } else { "targets" };
    Some(format!(
        "{percent}% of the scrapes of {count} {noun}{}{restarts}",
        age.unwrap_or_default()
    ))
}

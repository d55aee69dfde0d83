//! The report for people: what is wrong first, the verdict last.

use std::io::{self, Write};

use anstream::adapter::strip_bytes;
use anstyle::{AnsiColor, Style};

use super::labels::{Row, Shared};
use super::{blame, checks, evidence, learn_more, rows, samples, signals};
use crate::engine::Verdict;
use crate::model::level::Status;
use crate::model::quantity::{number, number_beside};
use crate::model::signal::Signal;
use crate::report::{FailureModeEntry, Report, SignalEntry, SourceKind, StateName};

pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// The report as text with ANSI colours; strip them where they are not wanted.
///
/// # Errors
/// If it cannot be written.
pub fn text(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    header(out, report)?;
    if let Some(reason) = common_failure(report) {
        if !report.verdict_reason.contains(reason) {
            writeln!(out, "\n{BAD}Nothing could be read:{BAD:#} {reason}")?;
        }
        return ending(out, report);
    }
    let shared = signals::shared(report);
    if !report.is_of_checks_alone() {
        signals::write(out, report, &shared)?;
    }
    failure_modes(out, report, &shared)?;
    blame::write(out, report)?;
    checks::write(out, report)?;
    findings(out, report)?;
    evidence::not_seen(out, report)?;
    evidence::seen(out, report)?;
    not_read(out, report)?;
    ending(out, report)
}

/// The report as text without colours.
///
/// # Errors
/// If it cannot be written.
pub(super) fn plain(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut coloured = Vec::new();
    text(report, &mut coloured)?;
    out.write_all(&strip_bytes(&coloured).into_vec())
}

fn header(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let backend = match (&report.backend.product, &report.backend.version) {
        (Some(product), Some(version)) => format!(" ({product} {version})"),
        (Some(product), None) => format!(" ({product})"),
        (None, _) => String::new(),
    };
    let what = match report.source {
        SourceKind::Scrape => "Scraped",
        SourceKind::Probe => "Probed",
        SourceKind::Recording => "Recording",
        SourceKind::Log => "Log",
        SourceKind::Server => "Target",
    };
    writeln!(out, "{DIM}{what}: {}{backend} at {}{DIM:#}", report.target, report.evaluated_at)?;
    let profile = report.profile.as_ref().map(|name| format!(", profile {name}"));
    let profile = profile.unwrap_or_default();
    let preset = report.preset.as_ref().map(|name| format!(" over preset {name}"));
    let preset = preset.unwrap_or_default();
    writeln!(out, "{DIM}Config: {}{preset}{profile}{DIM:#}", report.config)?;
    if let Some(baseline) = &report.baseline {
        writeln!(out, "{DIM}Baseline: {}{DIM:#}", checks::baseline(baseline))?;
    }
    if let Some(command) = &report.command {
        let style = if command.failed { BAD } else { DIM };
        let (line, took) = (&command.line, number(command.took_s));
        writeln!(
            out,
            "{DIM}Command: {line}{DIM:#} {style}{}{style:#} {DIM}after {took} s{DIM:#}",
            command.status
        )?;
    }
    writeln!(out)?;
    let style = style(report.status);
    if report.is_of_checks_alone() {
        return writeln!(out, "{DIM}Runtime Status: not asked for; checks alone decide{DIM:#}");
    }
    writeln!(out, "Runtime Status: {style}{}{style:#}", report.status.name())?;
    match report.runtime_health_score {
        None => writeln!(out, "Runtime Health Score: unknown"),
        Some(score) if report.score_is_lower_bound => {
            writeln!(out, "Runtime Health Score: {score:.0} (at least: signals are missing)")
        }
        Some(score) => writeln!(out, "Runtime Health Score: {score:.0}"),
    }
}

/// Every finding but those of checks that stand in a table of their own, and of what was not seen.
pub(super) fn listed_findings(report: &Report) -> Vec<&str> {
    let is_listed = |index: usize| {
        let check = report.finding_details.get(index).map(|detail| detail.check.as_str());
        report.checks.iter().any(|it| {
            it.requested && Some(it.name.as_str()) == check && Signal::from_key(&it.name).is_none()
        }) || report.evidence.shortfalls.iter().any(|it| Some(&*it.rule) == check)
    };
    let shown = report.findings.iter().enumerate().filter(|(index, _)| !is_listed(*index));
    shown.map(|(_, finding)| finding.as_str()).collect()
}

fn findings(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let shown = listed_findings(report);
    if !shown.is_empty() {
        writeln!(out, "\n{BOLD}Findings:{BOLD:#}")?;
    }
    shown.into_iter().try_for_each(|finding| writeln!(out, "  - {finding}"))
}

const fn style(status: Status) -> Style {
    match status {
        Status::Healthy => GOOD,
        Status::Degraded | Status::Inconclusive => WARN,
        Status::Critical | Status::CollapseRisk => BAD,
    }
}

/// The reason why every query failed, if it is the same for all: one line then says it all.
pub(super) fn common_failure(report: &Report) -> Option<&str> {
    let mut asked = report.signals.iter().map(|(_, entry)| entry).filter(|e| e.query.is_some());
    let first = asked.next()?;
    let same =
        |entry: &SignalEntry| entry.state == StateName::Failed && entry.reason == first.reason;
    (same(first) && asked.all(same)).then_some(first.reason.as_deref()?)
}

fn failure_modes(out: &mut dyn Write, report: &Report, shared: &Shared) -> io::Result<()> {
    if report.failure_modes.is_empty() && report.failure_modes_not_assessable.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}Failure modes:{BOLD:#}")?;
    for mode in &report.failure_modes {
        failure_mode(out, mode, shared)?;
    }
    for open in &report.failure_modes_not_assessable {
        let unknown = open.unknown.join(", ");
        let mut entries = open.unknown.iter().map(|name| report.signals.get(name));
        let is_bound = |it: &SignalEntry| it.value.is_some() && it.is_lower_bound;
        let mode = &open.mode;
        if entries.all(|entry| entry.is_some_and(is_bound)) {
            writeln!(out, "  {WARN}{mode}{WARN:#} cannot be ruled out: {unknown} may be higher")?;
        } else {
            writeln!(out, "  {WARN}{mode}{WARN:#} cannot be told without {unknown}")?;
        }
    }
    Ok(())
}

fn failure_mode(out: &mut dyn Write, mode: &FailureModeEntry, shared: &Shared) -> io::Result<()> {
    let severity = mode.severity.name();
    writeln!(out, "  {BAD}{} ({severity}){BAD:#}: {}", mode.mode, mode.description)?;
    for evidence in &mode.evidence {
        let (value, limit) = number_beside(evidence.value, evidence.limit);
        let at_least = if evidence.is_lower_bound { "at least " } else { "" };
        let unit = &evidence.unit;
        let row = format!("    {} {at_least}{value} {unit} > {limit} {unit}", evidence.signal);
        let place = Row { width: row.chars().count(), indent: 6 };
        writeln!(out, "{row}{}", shared.tail(evidence.series.as_ref(), place))?;
    }
    Ok(())
}

/// What was assumed of signals, and of which there is no whole answer.
pub(super) fn unread(report: &Report) -> (Vec<Told<'_>>, Vec<Told<'_>>) {
    let signals = report.signals.iter();
    let told = signals.filter(|(signal, entry)| !rows::is_dull(signal, entry));
    let told = told.filter_map(|(signal, entry)| Told::new(report, signal, entry));
    told.partition(|it| it.state == StateName::Ok)
}

fn not_read(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let (assumed, unread) = unread(report);
    if !unread.is_empty() {
        writeln!(out, "\n{BOLD}Could not be read:{BOLD:#}")?;
    }
    let no_data = unread.iter().find(|it| it.state == StateName::NoData).map(|it| it.reason);
    let (shared, single) = shared_reason(unread);
    if let Some(first) = shared.first() {
        let names: Vec<_> = shared.iter().map(|it| it.signal).collect();
        let (state, reason) = (first.state.words(), first.reason);
        writeln!(out, "  {WARN}{state}{WARN:#}: {reason}\n    {DIM}{}{DIM:#}", names.join(", "))?;
    }
    for Told { signal, state, reason, query } in single {
        // The same advice for every signal without data is given once, below.
        let reason = match state {
            StateName::NoData => String::new(),
            // The verdict says it.
            _ if report.verdict_reason.contains(reason) => String::new(),
            _ => format!(": {reason}"),
        };
        writeln!(out, "  {signal}: {WARN}{}{WARN:#}{reason}", state.words())?;
        if let Some(query) = query {
            writeln!(out, "    {DIM}{query}{DIM:#}")?;
        }
    }
    if let Some(reason) = no_data {
        writeln!(out, "  No data: {reason}.")?;
    }
    if !assumed.is_empty() {
        writeln!(out, "\n{BOLD}Assumed:{BOLD:#}")?;
    }
    assumed.into_iter().try_for_each(|it| writeln!(out, "  {}: {}", it.signal, it.reason))
}

/// What is told of a signal, beside its value and what was not seen.
pub(super) struct Told<'a> {
    pub(super) signal: &'a str,
    pub(super) state: StateName,
    pub(super) reason: &'a str,
    pub(super) query: Option<&'a str>,
}

impl<'a> Told<'a> {
    fn new(report: &'a Report, signal: &'a str, entry: &'a SignalEntry) -> Option<Self> {
        let reason = entry.reason.as_deref()?;
        let (state, reason) = match evidence::split(report, reason) {
            None => (entry.state, reason),
            // It is partial by what was not seen, which the value says.
            Some((_, "")) => return None,
            Some((_, rest)) => (StateName::Ok, rest),
        };
        Some(Self { signal, state, reason, query: entry.query.as_deref() })
    }
}

/// Apart from the others, those which are partial, or failed, for one and the same reason.
fn shared_reason(unread: Vec<Told<'_>>) -> (Vec<Told<'_>>, Vec<Told<'_>>) {
    let why = |it: &Told<'_>| (it.state, it.reason.to_owned());
    let can_be_shared = |it: &&Told<'_>| matches!(it.state, StateName::Partial | StateName::Failed);
    let is_of_many = |one: &Told<'_>| unread.iter().filter(|it| why(it) == why(one)).count() > 1;
    let shared = unread.iter().filter(can_be_shared).find(|it| is_of_many(it)).map(why);
    unread.into_iter().partition(|it| Some(why(it)) == shared)
}

fn ending(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    samples::write(out, report)?;
    if let Some(error) = report.error.as_deref().filter(|error| *error != report.verdict_reason) {
        writeln!(out, "\n{BAD}Error:{BAD:#} {error}")?;
    }
    writeln!(out)?;
    verdict(report, out)?;
    match learn_more::line(report) {
        Some(line) => writeln!(out, "{DIM}{line}{DIM:#}"),
        None => Ok(()),
    }
}

/// The line of text that says whether the service may ship, with ANSI colours.
///
/// # Errors
/// If it cannot be written.
pub fn verdict(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let style = match report.verdict {
        Verdict::Pass => GOOD,
        Verdict::Fail | Verdict::CommandFailed | Verdict::Error => BAD,
        Verdict::Inconclusive | Verdict::Interrupted | Verdict::NotGated => WARN,
    };
    let verdict = report.verdict.words().to_uppercase();
    let reason = evidence::brief(report, &report.verdict_reason);
    let code = report.exit_code;
    writeln!(out, "Verdict: {style}{verdict}{style:#} - {reason} (exit code {code})")
}

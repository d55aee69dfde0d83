//! The report for people: what is wrong first, the verdict last.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{blame, checks, evidence, learn_more};
use crate::engine::Verdict;
use crate::model::level::Status;
use crate::model::quantity::{number, number_beside, series};
use crate::model::signal::Signal;
use crate::report::{FailureModeEntry, Report, SignalEntry, SourceKind, StateName, TermEntry};

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
        writeln!(out, "\n{BAD}Nothing could be read:{BAD:#} {reason}")?;
        return verdict(out, report);
    }
    table(out, report)?;
    failure_modes(out, report)?;
    blame::write(out, report)?;
    checks::write(out, report)?;
    findings(out, report)?;
    evidence::not_seen(out, report)?;
    evidence::seen(out, report)?;
    not_read(out, report)?;
    verdict(out, report)
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
        SourceKind::Server => "Target",
    };
    writeln!(out, "{DIM}{what}: {}{backend} at {}{DIM:#}", report.target, report.evaluated_at)?;
    let profile = report.profile.as_ref().map(|name| format!(", profile {name}"));
    let profile = profile.unwrap_or_default();
    let preset = report.preset.as_ref().map(|name| format!(" over preset {name}"));
    let preset = preset.unwrap_or_default();
    writeln!(out, "{DIM}Config: {}{preset}{profile}{DIM:#}", report.config)?;
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
fn findings(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let is_listed = |index: usize| {
        let check = report.finding_details.get(index).map(|detail| detail.check.as_str());
        report.checks.iter().any(|it| {
            it.requested && Some(it.name.as_str()) == check && Signal::from_key(&it.name).is_none()
        }) || report.evidence.shortfalls.iter().any(|it| Some(&*it.rule) == check)
    };
    let shown = report.findings.iter().enumerate().filter(|(index, _)| !is_listed(*index));
    let shown: Vec<_> = shown.map(|(_, finding)| finding).collect();
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

fn table(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    writeln!(out, "\n{DIM}  {:<23}{:>16}{:>12}{:>9}{DIM:#}", "signal", "value", "limit", "score")?;
    let total: f64 = report.score_breakdown.iter().map(|term| term.points).sum();
    for term in &report.score_breakdown {
        term_row(out, report, term, total)?;
    }
    let shown = |signal: &str| report.score_breakdown.iter().any(|term| term.signal == signal);
    for (signal, entry) in report.signals.iter().filter(|(signal, _)| !shown(signal)) {
        if entry.state == StateName::NotConfigured && is_missed(signal) {
            writeln!(out, "{DIM}  {signal:<23}{:>16}{DIM:#}", "not configured")?;
            continue;
        }
        let is_shown = entry.state != StateName::NotConfigured && !is_dull(signal, entry);
        if is_shown && !is_part_of_backlog(report, signal) {
            let value = value(entry.value.map(number), entry.is_lower_bound, short(&entry.unit));
            let limit = own_limit(report, signal, short(&entry.unit));
            writeln!(out, "  {signal:<23}{value:>16}{limit:>12}{:>9}{}", "-", labels(entry))?;
        }
    }
    Ok(())
}

/// Whether it is worth a line that the configuration does not ask for a signal.
fn is_missed(signal: &str) -> bool {
    Signal::from_key(signal).is_some_and(|signal| signal.def().has_to_be_there)
}

/// Few services tell how many requests failed: that one does not is no news.
fn is_dull(signal: &str, entry: &SignalEntry) -> bool {
    signal == Signal::ERROR_RATIO.key() && entry.state == StateName::NoData
}

/// The limit that a check sets to a signal outside of the score.
fn own_limit(report: &Report, signal: &str, unit: &str) -> String {
    let check = report.checks.iter().find(|check| check.name == signal);
    let limit = check.and_then(|check| check.expected).map(|it| format!("{} {unit}", number(it)));
    limit.unwrap_or_else(|| "-".to_owned())
}

fn term_row(out: &mut dyn Write, report: &Report, term: &TermEntry, total: f64) -> io::Result<()> {
    let entry = report.signals.get(&term.signal);
    let has_no_query = entry.is_some_and(|entry| entry.state == StateName::NotConfigured);
    if has_no_query && term.value.is_none() && !term.is_lower_bound {
        return writeln!(out, "{DIM}  {:<23}{:>16}{DIM:#}", term.signal, "not configured");
    }
    let is_over = term.value.is_some_and(|value| value > term.limit);
    let style = if is_over { BAD } else { Style::new() };
    let unit = short(&term.unit);
    let (shown, limit) = number_beside(term.value.unwrap_or_default(), term.limit);
    let value = value(term.value.map(|_| shown), term.is_lower_bound, unit);
    let limit = format!("{limit} {unit}");
    let points = if term.value.is_some() { number(term.points.round()) } else { "?".to_owned() };
    let share = if total > 0.0 && term.points > 0.0 {
        format!("{:.0}%", term.points / total * 100.0)
    } else {
        String::new()
    };
    // Only the backlog has a value without a query of its own.
    let source =
        if has_no_query { difference(report) } else { entry.map(labels).unwrap_or_default() };
    let tail = format!(" {share:>4}{source}");
    let tail = tail.trim_end();
    writeln!(out, "  {:<23}{style}{value:>16}{style:#}{limit:>12}{points:>9}{tail}", term.signal)
}

fn value(number: Option<String>, is_lower_bound: bool, unit: &str) -> String {
    let at_least = if is_lower_bound { ">= " } else { "" };
    number.map_or_else(|| "unknown".to_owned(), |number| format!("{at_least}{number} {unit}"))
}

/// `requests` is too long for a column, and says no more.
fn short(unit: &str) -> &str {
    if unit == "requests" { "req" } else { unit }
}

fn labels(entry: &SignalEntry) -> String {
    entry.labels.as_ref().map(series).unwrap_or_default()
}

fn is_part_of_backlog(report: &Report, signal: &str) -> bool {
    let parts = [Signal::THREADPOOL_TASKS_STARTED, Signal::THREADPOOL_TASKS_COMPLETED];
    let own = report.signals.get(Signal::THREADPOOL_BACKLOG.key());
    parts.iter().any(|part| part.key() == signal)
        && own.is_some_and(|own| own.state == StateName::NotConfigured)
}

/// Where the backlog comes from if it has no query of its own.
fn difference(report: &Report) -> String {
    let count =
        |signal: Signal| report.signals.get(signal.key()).and_then(|it| it.value).map(number);
    match (count(Signal::THREADPOOL_TASKS_STARTED), count(Signal::THREADPOOL_TASKS_COMPLETED)) {
        (Some(started), Some(completed)) => format!(" {started} started - {completed} completed"),
        _ => String::new(),
    }
}

/// The reason why every query failed, if it is the same for all: one line then says it all.
fn common_failure(report: &Report) -> Option<&str> {
    let mut asked = report.signals.iter().map(|(_, entry)| entry).filter(|e| e.query.is_some());
    let first = asked.next()?;
    let same =
        |entry: &SignalEntry| entry.state == StateName::Failed && entry.reason == first.reason;
    (same(first) && asked.all(same)).then_some(first.reason.as_deref()?)
}

fn failure_modes(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if report.failure_modes.is_empty() && report.failure_modes_not_assessable.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}Failure modes:{BOLD:#}")?;
    for mode in &report.failure_modes {
        failure_mode(out, mode)?;
    }
    for open in &report.failure_modes_not_assessable {
        let unknown = open.unknown.join(", ");
        writeln!(out, "  {WARN}{}{WARN:#} cannot be told without {unknown}", open.mode)?;
    }
    Ok(())
}

fn failure_mode(out: &mut dyn Write, mode: &FailureModeEntry) -> io::Result<()> {
    let severity = mode.severity.name();
    writeln!(out, "  {BAD}{} ({severity}){BAD:#}: {}", mode.mode, mode.description)?;
    for evidence in &mode.evidence {
        let (value, limit) = number_beside(evidence.value, evidence.limit);
        let at_least = if evidence.is_lower_bound { "at least " } else { "" };
        let labels = evidence.series.as_ref().map(series).unwrap_or_default();
        let unit = &evidence.unit;
        writeln!(out, "    {} {at_least}{value} {unit} > {limit} {unit}{labels}", evidence.signal)?;
    }
    Ok(())
}

fn not_read(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let signals = report.signals.iter();
    let told = signals.filter(|(signal, entry)| !is_dull(signal, entry));
    let told = told.filter_map(|(signal, entry)| Told::new(report, signal, entry));
    let (assumed, unread): (Vec<_>, Vec<_>) = told.partition(|it| it.state == StateName::Ok);
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
struct Told<'a> {
    signal: &'a str,
    state: StateName,
    reason: &'a str,
    query: Option<&'a str>,
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

/// Apart from the others, those which are partial for one and the same reason.
fn shared_reason(unread: Vec<Told<'_>>) -> (Vec<Told<'_>>, Vec<Told<'_>>) {
    let partial = || unread.iter().filter(|it| it.state == StateName::Partial);
    let reason = partial().next().map(|it| it.reason);
    if partial().filter(|it| Some(it.reason) == reason).count() < 2 {
        return (Vec::new(), unread);
    }
    unread.into_iter().partition(|it| it.state == StateName::Partial && Some(it.reason) == reason)
}

fn verdict(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if let Some(error) = report.error.as_deref().filter(|error| *error != report.verdict_reason) {
        writeln!(out, "\n{BAD}Error:{BAD:#} {error}")?;
    }
    let style = match report.verdict {
        Verdict::Pass => GOOD,
        Verdict::Fail | Verdict::CommandFailed | Verdict::Error => BAD,
        Verdict::Inconclusive | Verdict::Interrupted | Verdict::NotGated => WARN,
    };
    let verdict = report.verdict.words().to_uppercase();
    let reason = evidence::brief(report, &report.verdict_reason);
    let code = report.exit_code;
    writeln!(out, "\nVerdict: {style}{verdict}{style:#} - {reason} (exit code {code})")?;
    match learn_more::topic(report) {
        Some(topic) => writeln!(out, "{DIM}To learn more: auditor explain {topic}{DIM:#}"),
        None => Ok(()),
    }
}

//! The signals, as a table in text.

use std::io::{self, Write};

use anstyle::Style;

use super::labels::{Row, Shared};
use super::text::{BAD, DIM};
use crate::model::quantity::{number, number_beside};
use crate::model::signal::Signal;
use crate::report::{Report, SignalEntry, StateName, TermEntry};

/// How far a second line of a row is indented.
const INDENT: usize = 6;

/// What the labels of the signals have in common.
pub(super) fn shared(report: &Report) -> Shared {
    Shared::of(report.signals.iter().filter_map(|(_, entry)| entry.labels.as_ref()))
}

pub(super) fn write(out: &mut dyn Write, report: &Report, shared: &Shared) -> io::Result<()> {
    writeln!(out, "\n{DIM}  {:<23}{:>16}{:>12}{:>9}{DIM:#}", "signal", "value", "limit", "score")?;
    let total: f64 = report.score_breakdown.iter().map(|term| term.points).sum();
    for term in &report.score_breakdown {
        term_row(out, report, (term, total), shared)?;
    }
    let is_term = |signal: &str| report.score_breakdown.iter().any(|term| term.signal == signal);
    for (signal, entry) in report.signals.iter().filter(|(signal, _)| !is_term(signal)) {
        if entry.state == StateName::NotConfigured && is_missed(signal) {
            writeln!(out, "{DIM}  {signal:<23}{:>16}{DIM:#}", "not configured")?;
            continue;
        }
        let is_shown = entry.state != StateName::NotConfigured && !is_dull(signal, entry);
        if is_shown && !is_part_of_backlog(report, signal) {
            let value = value(entry.value.map(number), entry.is_lower_bound, short(&entry.unit));
            let limit = own_limit(report, signal, short(&entry.unit));
            let row = format!("  {signal:<23}{value:>16}{limit:>12}{:>9}", "-");
            let labels = shared.tail(entry.labels.as_ref(), place_behind(&row));
            writeln!(out, "{row}{labels}")?;
        }
    }
    shared.write(out)
}

fn place_behind(row: &str) -> Row {
    Row { width: row.chars().count(), indent: INDENT }
}

/// Whether it is worth a line that the configuration does not ask for a signal.
fn is_missed(signal: &str) -> bool {
    Signal::from_key(signal).is_some_and(|signal| signal.def().has_to_be_there)
}

/// Few services tell how many requests failed: that one does not is no news.
pub(super) fn is_dull(signal: &str, entry: &SignalEntry) -> bool {
    signal == Signal::ERROR_RATIO.key() && entry.state == StateName::NoData
}

/// The limit that a check sets to a signal outside of the score.
fn own_limit(report: &Report, signal: &str, unit: &str) -> String {
    let check = report.checks.iter().find(|check| check.name == signal);
    let limit = check.and_then(|check| check.expected).map(|it| format!("{} {unit}", number(it)));
    limit.unwrap_or_else(|| "-".to_owned())
}

fn term_row(
    out: &mut dyn Write,
    report: &Report,
    (term, total): (&TermEntry, f64),
    shared: &Shared,
) -> io::Result<()> {
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
    let (name, points) = (&term.signal, format!("{points:>9} {share:>4}"));
    let plain = format!("  {name:<23}{value:>16}{limit:>12}{points}");
    let place = place_behind(&plain);
    // Only the backlog has a value without a query of its own.
    let source = if has_no_query {
        place.tail(&difference(report))
    } else {
        shared.tail(entry.and_then(|entry| entry.labels.as_ref()), place)
    };
    // The share keeps its column where something stands behind it.
    let points = if source.starts_with(' ') { &points } else { points.trim_end() };
    writeln!(out, "  {name:<23}{style}{value:>16}{style:#}{limit:>12}{points}{source}")
}

fn value(number: Option<String>, is_lower_bound: bool, unit: &str) -> String {
    let at_least = if is_lower_bound { ">= " } else { "" };
    number.map_or_else(|| "unknown".to_owned(), |number| format!("{at_least}{number} {unit}"))
}

/// `requests` is too long for a column, and says no more.
fn short(unit: &str) -> &str {
    if unit == "requests" { "req" } else { unit }
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

//! The signals as rows of a table, for every format that shows one.

use crate::model::quantity::{number, number_beside};
use crate::model::signal::Signal;
use crate::report::{Report, SignalEntry, StateName, TermEntry};
use crate::storage::Labels;

/// What stands for a value that is not known.
pub(super) const UNKNOWN: &str = "unknown";
/// What stands for a value that is not asked for.
const NOT_CONFIGURED: &str = "not configured";

/// A signal and what became of it, in words.
pub(super) struct SignalRow<'a> {
    /// The signal.
    pub(super) name: &'a str,
    /// Its value with its unit, or that it is unknown or not configured.
    pub(super) value: String,
    /// What it is held to.
    pub(super) limit: Option<String>,
    /// What it adds to the score; `None` where it is no part of it.
    pub(super) points: Option<Points>,
    /// Whether the value is over the limit.
    pub(super) is_over: bool,
    /// Whether there is a query for it, or it follows from others.
    pub(super) is_configured: bool,
    /// Labels of the series that decided.
    pub(super) labels: Option<&'a Labels>,
    /// What it was computed from, where it has no query of its own.
    pub(super) computed_from: Option<String>,
}

/// Points of the score, in words.
pub(super) struct Points {
    /// How many; a question mark where that is not known.
    pub(super) points: String,
    /// Their part of the score in percent; `None` where it is nothing.
    pub(super) percent: Option<f64>,
}

/// A row for each signal that is worth one: first the terms of the score.
pub(super) fn rows(report: &Report) -> Vec<SignalRow<'_>> {
    let total: f64 = report.score_breakdown.iter().map(|term| term.points).sum();
    let terms = report.score_breakdown.iter().map(|term| of_term(report, term, total));
    let is_term = |signal: &str| report.score_breakdown.iter().any(|term| term.signal == signal);
    let others = report.signals.iter().filter(|(signal, _)| !is_term(signal));
    terms.chain(others.filter_map(|(signal, entry)| of_other(report, signal, entry))).collect()
}

/// Whether its value is a lower bound or unknown, and says nothing by that: few services tell how
/// many requests failed.
pub(super) fn is_dull(signal: &str, entry: &SignalEntry) -> bool {
    signal == Signal::ERROR_RATIO.key() && entry.state == StateName::NoData
}

fn of_term<'a>(report: &'a Report, term: &'a TermEntry, total: f64) -> SignalRow<'a> {
    let entry = report.signals.get(&term.signal);
    let has_query = entry.is_none_or(|entry| entry.state != StateName::NotConfigured);
    if !has_query && term.value.is_none() && !term.is_lower_bound {
        return not_configured(&term.signal);
    }
    let unit = short(&term.unit);
    let (value, limit) = number_beside(term.value.unwrap_or_default(), term.limit);
    let is_known = term.value.is_some();
    let percent = (total > 0.0 && term.points > 0.0).then(|| term.points / total * 100.0);
    SignalRow {
        name: &term.signal,
        value: with_unit(is_known.then_some(value), term.is_lower_bound, unit),
        limit: Some(format!("{limit} {unit}")),
        points: Some(Points {
            points: if is_known { number(term.points.round()) } else { "?".to_owned() },
            percent,
        }),
        is_over: term.value.is_some_and(|value| value > term.limit),
        is_configured: true,
        labels: entry.and_then(|entry| entry.labels.as_ref()).filter(|_| has_query),
        // Only the backlog has a value without a query of its own.
        computed_from: if has_query { None } else { difference(report) },
    }
}

fn of_other<'a>(
    report: &'a Report,
    name: &'a str,
    entry: &'a SignalEntry,
) -> Option<SignalRow<'a>> {
    if entry.state == StateName::NotConfigured {
        return is_missed(name).then(|| not_configured(name));
    }
    if is_dull(name, entry) || is_part_of_backlog(report, name) {
        return None;
    }
    let unit = short(&entry.unit);
    let check = report.checks.iter().find(|check| check.name == name);
    let limit = check.and_then(|check| check.expected);
    Some(SignalRow {
        name,
        value: with_unit(entry.value.map(number), entry.is_lower_bound, unit),
        limit: limit.map(|limit| format!("{} {unit}", number(limit))),
        points: None,
        is_over: check.is_some_and(|check| check.passed == Some(false)),
        is_configured: true,
        labels: entry.labels.as_ref(),
        computed_from: None,
    })
}

fn not_configured(name: &str) -> SignalRow<'_> {
    SignalRow {
        name,
        value: NOT_CONFIGURED.to_owned(),
        limit: None,
        points: None,
        is_over: false,
        is_configured: false,
        labels: None,
        computed_from: None,
    }
}

/// Whether it is worth a row that the configuration does not ask for a signal.
fn is_missed(signal: &str) -> bool {
    Signal::from_key(signal).is_some_and(|signal| signal.def().has_to_be_there)
}

/// A number with its unit, or that it is unknown.
pub(super) fn with_unit(number: Option<String>, is_lower_bound: bool, unit: &str) -> String {
    let at_least = if is_lower_bound { ">= " } else { "" };
    number.map_or_else(|| UNKNOWN.to_owned(), |number| format!("{at_least}{number} {unit}"))
}

/// `requests` is too long for a column, and says no more.
pub(super) fn short(unit: &str) -> &str {
    if unit == "requests" { "req" } else { unit }
}

/// Whether the backlog is computed from it.
pub(super) fn is_part_of_backlog(report: &Report, signal: &str) -> bool {
    let parts = [Signal::THREADPOOL_TASKS_STARTED, Signal::THREADPOOL_TASKS_COMPLETED];
    let own = report.signals.get(Signal::THREADPOOL_BACKLOG.key());
    parts.iter().any(|part| part.key() == signal)
        && own.is_some_and(|own| own.state == StateName::NotConfigured)
}

/// Where the backlog comes from if it has no query of its own.
fn difference(report: &Report) -> Option<String> {
    let count =
        |signal: Signal| report.signals.get(signal.key()).and_then(|it| it.value).map(number);
    let started = count(Signal::THREADPOOL_TASKS_STARTED)?;
    let completed = count(Signal::THREADPOOL_TASKS_COMPLETED)?;
    Some(format!("{started} started - {completed} completed"))
}

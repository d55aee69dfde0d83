//! The signals, as a table in text.

use std::io::{self, Write};

use anstyle::Style;

use super::labels::{Row, Shared};
use super::rows::{SignalRow, rows};
use super::text::{BAD, DIM};
use crate::report::Report;

/// How far a second line of a row is indented.
const INDENT: usize = 6;

/// What the labels of the signals have in common.
pub(super) fn shared(report: &Report) -> Shared {
    Shared::of(report.signals.iter().filter_map(|(_, entry)| entry.labels.as_ref()))
}

pub(super) fn write(out: &mut dyn Write, report: &Report, shared: &Shared) -> io::Result<()> {
    writeln!(out, "\n{DIM}  {:<23}{:>16}{:>12}{:>9}{DIM:#}", "signal", "value", "limit", "score")?;
    rows(report).iter().try_for_each(|row| write_row(out, row, shared))?;
    shared.write(out)
}

fn write_row(out: &mut dyn Write, row: &SignalRow<'_>, shared: &Shared) -> io::Result<()> {
    let SignalRow { name, value, .. } = row;
    if !row.is_configured {
        return writeln!(out, "{DIM}  {name:<23}{value:>16}{DIM:#}");
    }
    let limit = row.limit.as_deref().unwrap_or("-");
    let points = match &row.points {
        None => format!("{:>9}", "-"),
        Some(it) => {
            let share = it.percent.map(|percent| format!("{percent:.0}%")).unwrap_or_default();
            format!("{:>9} {share:>4}", it.points)
        }
    };
    let plain = format!("  {name:<23}{value:>16}{limit:>12}{points}");
    let place = Row { width: plain.chars().count(), indent: INDENT };
    let source = match &row.computed_from {
        Some(words) => place.tail(words),
        None => shared.tail(row.labels, place),
    };
    // The share keeps its column where something stands behind it.
    let points = if source.starts_with(' ') { &points } else { points.trim_end() };
    let style = if row.is_over { BAD } else { Style::new() };
    writeln!(out, "  {name:<23}{style}{value:>16}{style:#}{limit:>12}{points}{source}")
}

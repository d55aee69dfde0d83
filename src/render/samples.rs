//! Several audits of one run, in words and as rows of a table.

use std::io::{self, Write};

use super::rows::{short, with_unit};
use super::text::{BOLD, DIM};
use crate::model::quantity::number;
use crate::report::{Report, SamplesReport};

/// A signal over all audits, in words.
pub(super) struct SpreadRow<'a> {
    pub(super) name: &'a str,
    pub(super) median: String,
    pub(super) worst: String,
    pub(super) spread: String,
    /// In how many audits of how many it is known, where that is not all: `2 of 3`.
    pub(super) known: Option<String>,
}

/// A row for each signal that is known in any audit. With a single one there is nothing to compare.
pub(super) fn rows<'a>(report: &'a Report, samples: &'a SamplesReport) -> Vec<SpreadRow<'a>> {
    if samples.audits.len() < 2 {
        return Vec::new();
    }
    let rows = samples.signals.iter().filter_map(|(name, it)| {
        let unit = report.signals.get(name).map(|entry| short(&entry.unit)).unwrap_or_default();
        let value = |value: Option<f64>, is_lower_bound: bool| {
            with_unit(value.map(number), is_lower_bound, unit).trim_end().to_owned()
        };
        it.worst?;
        let (known, all) = (it.known, samples.audits.len());
        Some(SpreadRow {
            name,
            median: value(it.median, false),
            worst: value(it.worst, it.is_lower_bound),
            spread: value(it.spread, it.is_lower_bound),
            known: (known < all).then(|| format!("{known} of {all}")),
        })
    });
    rows.collect()
}

/// Whether no row says in how many audits its signal is known.
pub(super) fn are_all_known(rows: &[SpreadRow<'_>]) -> bool {
    rows.iter().all(|row| row.known.is_none())
}

/// How many audits there were, and what became of them.
pub(super) fn counts(samples: &SamplesReport) -> String {
    let SamplesReport { conclusive, failing, .. } = samples;
    let (carried_out, count) = (samples.audits.len(), samples.count as usize);
    let passed = conclusive.saturating_sub(*failing);
    let mut words = format!("{passed} passed, {failing} failed");
    if *conclusive < carried_out {
        words += &format!(", {} without a verdict", carried_out - conclusive);
    }
    if carried_out < count {
        words += &format!(", {} of {count} not carried out", count - carried_out);
    }
    words
}

/// Whether the breaker is open, and what it takes to change that.
pub(super) fn breaker(samples: &SamplesReport) -> String {
    let it = &samples.breaker;
    let in_a_row = match it.consecutive_failures {
        0 => "no failure".to_owned(),
        1 => "1 failure in a row".to_owned(),
        count => format!("{count} failures in a row"),
    };
    let state = match (it.is_open, it.retry_after) {
        (false, _) if it.tripped => "closed again".to_owned(),
        (false, _) => "closed".to_owned(),
        (true, 0) => "open, and may close with the next audit".to_owned(),
        (true, 1) => "open for 1 further audit".to_owned(),
        (true, left) => format!("open for {left} further audits"),
    };
    format!("{state}; {in_a_row}, and it trips at {}", it.failure_threshold)
}

/// The section of the text.
pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let Some(samples) = &report.samples else { return Ok(()) };
    writeln!(out, "\n{BOLD}Samples:{BOLD:#} {}", counts(samples))?;
    let rows = rows(report, samples);
    if !rows.is_empty() {
        let (signal, median, worst, spread) = ("signal", "median", "worst", "spread");
        let known = if are_all_known(&rows) { "" } else { "     known" };
        writeln!(out, "  {DIM}{signal:<26}{median:>14}{worst:>14}{spread:>14}{known}{DIM:#}")?;
    }
    for SpreadRow { name, median, worst, spread, known } in rows {
        let known = known.map(|known| format!("{known:>10}")).unwrap_or_default();
        writeln!(out, "  {name:<26}{median:>14}{worst:>14}{spread:>14}{known}")?;
    }
    writeln!(out, "  breaker: {}", breaker(samples))
}

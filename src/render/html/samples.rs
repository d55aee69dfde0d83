//! Several audits of one run: how far they are apart, and what the breaker makes of them.

use maud::{Markup, html};

use super::super::samples::{SpreadRow, are_all_known, breaker, counts, rows};
use super::words::{name, nothing};
use crate::report::Report;

pub(super) fn section(report: &Report) -> Markup {
    let Some(samples) = &report.samples else { return nothing() };
    let rows = rows(report, samples);
    let has_known = !are_all_known(&rows);
    html! {
        section {
            h2 { "Samples" }
            p { (counts(samples)) "." }
            p { "Breaker: " (breaker(samples)) "." }
            @if !rows.is_empty() {
                table {
                    caption { "Over all samples; a lower bound counts for the worst and the spread alone" }
                    thead {
                        tr {
                            th scope="col" { "Signal" }
                            th.n scope="col" { "Median" }
                            th.n scope="col" { "Worst" }
                            th.n scope="col" { "Spread" }
                            @if has_known { th.n scope="col" { "Known" } }
                        }
                    }
                    tbody { @for it in &rows { (row(it, has_known)) } }
                }
            }
        }
    }
}

fn row(it: &SpreadRow<'_>, has_known: bool) -> Markup {
    html! {
        tr {
            th scope="row" { (name(it.name)) }
            td.n { (it.median) }
            td.n { (it.worst) }
            td.n { (it.spread) }
            @if has_known { td.n { (it.known.as_deref().unwrap_or_default()) } }
        }
    }
}

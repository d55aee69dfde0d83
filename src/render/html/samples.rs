//! Several audits of one run: how far they are apart, and what the breaker makes of them.

use maud::{Markup, html};

use super::super::samples::{SpreadRow, breaker, counts, rows};
use super::words::{name, nothing};
use crate::report::Report;

pub(super) fn section(report: &Report) -> Markup {
    let Some(samples) = &report.samples else { return nothing() };
    let rows = rows(report, samples);
    html! {
        section {
            h2 { "Samples" }
            p { (counts(samples)) "." }
            p { "Breaker: " (breaker(samples)) "." }
            @if !rows.is_empty() {
                table {
                    caption { "Over all samples in which the signal is known" }
                    thead {
                        tr {
                            th scope="col" { "Signal" }
                            th.n scope="col" { "Median" }
                            th.n scope="col" { "Worst" }
                            th.n scope="col" { "Spread" }
                        }
                    }
                    tbody { @for it in &rows { (row(it)) } }
                }
            }
        }
    }
}

fn row(it: &SpreadRow<'_>) -> Markup {
    html! {
        tr {
            th scope="row" { (name(it.name)) }
            td.n { (it.median) }
            td.n { (it.worst) }
            td.n { (it.spread) }
        }
    }
}

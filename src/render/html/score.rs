//! The parts of the score, and the other signals, in one table.

use maud::{Markup, html};

use super::super::labels::Shared;
use super::super::rows::{Points, SignalRow, UNKNOWN, rows};
use super::super::signals;
use super::words::{name, short};
use crate::model::quantity::number;
use crate::report::Report;

pub(super) fn section(report: &Report) -> Markup {
    let shared = signals::shared(report);
    let of_all = shared.words();
    html! {
        section {
            h2 { "Signals and score" }
            table.signals {
                caption {
                    (formula(report))
                    @if !of_all.is_empty() { br; "Series of " code.quiet { (of_all.trim_start()) } }
                }
                thead {
                    tr {
                        th scope="col" { "Signal" }
                        th.n scope="col" { "Value" }
                        th.n scope="col" { "Limit" }
                        th.n scope="col" { "Score" }
                    }
                }
                tbody { @for it in rows(report) { (row(&it, &shared)) } }
            }
        }
    }
}

fn formula(report: &Report) -> String {
    let terms: Vec<_> = report
        .score_breakdown
        .iter()
        .map(|term| format!("{} × {}", number(term.weight), term.signal))
        .collect();
    format!("Score = {}; the higher, the worse", terms.join(" + "))
}

fn row(it: &SignalRow<'_>, shared: &Shared) -> Markup {
    if !it.is_configured {
        return html! {
            tr.quiet { th scope="row" { (name(it.name)) } td.n colspan="3" { (it.value) } }
        };
    }
    let value = it.value.replacen(">= ", "≥ ", 1);
    let labels = it.computed_from.clone().unwrap_or_else(|| shared.own(it.labels));
    html! {
        tr {
            th scope="row" {
                (name(it.name))
                @if !labels.is_empty() { " " code.quiet { (labels.trim_start()) } }
            }
            td.n.bad[it.is_over] { (value) @if it.is_over { " " small { "over" } } }
            td.n { (it.limit.as_deref().unwrap_or("-")) }
            td.n { @match &it.points { Some(points) => (share(points, it.is_over)), None => "-" } }
        }
    }
}

fn share(it: &Points, is_over: bool) -> Markup {
    html! {
        @if it.points == "?" { (UNKNOWN) } @else { (it.points) }
        @if let Some(percent) = it.percent {
            " " small.quiet { (format!("{percent:.0} %")) }
            div.share.over[is_over] aria-hidden="true" { div style=(format!("width:{}%", short(percent))) {} }
        }
    }
}

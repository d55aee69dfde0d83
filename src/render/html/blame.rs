//! What held the loop: how bad, where, and what usually mends it.

use maud::{Markup, html};

use super::super::blame::{
    advice, advice_without_a_place, how_bad, in_short, is_calm, kind, of_other_thread, tally,
};
use super::words::{code, more, nothing};
use crate::model::blame::StallCause;
use crate::model::quantity::number;
use crate::report::{CulpritEntry, Report, StalledEntry, TallyEntry};

/// So many culprits are listed.
const MOST: usize = 10;

pub(super) fn section(report: &Report) -> Markup {
    let stalled = report.stalled.as_ref();
    let Some(stalled) = stalled.filter(|it| it.count.is_some_and(|it| it > 0)) else {
        return nothing();
    };
    let culprits = report.culprits.as_deref().unwrap_or_default();
    html! {
        section {
            h2 { "What held the loop" }
            @if is_calm(report, stalled) {
                p { (in_short(report, stalled, culprits)) }
            } @else {
                p { strong { (how_bad(report, stalled)) } ", " (under_load(stalled)) }
            }
            @for culprit in culprits.iter().take(MOST) { (article(culprit)) }
            (more(culprits.len(), MOST, "places"))
            (unnamed(report, stalled))
        }
    }
}

fn under_load(stalled: &StalledEntry) -> String {
    match stalled.active_requests {
        Some(1.0) => "with 1 request in flight at the peak".to_owned(),
        Some(active) => format!("with {} requests in flight at the peak", number(active)),
        None => "under a load that is not known".to_owned(),
    }
}

fn article(culprit: &CulpritEntry) -> Markup {
    let blocked = tally(culprit.stalls, culprit.blocked_s, "");
    let (kind, advice) = if culprit.in_other_thread {
        of_other_thread(culprit.cause)
    } else {
        (kind(culprit.cause), advice(culprit.cause, culprit.found_by.as_deref()))
    };
    let source = culprit.source.as_deref().map(str::trim).filter(|it| !it.is_empty());
    html! {
        article.bad {
            h3 { code { (culprit.place()) } }
            @if let Some(source) = source { p.source { (code(source)) } }
            p { strong { (blocked) } ", " (kind) }
            p { strong { "To do: " } (advice) }
        }
    }
}

/// What is no culprit's: stalls without a single place, and those of the machine.
fn unnamed(report: &Report, stalled: &StalledEntry) -> Markup {
    let reason = report.blame.as_ref().and_then(Option::as_deref);
    let of = |cause: StallCause| stalled.unnamed.get(cause.name()).map(|tally| (cause, tally));
    let own = [StallCause::Asleep, StallCause::Cpu, StallCause::Unknown];
    let own: Vec<_> = own.into_iter().filter_map(of).collect();
    html! {
        @if !own.is_empty() {
            article.warn {
                h3 { "No single place" }
                @if let Some(reason) = reason { p { "Not named: " (reason) } }
                @for (cause, it) in own {
                    (without_a_place(cause, it, reason.is_none() || cause != StallCause::Unknown))
                }
            }
        }
        @if let Some((cause, it)) = of(StallCause::Machine) {
            article {
                h3 { "The runner is too busy" }
                (without_a_place(cause, it, true))
                @if let Some(waited) = stalled.cpu_wait_s {
                    p { "The loop waited for a CPU for " (number(waited)) " s in all." }
                }
            }
        }
    }
}

fn without_a_place(cause: StallCause, it: &TallyEntry, is_advised: bool) -> Markup {
    html! {
        p { strong { (tally(it.count, it.duration_s, "")) } ", " (kind(cause)) }
        @if is_advised { p { strong { "To do: " } (advice_without_a_place(cause)) } }
    }
}

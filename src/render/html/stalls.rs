//! The stalls in time: a lane of their own above the charts, a shade in each of them, and a table.

use maud::{Markup, html};

use super::scale::{HEIGHT, Time, WIDTH};
use super::words::{clock, instant, nothing, short};
use crate::model::blame::{Site, StallCause};
use crate::model::quantity::number;
use crate::report::{Report, StallEntry};

/// What stands beside stalls is no closer to one another than this part of the width: of times alone,
/// and with the causes.
const APART: [f64; 2] = [0.12, 0.28];

/// A stall on the axis of time.
pub(super) struct Stall<'a> {
    entry: &'a StallEntry,
    /// From when to when, 0 to 1 of the time.
    from: f64,
    to: f64,
}

/// The stalls within the time of the charts.
pub(super) fn of(report: &Report, time: Time) -> Vec<Stall<'_>> {
    let stalls = report.stalls.as_deref().unwrap_or_default().iter();
    let placed = stalls.filter_map(|entry| {
        let end = instant(&entry.at)?;
        let start = end.saturating_sub((entry.duration_s * 1000.0) as i64);
        let is_within = start < time.to && end > time.from;
        is_within.then(|| Stall { entry, from: time.part(start), to: time.part(end) })
    });
    placed.collect()
}

/// Shades in a chart.
pub(super) fn shades(stalls: &[Stall<'_>]) -> Markup {
    html! {
        @for stall in stalls {
            rect.stall.machine[stall.entry.cause == StallCause::Machine]
                x=(short(stall.from * WIDTH)) y="0" width=(short(stall.width())) height=(HEIGHT) {}
        }
    }
}

impl Stall<'_> {
    /// At least as wide as can be seen.
    fn width(&self) -> f64 {
        ((self.to - self.from) * WIDTH).max(1.5)
    }

    fn words(&self) -> String {
        format!("{} s {}", number(self.entry.duration_s), self.entry.cause.name())
    }
}

/// The lane above the charts.
pub(super) fn lane(report: &Report, stalls: &[Stall<'_>]) -> Markup {
    let Some(first) = stalls.first() else { return nothing() };
    let words = in_words(report, stalls);
    // Where all have the same, it is said once.
    let has_causes = stalls.iter().any(|it| it.entry.cause != first.entry.cause);
    html! {
        figure.chart {
            figcaption { h3 { "Stalls" } p { (words) } }
            div.plot.lane {
                svg role="img" aria-labelledby="stalls-title stalls-words" viewBox="0 0 1000 100"
                    preserveAspectRatio="none" {
                    title #stalls-title { "Stalls over time" }
                    desc #stalls-words { (words) }
                    (shades(stalls))
                }
                @for stall in named(stalls, APART[usize::from(has_causes)]) {
                    span.mark.before[stall.from > 0.75] aria-hidden="true" style=(format!("left:{}%", short(stall.from * 100.0))) {
                        (number(stall.entry.duration_s)) " s"
                        @if has_causes { " " (stall.entry.cause.name()) }
                    }
                }
            }
            details {
                summary { "Each stall, its cause and its place" }
                table {
                    caption { "Stalls in the order of time" }
                    thead {
                        tr {
                            th scope="col" { "Over at" }
                            th.n scope="col" { "Took" }
                            th scope="col" { "Cause" }
                            th scope="col" { "Place" }
                        }
                    }
                    tbody { @for stall in stalls { (row(stall.entry)) } }
                }
            }
        }
    }
}

fn in_words(report: &Report, stalls: &[Stall<'_>]) -> String {
    let longest = stalls.iter().max_by(|a, b| a.entry.duration_s.total_cmp(&b.entry.duration_s));
    let longest = longest.map(|it| {
        let at = instant(&it.entry.at).map(clock).unwrap_or_default();
        format!("; the longest took {}, until {at}", it.words())
    });
    let all = report.stalled.as_ref().and_then(|it| it.count);
    let of_all = all.filter(|all| *all > stalls.len() as u64);
    let of_all = of_all.map(|all| format!(" of {all}, the longest")).unwrap_or_default();
    let noun = if stalls.len() == 1 { "stall" } else { "stalls" };
    format!("{} {noun}{of_all}, shaded in every chart{}", stalls.len(), longest.unwrap_or_default())
}

/// Those whose names do not stand in one another's way, the longest first.
fn named<'a, 'b>(stalls: &'b [Stall<'a>], apart: f64) -> Vec<&'b Stall<'a>> {
    let mut by_length: Vec<_> = stalls.iter().collect();
    by_length.sort_by(|a, b| b.entry.duration_s.total_cmp(&a.entry.duration_s));
    let mut named: Vec<&Stall<'_>> = Vec::new();
    for stall in by_length {
        let is_free = named.iter().all(|it| (it.from - stall.from).abs() >= apart);
        if is_free {
            named.push(stall);
        }
    }
    named.sort_by(|a, b| a.from.total_cmp(&b.from));
    named
}

fn row(stall: &StallEntry) -> Markup {
    let place = stall.file.as_ref().map(|file| {
        let function = stall.function.clone().unwrap_or_default();
        Site { file: file.clone(), line: stall.line, function }.words()
    });
    html! {
        tr {
            th scope="row" { (instant(&stall.at).map(clock).unwrap_or_default()) }
            td.n { (number(stall.duration_s)) " s" }
            td { (stall.cause.name()) }
            td { @match place { Some(place) => code { (place) }, None => "no single place" } }
        }
    }
}

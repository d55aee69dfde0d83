//! The signals over time, one chart below the other on one axis.

use maud::{Markup, html};

use super::chart::{Chart, chart};
use super::scale::Time;
use super::words::{clock, duration, name};
use super::{stalls, words};
use crate::engine::BACKLOG;
use crate::model::check::Rule;
use crate::model::signal::Signal;
use crate::report::{LineEntry, Report, TimelineReport};

/// So many charts are drawn.
const MOST: usize = 24;

pub(super) fn section(report: &Report) -> Markup {
    let timeline = report.timeline.as_ref();
    let drawn = timeline.and_then(|it| Some((it, Time::of(it)?)));
    html! {
        section {
            h2 { "Over time" }
            @match drawn {
                None => p { "There are no charts: the audit was not asked for them, nothing was \
                             observed over a time, or it ended before they could be drawn." }
                Some((timeline, time)) => (charts(report, timeline, time))
            }
        }
    }
}

fn charts(report: &Report, timeline: &TimelineReport, time: Time) -> Markup {
    let stalls = stalls::of(report, time);
    let (drawn, missing): (Vec<_>, Vec<_>) =
        lines(report, timeline).into_iter().partition(|it| it.has_points());
    html! {
        @if drawn.is_empty() {
            p { "No signal is known at any time." }
        } @else {
            p { (intro(timeline, time)) }
        }
        svg.defs width="0" height="0" aria-hidden="true" {
            defs {
                pattern #hole width="8" height="8" patternUnits="userSpaceOnUse" {
                    path d="M0 8L8 0" {}
                }
            }
        }
        (stalls::lane(report, &stalls))
        @for (number, line) in drawn.iter().take(MOST).enumerate() {
            (chart(number, line, time, &stalls))
        }
        (words::more(drawn.len(), MOST, "charts"))
        (not_drawn(&missing))
    }
}

/// What there is to draw: the terms of the score first, then the other signals, then checks, the
/// broken ones first.
fn lines<'a>(report: &'a Report, timeline: &'a TimelineReport) -> Vec<Chart<'a>> {
    let is_term = |signal: &str| report.score_breakdown.iter().any(|term| term.signal == signal);
    let [started, completed, backlog] = BACKLOG.map(Signal::key);
    let is_part = |signal: &str| {
        [started, completed].contains(&signal) && timeline.signals.get(backlog).is_some()
    };
    let is_dull = |signal: &str, line: &LineEntry| {
        signal == Signal::ERROR_RATIO.key() && line.points.iter().all(Option::is_none)
    };
    let signals = timeline.signals.iter().filter(|(it, line)| !is_part(it) && !is_dull(it, line));
    let (terms, others): (Vec<_>, Vec<_>) = signals.partition(|(it, _)| is_term(it));
    let check = |name: &str| report.checks.iter().find(|check| check.name == name);
    let mut checks: Vec<_> = timeline.checks.iter().collect();
    checks.sort_by_key(|(name, _)| check(name).is_none_or(|it| it.passed != Some(false)));
    let all = terms.into_iter().chain(others).chain(checks);
    let of = |(name, line)| {
        let is_minimum = check(name).is_some_and(|it| it.rule == Rule::Min);
        Chart { name, line, is_minimum, step_s: timeline.step_s }
    };
    all.map(of).collect()
}

fn intro(timeline: &TimelineReport, time: Time) -> String {
    let (from, to) = (clock(time.from), clock(time.to));
    let day = timeline.from.split('T').next().unwrap_or_default();
    let step = duration(timeline.step_s);
    format!(
        "{day}, {from} to {to} UTC, in steps of {step}. A step shows what the samples say that were \
         taken in it; of a hatched one nothing is known, or only the least that it can be."
    )
}

fn not_drawn(missing: &[Chart<'_>]) -> Markup {
    let (Some(first), Some(_)) = (missing.first(), missing.get(1)) else {
        return html! { @for it in missing { p { (name(it.name)) ": " (reason(it)) } } };
    };
    let is_same = missing.iter().all(|it| it.line.reason == first.line.reason);
    html! {
        h3 { "Not drawn" }
        @if is_same {
            p {
                @for it in missing.iter().take(MOST) { (name(it.name)) ", " }
                "each " (reason(first))
            }
        } @else {
            ul { @for it in missing.iter().take(MOST) { li { (name(it.name)) ": " (reason(it)) } } }
        }
        (words::more(missing.len(), MOST, "lines"))
    }
}

fn reason(it: &Chart<'_>) -> String {
    match &it.line.reason {
        Some(reason) => format!("could not be drawn: {reason}"),
        None => "unknown in every step".to_owned(),
    }
}

//! The course of a service: its score with the levels, what each audit ended in, and the same in words.

use maud::{Markup, html};

use super::course::{Course, MOST, Outcome, Stretch};
use super::service::verdict;
use super::words::moment;
use crate::model::level::Level;
use crate::model::quantity::number;
use crate::render::html::{HEIGHT, Height, THIN, Time, axis, nothing, short, shown};
use crate::watch::{Entry, ServiceView, View};

/// How high the bars of verdicts are in their own units, which are as long as those of the width are.
const LANE: f64 = 24.0;
/// So many rows of the table are shown.
const ROWS: usize = 20;

/// What the drawings of the page share.
pub(super) fn definitions() -> Markup {
    html! {
        svg.defs width="0" height="0" aria-hidden="true" {
            defs {
                pattern #hole width="8" height="8" patternUnits="userSpaceOnUse" {
                    path d="M0 8L8 0" {}
                }
            }
        }
    }
}

pub(super) fn charts(
    view: &View<'_>,
    it: &ServiceView<'_>,
    course: &Course,
    number: usize,
) -> Markup {
    let length = course.to.saturating_sub(course.from) as f64;
    let time = Time { from: course.from, to: course.to, step: length / MOST as f64 };
    html! {
        figure.chart {
            @if course.highest().is_some() {
                figcaption { h4 { "Score" } p { (about_score(it)) } }
                (score(it, course, time, number))
            } @else {
                figcaption { p { (without_score(it)) } }
            }
            (outcomes(view, it, course, time, number))
            (axis(time))
            (table(it))
        }
    }
}

/// Where a level of the score begins, as the newest report has it.
fn start_of(it: &ServiceView<'_>, level: Level) -> Option<f64> {
    let start = it.latest?.thresholds.get(level.threshold()).copied();
    start.filter(|it| it.is_finite() && *it > 0.0)
}

fn about_score(it: &ServiceView<'_>) -> String {
    let levels = Level::ALL.iter().filter_map(|(_, level)| {
        Some(format!("{} from {}", level.status().name(), number(start_of(it, *level)?)))
    });
    let words = "the higher, the worse";
    std::iter::once(words.to_owned()).chain(levels).collect::<Vec<_>>().join(" · ")
}

fn without_score(it: &ServiceView<'_>) -> &'static str {
    if it.latest.is_some_and(crate::report::Report::is_of_checks_alone) {
        "There is no score: checks alone decide."
    } else {
        "No score is known of any audit."
    }
}

fn score(it: &ServiceView<'_>, course: &Course, time: Time, number: usize) -> Markup {
    let highest = course.highest().unwrap_or_default();
    // The first level is always there, so that a calm service looks calm.
    let first = start_of(it, Level::Degraded).unwrap_or_default();
    let levels = Level::ALL.map(|(_, level)| (level, start_of(it, level)));
    let height = Height::up_to(highest.max(first));
    let words = format!("score-{number}");
    html! {
        div.plot {
            svg role="img" aria-labelledby=(words) viewBox="0 0 1000 100" preserveAspectRatio="none" {
                title id=(words) { "The score of " (shown(it.name)) " over time, at most " (short_number(highest)) }
                @for (from, to) in course.runs(|it| it.score.is_none()) { (hole("hole", time, (from, to))) }
                @for (from, to) in course.runs(|it| it.score.is_some() && it.is_bound) {
                    (hole("hole bound", time, (from, to)))
                }
                @for run in course.runs(|it| it.score.is_some()) { (line("", course, time, height, run)) }
                @for run in course.runs(|it| it.score.is_some() && it.outcome == Some(Outcome::Failed)) {
                    (line("over", course, time, height, run))
                }
                @for start in levels.iter().filter_map(|it| it.1).filter(|it| *it <= height.most) {
                    path.limit vector-effect=(THIN) d=(format!("M0 {}H1000", short(height.y(start)))) {}
                }
            }
            span.label aria-hidden="true" style=(top(height, highest)) { (short_number(highest)) }
            @for (level, start) in levels {
                @if let Some(start) = start.filter(|it| *it <= height.most) {
                    span.label.limit aria-hidden="true" style=(top(height, start)) { (level.status().name()) " " (short_number(start)) }
                }
            }
        }
    }
}

fn short_number(value: f64) -> String {
    number(value.round())
}

fn top(height: Height, value: f64) -> String {
    format!("top:{}%", short(height.part(value) * 100.0))
}

fn hole(class: &str, time: Time, (from, to): (usize, usize)) -> Markup {
    let (start, end) = (time.x(from), time.x(to));
    html! { rect class=(class) x=(short(start)) y="0" width=(short(end - start)) height=(HEIGHT) {} }
}

/// The line of stretches that have a score, and what is below it.
fn line(
    class: &str,
    course: &Course,
    time: Time,
    height: Height,
    (from, to): (usize, usize),
) -> Markup {
    let stretches = course.stretches.get(from..to).unwrap_or_default();
    let mut path = String::new();
    let mut last = None;
    for (at, value) in stretches.iter().enumerate().filter_map(|(at, it)| Some((at, it.score?))) {
        let y = short(height.y(value));
        match last {
            None => path += &format!("M{} {y}", short(time.x(from))),
            Some(last) if last == y => {}
            Some(_) => path += &format!("H{}V{y}", short(time.x(from + at))),
        }
        last = Some(y);
    }
    path += &format!("H{}", short(time.x(to)));
    let below = format!("{path}V{}H{}Z", short(height.y(0.0)), short(time.x(from)));
    html! {
        path class=(format!("area {class}").trim_end()) d=(below) {}
        path class=(format!("line {class}").trim_end()) vector-effect=(THIN) d=(path) {}
    }
}

/// How high the bar of an outcome stands: told apart without colours.
const fn bar(outcome: Outcome) -> (&'static str, f64) {
    match outcome {
        Outcome::Passed => ("good", LANE * 0.25),
        Outcome::Open => ("warn", LANE * 0.6),
        Outcome::Failed => ("bad", LANE),
    }
}

fn outcomes(
    view: &View<'_>,
    it: &ServiceView<'_>,
    course: &Course,
    time: Time,
    number: usize,
) -> Markup {
    let words = format!("verdicts-{number}");
    let of = |outcome| move |it: &Stretch| it.outcome == Some(outcome);
    html! {
        div.plot.verdicts {
            svg role="img" aria-labelledby=(words) viewBox="0 0 1000 24" preserveAspectRatio="none" {
                title id=(words) { "The verdicts on " (shown(it.name)) " from " (at(view, course.from)) " to " (at(view, course.to)) }
                @for run in course.runs(|it| it.outcome.is_none()) { (hole("hole", time, run)) }
                @for outcome in [Outcome::Passed, Outcome::Open, Outcome::Failed] {
                    @let (class, high) = bar(outcome);
                    @for (from, to) in course.runs(of(outcome)) {
                        @let (start, end) = (time.x(from), time.x(to));
                        rect.(class) x=(short(start)) y=(short(LANE - high)) width=(short(end - start)) height=(short(high)) {}
                    }
                }
            }
        }
    }
}

fn at(view: &View<'_>, millis: i64) -> String {
    moment(jiff::Timestamp::from_millisecond(millis).unwrap_or(view.now))
}

/// Audits one after the other that ended in the same, the newest first.
fn table(it: &ServiceView<'_>) -> Markup {
    let same = it.entries.chunk_by(|one, other| one.verdict == other.verdict);
    let runs: Vec<_> = same.rev().collect();
    html! {
        details {
            summary { "Each verdict, and since when" }
            table {
                caption { "Audits that ended in the same, the newest first, UTC" }
                thead { tr {
                    th scope="col" { "From and to" }
                    th scope="col" { "Verdict, and why at the end" }
                    th.n scope="col" { "Highest score" }
                } }
                tbody { @for run in runs.iter().take(ROWS) { (row(run)) } }
            }
            @let more = runs.len().saturating_sub(ROWS);
            @if more > 0 { p.quiet { "and " (more) " more in the history" } }
        }
    }
}

fn row(run: &[Entry]) -> Markup {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return nothing() };
    let highest = run.iter().filter_map(|it| it.score).reduce(f64::max);
    html! {
        tr {
            th.when scope="row" {
                (to_the_second(first))
                @if run.len() > 1 {
                    br; (to_the_second(last))
                    p.quiet { (run.len()) " audits" }
                }
            }
            td { (verdict(last.verdict)) p.quiet { (shown(&last.reason)) } }
            td.n { (highest.map_or_else(|| "unknown".to_owned(), short_number)) }
        }
    }
}

fn to_the_second(entry: &Entry) -> String {
    moment(entry.at).trim_end_matches(" UTC").to_owned()
}

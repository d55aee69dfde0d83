//! One chart: shapes that the page stretches, and words beside them that it does not.

use maud::{Markup, html};

use super::scale::{HEIGHT, Height, Time};
use super::stalls::{self, Stall};
use super::words::{clock, dotted, duration, name, short};
use crate::model::quantity::{number, number_beside};
use crate::report::LineEntry;

/// Lines keep their width where the page stretches a chart.
pub(in crate::render) const THIN: &str = "non-scaling-stroke";

/// What is drawn.
pub(super) struct Chart<'a> {
    pub(super) name: &'a str,
    pub(super) line: &'a LineEntry,
    /// Whether the limit is the least that is allowed.
    pub(super) is_minimum: bool,
    pub(super) step_s: f64,
}

impl Chart<'_> {
    pub(super) fn has_points(&self) -> bool {
        self.known().next().is_some()
    }

    /// The points that are known, with their numbers.
    fn known(&self) -> impl Iterator<Item = (usize, f64)> + Clone {
        let points = self.line.points.iter().enumerate();
        points.filter_map(|(number, point)| Some((number, (*point)?)))
    }

    /// Whether it is 0 all the time: nothing that takes much room to show.
    fn is_flat(&self) -> bool {
        self.line.points.iter().all(|point| *point == Some(0.0))
    }

    fn is_broken(&self, value: f64) -> bool {
        let is_past = |limit: f64| if self.is_minimum { value < limit } else { value > limit };
        self.line.limit.is_some_and(is_past)
    }

    fn is_bound(&self, point: usize) -> bool {
        self.line.lower_bounds.contains(&point)
    }

    fn with_unit(&self, number: &str) -> String {
        let unit = self.line.unit.as_deref().unwrap_or_default();
        format!("{number} {unit}").trim_end().to_owned()
    }

    /// What the chart shows.
    fn words(&self, time: Time) -> String {
        let points = self.line.points.len();
        let unknown = points - self.known().count();
        let bounds = self.line.lower_bounds.len();
        let where_known = if unknown > 0 { " where it is known" } else { "" };
        let mut parts: Vec<_> = self.worst(time, where_known).into_iter().collect();
        parts.extend(self.line.limit.map(|it| format!("limit {}", self.with_unit(&number(it)))));
        parts.extend(self.line.limit.map(|_| self.against_limit(where_known)));
        parts.extend(self.line.limit_of_whole.map(|limit| {
            let limit = self.with_unit(&number(limit));
            format!("in each step; its limit of {limit} is for the whole time")
        }));
        parts.extend((unknown > 0).then(|| format!("unknown in {unknown} of {points} steps")));
        parts.extend(
            (bounds > 0).then(|| format!("the least that it can be in {bounds} of {points} steps")),
        );
        parts.extend(self.looks_back());
        dotted(&parts)
    }

    /// On which side of the limit it is.
    fn against_limit(&self, where_known: &str) -> String {
        let points = self.line.points.len();
        let past = if self.is_minimum { "below" } else { "over" };
        match self.known().filter(|(_, value)| self.is_broken(*value)).count() {
            0 if !self.line.lower_bounds.is_empty() => format!("not seen {past} it"),
            0 => format!("not {past} it{where_known}"),
            broken => format!("{past} it in {broken} of {points} steps"),
        }
    }

    /// What else than its step each point looks at.
    fn looks_back(&self) -> Option<String> {
        let back = self.line.looks_back_s.filter(|back| *back != self.step_s);
        let back = back.map(|back| match back < self.step_s {
            true => format!("each step shows the worst that windows of {} say", duration(back)),
            false => format!("each step looks back {}", duration(back)),
        });
        let earlier =
            self.line.offset_s.map(|it| format!("each step is of {} earlier", duration(it)));
        let parts: Vec<_> = back.into_iter().chain(earlier).collect();
        (!parts.is_empty()).then(|| dotted(&parts))
    }

    /// The worst value, and when it was.
    fn worst(&self, time: Time, where_known: &str) -> Option<String> {
        let (point, value) = self.known().reduce(|one, other| {
            let is_worse = if self.is_minimum { other.1 < one.1 } else { other.1 > one.1 };
            if is_worse { other } else { one }
        })?;
        let shown = self.line.limit.map_or_else(|| number(value), |it| number_beside(value, it).0);
        let is_same = self.known().all(|(_, other)| other == value);
        // Where a step may be more, so may be the highest.
        let bounds = &self.line.lower_bounds;
        let is_bound = self.is_bound(point) || (is_same || !self.is_minimum) && !bounds.is_empty();
        let at_least = if is_bound { "at least " } else { "" };
        let shown = format!("{at_least}{}", self.with_unit(&shown));
        if is_same {
            return Some(format!("{shown} throughout{where_known}"));
        }
        let what = if self.is_minimum { "lowest" } else { "peak" };
        let (from, to) = (clock(time.start_of(point)), clock(time.end_of(point)));
        let when = if from == to { format!("at {to}") } else { format!("between {from} and {to}") };
        Some(format!("{what} {shown} {when}"))
    }
}

/// The chart with this number.
pub(super) fn chart(number: usize, it: &Chart<'_>, time: Time, stalls: &[Stall<'_>]) -> Markup {
    let height = Height::of(it.known().map(|(_, value)| value), it.line.limit);
    let (title, desc) = (format!("chart-{number}"), format!("words-{number}"));
    let words = it.words(time);
    html! {
        figure.chart {
            figcaption { h3 { (name(it.name)) } p { (words) } }
            div.plot.flat[it.is_flat()] {
                svg role="img" aria-labelledby=(format!("{title} {desc}")) viewBox="0 0 1000 100"
                    preserveAspectRatio="none" {
                    title id=(title) { (it.name) " over time" }
                    desc id=(desc) { (words) }
                    (stalls::shades(stalls))
                    (shapes(it, time, height))
                }
                (labels(it, height))
            }
            (axis(time))
            details { summary { "Values" } (values(it, time)) }
        }
    }
}

fn shapes(it: &Chart<'_>, time: Time, height: Height) -> Markup {
    let floor = height.y(0.0);
    html! {
        @for (from, to) in runs(it, |_, point| point.is_none()) {
            rect.hole x=(short(time.x(from))) y="0" width=(short(time.x(to) - time.x(from))) height=(HEIGHT) {}
        }
        @for (from, to) in runs(it, |number, point| point.is_some() && it.is_bound(number)) {
            rect.hole.bound x=(short(time.x(from))) y="0" width=(short(time.x(to) - time.x(from))) height=(HEIGHT) {}
        }
        @for (from, to) in runs(it, |_, point| point.is_some()) {
            @let top = outline(it, time, height, (from, to));
            path.area d=(format!("{top}V{}H{}Z", short(floor), short(time.x(from)))) {}
            path.line vector-effect=(THIN) d=(top) {}
        }
        @for (from, to) in runs(it, |_, point| point.is_some_and(|value| it.is_broken(value))) {
            @let top = outline(it, time, height, (from, to));
            path.area.over d=(format!("{top}V{}H{}Z", short(floor), short(time.x(from)))) {}
            path.line.over vector-effect=(THIN) d=(top) {}
        }
        @if let Some(limit) = it.line.limit.filter(|_| height.has_limit) {
            @let y = short(height.y(limit));
            path.limit vector-effect=(THIN) d=(format!("M0 {y}H1000")) {}
        }
    }
}

/// The points that follow one another and are such, from which to before which.
fn runs(it: &Chart<'_>, is_such: impl Fn(usize, Option<f64>) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (number, point) in it.line.points.iter().enumerate() {
        if !is_such(number, *point) {
            continue;
        }
        match runs.last_mut() {
            Some((_, end)) if *end == number => *end += 1,
            _ => runs.push((number, number + 1)),
        }
    }
    runs
}

/// The upper edge of known steps.
fn outline(it: &Chart<'_>, time: Time, height: Height, (from, to): (usize, usize)) -> String {
    let mut path = String::new();
    let mut last = None;
    let points = it.line.points.get(from..to).unwrap_or_default();
    for (number, value) in
        points.iter().enumerate().filter_map(|(at, it)| Some((from + at, (*it)?)))
    {
        let y = short(height.y(value));
        match last {
            None => path += &format!("M{} {y}", short(time.x(number))),
            Some(last) if last == y => {}
            Some(_) => path += &format!("H{}V{y}", short(time.x(number))),
        }
        last = Some(y);
    }
    path += &format!("H{}", short(time.x(to)));
    path
}

/// The highest value and the limit, at their heights.
fn labels(it: &Chart<'_>, height: Height) -> Markup {
    let highest = it.known().map(|(_, value)| value).fold(f64::NEG_INFINITY, f64::max);
    let top = |value: f64| format!("top:{}%", short(height.part(value) * 100.0));
    html! {
        @if highest != 0.0 && highest.is_finite() {
            span.label aria-hidden="true" style=(top(highest)) { (it.with_unit(&number(highest))) }
        }
        @if let Some(limit) = it.line.limit {
            @let words = it.with_unit(&number(limit));
            @if height.has_limit {
                span.label.limit aria-hidden="true" style=(top(limit)) { "limit " (words) }
            } @else {
                span.label.limit aria-hidden="true" style="top:0%" { "limit " (words) " ↑" }
            }
        }
    }
}

/// The marks of the time below a chart.
pub(in crate::render) fn axis(time: Time) -> Markup {
    html! {
        div.axis aria-hidden="true" {
            @for (part, words) in time.marks() {
                span.(side(part)) style=(format!("left:{}%", short(part * 100.0))) { (words) }
            }
        }
    }
}

/// On which side of its place a mark stands: near an edge, within the chart.
pub(super) const fn side(part: f64) -> &'static str {
    match part {
        ..0.1 => "after",
        0.9.. => "before",
        _ => "at",
    }
}

/// The values in words, steps of the same value together.
fn values(it: &Chart<'_>, time: Time) -> Markup {
    let points = &it.line.points;
    let word = |number_of: usize| match points.get(number_of).copied().flatten() {
        None => "unknown".to_owned(),
        Some(value) if it.is_bound(number_of) => format!("≥ {}", it.with_unit(&number(value))),
        Some(value) => it.with_unit(&number(value)),
    };
    let mut rows: Vec<(usize, usize, String)> = Vec::new();
    for point in 0..points.len() {
        let word = word(point);
        match rows.last_mut() {
            Some((_, end, last)) if *last == word => *end = point,
            _ => rows.push((point, point, word)),
        }
    }
    html! {
        table.values {
            caption { (it.name) " by the end of each step, UTC" }
            thead { tr { th scope="col" { "Time" } th.n scope="col" { "Value" } } }
            tbody {
                @for (from, to, word) in rows {
                    tr {
                        th scope="row" {
                            (clock(time.end_of(from)))
                            @if to > from { " to " (clock(time.end_of(to))) }
                        }
                        td.n { (word) }
                    }
                }
            }
        }
    }
}

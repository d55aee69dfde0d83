//! The signals over the time that was observed, for charts: the plan's queries once more, over
//! windows that follow one another. Nothing is judged by them.
//!
//! Windows adjoin, so that nothing that lies between two of them is left out. Where a query reads how
//! much a counter has risen, a window reaches back to the last sample of the one before, too.

mod asked;
mod backlog;
mod coverage;
mod grid;
mod presence;
mod steps;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::value;
use crate::collect::Telemetry;
use crate::config::{self, ObservedRange, Plan, Query, Source};
use crate::evaluate::{self, Error};
use crate::model::interval::Interval;
use crate::model::question::{Answer, Values};
use crate::model::reading::Incomplete;
use crate::prometheus::Log;
use asked::{Asked, asked};
use coverage::Coverage;
use grid::{Grid, Sampling, sampling};
use steps::{GAP, by_instant, gaps, worst};

/// Signals and checks over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// The instant of the last point.
    pub to: Timestamp,
    /// From one point to the next.
    pub step: Duration,
    /// How many points each line has.
    pub points: usize,
    /// What there is of each, signals first.
    pub lines: Vec<Line>,
}

/// A signal or a check over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it is of.
    pub of: config::Asked,
    /// What each point is held to.
    pub limit: Option<f64>,
    /// What the amount of the whole time is held to, of which each point is a part.
    pub limit_of_whole: Option<f64>,
    /// How far back each point looks, where that is told.
    pub looks_back: Option<Duration>,
    /// How much earlier than its step is what a point looks at.
    pub offset: Option<Duration>,
    /// The points, in order; or why there are none.
    pub points: Result<Vec<Option<TimelinePoint>>, String>,
}

/// What is known of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimelinePoint {
    /// The value, or the least that it can be.
    pub value: f64,
    /// Whether it may be more.
    pub is_lower_bound: bool,
}

/// Asks for every signal, and every check with a query of its own and one limit, over the time that
/// was observed; `None` where that is a single instant.
pub fn timeline(plan: &Plan, telemetry: &Telemetry, log: Log<'_>) -> Option<Timeline> {
    let at = plan.spec.at.unwrap_or(telemetry.observed.at);
    let is_server = matches!(plan.spec.source, Source::Server(_));
    let observed = match is_server {
        true => ObservedRange { at, ..telemetry.observed.clone() },
        false => telemetry.until(at),
    };
    let window = observed.window.or_else(|| plan.window(None).filter(|_| is_server))?;
    let observed = ObservedRange { window: Some(window), ..observed };
    let sampling = sampling(plan, telemetry, &observed, window, log)?;
    let grid = Grid::new(window, sampling.interval);
    let asked = asked(plan, &observed, grid, sampling);
    let drawn = Drawn::ask(plan, telemetry, asked, (grid, sampling, at), log);
    let lines = plan.queries.iter().enumerate().filter_map(|(number, _)| drawn.line(plan, number));
    let lines = lines.chain(backlog::line(plan, telemetry, &drawn)).collect();
    Some(Timeline { to: at, step: grid.step, points: grid.points, lines })
}

/// What is known of a query in each step, or why nothing is.
type Steps = Result<Vec<Option<Interval>>, String>;

/// What came of the questions.
struct Drawn {
    /// How each line is drawn, in the order of the plan's queries; `None` for what is not.
    asked: Vec<Option<Asked>>,
    /// What was found of each.
    found: Vec<Steps>,
    /// The instants of the points, milliseconds since the Unix epoch.
    instants: Vec<i64>,
    grid: Grid,
}

/// What stands beside the answer to a query.
struct Beside {
    /// The instants at which there are samples, where that had to be asked.
    seen: Option<Result<HashSet<i64>, String>>,
    /// Whether everything was seen, of each step.
    whole: Vec<bool>,
}

impl Drawn {
    fn ask(
        plan: &Plan,
        telemetry: &Telemetry,
        asked: Vec<Option<Asked>>,
        (grid, sampling, at): (Grid, Sampling, Timestamp),
        log: Log<'_>,
    ) -> Self {
        let instants = grid.instants(at);
        let lines: Vec<_> = asked
            .iter()
            .enumerate()
            .filter_map(|it| it.1.as_ref().map(|line| (it.0, line)))
            .collect();
        let presence = presence::questions(&lines, grid, sampling);
        let coverage = Coverage::new(lines.iter().map(|(_, line)| *line), grid, sampling);
        let questions = lines.iter().map(|(_, line)| &line.question);
        let questions = questions.chain(presence.iter().map(|(_, question)| question));
        let questions: Vec<_> = questions.chain(&coverage.questions).cloned().collect();
        let mut answers =
            evaluate::over_time(&questions, &plan.spec, (telemetry, at), log).into_iter();
        let of_lines: Vec<_> = answers.by_ref().take(lines.len()).collect();
        let seen = presence.iter().zip(answers.by_ref().take(presence.len()).collect::<Vec<_>>());
        let mut seen: HashMap<usize, _> =
            seen.map(|((number, _), answer)| (*number, presence::seen(answer))).collect();
        let of_coverage: Vec<_> = answers.collect();
        let max_gap = plan.criteria.evidence.max_gap;
        let mut found = vec![Err("it was not asked".to_owned()); asked.len()];
        for ((number, line), answer) in lines.into_iter().zip(of_lines) {
            let steps = (instants.as_slice(), grid.step);
            let whole = coverage.whole(line, &of_coverage, steps, max_gap);
            let beside = Beside { seen: seen.remove(&number), whole };
            if let (Some(query), Some(steps)) = (plan.queries.get(number), found.get_mut(number)) {
                *steps = read(query, line, answer, beside, (&instants, grid, at));
            }
        }
        Self { asked, found, instants, grid }
    }

    /// The line of a query.
    fn line(&self, plan: &Plan, number: usize) -> Option<Line> {
        let (query, asked) = (plan.queries.get(number)?, self.asked.get(number)?.as_ref()?);
        let limit = plan.criteria.check(query.name()).and_then(|it| it.limit.number());
        let points = self.found.get(number)?.clone();
        Some(Line {
            of: query.asked.clone(),
            limit: limit.filter(|_| !asked.is_amount),
            limit_of_whole: limit.filter(|_| asked.is_amount),
            looks_back: asked.looks_back,
            offset: asked.offset,
            points: points.map(|points| points.into_iter().map(point).collect()),
        })
    }
}

/// Reads the answer to a query at each instant, as an audit reads it at its own.
///
/// # Errors
/// Why nothing can be read.
fn read(
    query: &Query,
    line: &Asked,
    answer: Result<Answer, Error>,
    beside: Beside,
    (points, grid, at): (&[i64], Grid, Timestamp),
) -> Steps {
    let question = &line.question;
    let instants = question.span.map(|span| span.instants(at)).unwrap_or_default();
    let Answer { values, incomplete, zero_by_zero } = answer.map_err(|error| error.to_string())?;
    let (gaps, mut zeros) = (gaps(&values, &instants), HashMap::new());
    let mut values = by_instant(values)?;
    if let Some(of_zeros) = zero_by_zero {
        zeros = by_instant(of_zeros)?;
    }
    let seen = beside.seen.transpose()?;
    let first = values.keys().min().copied().filter(|_| !line.needs_pages).unwrap_or(i64::MIN);
    let mut steps = vec![Vec::new(); points.len()];
    // Before there is anything a step may have begun all the same.
    for instant in instants.into_iter().filter(|it| *it >= first) {
        let Some(step) = grid.step_of(points, instant) else { continue };
        let end = points.get(step).copied().unwrap_or_default();
        if seen.as_ref().is_some_and(|seen| !seen.contains(&end)) {
            continue;
        }
        let is_whole = !line.is_partial && beside.whole.get(step).is_some_and(|it| *it);
        let partly = (gaps.contains(&instant) || !is_whole).then(|| GAP.to_owned());
        let incomplete = incomplete.clone().or(partly.map(Incomplete::Unanswered));
        let zeros = zeros.remove(&instant).map(Values::Vector);
        let values = Values::Vector(values.remove(&instant).unwrap_or_default());
        let reading =
            value(query, question, Ok(Answer { values, incomplete, zero_by_zero: zeros }));
        let known = reading.measured.then_some(reading.value);
        steps.get_mut(step).into_iter().for_each(|step| step.push(known));
    }
    Ok(steps.iter().map(|step| worst(step, line.is_minimum)).collect())
}

/// A point where at least the least is known.
fn point(value: Option<Interval>) -> Option<TimelinePoint> {
    let value = value.filter(|it| it.least.is_finite())?;
    Some(TimelinePoint { value: value.least, is_lower_bound: value.exact().is_none() })
}

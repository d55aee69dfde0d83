//! The signals over the time that was observed, for charts: the plan's queries once more, over
//! windows that follow one another. Nothing is judged by them.
//!
//! Windows adjoin, so that nothing that lies between two of them is left out. Where a query reads how
//! much a counter has risen, a window reaches back to the last sample of the one before, too.

mod grid;
mod presence;
mod steps;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::value;
use crate::collect::Telemetry;
use crate::config::{Asked, ObservedRange, Plan, Query, Source};
use crate::engine;
use crate::evaluate::{self, Error};
use crate::model::check::{Observed, Rule};
use crate::model::interval::Interval;
use crate::model::question::{Answer, Question, Values};
use crate::model::reading::{CheckReading, Incomplete, Reading, Readings, State};
use crate::model::signal::Signal;
use crate::prometheus::Log;
use crate::promql;
use grid::Grid;
use steps::{GAP, by_instant, gaps};

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
    pub of: Asked,
    /// What it is held to.
    pub limit: Option<f64>,
    /// How far back each point looks, where that is told.
    pub looks_back: Option<Duration>,
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
    let interval = grid::interval(plan, telemetry, &observed, window, log)?;
    let grid = Grid::new(window, interval);
    let questions = questions(plan, at, grid, interval);
    let drawn = Drawn::ask(plan, telemetry, (questions, at), grid, log);
    let lines = plan.queries.iter().enumerate().filter_map(|(number, _)| drawn.line(plan, number));
    let lines = lines.chain(drawn.backlog(plan)).collect();
    Some(Timeline { to: at, step: grid.step, points: grid.points, lines })
}

/// What is to be asked, in the order of the plan's queries. What looks at a range of its own has no
/// span.
fn questions(plan: &Plan, at: Timestamp, grid: Grid, interval: Duration) -> Vec<Question> {
    let over = |window| {
        plan.questions(Some(&ObservedRange { at, window: Some(window), step: Some(interval) }))
    };
    let (narrow, wide) = (over(grid.step), over(grid.step.saturating_add(interval)));
    let chosen = narrow.into_iter().zip(wide).zip(&plan.queries).map(|((narrow, wide), query)| {
        let question = if reads_rises(&narrow) { wide } else { narrow };
        let expr = presence::peak(&question.expr, is_minimum(plan, query), grid.step, interval);
        let question = Question { expr: expr.unwrap_or_else(|| question.expr.clone()), ..question };
        Question { span: query.span.is_none().then_some(grid.span()), ..question }
    });
    chosen.collect()
}

/// Whether the lower values are the worse ones.
fn is_minimum(plan: &Plan, query: &Query) -> bool {
    plan.criteria.check(query.name()).is_some_and(|check| check.limit.rule() == Rule::Min)
}

/// Whether a query reads how much something has risen: as a rate, or as the difference of what it
/// was at most and at least. What cannot be read may do so.
fn reads_rises(question: &Question) -> bool {
    let Ok(uses) = question.expr.parsed().map(promql::Query::selectors) else { return true };
    uses.iter().enumerate().any(|(index, it)| {
        let is_twice = || uses.iter().skip(index + 1).any(|other| other.text == it.text);
        it.is_counter || is_twice()
    })
}

/// What came of the questions.
struct Drawn {
    questions: Vec<Question>,
    /// What was read at each point.
    readings: Vec<Readings>,
    /// Why there is no line of a query, by its number.
    missing: Vec<Option<String>>,
}

impl Drawn {
    fn ask(
        plan: &Plan,
        telemetry: &Telemetry,
        (questions, at): (Vec<Question>, Timestamp),
        grid: Grid,
        log: Log<'_>,
    ) -> Self {
        let presence = presence::questions(plan, &questions, grid.step);
        let beside = presence.iter().map(|(_, question)| question.clone());
        let wanted = questions.iter().filter(|it| it.span.is_some()).cloned();
        let asked: Vec<_> = wanted.chain(beside).collect();
        let answers = evaluate::over_time(&asked, &plan.spec, (telemetry, at), log);
        let mut answers = answers.into_iter();
        let not_asked = || Err(Error::NotAsked);
        let answered = questions.iter().map(|question| match question.span {
            Some(_) => answers.next().unwrap_or_else(not_asked),
            None => not_asked(),
        });
        let answered: Vec<_> = answered.collect();
        let instants = grid.span().instants(at);
        let mut seen: HashMap<usize, Result<HashSet<i64>, String>> = HashMap::new();
        for ((number, _), answer) in presence.iter().zip(answers) {
            seen.insert(*number, presence::seen(answer));
        }
        let mut drawn = Self {
            questions,
            readings: instants.iter().map(|_| Readings::new(|_| None)).collect(),
            missing: Vec::new(),
        };
        for (number, answer) in answered.into_iter().enumerate() {
            let missing = drawn.read(plan, number, answer, seen.remove(&number), &instants).err();
            drawn.missing.push(missing);
        }
        drawn
    }

    /// Reads the answer to a query at each instant, as an audit reads it at its own.
    ///
    /// # Errors
    /// Why nothing can be read.
    fn read(
        &mut self,
        plan: &Plan,
        number: usize,
        answer: Result<Answer, Error>,
        seen: Option<Result<HashSet<i64>, String>>,
        instants: &[i64],
    ) -> Result<(), String> {
        let (Some(query), Some(question)) = (plan.queries.get(number), self.questions.get(number))
        else {
            return Err("it was not asked".to_owned());
        };
        let Answer { values, incomplete, zero_by_zero } =
            answer.map_err(|error| error.to_string())?;
        let (gaps, mut zeros) = (gaps(&values, instants), HashMap::new());
        let mut values = by_instant(values)?;
        if let Some(of_zeros) = zero_by_zero {
            zeros = by_instant(of_zeros)?;
        }
        let seen = seen.transpose()?;
        for (at, readings) in instants.iter().zip(&mut self.readings) {
            if seen.as_ref().is_some_and(|seen| !seen.contains(at)) {
                set(readings, query, None);
                continue;
            }
            let zeros = zeros.remove(at).map(Values::Vector);
            let values = Values::Vector(values.remove(at).unwrap_or_default());
            let partly = gaps.contains(at).then(|| Incomplete::Unanswered(GAP.to_owned()));
            let incomplete = incomplete.clone().or(partly);
            let answer = Answer { values, incomplete, zero_by_zero: zeros };
            set(readings, query, Some(value(query, question, Ok(answer))));
        }
        Ok(())
    }

    /// The line of a query.
    fn line(&self, plan: &Plan, number: usize) -> Option<Line> {
        let (query, question) = (plan.queries.get(number)?, self.questions.get(number)?);
        question.span?;
        let limit = plan.criteria.check(query.name()).and_then(|it| it.limit.number());
        let missing = self.missing.get(number).cloned().flatten();
        let points = || self.readings.iter().map(|it| point(of_query(it, query))).collect();
        let points = missing.map_or_else(|| Ok(points()), Err);
        Some(Line { of: query.asked.clone(), limit, looks_back: reach(question), points })
    }

    /// The backlog that is a difference, where it has no query of its own.
    fn backlog(&self, plan: &Plan) -> Option<Line> {
        let [started, completed, own] = engine::BACKLOG;
        if plan.query(own).is_some() {
            return None;
        }
        let number = |signal| plan.queries.iter().position(|it| it.signal() == Some(signal));
        let parts = [number(started)?, number(completed)?];
        let missing = parts.iter().find_map(|number| self.missing.get(*number)?.clone());
        let points = self.readings.iter().map(|readings| {
            let is_known = |signal| readings.get(signal).measured;
            let is_known = is_known(started) && is_known(completed);
            point(is_known.then(|| engine::backlog(readings)))
        });
        let looks_back = parts.iter().filter_map(|it| reach(self.questions.get(*it)?)).max();
        Some(Line {
            of: Asked::Signal(own),
            limit: limit_of(plan, own),
            looks_back,
            points: missing.map_or_else(|| Ok(points.collect()), Err),
        })
    }
}

fn limit_of(plan: &Plan, signal: Signal) -> Option<f64> {
    let is_of_signal = |observed: &Observed| *observed == Observed::Signal(signal);
    let mut checks = plan.criteria.checks.iter().filter(|it| is_of_signal(&it.observes));
    checks.find_map(|check| check.limit.number())
}

/// Keeps what was read; `None` for nothing, of which nothing is known.
fn set(readings: &mut Readings, query: &Query, read: Option<Reading>) {
    let read = read.unwrap_or_else(|| Reading::unknown(State::NoData));
    match &query.asked {
        Asked::Signal(signal) => readings.set(*signal, read),
        Asked::Check(name) => readings.set_check(name, CheckReading::Value(read)),
    }
}

/// What was read of a query, if anything was measured.
fn of_query(readings: &Readings, query: &Query) -> Option<Interval> {
    let reading = match &query.asked {
        Asked::Signal(signal) => readings.get(*signal),
        Asked::Check(name) => match readings.of_check(name)? {
            CheckReading::Value(reading) => reading,
            CheckReading::Range(_) => return None,
        },
    };
    reading.measured.then_some(reading.value)
}

/// A point where at least the least is known.
fn point(value: Option<Interval>) -> Option<TimelinePoint> {
    let value = value.filter(|it| it.least.is_finite())?;
    Some(TimelinePoint { value: value.least, is_lower_bound: value.exact().is_none() })
}

/// How far back a question looks, as far as its selectors say.
fn reach(question: &Question) -> Option<Duration> {
    let uses = question.expr.parsed().map(promql::Query::selectors).unwrap_or_default();
    let furthest = uses.iter().map(|it| it.range).max().filter(|range| *range > 0)?;
    u64::try_from(furthest).ok().map(Duration::from_millis)
}

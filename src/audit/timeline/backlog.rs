//! The backlog that is the difference of two counters: at each instant what was started and not
//! completed since the beginning, as an audit at that instant has it.

use jiff::Timestamp;

use super::{Drawn, Line, Steps, point, value};
use crate::collect::Telemetry;
use crate::config::{Asked, Plan, Source};
use crate::engine;
use crate::evaluate;
use crate::model::interval::Interval;

/// Its line, where it has no query of its own.
pub(super) fn line(plan: &Plan, telemetry: &Telemetry, drawn: &Drawn) -> Option<Line> {
    let [started, completed, own] = engine::BACKLOG;
    if plan.query(own).is_some() {
        return None;
    }
    let number = |signal| plan.queries.iter().position(|it| it.signal() == Some(signal));
    let parts = Parts { plan, drawn, numbers: [number(started)?, number(completed)?] };
    let is_server = matches!(plan.spec.source, Source::Server(_));
    let steps = match is_server {
        true => parts.of_steps(),
        false => parts.of_samples(telemetry).or_else(|_| parts.at_least()),
    };
    let [one, other] = parts.numbers.map(|number| drawn.asked.get(number)?.as_ref());
    let is_amount = parts.is_amount();
    let looks_back = one?.looks_back.max(other?.looks_back).filter(|_| !is_amount);
    Some(Line {
        of: Asked::Signal(own),
        limit: plan.criteria.limit(own.key()),
        limit_of_whole: None,
        looks_back,
        offset: one?.offset.max(other?.offset),
        points: steps.map(|steps| steps.into_iter().map(point).collect()),
    })
}

/// What was started and what was completed.
struct Parts<'a> {
    plan: &'a Plan,
    drawn: &'a Drawn,
    numbers: [usize; 2],
}

impl Parts<'_> {
    /// Whether they are amounts of steps, that have to be summed up.
    fn is_amount(&self) -> bool {
        let asked = |number: &usize| self.drawn.asked.get(*number).and_then(Option::as_ref);
        self.numbers.iter().filter_map(asked).any(|it| it.is_amount)
    }

    /// What is known of both in each step.
    fn found(&self) -> Result<[&Vec<Option<Interval>>; 2], String> {
        let found = |number: usize| match self.drawn.found.get(number) {
            Some(found) => found.as_ref().map_err(Clone::clone),
            None => Err("it was not asked".to_owned()),
        };
        Ok([found(self.numbers[0])?, found(self.numbers[1])?])
    }

    /// From the points of both. Amounts of steps are summed up, as long as all of them is known.
    fn of_steps(&self) -> Steps {
        let [started, completed] = self.found()?;
        let (started, completed) = match self.is_amount() {
            true => (sums(started), sums(completed)),
            false => (started.clone(), completed.clone()),
        };
        let both = started.into_iter().zip(completed);
        Ok(both.map(|(one, other)| Some(engine::backlog_of(one?, other?))).collect())
    }

    /// The same where there is no time to look at every scrape: within a step there may be more.
    fn at_least(&self) -> Steps {
        let at_least = |it: Interval| Interval::at_least(it.least);
        Ok(self.of_steps()?.into_iter().map(|step| step.map(at_least)).collect())
    }

    /// The highest of the scrapes within each step, each asked as an audit asks at its instant; the
    /// least that it can be from where not all of a part was seen.
    fn of_samples(&self, telemetry: &Telemetry) -> Steps {
        let Drawn { instants, grid, .. } = self.drawn;
        let found = self.found()?;
        let mut steps: Vec<Option<Interval>> = vec![None; instants.len()];
        for at in telemetry.instants() {
            let Some(step) = grid.step_of(instants, at.as_millisecond()) else { continue };
            let Some(highest) = steps.get_mut(step) else { continue };
            let backlog = self.at(telemetry, at)?;
            let is_higher = |it: &Interval| highest.is_none_or(|other| it.least > other.least);
            *highest = backlog.filter(is_higher).or(*highest);
        }
        let mut is_whole = true;
        for (number, step) in steps.iter_mut().enumerate() {
            let is_exact = |part: &Vec<Option<Interval>>| {
                part.get(number).copied().flatten().is_some_and(|it| it.exact().is_some())
            };
            let is_exact = found.iter().all(|part| is_exact(part));
            // What has come together lacks what was not seen before as well.
            is_whole = is_exact && (is_whole || !self.is_amount());
            let is_seen = found.iter().all(|part| part.get(number).is_some_and(Option::is_some));
            *step = step.filter(|_| is_seen);
            *step = step.map(|it| if is_whole { it } else { Interval::at_least(it.least) });
        }
        Ok(steps)
    }

    /// The backlog at an instant.
    fn at(&self, telemetry: &Telemetry, at: Timestamp) -> Result<Option<Interval>, String> {
        let questions = self.plan.questions(Some(&telemetry.until(at)));
        let part = |number: usize| {
            let (Some(query), Some(question)) =
                (self.plan.queries.get(number), questions.get(number))
            else {
                return Ok(None);
            };
            let answer = evaluate::answer_of_samples(question, &self.plan.spec, telemetry, at);
            if let Err(error) = &answer
                && error.is_timeout()
            {
                return Err(error.to_string());
            }
            let reading = value(query, question, answer);
            Ok(reading.measured.then_some(reading.value))
        };
        let [started, completed] = self.numbers.map(part);
        Ok(started?.zip(completed?).map(|(one, other)| engine::backlog_of(one, other)))
    }
}

/// What has come together up to the end of each step; unknown from where a step is not known.
fn sums(steps: &[Option<Interval>]) -> Vec<Option<Interval>> {
    let mut sum = Some(0.0);
    let of_step = |step: &Option<Interval>| {
        sum = sum.zip(step.and_then(Interval::exact)).map(|(sum, value)| sum + value);
        sum.map(Interval::exactly)
    };
    steps.iter().map(of_step).collect()
}

//! The instant before the end that tells most against the service: when a load has run down, the
//! thread pool's backlog is gone with it.

use jiff::Timestamp;

use super::{Audit, value};
use crate::collect::Telemetry;
use crate::config::Plan;
use crate::engine::{self, Score};
use crate::evaluate::{self, Error};
use crate::model::question::Question;
use crate::model::reading::Readings;
use crate::model::signal::Signal;

/// Of all scrapes with a backlog over its limit the one with the highest score; of several the
/// last one, when the averages of the window say most.
///
/// # Errors
/// Why not every scrape was looked at.
pub(super) fn find(
    plan: &Plan,
    last: &Audit,
    telemetry: &Telemetry,
) -> Result<Option<Timestamp>, Error> {
    let Some(limit) = plan.criteria.limit(Signal::THREADPOOL_BACKLOG.key()) else {
        return Ok(None);
    };
    let mut worst: Option<(Timestamp, f64)> = None;
    for at in telemetry.instants() {
        let is_part = |signal| engine::BACKLOG.contains(&signal);
        let readings = read(plan, &last.questions, telemetry, at, is_part)?;
        if engine::backlog(&readings).least <= limit {
            continue;
        }
        let score = score(plan, telemetry, at)?;
        if worst.is_none_or(|(_, highest)| score >= highest) {
            worst = Some((at, score));
        }
    }
    Ok(worst.map(|(at, _)| at))
}

/// The least that the score is at an instant.
fn score(plan: &Plan, telemetry: &Telemetry, at: Timestamp) -> Result<f64, Error> {
    let questions = plan.questions(Some(&telemetry.until(at)));
    let weights = &plan.criteria.weights;
    let weighs = |signal| {
        engine::BACKLOG.contains(&signal) || weights.iter().any(|(weighed, _)| weighed == signal)
    };
    let readings = read(plan, &questions, telemetry, at, weighs)?;
    Ok(Score::new(&readings, weights).total.least)
}

/// Reads some of the signals at an instant.
fn read(
    plan: &Plan,
    questions: &[Question],
    telemetry: &Telemetry,
    at: Timestamp,
    is_wanted: impl Fn(Signal) -> bool,
) -> Result<Readings, Error> {
    let mut readings = Readings::new(|_| None);
    for (query, question) in plan.queries.iter().zip(questions) {
        let Some(signal) = query.signal().filter(|signal| is_wanted(*signal)) else { continue };
        let answer = evaluate::answer_of_samples(question, &plan.spec, telemetry, at);
        if let Err(error) = &answer
            && error.is_timeout()
        {
            return Err(error.clone());
        }
        readings.set(signal, value(query, answer));
    }
    Ok(readings)
}

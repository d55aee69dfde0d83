//! Questions answered from samples at hand, by the PromQL of this crate.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;

use super::Error;
use crate::collect::Telemetry;
use crate::model::question::{Answer, Question, Values};
use crate::model::reading::{Incomplete, Sample, Series};
use crate::prometheus::{RETURNS_RANGE, RETURNS_TEXT};
use crate::promql::{self, Value};
use crate::storage::{Labels, Storage};

/// Answers a question on the samples of `telemetry`, by `deadline` at the latest.
pub(super) fn answer(
    question: &Question,
    telemetry: &Telemetry,
    at: Timestamp,
    deadline: Option<Instant>,
) -> Result<Answer, Error> {
    let query = question.expr.parsed()?;
    let Some(samples) = &telemetry.samples else {
        let failure = telemetry.failure.as_ref();
        return Err(failure.map_or(Error::NotAsked, |it| Error::NoSamples(it.to_string())));
    };
    let vector = |at| vector(query, &samples.storage, at, deadline);
    let values = match question.span {
        None => Values::Vector(vector(at.as_millisecond())?),
        Some(span) => Values::Matrix(matrix(&span.instants(at), vector)?),
    };
    // `accept_partial` is about what a server says; here it is known that samples are missing.
    let incomplete = samples.missing().map(Incomplete::Unanswered);
    Ok(Answer { values, incomplete })
}

fn vector(
    query: &promql::Query,
    storage: &Storage,
    at: i64,
    deadline: Option<Instant>,
) -> Result<Vec<Sample>, Error> {
    match query.evaluate(storage, at, deadline)? {
        Value::Scalar(value) => Ok(vec![Sample { labels: Labels::new(), value }]),
        Value::Vector(samples) => Ok(samples),
        Value::Matrix(_) => Err(Error::WrongType(RETURNS_RANGE)),
        Value::String(_) => Err(Error::WrongType(RETURNS_TEXT)),
    }
}

/// Gathers each series from the vectors at `instants`.
fn matrix<E>(
    instants: &[i64],
    vector: impl Fn(i64) -> Result<Vec<Sample>, E>,
) -> Result<Vec<Series>, E> {
    let mut all: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    for at in instants {
        for Sample { labels, value } in vector(*at)? {
            all.entry(labels).or_default().push((*at, value));
        }
    }
    Ok(all.into_iter().map(|(labels, points)| Series { labels, points }).collect())
}

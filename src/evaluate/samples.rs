//! Questions answered from samples at hand, by the PromQL of our own.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;

use super::{Expression, Unanswered};
use crate::collect::Telemetry;
use crate::model::question::{Answer, Question, Values};
use crate::model::reading::{Incomplete, Labels, Sample, Series};
use crate::one_line::one_line;
use crate::prometheus::QueryError;
use crate::promql::{self, Value};
use crate::storage::Storage;

/// Evaluates an expression on the samples of `telemetry`, by `until` at the latest.
pub(super) fn answer(
    question: &Question,
    expression: &Expression,
    telemetry: &Telemetry,
    at: Timestamp,
    until: Option<Instant>,
) -> Result<Answer, Unanswered> {
    let query = expression.query().map_err(|error| Unanswered::Failed(error.clone()))?;
    let Some(samples) = &telemetry.samples else {
        let failure = telemetry.failure.clone();
        return Err(failure.map_or(Unanswered::NotAsked, Unanswered::Failed));
    };
    let vector = |at| vector(query, &samples.storage, at, until).map_err(Unanswered::Failed);
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
    until: Option<Instant>,
) -> Result<Vec<Sample>, String> {
    let value = query.evaluate(storage, at, until).map_err(|error| one_line(&error.to_string()))?;
    match value {
        Value::Scalar(value) => Ok(vec![Sample { labels: Labels::new(), value }]),
        Value::Vector(samples) => Ok(samples
            .into_iter()
            .map(|sample| Sample { labels: (&sample.labels).into(), value: sample.value })
            .collect()),
        Value::Matrix(_) => Err(QueryError::RANGE.to_string()),
        Value::String(_) => Err(QueryError::TEXT.to_string()),
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

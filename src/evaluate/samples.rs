//! Queries answered from samples at hand, by the PromQL of our own.

use std::time::Instant;

use super::failures::failed_queries;
use crate::collect::{Samples, Telemetry};
use crate::config::{Plan, Query};
use crate::model::reading::{CheckReading, Incomplete, Labels, Reading, Readings, Sample, State};
use crate::model::signal::Signal;
use crate::observe::Observation;
use crate::one_line::one_line;
use crate::prometheus::{Answer, Backend, QueryError};
use crate::promql::{self, Value};
use crate::storage::Storage;

/// Evaluates every query of the plan.
pub(crate) fn observe(plan: &Plan, telemetry: &Telemetry) -> Observation {
    let mut failures = Vec::new();
    let mut readings = Readings::new(|_| None);
    let missing = telemetry.samples.as_ref().and_then(Samples::missing);
    for query in &plan.queries {
        let reading = read(plan, telemetry, query, missing.clone()).unwrap_or_else(|error| {
            // Without samples, those that cannot be evaluated at all are to blame.
            if telemetry.samples.is_some() || telemetry.failure.is_some() || !is_sound(query) {
                failures.push((query, error.clone()));
            }
            Reading::unknown(State::Failed(error))
        });
        if let Some(signal) = query.signal() {
            readings.set(signal, reading);
        } else {
            readings.set_check(query.name(), CheckReading::Value(reading));
        }
    }
    let failure = failed_queries(&failures, plan.queries.len());
    let scrapes = telemetry.samples.as_ref().map(|it| it.scrapes.clone()).unwrap_or_default();
    Observation { readings, backend: Backend::default(), scrapes, command: None, failure }
}

/// What a few queries of the plan read, whatever else there is to be said.
pub(crate) fn peek(plan: &Plan, telemetry: &Telemetry, signals: &[Signal]) -> Readings {
    Readings::new(|signal| {
        let query = plan.query(signal).filter(|_| signals.contains(&signal))?;
        let reading = read(plan, telemetry, query, None);
        Some(reading.unwrap_or_else(|error| Reading::unknown(State::Failed(error))))
    })
}

fn read(
    plan: &Plan,
    telemetry: &Telemetry,
    query: &Query,
    missing: Option<String>,
) -> Result<Reading, String> {
    let answer = answer(plan, telemetry, query)?;
    // Nobody can accept what nobody saw.
    Ok(Reading::new(answer.samples, missing.map(Incomplete::Unanswered), query.read_as))
}

fn is_sound(query: &Query) -> bool {
    promql::parse(&query.expr).is_ok()
}

fn answer(plan: &Plan, telemetry: &Telemetry, query: &Query) -> Result<Answer, String> {
    let parsed = promql::parse(&query.expr).map_err(|error| one_line(&error.to_string()))?;
    let Some(samples) = &telemetry.samples else {
        return Err(telemetry
            .failure
            .clone()
            .unwrap_or_else(|| "nothing was read: another query cannot be evaluated".to_owned()));
    };
    let value = evaluate(&parsed, &samples.storage, plan, telemetry.finished);
    value
        .and_then(|value| self::samples(value).map_err(|error| error.to_string()))
        .map(|samples| Answer { samples, incomplete: None })
}

fn evaluate(
    query: &promql::Query,
    storage: &Storage,
    plan: &Plan,
    from: Instant,
) -> Result<Value, String> {
    let at = plan.spec.instant().as_millisecond();
    let deadline = from.checked_add(plan.spec.timeout);
    query.evaluate(storage, at, deadline).map_err(|error| one_line(&error.to_string()))
}

/// The series of an answer; one without labels for a scalar.
fn samples(value: Value) -> Result<Vec<Sample>, QueryError> {
    match value {
        Value::Scalar(value) => Ok(vec![Sample { labels: Labels::new(), value }]),
        Value::Vector(samples) => Ok(samples
            .into_iter()
            .map(|sample| Sample { labels: (&sample.labels).into(), value: sample.value })
            .collect()),
        Value::Matrix(_) => Err(QueryError::RANGE),
        Value::String(_) => Err(QueryError::TEXT),
    }
}

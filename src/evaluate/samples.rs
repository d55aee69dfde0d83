//! Questions answered from samples at hand, by the PromQL of this crate.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;

use super::Error;
use crate::collect::Telemetry;
use crate::model::question::{Answer, Question, Span, Values};
use crate::model::reading::{Sample, Series};
use crate::prometheus::{RETURNS_RANGE, RETURNS_TEXT};
use crate::promql::{self, Query, TOO_MANY_SAMPLES, Value};
use crate::storage::{Labels, Storage};

/// Answers a question on the samples of `telemetry`, by `deadline` at the latest.
pub(super) fn answer(
    question: &Question,
    telemetry: &Telemetry,
    at: Timestamp,
    deadline: Option<Instant>,
) -> Result<Answer, Error> {
    let query = question.expr.parsed()?;
    let Some(samples) = &telemetry.samples else { return Err(super::why_nothing(telemetry)) };
    let values = |query: &Query| values(query, question.span, &samples.storage, at, deadline);
    let found = values(query)?;
    let zero_by_zero = match query.zero_by_zero() {
        Some(expr) if question.zero_by_zero && found.has_nan() => Some(values(expr.parsed()?)?),
        _ => None,
    };
    Ok(Answer { values: found, incomplete: None, zero_by_zero })
}

/// What a query comes to at the instant `at`, or over a span up to it.
fn values(
    query: &Query,
    span: Option<Span>,
    storage: &Storage,
    at: Timestamp,
    deadline: Option<Instant>,
) -> Result<Values, Error> {
    let instants = span.map_or_else(|| vec![at.as_millisecond()], |span| span.instants(at));
    let range = instants.first().copied().zip(instants.last().copied()).unwrap_or_default();
    let held = Cell::new(0_usize);
    let vector = |at| {
        let value = query.evaluate_step(storage, at, range, deadline).map_err(Error::from)?;
        let samples = numbers(value)?;
        held.set(held.get().saturating_add(samples.len()));
        if held.get() >= TOO_MANY_SAMPLES {
            let words = "the query has too many samples in its range";
            return Err(Error::Promql(promql::Error::Execution(words.to_owned())));
        }
        Ok(samples)
    };
    Ok(match span {
        None => Values::Vector(vector(range.1)?),
        Some(_) => Values::Matrix(matrix(&instants, vector)?),
    })
}

/// The series of a value; one without labels for a scalar.
fn numbers(value: Value) -> Result<Vec<Sample>, Error> {
    match value {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{METRIC_NAME, Point};

    fn storage() -> Storage {
        let mut storage = Storage::default();
        for (instance, seconds) in [("b", 0..=4), ("a", 2..=9)] {
            let id = storage.series([(METRIC_NAME, "x"), ("instance", instance)].into());
            for second in seconds {
                storage.push(id, Point { at: second * 1000, value: second as f64 }).unwrap();
            }
        }
        storage
    }

    fn range(expr: &str, instants: &[i64]) -> Result<Vec<Series>, Error> {
        let query = promql::parse(expr)?;
        let range = (instants[0], instants[instants.len() - 1]);
        matrix(instants, |at| numbers(query.evaluate_step(&storage(), at, range, None)?))
    }

    fn points(expr: &str, instants: &[i64]) -> Vec<Vec<(i64, f64)>> {
        range(expr, instants).unwrap().into_iter().map(|series| series.points).collect()
    }

    #[test]
    fn a_range_has_a_point_wherever_there_is_a_value() {
        let filtered = points("x > 2", &[1000, 2000, 3000, 4000]);
        assert_eq!(filtered, [[(3000, 3.0), (4000, 4.0)]; 2]);
        let late = points("x", &[1000, 2000]);
        assert_eq!(late, [vec![(2000, 2.0)], vec![(1000, 1.0), (2000, 2.0)]]);
        assert_eq!(points("7", &[1500, 2500]), [[(1500, 7.0), (2500, 7.0)]]);
        assert!(points("y", &[2000]).is_empty());
        let labels = range("x", &[2000]).unwrap().remove(0).labels;
        assert_eq!(labels.to_string(), r#"x{instance="a"}"#);
    }

    #[test]
    fn start_and_end_are_those_of_the_range() {
        for (expr, value) in [("x @ start()", 3.0), ("x @ end()", 5.0), ("x @ 4", 4.0)] {
            let found = points(&format!("{expr} and x{{instance=\"a\"}}"), &[3000, 4000, 5000]);
            assert_eq!(found, [[(3000, value), (4000, value), (5000, value)]], "{expr}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_range() {
        assert_eq!(range("x[1m]", &[0]), Err(Error::WrongType(RETURNS_RANGE)));
        assert_eq!(range("\"x\"", &[0]), Err(Error::WrongType(RETURNS_TEXT)));
    }
}

//! Queries over small storages, theme by theme.

mod aggregations;
mod histograms;
mod labels;
mod limits;
mod numbers;
mod operators;
mod parsing;
mod ranges;
mod refusals;
mod selection;
mod subqueries;

use super::{Value, parse};
use crate::storage::{Labels, Point, STALE, Storage};

/// A storage of series like `up{job=a}`, with a value each minute from the epoch on; `_` is a
/// gap, and `stale` the end of a series.
fn storage(series: &[(&str, &str)]) -> Storage {
    let mut storage = Storage::default();
    for (series, values) in series {
        let id = storage.series(labels(series));
        for (minute, value) in values.split_whitespace().enumerate() {
            let value = match value {
                "_" => continue,
                "stale" => STALE,
                value => value.parse().unwrap(),
            };
            storage.push(id, Point { at: minute as i64 * 60_000, value }).unwrap();
        }
    }
    storage
}

fn labels(series: &str) -> Labels {
    let series = series.strip_suffix('}').unwrap_or(series);
    let (name, others) = series.split_once('{').unwrap_or((series, ""));
    let pairs = others.split(',').filter_map(|pair| pair.split_once('='));
    [("__name__", name)].into_iter().chain(pairs).collect()
}

/// The value at a minute, or why there is none.
fn at_minute(minute: f64, storage: &Storage, expr: &str) -> String {
    let value = parse(expr).and_then(|query| query.evaluate(storage, (minute * 60e3) as i64, None));
    match value {
        Err(error) => format!("{}: {error}", error.error_type()),
        Ok(Value::Scalar(value)) => value.to_string(),
        Ok(Value::String(text)) => format!("{text:?}"),
        Ok(Value::Vector(samples)) => {
            let texts = samples.iter().map(|sample| format!("{} {}", sample.labels, sample.value));
            texts.collect::<Vec<_>>().join("; ")
        }
        Ok(Value::Matrix(ranges)) => {
            let point = |point: &Point| format!(" {}@{}", point.value, point.at as f64 / 60e3);
            let texts = ranges.iter().map(|range| {
                range.labels.to_string() + &range.points.iter().map(point).collect::<String>()
            });
            texts.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Checks the values of queries at a minute.
#[track_caller]
fn check(minute: f64, storage: &Storage, queries: &[(&str, &str)]) {
    for (expr, expected) in queries {
        assert_eq!(at_minute(minute, storage, expr), *expected, "{expr} at minute {minute}");
    }
}

/// Checks that there is no value, and what the reason says.
#[track_caller]
fn check_errors(storage: &Storage, queries: &[(&str, &str)]) {
    for (expr, expected) in queries {
        let error = at_minute(10.0, storage, expr);
        assert!(error.contains(expected), "{expr}: {error}");
    }
}

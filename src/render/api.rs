//! The answer to one expression: in the words of the Prometheus HTTP API, and as text.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::Serializer;

use crate::evaluate::Refusal;
use crate::prometheus::Reply;
use crate::promql::Value;
use crate::storage::{Labels, Point};

#[derive(Serialize)]
struct Success<'a> {
    status: &'static str,
    data: Data<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Failure<'a> {
    status: &'static str,
    #[serde(rename = "errorType")]
    error_type: &'a str,
    error: &'a str,
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(rename = "resultType")]
    result_type: &'static str,
    result: Found<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Found<'a> {
    One((Instant, String)),
    Vector(Vec<Sample<'a>>),
    Matrix(Vec<Range<'a>>),
}

#[derive(Serialize)]
struct Sample<'a> {
    metric: &'a Labels,
    value: (Instant, String),
}

#[derive(Serialize)]
struct Range<'a> {
    metric: &'a Labels,
    values: Vec<(Instant, String)>,
}

/// Milliseconds, written as seconds: with a fraction where there is one.
struct Instant(i64);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            serializer.serialize_i64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

/// The answer as the HTTP API gives it to an instant query at `at`, with a line feed at its end.
///
/// # Errors
/// Never for an answer; the serialiser's signature knows no better.
pub fn api_json(answer: Result<&Reply, &Refusal>, at: Timestamp) -> serde_json::Result<String> {
    let json = match answer {
        Ok(reply) => serde_json::to_string(&Success {
            status: "success",
            data: data(&reply.value, at.as_millisecond()),
            warnings: &reply.warnings,
        }),
        Err(Refusal { error_type, error }) => {
            serde_json::to_string(&Failure { status: "error", error_type, error })
        }
    };
    Ok(json? + "\n")
}

fn data(value: &Value, at: i64) -> Data<'_> {
    let pair = |at: i64, value: f64| (Instant(at), number(value));
    let (result_type, result) = match value {
        Value::Scalar(value) => ("scalar", Found::One(pair(at, *value))),
        Value::String(text) => ("string", Found::One((Instant(at), text.clone()))),
        Value::Vector(samples) => {
            let samples = samples
                .iter()
                .map(|sample| Sample { metric: &sample.labels, value: pair(at, sample.value) });
            ("vector", Found::Vector(samples.collect()))
        }
        Value::Matrix(ranges) => {
            let values = |points: &[Point]| points.iter().map(|it| pair(it.at, it.value)).collect();
            let ranges = ranges
                .iter()
                .map(|range| Range { metric: &range.labels, values: values(&range.points) });
            ("matrix", Found::Matrix(ranges.collect()))
        }
    };
    Data { result_type, result }
}

/// The answer as lines of text: a series and its value each.
pub fn value(value: &Value) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Scalar(value) => writeln!(out, "{}", number(*value)),
        Value::String(text) => writeln!(out, "{text}"),
        Value::Vector(samples) if samples.is_empty() => writeln!(out, "no series"),
        Value::Vector(samples) => samples
            .iter()
            .try_for_each(|sample| writeln!(out, "{} {}", sample.labels, number(sample.value))),
        Value::Matrix(ranges) if ranges.is_empty() => writeln!(out, "no series"),
        Value::Matrix(ranges) => ranges.iter().try_for_each(|range| {
            writeln!(out, "{}", range.labels)?;
            range.points.iter().try_for_each(|point| {
                let at = Timestamp::from_millisecond(point.at).unwrap_or_default();
                writeln!(out, "  {at} {}", number(point.value))
            })
        }),
    };
    out
}

/// A value as Prometheus prints it: the shortest digits that name it, without an exponent.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql;

    fn json(value: Value) -> String {
        let reply = Reply { value, warnings: Vec::new() };
        api_json(Ok(&reply), Timestamp::from_millisecond(1_700_000_000_500).unwrap()).unwrap()
    }

    #[test]
    fn answers_are_those_of_the_api() {
        let labels: Labels = [("__name__", "up"), ("job", "a\"b")].into_iter().collect();
        let vector =
            Value::Vector(vec![promql::Sample { labels: labels.clone(), value: f64::INFINITY }]);
        let points = vec![Point { at: 1000, value: 0.1 }, Point { at: 2500, value: 1e21 }];
        for (value, expected) in [
            (Value::Scalar(f64::NAN), r#"{"resultType":"scalar","result":[1700000000.5,"NaN"]}"#),
            (Value::String("x".into()), r#"{"resultType":"string","result":[1700000000.5,"x"]}"#),
            (Value::Vector(Vec::new()), r#"{"resultType":"vector","result":[]}"#),
            (
                vector,
                r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\"b"},"value":[1700000000.5,"+Inf"]}]}"#,
            ),
            (
                Value::Matrix(vec![promql::Range { labels, points }]),
                r#"{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a\"b"},"values":[[1,"0.1"],[2.5,"1000000000000000000000"]]}]}"#,
            ),
        ] {
            assert_eq!(json(value), format!("{{\"status\":\"success\",\"data\":{expected}}}\n"));
        }
    }

    #[test]
    fn refusals_are_those_of_the_api() {
        let refusal = Refusal { error_type: "bad_data".into(), error: "no".into() };
        let json = api_json(Err(&refusal), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(json, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no\"}\n");
    }
}

//! The answer to one expression, of any type.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{PARTIAL, QueryError, check_instant, envelope, milliseconds, not_api, number, samples};
use crate::one_line::one_line;
use crate::promql::{self, Value};
use crate::storage::{Labels, Point};

/// An answer of any type.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The value.
    pub value: Value,
    /// What is missing from it, or assumed.
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct RangeSeries {
    metric: Labels,
    #[serde(default)]
    values: Vec<(f64, String)>,
    histograms: Option<IgnoredAny>,
}

/// Decodes an answer of any type for the instant `at`, in milliseconds since the Unix epoch.
///
/// # Errors
/// Everything that is not a whole, successful answer at that instant.
pub(crate) fn decode(status: u16, body: &[u8], at: i64) -> Result<Reply, QueryError> {
    let envelope = envelope(status, body)?;
    let mut warnings: Vec<_> = envelope.warnings.iter().flatten().map(|it| one_line(it)).collect();
    if envelope.is_partial == Some(true) {
        warnings.push(PARTIAL.to_owned());
    }
    let data = envelope.data.ok_or_else(|| not_api("`data` is missing"))?;
    let result = data.result.ok_or_else(|| not_api("`result` is missing"))?.get();
    let invalid = |error: serde_json::Error| not_api(error.to_string());
    let value = match data.result_type.as_deref() {
        Some("string") => {
            let (found, text): (f64, String) = serde_json::from_str(result).map_err(invalid)?;
            check_instant(found, at)?;
            Value::String(text)
        }
        Some("matrix") => {
            let series: Vec<RangeSeries> = serde_json::from_str(result).map_err(invalid)?;
            Value::Matrix(series.into_iter().map(range).collect::<Result<_, _>>()?)
        }
        other => {
            let samples = samples(&data, at)?;
            match (other, samples.as_slice()) {
                (Some("scalar"), [sample]) => Value::Scalar(sample.value),
                _ => Value::Vector(samples),
            }
        }
    };
    Ok(Reply { value, warnings })
}

pub(super) fn range(series: RangeSeries) -> Result<promql::Range, QueryError> {
    if series.histograms.is_some() {
        return Err(QueryError::HISTOGRAMS);
    }
    let point =
        |(at, text): (f64, String)| Ok(Point { at: milliseconds(at), value: number(&text)? });
    let points = series.values.into_iter().map(point).collect::<Result<_, QueryError>>()?;
    Ok(promql::Range { labels: series.metric, points })
}

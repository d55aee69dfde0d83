//! What the Prometheus HTTP API says to an instant query.
//!
//! Classified by HTTP status first and `errorType` second: proxies and login pages
//! answer in its place, so nothing is taken for JSON before it has been read as such.

mod error;
pub(crate) mod reply;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::model::reading::{Incomplete, Labels, Sample, Series};
use crate::one_line::one_line;
pub use error::QueryError;
pub(crate) use error::{RETURNS_RANGE, RETURNS_TEXT, is_html};
use error::{not_api, not_json};

/// An answered query.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The series; one without labels for a scalar.
    pub samples: Vec<Sample>,
    /// Whether something is missing from it.
    pub incomplete: Option<Incomplete>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    status: Option<String>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(rename = "isPartial", default)]
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "resultType")]
    result_type: Option<String>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Found {
    metric: Labels,
    value: Option<(f64, String)>,
    histogram: Option<IgnoredAny>,
}

/// Decodes the answer for the instant `at`, in milliseconds since the Unix epoch.
///
/// # Errors
/// Everything that is not a whole, successful answer of numbers at that instant.
pub fn decode(status: u16, body: &[u8], at: i64) -> Result<Answer, QueryError> {
    let envelope = envelope(status, body)?;
    let incomplete = incomplete(&envelope);
    let data = envelope.data.ok_or_else(|| not_api("`data` is missing"))?;
    let samples = samples(&data, at)?;
    Ok(Answer { samples, incomplete })
}

/// Decodes the answer over a range that was evaluated at `instants`.
///
/// # Errors
/// Everything that is not a whole, successful answer of numbers at those instants.
pub fn decode_matrix(
    status: u16,
    body: &[u8],
    instants: &[i64],
) -> Result<(Vec<Series>, Option<Incomplete>), QueryError> {
    let envelope = envelope(status, body)?;
    let incomplete = incomplete(&envelope);
    let data = envelope.data.ok_or_else(|| not_api("`data` is missing"))?;
    let result = data.result.ok_or_else(|| not_api("`result` is missing"))?.get();
    if data.result_type.as_deref() != Some("matrix") {
        return Err(not_api("`resultType` of a range is not \"matrix\""));
    }
    let found: Vec<reply::RangeSeries> =
        serde_json::from_str(result).map_err(|error| not_api(error.to_string()))?;
    let series = found.into_iter().map(|found| {
        let range = reply::range(found)?;
        let points: Vec<_> = range.points.iter().map(|point| (point.at, point.value)).collect();
        let is_other = |(at, _): &&(i64, f64)| instants.binary_search(at).is_err();
        if let Some((at, _)) = points.iter().find(is_other) {
            let ends = [instants.first(), instants.last()].map(|at| at.map(|at| instant(*at)));
            let asked = ends.into_iter().flatten().collect::<Vec<_>>().join(" to ");
            return Err(QueryError::OtherInstant { found: instant(*at), asked });
        }
        if !points.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(not_api("its points are not in the order of time"));
        }
        Ok(Series { labels: range.labels, points })
    });
    Ok((series.collect::<Result<_, _>>()?, incomplete))
}

/// The answer's envelope, if it is that of a success.
fn envelope(status: u16, body: &[u8]) -> Result<Envelope<'_>, QueryError> {
    // As a whole: the JSON reader does not look into what it skips.
    let envelope = match std::str::from_utf8(body).map(serde_json::from_str::<Envelope<'_>>) {
        Ok(Ok(envelope)) => envelope,
        _ if status != 200 => return Err(QueryError::status(status, body)),
        Ok(Err(error)) => return Err(not_json(body, &error)),
        Err(_) => return Err(not_api("it is not UTF-8 text")),
    };
    let is_success = envelope.status.as_deref() == Some("success");
    let is_error = envelope.error.is_some() || envelope.error_type.is_some();
    if status != 200 || !is_success || is_error {
        return Err(refused(status, body, envelope));
    }
    Ok(envelope)
}

fn refused(status: u16, body: &[u8], envelope: Envelope<'_>) -> QueryError {
    match (envelope.error, envelope.error_type) {
        (_, None) if status != 200 => QueryError::status(status, body),
        (None, None) => {
            let found = envelope.status.unwrap_or_else(|| "nothing".to_owned());
            not_api(format!("`status` is {found:?}, not \"success\""))
        }
        (message, error_type) => QueryError::Api {
            status,
            error_type: error_type
                .map_or_else(|| "no errorType".to_owned(), |text| one_line(&text)),
            message: message
                .map_or_else(|| "the server gave no reason".to_owned(), |text| one_line(&text)),
        },
    }
}

const PARTIAL: &str = "the server marked its answer as partial (isPartial)";

/// Thanos and Mimir put a missing store among the warnings; remarks on the query are not meant.
fn incomplete(envelope: &Envelope<'_>) -> Option<Incomplete> {
    let mut warnings = envelope.warnings.iter().flatten();
    let warning = warnings.find(|warning| !warning.starts_with("PromQL info:"));
    let says = warning.map(|text| one_line(text)).or_else(|| {
        let is_partial = envelope.is_partial == Some(true);
        is_partial.then(|| PARTIAL.to_owned())
    });
    says.map(Incomplete::BackendSays)
}

fn samples(data: &Data<'_>, at: i64) -> Result<Vec<Sample>, QueryError> {
    let result = data.result.ok_or_else(|| not_api("`result` is missing"))?.get();
    let invalid = |error: serde_json::Error| not_api(error.to_string());
    match data.result_type.as_deref() {
        Some("vector") => {
            let series: Vec<Found> = serde_json::from_str(result).map_err(invalid)?;
            series.into_iter().map(|series| sample(series, at)).collect()
        }
        Some("scalar") => {
            let (found, value): (f64, String) = serde_json::from_str(result).map_err(invalid)?;
            check_instant(found, at)?;
            Ok(vec![Sample { labels: Labels::new(), value: number(&value)? }])
        }
        Some("matrix") => Err(QueryError::WrongType(RETURNS_RANGE)),
        Some("string") => Err(QueryError::WrongType(RETURNS_TEXT)),
        _ => Err(not_api("`resultType` is none that this version knows")),
    }
}

fn sample(series: Found, at: i64) -> Result<Sample, QueryError> {
    let (found, text) =
        series.value.filter(|_| series.histogram.is_none()).ok_or(QueryError::HISTOGRAMS)?;
    check_instant(found, at)?;
    Ok(Sample { labels: series.metric, value: number(&text)? })
}

/// Refuses what is of another time than `at`, in milliseconds; `found` is in seconds.
fn check_instant(found: f64, at: i64) -> Result<(), QueryError> {
    let found = milliseconds(found);
    if found == at {
        return Ok(());
    }
    Err(QueryError::OtherInstant { found: instant(found), asked: instant(at) })
}

/// The milliseconds of a time in seconds, as servers write it: `1.5`, `1.500`.
pub(crate) fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// An instant for people, of milliseconds since the Unix epoch.
pub(crate) fn instant(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| format!("{at} ms"), |at| at.to_string())
}

fn number(text: &str) -> Result<f64, QueryError> {
    text.parse().map_err(|_| not_api(format!("the value {text:?} is no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(rest: &str) -> Result<Answer, QueryError> {
        let body = r#"{"status":"success","data":{"resultType":"vector","result":"#.to_owned();
        decode(200, (body + rest).as_bytes(), 1500)
    }

    #[test]
    fn vectors_and_scalars_are_values() {
        let answer = vector(
            r#"[{"metric":{"job":"a"},"value":[1.5,"0.25"]},{"metric":{},"value":[1.500,"NaN"]}]}}"#,
        );
        let samples = answer.unwrap().samples;
        assert_eq!(samples[0], Sample { labels: [("job", "a")].into(), value: 0.25 });
        assert!(samples[1].value.is_nan());
        let scalar = br#"{"status":"success","data":{"resultType":"scalar","result":[1,"+Inf"]}}"#;
        assert_eq!(decode(200, scalar, 1000).unwrap().samples[0].value, f64::INFINITY);
    }

    #[test]
    fn an_answer_of_another_time_is_none() {
        let series = |time: &str| format!(r#"[{{"metric":{{}},"value":[{time},"0"]}}]}}}}"#);
        for time in ["1.5", "1.500", "1.4999", "15e-1"] {
            assert!(vector(&series(time)).is_ok(), "{time}");
        }
        for time in ["1", "1.501", "-1.5", "1700000000", "1e300", "0"] {
            assert!(vector(&series(time)).is_err(), "{time}");
        }
        let error = vector(&series("1")).unwrap_err().to_string();
        let both = "is of 1970-01-01T00:00:01Z, and 1970-01-01T00:00:01.5Z was asked for";
        assert!(error.contains(both), "{error}");
        let scalar = br#"{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}"#;
        assert!(decode(200, scalar, 1001).is_err());
        let matrix = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[2,"0"],[7,"0"]]}]}}"#;
        assert!(decode_matrix(200, matrix, &[2000, 7000]).is_ok());
        let error = decode_matrix(200, matrix, &[1000, 2000]).unwrap_err().to_string();
        let both = "is of 1970-01-01T00:00:07Z, and 1970-01-01T00:00:01Z to 1970-01-01T00:00:02Z";
        assert!(error.contains(both), "{error}");
    }

    #[test]
    fn the_servers_words_are_kept() {
        let body = br#"{"status":"error","errorType":"bad_data","error":"parse error: x"}"#;
        let error = decode(400, body, 1000).unwrap_err().to_string();
        assert_eq!(error, "parse error: x (bad_data, HTTP 400)");
    }

    #[test]
    fn the_servers_words_cannot_leave_their_line() {
        let body = r#"{"status":"error","errorType":"bad_data","error":"a\n::error::b\u001b[31m"}"#;
        let error = decode(400, body.as_bytes(), 1000).unwrap_err().to_string();
        assert_eq!(error, "a ::error::b [31m (bad_data, HTTP 400)");
        let long = format!(r#"{{"status":"error","error":"{}"}}"#, "x".repeat(10_000));
        assert!(decode(400, long.as_bytes(), 1000).unwrap_err().to_string().len() < 600);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for (status, body, words) in [
            (200, "<html><body>Log in", "HTML page"),
            (200, "", "empty"),
            (200, "{}", "not \"success\""),
            (200, r#"{"status":"success","data":null}"#, "`data` is missing"),
            (200, r#"{"status":"success","data":{"resultType":"vector"}}"#, "`result` is missing"),
            (
                200,
                r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
                "returns a range",
            ),
            (
                200,
                r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#,
                "text",
            ),
            (
                200,
                r#"{"status":"success","data":{"resultType":"tensor","result":[]}}"#,
                "resultType",
            ),
            (502, "<html>Bad gateway", "HTTP 502"),
            (502, "<html><head><TITLE a=\"b\"> 502 Bad Gateway</title>", "HTTP 502: 502 Bad"),
            (200, "<!DOCTYPE html><title>Sign in</title>", "titled \"Sign in\""),
            (404, "404 page not found\n", "HTTP 404: 404 page not found"),
            (403, r#"{"error":{"code":403,"message":"denied"}}"#, "HTTP 403: denied"),
            (401, r#"{"message":"no key"}"#, "HTTP 401: no key"),
            (200, "{\"status\":\"succ\u{fffd}", "EOF"),
            (500, r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#, "HTTP 500"),
            (
                200,
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}"#,
                "native histograms",
            ),
            (
                200,
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"many"]}]}}"#,
                "no number",
            ),
        ] {
            let error = decode(status, body.as_bytes(), 1000).unwrap_err().to_string();
            assert!(error.contains(words), "{body}: {error}");
        }
    }

    #[test]
    fn incomplete_answers_are_told_from_remarks() {
        let warned = |rest: &str| vector(&format!("[]}},{rest}}}")).unwrap().incomplete;
        assert!(warned(r#""isPartial":true"#).is_some());
        let says = Incomplete::BackendSays("store b is down".into());
        assert_eq!(warned(r#""warnings":["store b is down"]"#), Some(says));
        assert_eq!(warned(r#""warnings":["PromQL info: x"],"infos":["y"]"#), None);
        assert_eq!(warned(r#""isPartial":false"#), None);
    }
}

//! What checks take from logs: a file is read once for all of them, after the command has ended.

use std::path::Path;

use crate::collect::Telemetry;
use crate::config::{LogLookup, Plan};
use crate::log::{self, LastLine, LogError, MAX_LINE, Value};
use crate::model::interval::Interval;
use crate::model::reading::{Note, Reading, State};
use crate::model::signal::OnMissing;
use crate::one_line::one_line;

/// What was found for a check in its log.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The name of the check.
    pub check: String,
    /// The last line with the token, on one line of bounded length; `None` where there is none.
    pub line: Option<String>,
    /// What its value is, or why it has none.
    pub reading: Reading,
}

/// Why a value in a log is no number that can be judged.
#[derive(Clone)]
enum Unknown {
    /// The log does not have it: `on_no_data` says what that stands for.
    Missing(String),
    /// It is there, or may be, and cannot be relied on.
    Unreliable(String),
}

/// Reads what the checks of the plan take from logs.
pub(super) fn read(plan: &Plan, telemetry: &Telemetry) -> Vec<Logged> {
    let mut found = Vec::new();
    for (number, (name, path)) in plan.spec.logs.iter().enumerate() {
        let lookups: Vec<_> = plan.logs.iter().filter(|lookup| lookup.file == *name).collect();
        let tokens: Vec<_> = lookups.iter().map(|lookup| lookup.line.as_str()).collect();
        let lines = last_lines(path, &tokens, |stamp| telemetry.is_as_before(number, stamp));
        for (index, lookup) in lookups.into_iter().enumerate() {
            let limit = plan.criteria.limit(&lookup.check);
            let (line, value) = match &lines {
                Ok(lines) => in_line(lookup, path, limit, &lines[index]),
                Err(unknown) => (None, Err(unknown.clone())),
            };
            let (check, reading) = (lookup.check.clone(), reading(value, lookup.on_no_data));
            found.push(Logged { check, line, reading });
        }
    }
    found
}

/// The same where nothing is read, because the audit was interrupted.
pub(super) fn unread(plan: &Plan) -> Vec<Logged> {
    let unread = |lookup: &LogLookup| {
        let value = Err(Unknown::Unreliable("the audit was interrupted".to_owned()));
        let (check, reading) = (lookup.check.clone(), reading(value, lookup.on_no_data));
        Logged { check, line: None, reading }
    };
    plan.logs.iter().map(unread).collect()
}

/// The last line with each of `tokens`. What is as it was before the audit was written by an earlier
/// run, and says nothing of this one.
fn last_lines(
    path: &Path,
    tokens: &[&str],
    is_as_before: impl Fn(log::Stamp) -> bool,
) -> Result<Vec<LastLine>, Unknown> {
    let name = shown(path);
    match log::read(path, tokens) {
        Ok(log) if is_as_before(log.stamp) => {
            Err(Unknown::Unreliable(format!("{name} was not written since the command started")))
        }
        Ok(log) => Ok(log.lines),
        Err(error @ LogError::NoFile) => Err(Unknown::Unreliable(format!("{name}: {error}"))),
        Err(error) => Err(Unknown::Missing(format!("{name}: {error}"))),
    }
}

/// The line as it is shown, and the value in it.
fn in_line(
    lookup: &LogLookup,
    path: &Path,
    limit: Option<f64>,
    line: &LastLine,
) -> (Option<String>, Result<f64, Unknown>) {
    let (path, token) = (shown(path), one_line(&lookup.line));
    match line {
        LastLine::Absent => {
            (None, Err(Unknown::Missing(format!("no line of {path} contains `{token}`"))))
        }
        LastLine::TooLong => {
            let mebibytes = MAX_LINE >> 20;
            let words =
                format!("the last line of {path} with `{token}` is longer than {mebibytes} MiB");
            (None, Err(Unknown::Unreliable(words)))
        }
        LastLine::Open(line) if !is_settled(line, &lookup.key) => {
            let key = &lookup.key;
            let words = format!(
                "{path} ends within the line with `{token}`, without a line break: `{key}` may be cut off"
            );
            (Some(one_line(line)), Err(Unknown::Unreliable(words)))
        }
        LastLine::Line(line) | LastLine::Open(line) => {
            let key = &lookup.key;
            let pairs = log::pairs(line);
            let words =
                || format!("the last line of {path} with `{token}` has no value of `{key}`");
            let value = pairs.get(key).ok_or_else(|| Unknown::Missing(words()));
            let value = value.and_then(|value| number(lookup, limit, value));
            (Some(one_line(line)), value)
        }
    }
}

/// Whether the value of a key stands before the end of a line that may be cut off.
fn is_settled(line: &str, key: &str) -> bool {
    let (whole, all) = (log::whole_pairs(line), log::pairs(line));
    whole.get(key).is_some_and(|value| all.get(key) == Some(value))
}

/// The value as a number that can be held to a limit.
fn number(lookup: &LogLookup, limit: Option<f64>, value: &Value) -> Result<f64, Unknown> {
    let key = &lookup.key;
    match *value {
        // Where rounding leaves an order between the two, it is the order of what was rounded.
        Value::Integer(integer) if limit == Some(integer as f64) && !is_exact(integer) => {
            let words = format!("{key}={integer} is too large to be told from the limit");
            Err(Unknown::Unreliable(words))
        }
        Value::Integer(integer) => Ok(integer as f64),
        Value::Decimal(decimal) if lookup.is_integer => Ok(decimal.trunc()),
        Value::Decimal(decimal) => Ok(decimal),
        Value::Text(ref text) => {
            let integer = log::integer(text).filter(|_| lookup.is_integer);
            match integer.map(|it| Value::Integer(it.into())) {
                Some(integer) => number(lookup, limit, &integer),
                None => Err(Unknown::Unreliable(format!("{key}={} is no number", one_line(text)))),
            }
        }
    }
}

/// Whether a float holds the integer itself.
const fn is_exact(integer: i128) -> bool {
    // The greatest integer is what a float above it is converted to.
    integer < i128::MAX && (integer as f64) as i128 == integer
}

fn reading(value: Result<f64, Unknown>, on_no_data: OnMissing) -> Reading {
    let known = |value: f64| Reading {
        // Adding 0.0 turns -0.0 into 0.0.
        value: Interval::exactly(value + 0.0),
        measured: true,
        ..Reading::unknown(State::Ok)
    };
    let unknown = |state| Reading { value: Interval::ANY, ..Reading::unknown(state) };
    match (value, on_no_data) {
        (Ok(value), _) => known(value),
        (Err(Unknown::Missing(why)), OnMissing::Zero) => {
            Reading { notes: vec![Note::NotLoggedAsZero(why)], ..known(0.0) }
        }
        (Err(Unknown::Missing(why)), OnMissing::Inconclusive) => unknown(State::NotLogged(why)),
        (Err(Unknown::Unreliable(why)), _) => unknown(State::Failed(why)),
    }
}

fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return "an empty path".to_owned();
    }
    one_line(&path.display().to_string())
}

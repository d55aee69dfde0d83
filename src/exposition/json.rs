//! Reads the numbers of a JSON document as a page of metrics: each by the path that leads to it.
//!
//! The members of objects are joined by `_`: `{"queue": {"counts": {"queued": 3}}}` is
//! `queue_counts_queued 3`. Elements of arrays are told apart by labels ([`labels`]), and two further
//! series say what was there: `agents_length` how many elements, `agents_info`, which is 1, each of
//! them. An element that has gone is so told from one of which nobody knows any more. What is said of
//! an element in words and may change, such as its state, stands in `agents_labels` alone.

mod flat;
mod labels;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt::Write as _;

use jiff::Timestamp;

use super::Value as Number;
use super::error::{Fault, quote};
use crate::one_line::one_line;
use flat::{Flat, Sample};
use tree::Tree;

/// The suffix of the series that says how many elements an array has.
pub(crate) const LENGTH: &str = "_length";
/// The suffix of the series that says that an element is there.
pub(crate) const INFO: &str = "_info";
/// The suffix of the series that has the words about an element which are no name of it.
pub(crate) const LABELS: &str = "_labels";
/// So many values may be in a document, whatever they are.
const MOST_VALUES: usize = 1_000_000;
/// What says when a document was made.
const GENERATED_AT: &str = "generated_at";
/// What says which shape it has: a number that says nothing of the program.
const VERSION: &str = "schema_version";
/// What says that it is switched off.
const SWITCH: &str = "enabled";

/// A document, as far as it has numbers.
#[derive(Debug)]
pub(crate) struct Document {
    /// A page in the Prometheus text format.
    pub(crate) page: Vec<u8>,
    /// When it was made, if it says so.
    pub(crate) made: Option<Made>,
}

/// When a document was made, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Made {
    /// An instant.
    At(Timestamp),
    /// Words or a number that only change with the document.
    Says(String),
}

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is empty.
    #[error(": it is empty")]
    Empty,
    /// It is no JSON.
    #[error(":{line}:{column}: {reason}: {shown}")]
    Syntax {
        /// Which line; the first one is 1.
        line: usize,
        /// Which character of the line; the first one is 1.
        column: usize,
        /// What is wrong there.
        reason: String,
        /// What stands around it, with control characters escaped.
        shown: String,
    },
    /// It is no object.
    #[error(": it is {0}, and an object is needed, whose members have names")]
    NoObject(&'static str),
    /// A member is there twice.
    #[error(": the member {0} stands there twice; which one holds?")]
    Twice(String),
    /// Two paths come to one series.
    #[error(
        ": {first} and {second} both come to the series {series}; give one of them another name, and \
         elements of an array a member of their own, such as an id"
    )]
    Ambiguous {
        /// The series, as PromQL writes it.
        series: String,
        /// The path that came first.
        first: String,
        /// The other one.
        second: String,
    },
    /// It is too much.
    #[error(
        ": there are more than {MOST_VALUES} values in it; let the program show sums in place of lists"
    )]
    TooMany,
    /// It does not say when it was made, though it has a place for that.
    #[error(
        ": its {GENERATED_AT} is {0}, and a time is needed, such as \"2026-01-31T12:00:00Z\", to tell \
         whether it is made anew; let the program write it, or leave it out"
    )]
    NoTime(&'static str),
    /// It shows nothing, as it is switched off.
    #[error(": it shows no numbers: it says `enabled: false`; switch it on in the program")]
    Disabled,
    /// It shows nothing.
    #[error(": there is no number in it{}", if *.0 { " but its schema_version" } else { "" })]
    NoNumbers(bool),
}

impl Error {
    /// The same with what the document holds changed.
    pub(crate) fn redacted(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Syntax { line, column, reason, shown } => {
                Self::Syntax { line, column, reason, shown: change(&shown) }
            }
            Self::Twice(path) => Self::Twice(change(&path)),
            Self::Ambiguous { series, first, second } => Self::Ambiguous {
                series: change(&series),
                first: change(&first),
                second: change(&second),
            },
            other => other,
        }
    }
}

/// Reads a document.
///
/// # Errors
/// It is none, or not told what its numbers are.
pub(crate) fn read(body: &[u8]) -> Result<Document, Error> {
    if body.trim_ascii().is_empty() {
        return Err(Error::Empty);
    }
    let tree = parse(body)?;
    let Tree::Object(members) = &tree else { return Err(Error::NoObject(tree.noun())) };
    let samples = Flat::of(members)?;
    let is_told = |it: &&Sample| ![VERSION, SWITCH, GENERATED_AT].contains(&it.path.as_str());
    if !samples.iter().any(|it| is_told(&it)) {
        let is_off = members.contains(&(SWITCH.to_owned(), Tree::Bool(false)));
        let has_version = samples.iter().any(|it| it.path == VERSION);
        return Err(if is_off { Error::Disabled } else { Error::NoNumbers(has_version) });
    }
    let made = members.iter().find(|(name, _)| name == GENERATED_AT);
    let made =
        made.map(|(_, it)| Made::of(it).ok_or_else(|| Error::NoTime(noun(it)))).transpose()?;
    Ok(Document { page: page(&samples), made })
}

fn parse(body: &[u8]) -> Result<Tree, Error> {
    Tree::parse(body, MOST_VALUES).map_err(|error| {
        if error.is_data() {
            return Error::TooMany;
        }
        let line = body.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1));
        let line = line.unwrap_or_default();
        let fault = Fault::new(error.column().saturating_sub(1), reason(body, &error));
        match fault.in_line(error.line(), line) {
            super::Error::Syntax { line, column, reason, shown } => {
                Error::Syntax { line, column, reason, shown: one_line(&shown) }
            }
            other => Error::Syntax {
                line: error.line(),
                column: error.column(),
                reason: other.to_string(),
                shown: quote(line),
            },
        }
    })
}

/// Why it is no JSON, and what it is, if that can be seen.
fn reason(body: &[u8], error: &serde_json::Error) -> String {
    let start = body.trim_ascii_start();
    let is_page = |word: &[u8]| start.starts_with(word);
    let letters = start.iter().take_while(|it| it.is_ascii_alphanumeric() || **it == b'_').count();
    let is_metric = letters > 0 && matches!(start.get(letters), Some(b' ' | b'{'));
    if is_page(b"<") {
        return "this is no JSON, but HTML or XML".to_owned();
    }
    if is_page(b"# ") || is_metric {
        return "this is no JSON, but looks like a page of metrics, which --scrape reads"
            .to_owned();
    }
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or_default();
    format!("this is no JSON ({why})")
}

/// The samples in the Prometheus text format. That they are gauges is said of each: in a document a
/// name such as `total` may be anything.
fn page(samples: &[Sample]) -> Vec<u8> {
    let mut text = String::new();
    let mut last = "";
    for sample in samples {
        if sample.name != last {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "# TYPE {} gauge", sample.name);
            last = &sample.name;
        }
        let _ = writeln!(text, "{} {}", sample.series(), Number(sample.value));
    }
    text.into_bytes()
}

/// What stands in place of a time.
const fn noun(made: &Tree) -> &'static str {
    match made {
        Tree::Text(_) => "blank",
        other => other.noun(),
    }
}

impl Made {
    /// When it was made; `None` of what can be no time, and may stay as it is in every document.
    fn of(tree: &Tree) -> Option<Self> {
        match tree {
            Tree::Text(text) if text.trim().is_empty() => None,
            Tree::Text(text) => {
                let at = text.trim().parse().map(Self::At);
                Some(at.unwrap_or_else(|_| Self::Says(text.clone())))
            }
            Tree::Number(number) => Some(Self::Says(number.to_string())),
            Tree::Whole(number) => Some(Self::Says(number.to_string())),
            _ => None,
        }
    }
}

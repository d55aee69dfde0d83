//! What a side answers, and how two answers differ.

use std::collections::BTreeMap;
use std::fmt;

use auditor::promql::Value;
use auditor::storage::{Labels, Point};
use serde_json::Value as Json;

/// By how much of its size a number may be off.
const TOLERANCE: f64 = 1e-9;

/// What makes answers alike, apart from their series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strictness {
    /// Whether the order of a vector matters; of series with the same value it never does.
    pub(crate) sorted: bool,
    /// The size below which a number is as good as any other one: what larger numbers that
    /// cancel each other leave behind depends on their order.
    pub(crate) least: f64,
}

/// How many series that differ are shown.
const SHOWN: usize = 3;

/// An answer of either side, its series sorted by their labels.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Error(String),
    Scalar(f64),
    String(String),
    /// In the order of the answer.
    Vector(Vec<(Labels, f64)>),
    Matrix(BTreeMap<Labels, Vec<Point>>),
}

impl Answer {
    pub(crate) fn of_value(value: Value) -> Self {
        match value {
            Value::Scalar(value) => Self::Scalar(value),
            Value::String(value) => Self::String(value),
            Value::Vector(samples) => {
                Self::Vector(samples.into_iter().map(|s| (s.labels, s.value)).collect())
            }
            Value::Matrix(ranges) => {
                Self::Matrix(ranges.into_iter().map(|r| (r.labels, r.points)).collect())
            }
        }
    }

    pub(crate) fn of_json(answer: &Json) -> Self {
        if answer["status"] != "success" {
            return Self::Error(answer["error"].as_str().expect("an error").to_owned());
        }
        let result = &answer["data"]["result"];
        let list = || result.as_array().expect("a list").iter();
        match answer["data"]["resultType"].as_str() {
            Some("scalar") => Self::Scalar(number(&result[1])),
            Some("string") => Self::String(result[1].as_str().expect("a string").to_owned()),
            Some("vector") => {
                Self::Vector(list().map(|s| (labels(s), number(&s["value"][1]))).collect())
            }
            _ => Self::Matrix(list().map(|s| (labels(s), points(s))).collect()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Vector(samples) => samples.is_empty(),
            Self::Matrix(ranges) => ranges.is_empty(),
            _ => false,
        }
    }

    /// What is different about two answers, for the eyes of who has to mend it.
    pub(crate) fn difference(&self, theirs: &Self, strictness: Strictness) -> Option<String> {
        let alike = |ours: f64, theirs: f64| strictness.alike(ours, theirs);
        let differences = match (self, theirs) {
            (Self::Error(_), Self::Error(_)) => return None,
            (Self::Scalar(ours), Self::Scalar(theirs)) if alike(*ours, *theirs) => return None,
            (Self::String(ours), Self::String(theirs)) if ours == theirs => return None,
            (Self::Vector(ours), Self::Vector(theirs)) => {
                let values = |samples: &[(Labels, f64)]| samples.iter().map(|s| s.1).collect();
                let (left, right): (Vec<_>, Vec<_>) = (values(ours), values(theirs));
                let same_order = left.iter().zip(&right).all(|(a, b)| alike(*a, *b));
                if strictness.sorted && left.len() == right.len() && !same_order {
                    return Some(format!("  ours   in the order {left:?}\n  theirs {right:?}"));
                }
                if has_duplicates(ours) {
                    return Some(format!("  ours   has a series twice: {self}"));
                }
                let map = |samples: &[(Labels, f64)]| samples.iter().cloned().collect();
                series(&map(ours), &map(theirs), |a, b| alike(*a, *b))
            }
            (Self::Matrix(ours), Self::Matrix(theirs)) => {
                series(ours, theirs, |a, b| strictness.all_alike(a, b))
            }
            _ => return Some(format!("  ours   {self}\n  theirs {theirs}")),
        };
        (!differences.is_empty()).then(|| {
            let more = differences.len().saturating_sub(SHOWN);
            let shown: Vec<_> = differences.into_iter().take(SHOWN).collect();
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            format!("{}{more}", shown.join("\n"))
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(message) => write!(f, "error: {message}"),
            Self::Scalar(value) => write!(f, "scalar {value:?}"),
            Self::String(value) => write!(f, "string {value:?}"),
            Self::Vector(samples) => {
                write!(f, "vector of {}:", samples.len())?;
                samples.iter().take(SHOWN).try_for_each(|(l, v)| write!(f, " {l} {v:?};"))
            }
            Self::Matrix(ranges) => write!(f, "matrix of {}", ranges.len()),
        }
    }
}

fn has_duplicates(samples: &[(Labels, f64)]) -> bool {
    let distinct: std::collections::BTreeSet<_> = samples.iter().map(|(l, _)| l).collect();
    distinct.len() != samples.len()
}

/// Which series differ, those that only one side has included.
fn series<T: fmt::Debug>(
    ours: &BTreeMap<Labels, T>,
    theirs: &BTreeMap<Labels, T>,
    alike: impl Fn(&T, &T) -> bool,
) -> Vec<String> {
    let show = |value: Option<&T>| value.map_or("nothing".to_owned(), |value| format!("{value:?}"));
    let all: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    all.into_iter()
        .map(|labels| (labels, ours.get(labels), theirs.get(labels)))
        .filter(|(_, ours, theirs)| !ours.zip(*theirs).is_some_and(|(a, b)| alike(a, b)))
        .map(|(labels, ours, theirs)| {
            format!("  {labels}\n    ours   {}\n    theirs {}", show(ours), show(theirs))
        })
        .collect()
}

impl Strictness {
    fn alike(self, ours: f64, theirs: f64) -> bool {
        ours == theirs
            || ours.is_nan() && theirs.is_nan()
            || ours.is_finite() && theirs.is_finite() && {
                let size = ours.abs().max(theirs.abs()).max(self.least);
                (ours / size - theirs / size).abs() <= TOLERANCE
            }
    }

    fn all_alike(self, ours: &[Point], theirs: &[Point]) -> bool {
        let alike = |(a, b): (&Point, &Point)| a.at == b.at && self.alike(a.value, b.value);
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(alike)
    }
}

fn labels(series: &Json) -> Labels {
    let labels = series["metric"].as_object().expect("labels");
    labels.iter().map(|(n, v)| (n.as_str(), v.as_str().expect("a label"))).collect()
}

/// A number as Prometheus writes it into JSON, where it is a string.
fn number(value: &Json) -> f64 {
    value.as_str().expect("a string").parse().expect("a number")
}

fn points(series: &Json) -> Vec<Point> {
    let pairs = series["values"].as_array().expect("a list");
    let at = |pair: &Json| (pair[0].as_f64().expect("seconds") * 1000.0).round() as i64;
    pairs.iter().map(|pair| Point { at: at(pair), value: number(&pair[1]) }).collect()
}

#[test]
fn answers_that_differ_are_told_apart() {
    let series = |pairs: &[(&str, f64)]| {
        let labels = |room: &str| [("room", room)].into_iter().collect();
        Answer::Vector(pairs.iter().map(|(room, value)| (labels(room), *value)).collect())
    };
    let error = Answer::Error("no".to_owned());
    for (ours, theirs, sorted, differ) in [
        (Answer::Scalar(1.0), Answer::Scalar(1.0 + 1e-10), false, false),
        (Answer::Scalar(1.0), Answer::Scalar(1.0 + 1e-8), false, true),
        (Answer::Scalar(f64::NAN), Answer::Scalar(f64::NAN), false, false),
        (Answer::Scalar(f64::NAN), Answer::Scalar(0.0), false, true),
        (Answer::Scalar(f64::INFINITY), Answer::Scalar(f64::MAX), false, true),
        (Answer::Scalar(1.0), series(&[("a", 1.0)]), false, true),
        (error.clone(), error.clone(), false, false),
        (error.clone(), series(&[]), false, true),
        (series(&[]), error, false, true),
        (series(&[("a", 1.0)]), series(&[]), false, true),
        (series(&[("a", 1.0)]), series(&[("b", 1.0)]), false, true),
        (series(&[("a", 1.0)]), series(&[("a", 2.0)]), false, true),
        (series(&[("a", 1.0), ("a", 1.0)]), series(&[("a", 1.0)]), false, true),
        (series(&[("a", 1.0), ("b", 2.0)]), series(&[("b", 2.0), ("a", 1.0)]), false, false),
        (series(&[("a", 1.0), ("b", 2.0)]), series(&[("b", 2.0), ("a", 1.0)]), true, true),
        (series(&[("a", 1.0), ("b", 1.0)]), series(&[("b", 1.0), ("a", 1.0)]), true, false),
    ] {
        let strictness = Strictness { sorted, least: f64::MIN_POSITIVE };
        let difference = ours.difference(&theirs, strictness);
        assert_eq!(difference.is_some(), differ, "{ours} and {theirs}: {difference:?}");
    }
}

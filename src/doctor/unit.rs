//! Milliseconds that are read as seconds.

use super::{Case, is_known};
use crate::model::quantity::number;

/// Parts of a name that say in what it is counted, and how many of them are a second.
const UNITS: [(&str, &str); 8] = [
    ("milliseconds", "1000"),
    ("ms", "1000"),
    ("millis", "1000"),
    ("microseconds", "1e6"),
    ("us", "1e6"),
    ("micros", "1e6"),
    ("nanoseconds", "1e9"),
    ("ns", "1e9"),
];
/// A service whose loop is held up for longer is hardly audited.
const UNLIKELY_S: f64 = 60.0;

pub(super) fn warnings(case: &Case<'_>) -> Vec<String> {
    if case.unit() != "s" {
        return Vec::new();
    }
    let names = case.selectors().iter().filter_map(|it| it.metric());
    let by_name = names.filter_map(|name| {
        let is_part = |unit: &str| name.split('_').any(|part| part == unit);
        let (unit, of_second) = UNITS.iter().find(|(unit, _)| is_part(unit))?;
        (!is_scaled(case.question.expr.as_str())).then(|| {
            format!("by its name `{name}` counts {unit}, and the signal is in seconds: divide by {of_second}")
        })
    });
    let mut warnings: Vec<_> = by_name.collect();
    warnings.dedup();
    let value = case.reading.filter(|it| is_known(it)).map(|reading| reading.value.least);
    if let Some(value) = value.filter(|value| warnings.is_empty() && *value > UNLIKELY_S) {
        warnings.push(format!(
            "{} s is unlikely: does its metric count milliseconds? The signal is in seconds",
            number(value)
        ));
    }
    warnings
}

/// Whether the query divides or multiplies by a power of ten.
fn is_scaled(expr: &str) -> bool {
    let plain: String = expr.chars().filter(|c| !c.is_whitespace()).collect();
    ["/1000", "/1e3", "/1e6", "/1e9", "/1000000", "*0.001", "*1e-3", "*1e-6", "*1e-9"]
        .iter()
        .any(|factor| plain.contains(factor))
}

/// How many of the unit of its metrics are a second, where the name says so.
pub(super) fn a_second(case: &Case<'_>) -> Option<f64> {
    let of_name = |name: &str| {
        let (_, of_second) =
            UNITS.iter().find(|(unit, _)| name.split('_').any(|it| it == *unit))?;
        of_second.parse().ok()
    };
    case.selectors().iter().filter_map(|it| it.metric()).find_map(of_name)
}

//! Straight lines through the samples of a range, and smoothing.

use super::{Window, WindowFunction, seconds};
use crate::promql::Error;
use crate::promql::sums::Sum;

#[rustfmt::skip] // A table.
pub(super) fn function(name: &str) -> Option<WindowFunction> {
    Some(match name {
        "deriv" => |w| Ok(w.points.first().and_then(|first| line(w, first.at)).map(|line| line.slope)),
        "predict_linear" => |w| Ok(line(w, w.now).map(|line| line.slope * w.parameter(0) + line.now)),
        // The name that it had before Prometheus 3.
        "double_exponential_smoothing" | "holt_winters" => smoothed,
        _ => return None,
    })
}

struct Line {
    /// Per second.
    slope: f64,
    now: f64,
}

/// The line with the least squares of distances; nothing through a single sample.
fn line(window: &Window<'_>, now: i64) -> Option<Line> {
    let [first, _, ..] = window.points else { return None };
    if window.values().all(|value| value == first.value) {
        let (slope, now) =
            if first.value.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first.value) };
        return Some(Line { slope, now });
    }
    let count = window.points.len() as f64;
    let mut sums = [Sum::default(); 4];
    for point in window.points {
        let (x, y) = (seconds(now, point.at), point.value);
        for (sum, term) in sums.iter_mut().zip([x, y, x * y, x * x]) {
            sum.add(term);
        }
    }
    let [x, y, xy, xx] = sums.map(Sum::total);
    let slope = (xy - x * y / count) / (xx - x * x / count);
    Some(Line { slope, now: y / count - slope * x / count })
}

/// The value after exponential smoothing of both level and trend, by two factors.
fn smoothed(window: &Window<'_>) -> Result<Option<f64>, Error> {
    let (of_level, of_trend) = (window.parameter(0), window.parameter(1));
    for (name, factor) in [("smoothing", of_level), ("trend", of_trend)] {
        if factor <= 0.0 || factor >= 1.0 {
            let why = format!("the {name} factor must lie between 0 and 1, and is {factor}");
            return Err(Error::Execution(why));
        }
    }
    let [first, second, rest @ ..] = window.points else { return Ok(None) };
    let mut trend = second.value - first.value;
    let smooth =
        |value: f64, level: f64, trend: f64| of_level * value + (1.0 - of_level) * (level + trend);
    let mut before = first.value;
    let mut level = smooth(second.value, first.value, trend);
    for point in rest {
        trend = of_trend * (level - before) + (1.0 - of_trend) * trend;
        before = level;
        level = smooth(point.value, level, trend);
    }
    Ok(Some(level))
}

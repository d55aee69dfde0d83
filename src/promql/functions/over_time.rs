//! Functions of the values of a range, wherever they lie in it.

use super::{Window, WindowFunction};
use crate::promql::sums;

#[rustfmt::skip] // A table.
pub(super) fn function(name: &str) -> Option<WindowFunction> {
    Some(match name {
        "avg_over_time" => |w| Ok(Some(sums::mean(w.values()))),
        "count_over_time" => |w| Ok(Some(w.points.len() as f64)),
        "first_over_time" => |w| Ok(w.points.first().map(|point| point.value)),
        "last_over_time" => |w| Ok(w.points.last().map(|point| point.value)),
        "max_over_time" => |w| Ok(Some(sums::max(w.values()))),
        "min_over_time" => |w| Ok(Some(sums::min(w.values()))),
        "present_over_time" => |_| Ok(Some(1.0)),
        "quantile_over_time" => |w| Ok(Some(quantile(w))),
        "stddev_over_time" => |w| Ok(Some(sums::variance(w.values()).sqrt())),
        "stdvar_over_time" => |w| Ok(Some(sums::variance(w.values()))),
        "sum_over_time" => |w| Ok(Some(sums::sum(w.values()))),
        "changes" => |w| Ok(Some(count_pairs(w, |a, b| a != b && !(a.is_nan() && b.is_nan())))),
        "resets" => |w| Ok(Some(count_pairs(w, |a, b| b < a))),
        _ => return None,
    })
}

fn quantile(window: &Window<'_>) -> f64 {
    let mut values: Vec<_> = window.values().collect();
    sums::quantile(window.parameter(0), &mut values)
}

fn count_pairs(window: &Window<'_>, counts: fn(f64, f64) -> bool) -> f64 {
    let pairs = window.values().zip(window.values().skip(1));
    pairs.filter(|(before, after)| counts(*before, *after)).count() as f64
}

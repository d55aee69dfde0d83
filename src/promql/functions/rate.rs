//! How much a range has risen or fallen.

use super::{Window, WindowFunction, seconds};

#[rustfmt::skip] // A table.
pub(super) fn function(name: &str) -> Option<WindowFunction> {
    Some(match name {
        "delta" => |w| Ok(extrapolated(w, Metric::Gauge)),
        "increase" => |w| Ok(extrapolated(w, Metric::Counter)),
        "rate" => |w| Ok(extrapolated(w, Metric::Counter).map(|rise| rise / range(w))),
        "idelta" => |w| Ok(last_step(w, Metric::Gauge).map(|(rise, _)| rise)),
        "irate" => |w| Ok(last_step(w, Metric::Counter).map(|(rise, seconds)| rise / seconds)),
        _ => return None,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Gauge,
    /// It only falls by a reset to 0.
    Counter,
}

fn range(window: &Window<'_>) -> f64 {
    seconds(window.bounds.0, window.bounds.1)
}

/// The rise from the first to the last sample, extrapolated to the bounds of the range.
///
/// Where a bound is further away than 1.1 of the samples' mean interval, the series is taken to
/// begin or end half an interval away; a counter begins no earlier than where it would be 0.
fn extrapolated(window: &Window<'_>, of: Metric) -> Option<f64> {
    let [first, .., last] = window.points else { return None };
    let mut rise = last.value - first.value;
    if of == Metric::Counter {
        let pairs = window.values().zip(window.values().skip(1));
        rise +=
            pairs.filter(|(before, after)| after < before).map(|(before, _)| before).sum::<f64>();
    }
    let sampled = seconds(first.at, last.at);
    let interval = sampled / (window.points.len() - 1) as f64;
    let reach = |gap: f64| if gap < interval * 1.1 { gap } else { interval / 2.0 };
    let mut before = reach(seconds(window.bounds.0, first.at));
    if of == Metric::Counter && rise > 0.0 && first.value >= 0.0 {
        before = before.min(sampled * (first.value / rise));
    }
    let after = reach(seconds(last.at, window.bounds.1));
    Some(rise * ((sampled + before + after) / sampled))
}

/// The rise between the last two samples, and the seconds that it took.
fn last_step(window: &Window<'_>, of: Metric) -> Option<(f64, f64)> {
    let [.., before, last] = window.points else { return None };
    let was_reset = of == Metric::Counter && last.value < before.value;
    let rise = if was_reset { last.value } else { last.value - before.value };
    Some((rise, seconds(before.at, last.at)))
}

//! The answer over a range, taken apart by its instants.

use std::collections::{HashMap, HashSet};

use crate::model::interval::Interval;
use crate::model::question::Values;
use crate::model::reading::{Sample, Series};

/// Why a value is the least that it can be.
pub(super) const GAP: &str = "a series has no value at this time";

/// The samples of each instant.
///
/// # Errors
/// If there are none, because the answer is of one instant.
pub(super) fn by_instant(values: Values) -> Result<HashMap<i64, Vec<Sample>>, String> {
    let Values::Matrix(all) = values else { return Err("the answer is no range".to_owned()) };
    let mut found: HashMap<i64, Vec<Sample>> = HashMap::new();
    for Series { labels, points } in all {
        for (at, value) in points {
            found.entry(at).or_default().push(Sample { labels: labels.clone(), value });
        }
    }
    Ok(found)
}

/// The instants at which a series has no value that has one before and after.
pub(super) fn gaps(values: &Values, instants: &[i64]) -> HashSet<i64> {
    let Values::Matrix(all) = values else { return HashSet::new() };
    let of_series = |series: &Series| {
        let known: HashSet<_> = series.points.iter().map(|(at, _)| *at).collect();
        let (first, last) = (series.points.first(), series.points.last());
        let (first, last) = first.zip(last).map_or((0, -1), |(first, last)| (first.0, last.0));
        let within = instants.iter().copied().filter(move |at| (first..=last).contains(at));
        within.filter(move |at| !known.contains(at))
    };
    all.iter().flat_map(of_series).collect()
}

/// The worst of the values within a step, as far as they are known.
pub(super) fn worst(values: &[Option<Interval>], is_minimum: bool) -> Option<Interval> {
    let known = values.iter().copied().flatten();
    let worst = known.reduce(|one, other| {
        let is_worse = if is_minimum { other.least < one.least } else { other.least > one.least };
        let worst = if is_worse { other } else { one };
        let is_exact = one.exact().is_some() && other.exact().is_some();
        if is_exact { worst } else { Interval::at_least(worst.least) }
    })?;
    let is_whole = values.iter().all(Option::is_some);
    Some(if is_whole { worst } else { Interval::at_least(worst.least) })
}

//! Aggregations: one value, or a few series, of each group.

use std::cmp::Ordering;

use super::grouping::{Grouping, Groups};
use super::plan::Order;
use super::sums;
use super::{Error, Sample};
use crate::storage::Labels;

/// The aggregation of this name, if it is but a function of the values.
#[rustfmt::skip] // A table.
pub(super) fn of_values(name: &str) -> Option<fn(&[f64]) -> f64> {
    Some(match name {
        "sum" => |values| sums::sum(values.iter().copied()),
        "avg" => |values| sums::mean(values.iter().copied()),
        "count" => |values| values.len() as f64,
        "min" => |values| sums::min(values.iter().copied()),
        "max" => |values| sums::max(values.iter().copied()),
        "group" => |_| 1.0,
        "stddev" => |values| sums::variance(values.iter().copied()).sqrt(),
        "stdvar" => |values| sums::variance(values.iter().copied()),
        _ => return None,
    })
}

/// A function of the values of each group.
pub(super) fn values(
    samples: Vec<Sample>,
    grouping: &Grouping,
    function: impl Fn(&mut [f64]) -> f64,
) -> Vec<Sample> {
    let mut groups: Groups<'_, (Labels, Vec<f64>)> = Groups::new(grouping);
    for sample in samples {
        let make = || (grouping.of(&sample.labels), Vec::new());
        groups.get_or_insert(&sample.labels, make).1.push(sample.value);
    }
    let evaluate =
        |(labels, mut values): (_, Vec<f64>)| Sample { labels, value: function(&mut values) };
    groups.into_values().into_iter().map(evaluate).collect()
}

/// The largest or the smallest series of each group, those first.
///
/// # Errors
/// How many is no number, or too large a one.
pub(super) fn last(
    samples: Vec<Sample>,
    grouping: &Grouping,
    order: Order,
    how_many: f64,
) -> Result<Vec<Sample>, Error> {
    if how_many.is_nan() || how_many >= i64::MAX as f64 {
        return Err(Error::Execution(format!("cannot take the first {how_many} series")));
    }
    if how_many < 1.0 {
        return Ok(Vec::new());
    }
    let mut groups: Groups<'_, Vec<Sample>> = Groups::new(grouping);
    for sample in samples {
        groups.get_or_insert(&sample.labels, Vec::new).push(sample);
    }
    let mut groups = groups.into_values();
    for group in &mut groups {
        sort(group, order);
        group.truncate(how_many as usize);
    }
    Ok(groups.into_iter().flatten().collect())
}

/// Sorts by values, `NaN`s last.
pub(super) fn sort(samples: &mut [Sample], order: Order) {
    samples.sort_by(|a, b| {
        let by_value = a.value.partial_cmp(&b.value).unwrap_or(Ordering::Equal);
        let by_value = if order == Order::Ascending { by_value } else { by_value.reverse() };
        a.value.is_nan().cmp(&b.value.is_nan()).then(by_value)
    });
}

/// How many series of each group there are of each value; the value goes to a label.
pub(super) fn count_values(samples: Vec<Sample>, grouping: &Grouping, label: &str) -> Vec<Sample> {
    let mut grouping = grouping.clone();
    if let Grouping::By(names) = &mut grouping {
        names.push(label.to_owned());
    }
    let labeled = samples.into_iter().map(|mut sample| {
        sample.labels.set(label, text(sample.value));
        sample
    });
    values(labeled.collect(), &grouping, |values| values.len() as f64)
}

fn text(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    value.to_string()
}

//! Aggregations: one value, or a few series, of each group.

use std::cmp::Ordering;

use super::grouping::{Grouping, Groups};
use super::plan::Order;
use super::series_labels::{SeriesLabels, VectorSample};
use super::{Error, sums};

/// The aggregation of this name, if it depends on the values only, and takes no parameter.
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
pub(super) fn values<'a>(
    samples: Vec<VectorSample<'a>>,
    grouping: &Grouping,
    function: impl Fn(&mut [f64]) -> f64,
) -> Vec<VectorSample<'a>> {
    let mut groups: Groups<'_, (SeriesLabels<'a>, Vec<f64>)> = Groups::new(grouping);
    for VectorSample { series, value } in samples {
        groups.get_or_insert(&series, || (grouping.of(&series), Vec::new())).1.push(value);
    }
    let all = groups.into_values().into_iter();
    all.map(|(series, mut values)| VectorSample { series, value: function(&mut values) }).collect()
}

/// The largest or the smallest series of each group, those first.
///
/// # Errors
/// `how_many` is `NaN` or does not fit into an integer.
pub(super) fn top_k<'a>(
    samples: Vec<VectorSample<'a>>,
    grouping: &Grouping,
    order: Order,
    how_many: f64,
) -> Result<Vec<VectorSample<'a>>, Error> {
    if how_many.is_nan() || how_many >= i64::MAX as f64 {
        return Err(Error::Execution(format!("{how_many} series cannot be taken")));
    }
    if how_many < 1.0 {
        return Ok(Vec::new());
    }
    let mut groups: Groups<'_, Vec<VectorSample<'a>>> = Groups::new(grouping);
    for sample in samples {
        groups.get_or_insert(&sample.series, Vec::new).push(sample);
    }
    let mut groups = groups.into_values();
    for group in &mut groups {
        sort(group, order);
        group.truncate(how_many as usize);
    }
    Ok(groups.into_iter().flatten().collect())
}

/// Sorts by values, `NaN`s last.
pub(super) fn sort(samples: &mut [VectorSample<'_>], order: Order) {
    samples.sort_by(|a, b| {
        let by_value = a.value.partial_cmp(&b.value).unwrap_or(Ordering::Equal);
        let by_value = if order == Order::Ascending { by_value } else { by_value.reverse() };
        a.value.is_nan().cmp(&b.value.is_nan()).then(by_value)
    });
}

/// How many series of each group there are of each value; the value goes to a label.
pub(super) fn count_values<'a>(
    mut samples: Vec<VectorSample<'a>>,
    grouping: &Grouping,
    label: &str,
) -> Vec<VectorSample<'a>> {
    let mut grouping = grouping.clone();
    if let Grouping::By(names) = &mut grouping {
        names.push(label.to_owned());
    }
    for sample in &mut samples {
        let value = text(sample.value);
        sample.series = sample.series.changed(|labels| labels.set(label, value));
    }
    values(samples, &grouping, |values| values.len() as f64)
}

/// A value as a label has it: all its digits.
fn text(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => value.to_string(),
    }
}

//! Histograms that cannot tell what they are asked for: their buckets end too early, or are too
//! coarse around the limit.

use super::nothing::shown;
use super::{Case, unit};
use crate::model::quantity::number;
use crate::model::reading::Sample;
use crate::promql::SelectorUse;

/// The end of a bucket, the label of a histogram's series.
const END: &str = "le";
/// By so much the bucket around a limit may be wider than the limit.
const COARSE: f64 = 2.5;

/// A histogram that a query takes a quantile of.
pub(super) struct Histogram {
    /// Its selector.
    name: String,
    /// The ends of its finite buckets, ascending.
    ends: Vec<f64>,
}

/// The histograms that a query takes quantiles of, as far as they are there.
pub(super) fn ends(case: &Case<'_>) -> Vec<Histogram> {
    let quantiles: Vec<&SelectorUse> =
        case.selectors().iter().filter(|it| it.is_of_quantile).collect();
    let exprs = quantiles.iter().map(|it| {
        let range = it.range.max(300_000);
        format!("count by ({END}) (count_over_time({}[{range}ms]))", it.text)
    });
    let answers = case.ask(exprs.collect());
    let of_selector = |(selector, answer): (&&SelectorUse, Result<Vec<Sample>, String>)| {
        let samples = answer.ok()?;
        let mut ends: Vec<f64> =
            samples.iter().filter_map(|it| it.labels.get(END).parse().ok()).collect();
        ends.retain(|end| end.is_finite());
        ends.sort_by(f64::total_cmp);
        (!ends.is_empty()).then(|| Histogram { name: shown(selector), ends })
    };
    quantiles.iter().zip(answers).filter_map(of_selector).collect()
}

/// The limit of the signal, in the unit of its metrics.
fn limit(case: &Case<'_>) -> Option<f64> {
    Some(case.limit()? * unit::a_second(case).unwrap_or(1.0))
}

/// The most that a query can come to that is nothing but quantiles, in the unit of the signal.
pub(super) fn highest(case: &Case<'_>, histograms: &[Histogram]) -> Option<f64> {
    let is_quantile = !histograms.is_empty() && case.selectors().iter().all(|it| it.is_of_quantile);
    let ends = histograms.iter().filter_map(|it| it.ends.last().copied());
    let highest = ends.reduce(f64::max).filter(|_| is_quantile)?;
    Some(highest / unit::a_second(case).unwrap_or(1.0))
}

/// That no value can be above the limit.
pub(super) fn unreachable(case: &Case<'_>, histograms: &[Histogram]) -> Option<String> {
    let limit = limit(case)?;
    let highest = |it: &Histogram| it.ends.last().copied().unwrap_or(f64::INFINITY);
    let histogram = histograms.iter().max_by(|a, b| highest(a).total_cmp(&highest(b)))?;
    (highest(histogram) <= limit).then(|| {
        format!(
            "its limit {} cannot be passed: the highest finite bucket of `{}` ends at {}; lower the \
             limit below it, or give the histogram buckets that reach further",
            number(limit),
            histogram.name,
            number(highest(histogram))
        )
    })
}

/// Buckets that are wide around the limit.
pub(super) fn coarse(case: &Case<'_>, histograms: &[Histogram]) -> Vec<String> {
    let Some(limit) = limit(case) else { return Vec::new() };
    let warning = |Histogram { name, ends }: &Histogram| {
        let above = ends.iter().copied().find(|end| *end > limit)?;
        let below = ends.iter().rev().copied().find(|end| *end <= limit).unwrap_or_default();
        (above - below > COARSE * limit).then(|| {
            format!(
                "the buckets of `{name}` around the limit {} end at {} and {}: anything between is \
                 estimated, up to {} times too high",
                number(limit),
                number(below),
                number(above),
                number((above / limit).round())
            )
        })
    };
    histograms.iter().filter_map(warning).collect()
}

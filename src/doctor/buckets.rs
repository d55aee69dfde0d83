//! Histograms that cannot tell what they are asked for: their buckets end too early, or are too
//! coarse around the limit.

use super::nothing::shown;
use super::{Case, unit};
use crate::model::quantity::number;
use crate::promql::SelectorUse;

/// The end of a bucket, the label of a histogram's series.
const END: &str = "le";
/// By so much the bucket around a limit may be wider than the limit.
const COARSE: f64 = 2.5;

/// The ends of the finite buckets of a histogram that a query takes a quantile of, ascending; one list
/// for each.
fn ends(case: &Case<'_>) -> Vec<(String, Vec<f64>)> {
    let quantiles: Vec<&SelectorUse> =
        case.selectors().iter().filter(|it| it.is_of_quantile).collect();
    let exprs = quantiles.iter().map(|it| {
        let range = it.range.max(300_000);
        format!("count by ({END}) (count_over_time({}[{range}ms]))", it.text)
    });
    let answers = case.ask(exprs.collect());
    let of_selector = |(selector, answer): (&&SelectorUse, Result<Vec<_>, String>)| {
        let samples: Vec<crate::model::reading::Sample> = answer.ok()?;
        let mut ends: Vec<f64> =
            samples.iter().filter_map(|it| it.labels.get(END).parse().ok()).collect();
        ends.retain(|end| end.is_finite());
        ends.sort_by(f64::total_cmp);
        (!ends.is_empty()).then(|| (shown(selector), ends))
    };
    quantiles.iter().zip(answers).filter_map(of_selector).collect()
}

pub(super) fn warnings(case: &Case<'_>) -> Vec<String> {
    let Some(limit) = case.limit() else { return Vec::new() };
    let limit = limit * unit::a_second(case).unwrap_or(1.0);
    let warning = |(text, ends): (String, Vec<f64>)| {
        let top = ends.last().copied()?;
        if top <= limit {
            return Some(format!(
                "its limit {} cannot be passed: the highest finite bucket of `{text}` ends at {}; \
                 lower the limit below it, or give the histogram buckets that reach further",
                number(limit),
                number(top)
            ));
        }
        let above = ends.iter().copied().find(|end| *end > limit)?;
        let below = ends.iter().rev().copied().find(|end| *end <= limit).unwrap_or_default();
        (above - below > COARSE * limit).then(|| {
            format!(
                "the buckets of `{text}` around the limit {} end at {} and {}: anything between is \
                 estimated, up to {} times too high",
                number(limit),
                number(below),
                number(above),
                number((above / limit).round())
            )
        })
    };
    ends(case).into_iter().filter_map(warning).collect()
}

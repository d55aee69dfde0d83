//! Quantiles in the highest bucket: what lies beyond its end is told as that end.

use std::collections::BTreeMap;

use super::Seen;
use crate::config::{Asked, Plan, Query};
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity;
use crate::model::reading::{CheckReading, Readings};
use crate::promql::SelectorUse;
use crate::storage::Labels;

/// The end of a bucket, the label of a histogram's series.
const END: &str = "le";

/// Quantiles that are as high as their histogram reaches; `ends` holds the ends of the highest
/// finite buckets that each query of the plan uses.
pub(super) fn shortfalls(plan: &Plan, readings: &Readings, ends: &[Vec<f64>]) -> Vec<Shortfall> {
    let queries = plan.queries.iter().zip(ends).enumerate();
    let short = queries.filter_map(|(number, (query, ends))| {
        let end = ends.iter().find(|end| has_value(readings, &query.asked, **end))?;
        Some((number, query, *end))
    });
    let shortfall = |(number, query, end): (usize, &Query, f64)| Shortfall {
        rule: Rule::TopBucket,
        scope: Scope::Queries(vec![number]),
        target: None,
        detail: reached(query, end),
    };
    short.map(shortfall).collect()
}

/// That a query is as high as its highest bucket, which ends there.
pub(super) fn reached(query: &Query, end: f64) -> String {
    let unit = query.signal().map(|it| format!(" {}", it.unit())).unwrap_or_default();
    let (name, end) = (query.name(), quantity::number(end));
    format!("`{name}` is {end}{unit} or more: its highest bucket ends there")
}

fn has_value(readings: &Readings, asked: &Asked, end: f64) -> bool {
    let reading = match asked {
        Asked::Signal(signal) => return readings.get(*signal).value.least == end,
        Asked::Check(name) => readings.of_check(name),
    };
    match reading {
        Some(CheckReading::Value(reading)) => reading.value.least == end,
        Some(CheckReading::Range(range)) => {
            let mut points = range.series.iter().flat_map(|series| &series.points);
            points.any(|(_, value)| *value == end)
        }
        None => false,
    }
}

/// The ends of the highest finite buckets of the histograms that each query uses.
pub(super) fn ends(seen: &Seen<'_>) -> Vec<Vec<f64>> {
    seen.uses.iter().map(|uses| of_query(seen, uses)).collect()
}

fn of_query(seen: &Seen<'_>, uses: &[SelectorUse]) -> Vec<f64> {
    let mut highest: BTreeMap<Labels, f64> = BTreeMap::new();
    for selector in uses.iter().filter(|it| it.is_of_quantile) {
        let series = seen.storage.of_metric(selector.metric());
        for series in series.filter(|series| selector.matches(&series.labels)) {
            let end: Option<f64> = series.labels.get(END).parse().ok();
            let Some(end) = end.filter(|end| end.is_finite()) else { continue };
            let mut histogram = series.labels.clone();
            histogram.set(END, "");
            let highest = highest.entry(histogram).or_insert(end);
            *highest = highest.max(end);
        }
    }
    highest.into_values().collect()
}

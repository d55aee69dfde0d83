//! Quantiles and fractions of histograms whose buckets are series with a label `le`.

use super::HistogramFunction;
use crate::promql::grouping::{Grouping, Groups};
use crate::promql::series_labels::{SeriesLabels, VectorSample};

const BOUND: &str = "le";

/// Counts that differ by no more than this, relative to their sum, differ by rounding only.
const ROUNDING: f64 = 1e-12;

/// How many observations there are up to a bound.
#[derive(Debug, Clone, Copy)]
pub(in crate::promql) struct Bucket {
    bound: f64,
    count: f64,
}

pub(in crate::promql) fn function(name: &str) -> Option<HistogramFunction> {
    Some(match name {
        "histogram_quantile" => |buckets, parameters| match parameters {
            [of] => quantile(*of, buckets),
            _ => f64::NAN,
        },
        "histogram_fraction" => |buckets, parameters| match parameters {
            [lower, upper] => fraction(*lower, *upper, buckets),
            _ => f64::NAN,
        },
        _ => return None,
    })
}

/// A function of the buckets of each histogram; series that have no bound belong to none. The
/// names are kept.
pub(in crate::promql) fn each<'a>(
    samples: Vec<VectorSample<'a>>,
    function: HistogramFunction,
    parameters: &[f64],
) -> Vec<VectorSample<'a>> {
    let grouping = Grouping::AllBut(BOUND);
    let mut histograms: Groups<'_, (SeriesLabels<'a>, Vec<Bucket>)> = Groups::new(&grouping);
    for VectorSample { series, value: count } in samples {
        if let Some(bound) = bound(series.get(BOUND)) {
            let make = || (grouping.of(&series), Vec::new());
            histograms.get_or_insert(&series, make).1.push(Bucket { bound, count });
        }
    }
    let all = histograms.into_values().into_iter();
    all.map(|(series, buckets)| VectorSample { series, value: function(buckets, parameters) })
        .collect()
}

/// The bound that a label holds. A number that overflows is no bound, as in Prometheus.
fn bound(label: &str) -> Option<f64> {
    let bound: f64 = label.parse().ok()?;
    let is_overflow = bound.is_infinite() && label.contains(|c: char| c.is_ascii_digit());
    (!bound.is_nan() && !is_overflow).then_some(bound)
}

/// The buckets by rising bounds, those of equal bounds as one; nothing if the last one does not
/// hold all observations.
fn whole(mut buckets: Vec<Bucket>) -> Option<Vec<Bucket>> {
    buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    buckets.dedup_by(|from, into| {
        let same = from.bound == into.bound;
        if same {
            into.count += from.count;
        }
        same
    });
    (buckets.last()?.bound == f64::INFINITY).then_some(buckets)
}

/// The quantile of the observations, interpolated within its bucket. The first bucket begins at
/// 0 if its bound is positive; what lies beyond the last finite bound is taken for that. `NaN`
/// where no bucket holds all observations.
fn quantile(quantile: f64, buckets: Vec<Bucket>) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&quantile) {
        return if quantile < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let Some(mut buckets) = whole(buckets) else { return f64::NAN };
    make_monotonic(&mut buckets);
    let [finite @ .., all] = buckets.as_slice() else { return f64::NAN };
    let Some(last) = finite.last() else { return f64::NAN };
    if all.count == 0.0 {
        return f64::NAN;
    }
    let rank = quantile * all.count;
    let Some(index) = finite.iter().position(|bucket| bucket.count >= rank) else {
        return last.bound;
    };
    // Cannot panic: `position` has found it there.
    let bucket = finite[index];
    let before = match index.checked_sub(1).and_then(|before| finite.get(before)) {
        Some(before) => *before,
        None if bucket.bound <= 0.0 => return bucket.bound,
        None => Bucket { bound: 0.0, count: 0.0 },
    };
    let part = (rank - before.count) / (bucket.count - before.count);
    before.bound + (bucket.bound - before.bound) * part
}

/// Raises counts to those of smaller bounds, and levels what differs by rounding only: buckets
/// that were scraped or summed inexactly may fall.
fn make_monotonic(buckets: &mut [Bucket]) {
    let mut most: Option<f64> = None;
    for bucket in buckets {
        match most {
            Some(most) if bucket.count < most || nearly_equal(most, bucket.count) => {
                bucket.count = most;
            }
            _ => most = Some(bucket.count),
        }
    }
}

fn nearly_equal(a: f64, b: f64) -> bool {
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < ROUNDING * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < ROUNDING
}

/// The fraction of the observations between two bounds, interpolated within their buckets. `NaN`
/// where no bucket holds all observations.
fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    let Some(buckets) = whole(buckets) else { return f64::NAN };
    let all = buckets.last().map_or(0.0, |last| last.count);
    if all == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    // `f64::min` would turn a `NaN` into a number.
    let clip = |rank| if rank > all { all } else { rank };
    (clip(rank(upper, &buckets)) - clip(rank(lower, &buckets))) / all
}

/// How many observations there are up to a value. Within the last bucket they are taken to lie
/// at its end, and within the first one, if its bound is not positive, at its beginning.
fn rank(value: f64, buckets: &[Bucket]) -> f64 {
    let index = buckets.partition_point(|bucket| bucket.bound <= value);
    let before = index.checked_sub(1).and_then(|before| buckets.get(before));
    match (before, buckets.get(index)) {
        (Some(before), None) => before.count,
        (Some(before), Some(bucket)) => {
            let part = (value - before.bound) / (bucket.bound - before.bound);
            before.count + (bucket.count - before.count) * part
        }
        (None, Some(first)) if first.bound > 0.0 => first.count * (value.max(0.0) / first.bound),
        (None, Some(first)) if value > f64::NEG_INFINITY => first.count,
        _ => 0.0,
    }
}

//! The functions of PromQL that are about numbers: of one value, or of a range of samples.

mod dates;
pub(super) mod histogram;
pub(super) mod labels;
mod math;
mod over_time;
mod rate;
mod regression;
mod signatures;

use super::Error;
use crate::storage::Point;
use histogram::Bucket;
pub(super) use signatures::{Signature, Type, is_experimental, signature};

/// A function of a value and of what else its caller gives; nothing where it has no result.
pub(super) type ValueFunction = fn(f64, &[f64]) -> Option<f64>;

/// A function of a range of samples; nothing where they are too few.
pub(super) type WindowFunction = fn(&Window<'_>) -> Result<Option<f64>, Error>;

/// A function of a range of samples, and whether the name of the metric stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct RangeFunction {
    pub(super) of: WindowFunction,
    pub(super) keeps_name: bool,
}

/// A function of the buckets of a histogram, and of what else its caller gives.
pub(super) type HistogramFunction = fn(Vec<Bucket>, &[f64]) -> f64;

/// A range of samples of a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    /// At least one, none of them stale, in the order of time.
    pub(super) points: &'a [Point],
    /// The instant before the range, and the last one of it.
    pub(super) bounds: (i64, i64),
    /// The instant of evaluation.
    pub(super) now: i64,
    /// What else the caller of the function gives.
    pub(super) parameters: &'a [f64],
}

impl Window<'_> {
    fn values(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|point| point.value)
    }

    fn parameter(&self, index: usize) -> f64 {
        self.parameters.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// The function of this name that is about each value.
pub(super) fn each(name: &str) -> Option<ValueFunction> {
    math::function(name).or_else(|| dates::function(name))
}

/// The function of this name that is about each range of samples.
pub(super) fn over_time(name: &str) -> Option<RangeFunction> {
    let of = over_time::function(name)
        .or_else(|| rate::function(name))
        .or_else(|| regression::function(name))?;
    let keeps_name = matches!(name, "first_over_time" | "last_over_time");
    Some(RangeFunction { of, keeps_name })
}

/// The seconds between two instants in milliseconds.
fn seconds(from: i64, to: i64) -> f64 {
    to.saturating_sub(from) as f64 / 1000.0
}

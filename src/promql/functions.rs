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

/// A function of a value and of scalar parameters; nothing where it has no result.
pub(super) type ValueFunction = fn(f64, &[f64]) -> Option<f64>;

/// A function of a range of samples; nothing where they are too few.
pub(super) type WindowFunction = fn(&Window<'_>) -> Result<Option<f64>, Error>;

/// A function of a range of samples, and whether the name of the metric stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct RangeFunction {
    pub(super) of: WindowFunction,
    pub(super) keeps_name: bool,
}

/// A function of the buckets of a histogram and of scalar parameters.
pub(super) type HistogramFunction = fn(Vec<Bucket>, &[f64]) -> f64;

/// A range of samples of a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    /// At least one, none of them stale, in the order of time.
    pub(super) points: &'a [Point],
    /// The range is open at the first of these instants, and closed at the second one.
    pub(super) bounds: (i64, i64),
    /// The instant of evaluation.
    pub(super) now: i64,
    /// The scalar parameters of the function.
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

pub(super) fn value_function(name: &str) -> Option<ValueFunction> {
    math::function(name).or_else(|| dates::function(name))
}

pub(super) fn range_function(name: &str) -> Option<RangeFunction> {
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

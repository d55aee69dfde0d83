//! Which arguments the functions take.

use super::{dates, range_function, value_function};

/// The type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::promql) enum Type {
    Scalar,
    Text,
    Vector,
    Range,
}
use Type::*;

impl Type {
    /// Its name in messages, as in those of Prometheus.
    pub(in crate::promql) fn name(self) -> &'static str {
        match self {
            Scalar => "a scalar",
            Text => "a string",
            Vector => "an instant vector",
            Range => "a range vector",
        }
    }
}

/// The arguments that a function takes.
#[derive(Debug, Clone, Copy)]
pub(in crate::promql) struct Signature {
    /// Arguments beyond the last of these are of the same type as it.
    pub(in crate::promql) types: &'static [Type],
    pub(in crate::promql) least: usize,
    pub(in crate::promql) most: usize,
}

impl Signature {
    const fn exactly(types: &'static [Type]) -> Self {
        Self { types, least: types.len(), most: types.len() }
    }

    const fn last_optional(types: &'static [Type]) -> Self {
        Self { types, least: types.len() - 1, most: types.len() }
    }

    const fn last_repeated(types: &'static [Type]) -> Self {
        Self { types, least: types.len() - 1, most: usize::MAX }
    }
}

/// The arguments of the function of this name; nothing if there is no such function.
pub(in crate::promql) fn signature(name: &str) -> Option<Signature> {
    Some(match name {
        "pi" | "time" => Signature::exactly(&[]),
        "vector" => Signature::exactly(&[Scalar]),
        "absent" | "scalar" | "sort" | "sort_desc" | "timestamp" => Signature::exactly(&[Vector]),
        "absent_over_time" => Signature::exactly(&[Range]),
        "clamp" => Signature::exactly(&[Vector, Scalar, Scalar]),
        "clamp_max" | "clamp_min" => Signature::exactly(&[Vector, Scalar]),
        "round" => Signature::last_optional(&[Vector, Scalar]),
        "histogram_fraction" => Signature::exactly(&[Scalar, Scalar, Vector]),
        "histogram_quantile" => Signature::exactly(&[Scalar, Vector]),
        "label_join" => Signature::last_repeated(&[Vector, Text, Text, Text]),
        "label_replace" => Signature::exactly(&[Vector, Text, Text, Text, Text]),
        "double_exponential_smoothing" | "holt_winters" => {
            Signature::exactly(&[Range, Scalar, Scalar])
        }
        "predict_linear" => Signature::exactly(&[Range, Scalar]),
        "quantile_over_time" => Signature::exactly(&[Scalar, Range]),
        _ if range_function(name).is_some() => Signature::exactly(&[Range]),
        _ if dates::function(name).is_some() => Signature::last_optional(&[Vector]),
        _ if value_function(name).is_some() => Signature::exactly(&[Vector]),
        _ => return None,
    })
}

/// Whether a function exists in Prometheus 3 only if experimental ones are enabled, and not here.
pub(in crate::promql) fn is_experimental(name: &str) -> bool {
    matches!(
        name,
        "end"
            | "histogram_quantiles"
            | "info"
            | "integral"
            | "mad_over_time"
            | "max_of"
            | "min_of"
            | "range"
            | "sort_by_label"
            | "sort_by_label_desc"
            | "start"
            | "start_timestamp"
            | "step"
            | "ts_of_first_over_time"
            | "ts_of_last_over_time"
            | "ts_of_max_over_time"
            | "ts_of_min_over_time"
    )
}

//! Functions of a number.

use super::ValueFunction;

/// From here on the inverse hyperbolic functions of the standard library may overflow, and equal
/// `ln(2 * value)` to all digits.
const HUGE: f64 = 1e300;

/// The inverse of half an exponential, with the sign of the value.
fn half_exponential(value: f64) -> f64 {
    (value.abs().ln() + std::f64::consts::LN_2).copysign(value)
}

#[rustfmt::skip] // A table.
pub(super) fn function(name: &str) -> Option<ValueFunction> {
    Some(match name {
        "abs" => |v, _| Some(v.abs()),
        "ceil" => |v, _| Some(v.ceil()),
        "floor" => |v, _| Some(v.floor()),
        "sgn" => |v, _| Some(if v == 0.0 || v.is_nan() { v } else { v.signum() }),
        "round" => |v, to| Some(round(v, to.first().copied().unwrap_or(1.0))),
        "clamp" => |v, bounds| clamp(v, bounds),
        "clamp_min" => |v, bounds| Some(max(v, *bounds.first()?)),
        "clamp_max" => |v, bounds| Some(min(v, *bounds.first()?)),
        "exp" => |v, _| Some(v.exp()),
        "ln" => |v, _| Some(v.ln()),
        "log2" => |v, _| Some(v.log2()),
        "log10" => |v, _| Some(v.log10()),
        "sqrt" => |v, _| Some(v.sqrt()),
        "sin" => |v, _| Some(v.sin()),
        "cos" => |v, _| Some(v.cos()),
        "tan" => |v, _| Some(v.tan()),
        "asin" => |v, _| Some(v.asin()),
        "acos" => |v, _| Some(v.acos()),
        "atan" => |v, _| Some(v.atan()),
        "sinh" => |v, _| Some(v.sinh()),
        "cosh" => |v, _| Some(v.cosh()),
        "tanh" => |v, _| Some(v.tanh()),
        "asinh" => |v, _| Some(if v.abs() < HUGE { v.asinh() } else { half_exponential(v) }),
        "acosh" => |v, _| Some(if v < HUGE { v.acosh() } else { half_exponential(v) }),
        "atanh" => |v, _| Some(v.atanh()),
        "deg" => |v, _| Some(v * 180.0 / std::f64::consts::PI),
        "rad" => |v, _| Some(v * std::f64::consts::PI / 180.0),
        // These are about native histograms, which do not exist here.
        "histogram_avg" | "histogram_count" | "histogram_stddev" | "histogram_stdvar"
        | "histogram_sum" => |_, _| None,
        _ => return None,
    })
}

/// The nearest multiple; the upper one of two.
fn round(value: f64, multiple: f64) -> f64 {
    let inverse = 1.0 / multiple;
    (value * inverse + 0.5).floor() / inverse
}

fn clamp(value: f64, bounds: &[f64]) -> Option<f64> {
    let [lower, upper] = bounds else { return None };
    if upper < lower { None } else { Some(max(*lower, min(*upper, value))) }
}

/// The larger number; `NaN` if one is `NaN`, but not where the other is infinitely large.
fn max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// The smaller number; `NaN` if one is `NaN`, but not where the other is infinitely small.
fn min(a: f64, b: f64) -> f64 {
    -max(-a, -b)
}

//! Whether a value below 0 proves that a counter was reset, and the reset was missed.

use super::plan::Selector;
use super::syntax::{Aggregate, Binary, BinaryOperator, Expr, Kind};

/// How the names of counters end.
const COUNTERS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

/// Functions of a counter that is not below 0 unless a reset was missed.
const RISES: [&str; 4] = ["rate", "irate", "increase", "resets"];

/// Functions that do not correct resets; of anything but a counter they may be below 0.
const DIFFERENCES: [&str; 3] = ["delta", "idelta", "deriv"];

/// Functions whose values may be below 0 whatever they are of.
const OF_ANY_SIGN: [&str; 17] = [
    "acos",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cos",
    "double_exponential_smoothing",
    "holt_winters",
    "ln",
    "log10",
    "log2",
    "predict_linear",
    "sgn",
    "sin",
    "sinh",
    "tan",
    "tanh",
];

/// What a value below 0 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum BelowZero {
    /// Nothing is known of it.
    Nothing,
    /// A reset was missed.
    Reset,
    /// Nothing: it may well be.
    Usual,
}

/// Whether a value below 0 of `tree` can only come from a reset that was missed.
pub(super) fn is_by_reset(text: &str, tree: &Expr) -> bool {
    judge(text, tree) == BelowZero::Reset
}

/// As deep as the tree, which is bounded.
fn judge(text: &str, expr: &Expr) -> BelowZero {
    let of_children = || {
        let children = expr.children().into_iter().map(|child| judge(text, child));
        children.max().unwrap_or(BelowZero::Nothing)
    };
    match &expr.kind {
        Kind::Minus(_) => BelowZero::Usual,
        Kind::Number(number) if *number < 0.0 => BelowZero::Usual,
        Kind::Binary(binary) if binary.operator == BinaryOperator::Subtract => {
            let is_increase = is_earlier(text, &binary.left, &binary.right);
            if is_increase { BelowZero::Reset } else { BelowZero::Usual }
        }
        Kind::Binary(binary) if compares(binary) => judge(text, &binary.left),
        Kind::Call(call) => match call.function.as_str() {
            name if RISES.contains(&name) => BelowZero::Reset,
            name if DIFFERENCES.contains(&name) => match call.arguments.first() {
                Some(of) if is_counter(of) => BelowZero::Reset,
                _ => BelowZero::Usual,
            },
            name if OF_ANY_SIGN.contains(&name) => BelowZero::Usual,
            _ => of_children(),
        },
        _ => of_children(),
    }
}

/// Whether it is a comparison, a filter of its left side.
fn compares(binary: &Binary) -> bool {
    use BinaryOperator::*;
    let is_comparison =
        matches!(binary.operator, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual);
    is_comparison && !binary.as_bool
}

/// Whether it is the selector of a counter, by its name.
fn is_counter(expr: &Expr) -> bool {
    let name = |selector: &Selector| selector.metric.clone().unwrap_or_default();
    match &expr.bare().kind {
        Kind::Selector(selector) => COUNTERS.iter().any(|end| name(selector).ends_with(end)),
        Kind::Subquery(subquery) => is_counter(&subquery.of),
        _ => false,
    }
}

/// Whether both are the same counter, the second one at an earlier time: the difference is an
/// increase by hand.
fn is_earlier(text: &str, now: &Expr, then: &Expr) -> bool {
    match (&now.bare().kind, &then.bare().kind) {
        (Kind::Selector(one), Kind::Selector(other)) => {
            let selected = |expr: &Expr, selector: &Selector| {
                let start = expr.bare().span.start;
                text.get(start..start + selector.length).map(str::to_owned)
            };
            let offset = |selector: &Selector| selector.modifiers.offset.unwrap_or_default();
            is_counter(now)
                && selected(now, one) == selected(then, other)
                && offset(other) > offset(one)
        }
        (Kind::Aggregate(one), Kind::Aggregate(other)) => {
            let labels = |it: &Aggregate| it.grouping.as_ref().map(|by| by.labels().to_vec());
            one.operator == other.operator
                && labels(one) == labels(other)
                && is_earlier(text, &one.of, &other.of)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::parse;

    #[test]
    fn a_rate_below_0_proves_a_reset_and_a_difference_does_not() {
        for (expr, expected) in [
            ("rate(a_total[5m])", true),
            ("sum(increase(a[5m])) / sum(increase(b[5m]))", true),
            ("max_over_time(irate(a[1m])[5m:])", true),
            ("rate(a[5m]) / 60 > 0.5", true),
            ("rate(a[5m]) > -1", true),
            ("delta(a_total[5m])", true),
            ("delta(a_sum[5m]) / delta(a_count[5m])", true),
            ("delta(queue_depth[5m])", false),
            ("a_total - a_total offset 5m", true),
            ("sum by (i) (a_total{x=\"y\"}) - sum by (i) (a_total{x=\"y\"} offset 5m)", true),
            ("a_total offset 5m - a_total", false),
            ("a_total - b_total offset 5m", false),
            ("depth - depth offset 5m", false),
            ("rate(a[5m]) - rate(b[5m])", false),
            ("-rate(a[5m])", false),
            ("rate(a[5m]) * -1", false),
            ("ln(rate(a[5m]))", false),
            ("a", false),
            ("max_over_time(a[5m])", false),
            ("vector(0)", false),
        ] {
            assert_eq!(parse(expr).unwrap().is_below_zero_by_reset(), expected, "{expr}");
        }
    }
}

//! Whether a value is a maximum over a whole range, so that it can only grow with what comes later,
//! as long as the range begins where it did.
//!
//! What is not known to be so is not: an average, a rate and a least value may go either way, and a
//! subquery looks at other instants once its range is another one.

use super::plan::Selector;
use super::syntax::{Aggregate, Binary, BinaryOperator, Call, Expr, Kind};

/// How the names of counters end; the probe's own metrics add up as those do.
const COUNTERS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];
const OF_PROBE: &str = "auditor_";

/// What is known of a value that is made of maxima over one range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maximum {
    /// The range, milliseconds.
    pub range: i64,
    /// Whether no series of it is below 0 or `NaN`, by what it is, so that a sum of them does not fall
    /// by another one.
    pub adds_up: bool,
}

/// The maximum over one range that `tree` is made of, if that is all.
pub(super) fn of(tree: &Expr) -> Option<Maximum> {
    let grown = grown(tree)?;
    let adds_up = grown.adds_up;
    grown.range.map(|range| Maximum { range, adds_up })
}

/// A value that cannot fall; without a range it is a constant.
#[derive(Clone, Copy)]
struct Grown {
    range: Option<i64>,
    adds_up: bool,
}

/// As deep as the tree, which is bounded.
fn grown(expr: &Expr) -> Option<Grown> {
    match &expr.kind {
        Kind::Number(number) if number.is_finite() => {
            Some(Grown { range: None, adds_up: *number >= 0.0 })
        }
        Kind::Paren(of) | Kind::Plus(of) => grown(of),
        Kind::Call(call) => of_call(call),
        Kind::Aggregate(aggregate) => of_aggregate(aggregate),
        Kind::Binary(binary) => of_binary(binary),
        _ => None,
    }
}

fn of_call(call: &Call) -> Option<Grown> {
    match (call.function.as_str(), call.arguments.as_slice()) {
        ("max_over_time", [of]) => match &of.bare().kind {
            Kind::Selector(selector) => of_selector(selector),
            _ => None,
        },
        _ => None,
    }
}

fn of_selector(selector: &Selector) -> Option<Grown> {
    let modifiers = &selector.modifiers;
    let is_of_now = modifiers.at.is_none() && modifiers.offset.is_none();
    let name = selector.metric.as_deref().unwrap_or_default();
    let adds_up = name.starts_with(OF_PROBE) || COUNTERS.iter().any(|end| name.ends_with(end));
    selector.range.filter(|_| is_of_now).map(|range| Grown { range: Some(range), adds_up })
}

fn of_aggregate(aggregate: &Aggregate) -> Option<Grown> {
    let of = grown(&aggregate.of)?;
    match aggregate.operator {
        "max" => Some(of),
        // Another series that is below 0 or NaN would undo it.
        "sum" if of.adds_up => Some(of),
        _ => None,
    }
}

/// With a constant; two vectors may match no more once another series is there.
fn of_binary(binary: &Binary) -> Option<Grown> {
    let constant = |expr: &Expr| match &expr.bare().kind {
        Kind::Number(number) if number.is_finite() => Some(*number),
        _ => None,
    };
    let (left, right) = (constant(&binary.left), constant(&binary.right));
    let (of, number, is_on_the_right) = match (left, right) {
        (_, Some(number)) => (grown(&binary.left)?, number, true),
        (Some(number), None) => (grown(&binary.right)?, number, false),
        (None, None) => return None,
    };
    match binary.operator {
        BinaryOperator::Multiply if number > 0.0 => Some(of),
        BinaryOperator::Divide if number > 0.0 && is_on_the_right => Some(of),
        BinaryOperator::Add => Some(Grown { adds_up: of.adds_up && number >= 0.0, ..of }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::parse;

    #[test]
    fn a_maximum_over_the_range_alone_can_only_grow() {
        let minutes = 60_000;
        for (expr, expected) in [
            ("max_over_time(lag[5m])", Some((5, false))),
            ("max_over_time(lag{a=\"b\"}[5m])", Some((5, false))),
            ("(max_over_time((lag[5m])))", Some((5, false))),
            ("max_over_time(auditor_probe_lag_seconds[5m])", Some((5, true))),
            ("max_over_time(a_total[5m])", Some((5, true))),
            ("max(max_over_time(lag[5m]))", Some((5, false))),
            ("max by (job) (max_over_time(lag[5m]))", Some((5, false))),
            ("sum(max_over_time(a_total[5m]))", Some((5, true))),
            ("max_over_time(lag_ms[5m]) / 1000", Some((5, false))),
            ("2 * max_over_time(a_sum[5m]) + 1", Some((5, true))),
            ("max_over_time(a_sum[5m]) + -1", None),
            ("1 + max_over_time(lag[5m])", Some((5, false))),
            // A gauge may be below 0, or NaN, and then another one makes the sum less, or none.
            ("sum(max_over_time(active[5m]))", None),
            ("sum(clamp_min(max_over_time(active[5m]), 0))", None),
            ("max_over_time(lag[5m] offset 1m)", None),
            ("max_over_time(lag[5m] @ 100)", None),
            ("max_over_time(lag[5m:1s])", None),
            ("max_over_time(rate(a_total[1m])[5m:])", None),
            ("-max_over_time(lag[5m])", None),
            ("max_over_time(lag[5m]) * -1", None),
            ("max_over_time(lag[5m]) * 0", None),
            ("1 / max_over_time(lag[5m])", None),
            ("1 - max_over_time(lag[5m])", None),
            ("max_over_time(a[5m]) - max_over_time(b[5m])", None),
            ("max_over_time(a[5m]) + max_over_time(b[5m])", None),
            ("max_over_time(a[5m]) > 1", None),
            ("max_over_time(a[5m]) or vector(0)", None),
            ("avg(max_over_time(lag[5m]))", None),
            ("min(max_over_time(lag[5m]))", None),
            ("topk(1, max_over_time(lag[5m]))", None),
            ("min_over_time(lag[5m])", None),
            ("avg_over_time(lag[5m])", None),
            ("sum_over_time(lag[5m])", None),
            ("rate(a_total[5m])", None),
            ("lag", None),
            ("5", None),
        ] {
            let found = parse(expr).unwrap().maximum();
            let found = found.map(|it| (it.range, it.adds_up));
            let expected = expected.map(|(range, never)| (range * minutes, never));
            assert_eq!(found, expected, "{expr}");
        }
    }
}

//! Whether a value is an amount that has come together within a window, and how much of it there was
//! without what `increase` adds for the ends of its window.

use super::syntax::{Binary, BinaryOperator, Call, Expr, Kind};

/// Functions whose value grows with their window.
const AMOUNTS: [&str; 7] =
    ["changes", "count_over_time", "delta", "idelta", "increase", "resets", "sum_over_time"];
/// Functions whose value does not, whatever they are of.
const OTHERS: [&str; 8] = [
    "absent",
    "absent_over_time",
    "deriv",
    "histogram_quantile",
    "irate",
    "present_over_time",
    "rate",
    "timestamp",
];

/// Whether the value grows with the window that it looks at: how much something has risen, how often
/// something happened; not a rate, nor one amount divided by another.
pub(super) fn is_amount(text: &str, expr: &Expr) -> bool {
    let of = |expr: &Expr| is_amount(text, expr);
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) | Kind::Selector(_) => false,
        Kind::Subquery(subquery) => of(&subquery.of),
        Kind::Paren(inner) | Kind::Plus(inner) | Kind::Minus(inner) => of(inner),
        Kind::Binary(binary) => is_amount_of_two(text, binary),
        Kind::Aggregate(aggregate) => {
            !["count", "count_values", "group"].contains(&aggregate.operator) && of(&aggregate.of)
        }
        Kind::Call(call) => match call.function.as_str() {
            name if AMOUNTS.contains(&name) => true,
            name if OTHERS.contains(&name) => false,
            _ => call.arguments.iter().any(of),
        },
    }
}

fn is_amount_of_two(text: &str, binary: &Binary) -> bool {
    use BinaryOperator::*;
    let (left, right) = (is_amount(text, &binary.left), is_amount(text, &binary.right));
    match binary.operator {
        Divide => left && !right,
        Subtract => left || right || share_a_selector(text, &binary.left, &binary.right),
        Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual => left,
        _ => left || right,
    }
}

/// What is read twice and subtracted is what it has risen by.
fn share_a_selector(text: &str, left: &Expr, right: &Expr) -> bool {
    let of = |side| super::selectors::selectors(text, side);
    let right = of(right);
    of(left).iter().any(|it| right.iter().any(|other| other.text == it.text))
}

/// The expression with each `increase` of a metric as the difference of its samples: `increase` adds
/// what it takes to lie between them and the ends of its window. Where a counter was reset,
/// `increase` stays.
pub(super) fn with_raw_increases(text: &str, tree: &Expr) -> Option<String> {
    let mut calls = Vec::new();
    increases(tree, &mut calls);
    let mut written = String::new();
    let mut from = 0;
    for (expr, call) in &calls {
        let range = call.arguments.first()?.span.of(text);
        written += text.get(from..expr.span.start)?;
        written += &format!(
            "((max_over_time({range}) - min_over_time({range})) unless (resets({range}) > 0) \
             and (count_over_time({range}) > 1) or increase({range}))"
        );
        from = expr.span.end;
    }
    written += text.get(from..)?;
    (!calls.is_empty()).then_some(written)
}

/// The calls, in the order of the text.
fn increases<'a>(expr: &'a Expr, found: &mut Vec<(&'a Expr, &'a Call)>) {
    let is_of_metric = |expr: &Expr| match &expr.bare().kind {
        Kind::Selector(selector) => selector.metric.is_some(),
        _ => false,
    };
    match &expr.kind {
        Kind::Call(call)
            if call.function == "increase" && call.arguments.first().is_some_and(is_of_metric) =>
        {
            found.push((expr, call));
        }
        _ => {
            let mut children = expr.children();
            children.sort_by_key(|child| child.span.start);
            children.into_iter().for_each(|child| increases(child, found));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::parse;

    #[test]
    fn what_grows_with_its_window_is_an_amount() {
        for (expr, expected) in [
            ("sum(increase(x_total[1m]))", true),
            ("60 * increase(x_total[1m]) / 2", true),
            ("max_over_time(x[1m]) - min_over_time(x[1m])", true),
            ("x_total - x_total offset 1m", true),
            ("delta(x[1m])", true),
            ("sum by (a) (count_over_time(x[1m])) > 0", true),
            ("increase(a[1m]) or vector(0)", true),
            ("increase(a[1m]) / increase(b[1m])", false),
            ("rate(x_total[1m])", false),
            ("max_over_time(x[1m])", false),
            ("a_total - b_total", false),
            ("histogram_quantile(0.99, sum by (le) (increase(x_bucket[1m])))", false),
            ("count(increase(x_total[1m]))", false),
            ("x", false),
        ] {
            assert_eq!(parse(expr).unwrap().is_amount(), expected, "{expr}");
        }
    }

    #[test]
    fn increases_become_differences_of_samples() {
        for (expr, calls) in [
            ("sum by (a) (increase(x_total{b=\"c\"}[1m] offset 5s)) + increase(y[1m])", 2),
            ("rate(x_total[1m])", 0),
            ("increase(x_total[1m:1s])", 0),
            ("increase({__name__=~\"a.*\"}[1m])", 0),
        ] {
            let query = parse(expr).unwrap();
            let raw = query.with_raw_increases().map_or("", |it| it.as_str());
            assert_eq!(raw.matches("or increase(").count(), calls, "{expr}: {raw}");
            assert!(raw.is_empty() || parse(raw).is_ok(), "{raw}");
        }
    }
}

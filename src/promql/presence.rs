//! Which of the selectors of an expression have to find something for it to have a value.

use super::syntax::{BinaryOperator, Expr, Kind};

/// What has to be there, with the selectors by their numbers, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    Selector(usize),
    /// All of them; of none, nothing is asked.
    All(Vec<Need>),
    /// One of them: what stands beside `or`.
    Any(Vec<Need>),
}

impl Need {
    /// Of a tree, whose selectors are counted as `selectors` lists them.
    pub(super) fn of(tree: &Expr) -> Self {
        let mut count = 0;
        need(tree, &mut count)
    }

    /// Whether it is fulfilled; `None` where nothing is asked, as of a constant.
    pub(super) fn holds(&self, is_there: &dyn Fn(usize) -> bool) -> Option<bool> {
        match self {
            Self::Selector(number) => Some(is_there(*number)),
            Self::All(all) => all.iter().filter_map(|it| it.holds(is_there)).reduce(|a, b| a && b),
            // A constant behind `or` stands in for what is not there, and is no sign of it.
            Self::Any(any) => any.iter().filter_map(|it| it.holds(is_there)).reduce(|a, b| a || b),
        }
    }
}

/// As deep as the tree, which is bounded.
fn need(expr: &Expr, count: &mut usize) -> Need {
    match &expr.kind {
        Kind::Selector(_) => {
            *count += 1;
            Need::Selector(*count - 1)
        }
        Kind::Binary(binary) => {
            let (left, right) = (need(&binary.left, count), need(&binary.right, count));
            match binary.operator {
                BinaryOperator::Or => Need::Any(vec![left, right]),
                // What is not there takes nothing away.
                BinaryOperator::Unless => left,
                _ => Need::All(vec![left, right]),
            }
        }
        Kind::Call(call) if call.function.starts_with("absent") => {
            call.arguments.iter().for_each(|it| drop(need(it, count)));
            Need::All(Vec::new())
        }
        _ => Need::All(expr.children().into_iter().map(|it| need(it, count)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::parse;

    #[test]
    fn one_alternative_is_enough_and_a_constant_is_none() {
        for (expr, there, expected) in [
            ("a", "a", Some(true)),
            ("a", "b", Some(false)),
            ("a / b", "a", Some(false)),
            ("a / b", "ab", Some(true)),
            ("a or b", "b", Some(true)),
            ("(a and b) or c", "a", Some(false)),
            ("(a and b) or c", "c", Some(true)),
            ("a or vector(0)", "", Some(false)),
            ("a or 0 * b", "b", Some(true)),
            ("a unless b", "a", Some(true)),
            ("absent(a) * b", "b", Some(true)),
            ("quantile(scalar(a), b)", "b", Some(false)),
            ("max_over_time((a - b)[5m:1s])", "ab", Some(true)),
            ("time()", "", None),
        ] {
            let query = parse(expr).unwrap();
            let is_there = |it: &crate::promql::SelectorUse| there.contains(it.metric().unwrap());
            assert_eq!(query.can_have_value(is_there), expected, "{expr} with {there}");
        }
    }
}

//! Where the `NaN` of an expression is 0/0: the expression that says so.
//!
//! `NaN` has many causes: a sample that is `NaN` or infinite, a quantile of nothing, a division of 0
//! by 0. The last one alone means that nothing happened. So a division becomes the sum of those of
//! its sides that are exactly 0, which match as the sides do; what stands around it stays.

use super::lexer::{Lexer, TokenKind};
use super::syntax::{Aggregate, Binary, BinaryOperator, Call, Expr, Kind, Span};

/// Functions of one vector that make `NaN` of `NaN` alone, and name its series as they name others.
const OF_EACH_VALUE: [&str; 12] = [
    "abs",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "floor",
    "label_join",
    "label_replace",
    "round",
    "sgn",
    "sort",
    "sort_desc",
];

/// Functions that make `NaN` of samples that are all `NaN`; some of a single one.
const OVER_TIME: [&str; 5] =
    ["avg_over_time", "last_over_time", "max_over_time", "min_over_time", "sum_over_time"];

/// The series of `tree` that are 0/0, with the value 0; nothing where none can be.
pub(super) fn expression(text: &str, tree: &Expr) -> Option<String> {
    Writer { text }.zeros(tree)
}

/// Writes expressions in the words of the text that they come from.
struct Writer<'a> {
    text: &'a str,
}

impl<'a> Writer<'a> {
    fn of(&self, expr: &Expr) -> &'a str {
        expr.span.of(self.text)
    }

    fn between(&self, start: usize, end: usize) -> &'a str {
        Span { start, end }.of(self.text)
    }

    /// As deep as the tree, which is bounded.
    fn zeros(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            Kind::Paren(of) | Kind::Plus(of) | Kind::Minus(of) => self.zeros(of),
            Kind::Binary(binary) => self.binary(binary),
            Kind::Aggregate(aggregate) => self.aggregate(expr, aggregate),
            Kind::Call(call) => self.call(expr, call),
            Kind::Number(_) | Kind::Text(_) | Kind::Selector(_) | Kind::Subquery(_) => None,
        }
    }

    fn binary(&self, binary: &Binary) -> Option<String> {
        use BinaryOperator::*;
        let Binary { left, right, .. } = binary;
        match binary.operator {
            Divide if factor(right).is_some_and(|it| it != 0.0) => self.zeros(left),
            Divide => Some(self.division(binary)),
            Multiply => self.product(binary),
            Or => self.either(binary),
            And | Unless => {
                let (operator, matching) = (binary.operator.text(), self.matching(binary));
                let zeros = self.zeros(left)?;
                Some(format!("({zeros} {operator}{matching}({}))", self.of(right)))
            }
            // It keeps the series of the left.
            NotEqual if !binary.as_bool && is_scalar(right) => self.zeros(left),
            _ => None,
        }
    }

    fn division(&self, binary: &Binary) -> String {
        let (left, right) = (self.of(&binary.left), self.of(&binary.right));
        let matching = self.matching(binary);
        match (is_scalar(&binary.left), is_scalar(&binary.right)) {
            (false, false) => format!("((({left}) == 0) +{matching}(({right}) == 0))"),
            (false, true) => format!("(((({left}) == 0) + 0) and on() (vector({right}) == 0))"),
            (true, false) => format!("(((({right}) == 0) + 0) and on() (vector({left}) == 0))"),
            (true, true) => format!("((vector({left}) == 0) + (vector({right}) == 0))"),
        }
    }

    /// What stands between an operator and its right side; a comment in it has its line feed.
    fn matching(&self, binary: &Binary) -> String {
        let text = self.between(binary.operator_span.end, binary.right.span.start);
        let mut lexer = Lexer::new(text);
        let tokens = std::iter::from_fn(|| lexer.token().ok().map(|token| token.kind));
        let last = tokens.take_while(|token| *token != TokenKind::End).last();
        // Without parentheses of its own it would take those of the right side for its labels.
        let is_bare = matches!(last, Some(TokenKind::Word(_)));
        format!("{text}{}", if is_bare { "()" } else { "" })
    }

    fn product(&self, binary: &Binary) -> Option<String> {
        let Binary { left, right, .. } = binary;
        let matching = self.matching(binary);
        match (self.zeros(left), self.zeros(right)) {
            (Some(zeros), None) if factor(right).is_some() => Some(zeros),
            (None, Some(zeros)) if factor(left).is_some() => Some(zeros),
            (Some(zeros), None) => Some(format!("({zeros} *{matching}{})", self.of(right))),
            (None, Some(zeros)) => Some(format!("({} *{matching}{zeros})", self.of(left))),
            _ => None,
        }
    }

    fn either(&self, binary: &Binary) -> Option<String> {
        let Binary { left, right, .. } = binary;
        let zeros = self.zeros(left);
        let Some(others) = self.zeros(right) else { return zeros };
        let others = format!("({others} unless{}({}))", self.matching(binary), self.of(left));
        Some(zeros.map_or_else(|| others.clone(), |zeros| format!("({zeros} or {others})")))
    }

    /// A group in which every series is 0/0: of one that is not, its value would be hidden.
    fn aggregate(&self, expr: &Expr, aggregate: &Aggregate) -> Option<String> {
        let Aggregate { operator, of, .. } = aggregate;
        let zeros = self.zeros(of)?;
        match *operator {
            // It picks series, and leaves them as they are.
            "topk" | "bottomk" => Some(zeros),
            "sum" | "avg" | "max" | "min" => {
                let before = self.between(expr.span.start + operator.len(), of.span.start);
                let behind = self.between(of.span.end, expr.span.end);
                let all = self.counted(of);
                let [zeros, all] = [zeros, all].map(|of| format!("count{before}{of}{behind}"));
                Some(format!("(({zeros} == {all}) * 0)"))
            }
            _ => None,
        }
    }

    fn call(&self, expr: &Expr, call: &Call) -> Option<String> {
        let (name, of) = (call.function.as_str(), call.arguments.first()?);
        if name == "vector" {
            return self.zeros(of);
        }
        if OF_EACH_VALUE.contains(&name) {
            let before = self.between(expr.span.start, of.span.start);
            let behind = self.between(of.span.end, expr.span.end);
            return Some(format!("{before}{}{behind}", self.zeros(of)?));
        }
        let Kind::Subquery(subquery) = &of.bare().kind else { return None };
        if !OVER_TIME.contains(&name) {
            return None;
        }
        // At every step, as for an aggregation.
        let range = self.between(subquery.of.span.end, of.bare().span.end);
        let (zeros, all) = (self.zeros(&subquery.of)?, self.counted(&subquery.of));
        let [zeros, all] = [zeros, all].map(|of| format!("count_over_time({of}{range})"));
        Some(format!("(({zeros} == {all}) * 0)"))
    }

    /// The same series, with a sum in place of every division: where both sides are 0 it is no
    /// `NaN`, which some servers leave out.
    fn counted(&self, expr: &Expr) -> String {
        let mut divisions = Vec::new();
        find_divisions(expr, &mut divisions);
        divisions.sort_unstable_by_key(|span| span.start);
        let (mut result, mut end) = ("(".to_owned(), expr.span.start);
        for division in divisions {
            result = result + self.between(end, division.start) + "+";
            end = division.end;
        }
        result + self.between(end, expr.span.end) + ")"
    }
}

fn find_divisions(expr: &Expr, found: &mut Vec<Span>) {
    if let Kind::Binary(binary) = &expr.kind
        && binary.operator == BinaryOperator::Divide
    {
        found.push(binary.operator_span);
    }
    expr.children().into_iter().for_each(|child| find_divisions(child, found));
}

/// A number that stands in the text, with its sign.
fn factor(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        Kind::Number(number) => Some(*number).filter(|number| number.is_finite()),
        Kind::Paren(of) | Kind::Plus(of) | Kind::Minus(of) => factor(of),
        _ => None,
    }
}

/// Whether it is one number, and no vector.
fn is_scalar(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Number(_) => true,
        Kind::Paren(of) | Kind::Plus(of) | Kind::Minus(of) => is_scalar(of),
        Kind::Binary(binary) => is_scalar(&binary.left) && is_scalar(&binary.right),
        Kind::Call(call) => matches!(call.function.as_str(), "scalar" | "time" | "pi"),
        Kind::Text(_) | Kind::Selector(_) | Kind::Subquery(_) | Kind::Aggregate(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::promql::{Value, parse};
    use crate::storage::{Labels, METRIC_NAME, Point, Storage};

    fn storage() -> Storage {
        let mut storage = Storage::default();
        for (series, i, value) in [
            ("sum", "idle", 0.0),
            ("n", "idle", 0.0),
            ("sum", "busy", 3.0),
            ("n", "busy", 2.0),
            ("sum", "nan", f64::NAN),
            ("n", "nan", 0.0),
            ("sum", "torn", 0.0),
            ("n", "torn", f64::NAN),
            ("sum", "inf", f64::INFINITY),
            ("n", "inf", f64::INFINITY),
            ("sum", "spent", 3.0),
            ("n", "spent", 0.0),
            ("info", "idle", 1.0),
            ("info", "busy", 1.0),
        ] {
            let labels: Labels = [(METRIC_NAME, series), ("i", i)].into_iter().collect();
            let id = storage.series(labels);
            for minute in 0..10 {
                storage.push(id, Point { at: minute * 60_000, value }).unwrap();
            }
        }
        storage
    }

    fn zeros(expr: &str) -> Option<String> {
        let query = parse(expr).unwrap();
        let of = query.zero_by_zero()?;
        let storage = storage();
        let value = |query: &crate::promql::Query| match query.evaluate(&storage, 540_000, None) {
            Ok(Value::Vector(samples)) => samples,
            Ok(Value::Scalar(value)) => vec![super::super::Sample { labels: Labels::new(), value }],
            other => panic!("{expr}: {of}: {other:?}"),
        };
        let (all, zeros) = (value(&query), value(of.parsed().unwrap()));
        for zero in &zeros {
            assert_eq!(zero.value, 0.0, "{of}");
            // Every one of them is NaN in the expression itself, under the same labels.
            let same = all.iter().find(|it| it.labels == zero.labels);
            assert!(same.is_some_and(|it| it.value.is_nan()), "{expr}: {of}: {all:?}");
        }
        Some(zeros.iter().map(|it| it.labels.to_string()).collect::<Vec<_>>().join(" "))
    }

    const IDLE: &str = r#"{i="idle"}"#;

    #[test]
    fn a_division_is_zero_by_zero_only_where_both_sides_are_0() {
        for (expr, expected) in [
            ("sum / n", IDLE),
            ("(sum) / (n)", IDLE),
            ("-(sum / n) * 1000 / 60", IDLE),
            ("1e3 * (sum / n)", IDLE),
            ("sum{i=\"busy\"} / n", ""),
            ("sum / on(i) n", IDLE),
            ("sum / on(i) group_left # of a kind\n n", IDLE),
            ("sum / # per\n n # the end", IDLE),
            ("sum / ignoring(x) group_right() n", IDLE),
            ("(sum / n) * on(i) group_left() info", IDLE),
            ("info * on(i) (sum / n)", IDLE),
            ("abs(sum / n)", IDLE),
            ("round(sum / n, 0.1)", IDLE),
            ("label_replace(sum / n, \"k\", \"v\", \"\", \"\")", r#"{i="idle", k="v"}"#),
            ("clamp_min(sum / n, 0)", IDLE),
            ("topk(9, sum / n)", IDLE),
            ("sum / n or vector(0)", IDLE),
            ("vector(0) or sum / n", IDLE),
            ("info / n or sum / n", ""),
            ("(sum / n) unless info{i=\"busy\"}", IDLE),
            ("(sum / n) unless on(i) info{i=\"idle\"}", ""),
            ("(sum / n) and on(i)info", IDLE),
            ("sum / n != 4", IDLE),
            // Between scalars, and of both kinds.
            ("scalar(sum{i=\"idle\"}) / scalar(n{i=\"idle\"})", "{}"),
            ("vector(scalar(sum{i=\"idle\"}) / scalar(n{i=\"idle\"}))", "{}"),
            ("scalar(sum) / scalar(n)", ""),
            ("sum / scalar(n{i=\"idle\"})", r#"{i="idle"} {i="torn"}"#),
            ("scalar(sum{i=\"idle\"}) / n", r#"{i="idle"} {i="nan"} {i="spent"}"#),
            ("0 / 0", "{}"),
            // What the inner division makes is no 0.
            ("(sum / n) / n", ""),
        ] {
            assert_eq!(zeros(expr).as_deref(), Some(expected), "{expr}");
        }
    }

    #[test]
    fn a_group_is_zero_by_zero_only_as_a_whole() {
        for (expr, expected) in [
            ("max(sum / n)", ""),
            ("max by (i) (sum / n)", IDLE),
            ("max(sum / n) by (i)", IDLE),
            ("SUM without (job) (sum / n)", IDLE),
            ("avg(sum{i=~\"idle|busy\"} / n)", ""),
            ("avg(sum{i=~\"idle|torn\"} / n)", ""),
            ("avg(sum{i=\"idle\"} / n)", "{}"),
            ("max(sum(sum{i=\"idle\"}) / sum(n{i=\"idle\"}))", "{}"),
            ("max_over_time((sum / n)[5m:1m])", IDLE),
            ("avg_over_time((sum / n)[5m:1m] offset 1m)", IDLE),
            ("max(max_over_time((sum / n)[5m:])) by (i)", IDLE),
        ] {
            assert_eq!(zeros(expr).as_deref(), Some(expected), "{expr}");
        }
    }

    #[test]
    fn what_has_no_division_or_hides_it_is_never_zero_by_zero() {
        for expr in [
            "sum",
            "rate(sum[5m])",
            "histogram_quantile(0.99, sum / n)",
            "histogram_quantile(0.99, sum)",
            "sum / 60",
            "sum % n",
            "sum / n + n",
            "quantile(0.5, sum / n)",
            "count(sum / n)",
            "avg_over_time(sum[5m])",
            "sum / n > 1",
        ] {
            assert_eq!(zeros(expr), None, "{expr}");
        }
    }
}

//! Aggregations and operators.

use super::{Exact, Expr, Generator, LABELS, OFFSETS, Precision, Rough, Same, made};

impl Generator {
    pub(super) fn grouping(&mut self) -> String {
        let labels = self.labels();
        match self.below(5) {
            0 | 1 => format!(" by ({labels}) "),
            2 => format!(" without ({labels}) "),
            _ => String::new(),
        }
    }

    pub(super) fn labels(&mut self) -> String {
        let count = self.below(4);
        (0..count).map(|_| self.pick(&LABELS)).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn aggregation(&mut self, depth: u64) -> Expr {
        let grouping = self.grouping();
        self.aggregation_by(&grouping, depth)
    }

    pub(super) fn aggregation_by(&mut self, grouping: &str, depth: u64) -> Expr {
        let vector = self.vector(depth);
        let (text, of) = (&vector.text, vector.precision);
        let (text, precision) = match self.below(12) {
            0 => {
                let phi = self.pick(&["0", "0.2", "0.5", "0.9", "1", "-1", "7"]);
                (format!("quantile{grouping}({phi}, {text})"), Rough)
            }
            1 if of == Exact => (format!("stddev{grouping}({text})"), Rough),
            2 if of == Exact => (format!("stdvar{grouping}({text})"), Rough),
            3 if of <= Same => (format!("count_values{grouping}(\"value\", {text})"), Exact),
            4 if of == Exact => {
                let (function, k) =
                    (self.pick(&["topk", "bottomk"]), self.pick(&["1", "2", "5", "0"]));
                (format!("sum{grouping}({function}{grouping}({k}, {text}))"), Exact)
            }
            5 | 6 => (format!("avg{grouping}({text})"), Rough),
            7 | 8 => (format!("sum{grouping}({text})"), if of == Exact { Exact } else { Rough }),
            9 => (format!("{}{grouping}({text})", self.pick(&["count", "group"])), Exact),
            _ => (format!("{}{grouping}({text})", self.pick(&["min", "max"])), of),
        };
        made(text, precision, [vector])
    }

    /// `left` and `right` with an operator that suits their precision.
    pub(super) fn arithmetic(&mut self, left: Expr, right: Expr, matching: &str) -> Expr {
        let of = left.precision.max(right.precision);
        let (operator, precision) = match self.below(8) {
            0 | 1 => (self.pick(&["+", "-"]), of),
            2 if of <= Same => ("%", Same),
            3 if of <= Same && self.chance(50) => return angle(left, matching, right),
            3 if of <= Same => ("^", Rough),
            4 | 5 => ("/", of.max(Same)),
            _ => ("*", of.max(Same)),
        };
        combined(left, operator, matching, right, precision)
    }

    fn comparison(&mut self, left: Expr, right: Expr, matching: &str) -> Expr {
        let operator = self.pick(&["==", "!=", "<", ">", "<=", ">="]);
        let of = left.precision;
        // Where several series may wrongly match one, or have one result, Prometheus 2 says so only
        // of those that pass.
        let is_sound =
            matching.is_empty() || matching.trim_end_matches("()").ends_with("group_left");
        if !is_sound || self.chance(40) {
            return combined(left, &format!("{operator} bool"), matching, right, Exact);
        }
        combined(left, operator, matching, right, of)
    }

    /// Either, for comparisons jump.
    fn binary(&mut self, left: Expr, right: Expr, matching: &str) -> Expr {
        if left.precision.max(right.precision) <= Same && self.chance(45) {
            return self.comparison(left, right, matching);
        }
        self.arithmetic(left, right, matching)
    }

    pub(super) fn with_a_scalar(&mut self, depth: u64) -> Expr {
        let (vector, scalar) = (self.vector(depth), self.scalar(depth));
        if self.chance(70) {
            self.binary(vector, scalar, "")
        } else {
            self.binary(scalar, vector, "")
        }
    }

    pub(super) fn of_two_vectors(&mut self, depth: u64) -> Expr {
        match self.below(6) {
            0 | 1 => {
                let grouping = self.grouping();
                let left = self.aggregation_by(&grouping, depth);
                let right = self.aggregation_by(&grouping, depth);
                self.binary(left, right, "")
            }
            2 => {
                let (selector, _) = self.selector();
                let offset = self.pick(&OFFSETS);
                let right = made(format!("{selector} offset {offset}"), Exact, []);
                self.binary(made(selector, Exact, []), right, "")
            }
            3 => {
                let left = self.vector(depth);
                let labels = self.labels();
                let grouping = format!(" by ({labels}) ");
                let right = self.aggregation_by(&grouping, depth);
                let include = self.pick(&["()", "", "(job)", "(code, nothing)"]);
                self.binary(left, right, &format!(" on({labels}) group_left{include}"))
            }
            4 => {
                let left = self.vector(depth);
                let right = made("build_info{version!~\"9.*\"}".to_owned(), Exact, []);
                self.arithmetic(left, right, " on(instance) group_left(version)")
            }
            _ => {
                let (left, right) = (self.vector(depth), self.vector(depth));
                let matching = self.matching();
                self.binary(left, right, &matching)
            }
        }
    }

    pub(super) fn matching(&mut self) -> String {
        let labels = self.labels();
        match self.below(4) {
            0 => format!(" on({labels})"),
            1 => format!(" ignoring({labels})"),
            _ => String::new(),
        }
    }

    pub(super) fn set(&mut self, depth: u64) -> Expr {
        let (left, right) = (self.vector(depth), self.vector(depth));
        let (operator, matching) = (self.pick(&["and", "or", "unless"]), self.matching());
        let precision = left.precision.max(right.precision);
        combined(left, operator, &matching, right, precision)
    }
}

fn combined(left: Expr, operator: &str, matching: &str, right: Expr, of: Precision) -> Expr {
    // Without the parentheses it might be another expression.
    let side = |expr: &Expr| match expr.text.contains([' ', '-', '+']) {
        true => format!("({})", expr.text),
        false => expr.text.clone(),
    };
    let text = format!("{} {operator}{matching} {}", side(&left), side(&right));
    made(text, of, [left, right])
}

/// After this operator alone, Prometheus 2 leaves the name of the metric: it is away before.
fn angle(left: Expr, matching: &str, right: Expr) -> Expr {
    let text = format!("(({}) + 0) atan2{matching} (({}) + 0)", left.text, right.text);
    made(text, Rough, [left, right])
}

//! Functions of windows and of single values.

use super::{Exact, Expr, Generator, Metric, NUMBERS, Rough, Same, made};

impl Generator {
    /// A range of a selector or of a subquery, and the metric if it is one.
    pub(super) fn window(&mut self, depth: u64, shallow: bool) -> (Expr, Option<Metric>) {
        if depth == 0 || self.chance(60) {
            let (selector, metric) = self.selector();
            let range = self.pick(&["17s", "1m", "2m", "5m", "10m", "1h"]);
            let text = format!("{selector}[{range}]{}", self.modifiers());
            return (made(text, Exact, []), Some(metric));
        }
        // Subqueries within subqueries take their time.
        let inner = self.vector(depth.min(if shallow { 1 } else { 2 }) - 1);
        let range = self.pick(&["2m7s", "5m7s", "10m7s", "20m7s"]);
        let step = self.pick(&["20s", "30s", "1m", "2m", ""]);
        // Where its first step happens to be at the instant of the query, Prometheus 2 mixes up
        // what is within it and tied to another instant.
        let modifiers = if inner.text.contains(" @ ") { String::new() } else { self.modifiers() };
        let text = format!("({})[{range}:{step}]{modifiers}", inner.text);
        (made(text, inner.precision, [inner]), None)
    }

    pub(super) fn over_a_window(&mut self, depth: u64) -> Expr {
        let (window, metric) = self.window(depth, false);
        let of_any = ["min", "max", "count", "last", "present", "absent", "sum", "avg"];
        let of_exact = ["changes", "resets", "idelta", "deriv", "delta"];
        let is_counter = metric.is_some_and(|(_, _, is_counter)| is_counter);
        let text = &window.text;
        let (text, precision) = match self.below(6) {
            _ if is_counter && self.chance(60) => {
                let function = self.pick(&["rate", "increase", "irate"]);
                (format!("{function}({text})"), Rough)
            }
            0 => {
                let phi = self.pick(&["0", "0.3", "0.5", "0.99", "1", "-1", "2"]);
                (format!("quantile_over_time({phi}, {text})"), Rough)
            }
            1 | 2 if window.precision == Exact => {
                let function = self.pick(&of_exact);
                let rough = ["deriv", "delta"].contains(&function);
                (format!("{function}({text})"), if rough { Rough } else { Exact })
            }
            3 if window.precision == Exact => match self.below(3) {
                0 => (format!("stddev_over_time({text})"), Rough),
                1 => (format!("stdvar_over_time({text})"), Rough),
                // In a subquery Prometheus 2 loses the samples of an instant, step by step.
                _ if text.contains(" @ ") => (format!("deriv({text})"), Rough),
                _ => (format!("predict_linear({text}, {})", self.pick(&NUMBERS)), Rough),
            },
            _ => {
                let function = self.pick(&of_any);
                let precision = match function {
                    "count" | "present" | "absent" => Exact,
                    "sum" if window.precision == Exact => Exact,
                    "sum" | "avg" => Rough,
                    _ => window.precision,
                };
                (format!("{function}_over_time({text})"), precision)
            }
        };
        made(text, precision, [window])
    }

    pub(super) fn histogram(&mut self) -> Expr {
        let range = self.pick(&["1m", "5m", "20m"]);
        let rate = format!("rate(latency_seconds_bucket[{range}]{})", self.modifiers());
        let grouping = self.pick(&["by (le)", "by (handler, le)", "without (handler)"]);
        let rate = made(rate, Rough, []);
        let sum = made(format!("sum {grouping} ({})", rate.text), Rough, [rate]);
        let phi = self.pick(&["0.1", "0.37", "0.61", "0.83", "0.987", "2", "-2"]);
        made(format!("histogram_quantile({phi}, {})", sum.text), Rough, [sum])
    }

    pub(super) fn function(&mut self, depth: u64) -> Expr {
        let vector = self.vector(depth);
        let (text, of) = (&vector.text, vector.precision);
        let (text, precision) = match self.below(7) {
            0 if of <= Same => (format!("{}({text})", self.pick(&["ceil", "floor", "sgn"])), of),
            1 if of <= Same => (format!("sqrt({text})"), Same),
            2 if of == Exact => {
                let trigonometry = ["sin", "cos", "tan", "atan", "asinh", "tanh", "rad", "deg"];
                (format!("{}({text})", self.pick(&trigonometry)), Rough)
            }
            3 if of <= Same => (format!("{}({text})", self.pick(&["ln", "log2", "log10"])), Rough),
            4 if of <= Same => {
                let to = self.pick(&["1", "0.25", "10", "-2", "0.1"]);
                (format!("round({text}, {to})"), of.max(Same))
            }
            5 => (format!("exp(clamp({text}, -9, 9))"), Rough),
            _ => match self.below(4) {
                0 => (format!("clamp({text}, -5, 50)"), of),
                1 => (format!("clamp_min({text}, 2)"), of),
                2 => (format!("clamp_max({text}, 2)"), of),
                _ => (format!("abs({text})"), of),
            },
        };
        made(text, precision, [vector])
    }
}

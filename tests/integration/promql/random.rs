//! Expressions at random over the metrics of the data set, of the right types throughout.
//!
//! What would tell two faithful implementations apart is never built:
//! - a window whose left end is at a sample or at a step of a subquery, which Prometheus 2
//!   counts in: steps, offsets and instants are multiples of 10 seconds, the ranges of
//!   subqueries are not, and the samples of the data set are at no whole second;
//! - jumps on numbers that were rounded on the way, which only [`Precision`] knows;
//! - the extrapolation of a rate over a subquery, where Prometheus 2 is further off;
//! - the spread of values that may be infinite, which is 0 or NaN;
//! - which of equal values `topk` takes, if it shows;
//! - comparisons that may filter away why series must not match;
//! - a date of a number that is none;
//! - the timestamp of a selector with an offset and an instant, of which Prometheus forgets one;
//! - a subquery that may not have a step at all, of which it makes one where nothing changes.

mod operators;
mod windows;

use super::dataset::{self, START};

/// An expression, and those that it is made of.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) text: String,
    pub(crate) parts: Vec<Expr>,
    precision: Precision,
}

/// What the values of an expression have in common on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    /// Finite, with few binary digits: they can be added in any order.
    Exact,
    /// The same bits, as long as nothing depends on an order.
    Same,
    /// What an order, or the mathematical library, has had an influence on.
    Rough,
}
use Precision::{Exact, Rough, Same};

/// A metric, its labels, and whether it is a counter.
type Metric = (&'static str, &'static [&'static str], bool);

const METRICS: [Metric; 9] = [
    ("requests_total", &["code", "instance", "job", "method"], true),
    ("requests_total", &["code", "instance", "job", "method"], true),
    ("sent_bytes_total", &["instance", "job"], true),
    ("jobs_done_total", &["queue"], true),
    ("temperature", &["room", "unit"], false),
    ("queue_depth", &["queue"], false),
    ("pool_size", &["pool"], false),
    ("up", &["instance", "job"], false),
    ("latency_seconds_bucket", &["handler", "le"], true),
];

const LABELS: [&str; 9] =
    ["code", "instance", "job", "method", "queue", "room", "handler", "le", "nothing"];

const MATCHERS: [&str; 12] = [
    "code=\"200\"",
    "code!=\"500\"",
    "instance=~\"a.*\"",
    "instance!~\"b:.+\"",
    "job=\"api\"",
    "job=~\"api|db\"",
    "method=\"GET\"",
    "queue!=\"\"",
    "queue=~\".*_gap\"",
    "room=~\"(?i)k.*\"",
    "handler!=\"/gaps\"",
    "nothing=\"\"",
];

const NUMBERS: [&str; 10] = ["0", "1", "2", "-1", "0.5", "-3", "10", "0.25", "100", "16"];

const OFFSETS: [&str; 7] = ["10s", "1m", "5m", "10m", "1h", "-2m", "-10m"];

pub(crate) struct Generator(u64);

impl Generator {
    pub(crate) fn new(seed: u64, case: u64) -> Self {
        Self(seed << 32 | case)
    }

    /// An expression, and the instant to evaluate it at.
    pub(crate) fn case(&mut self) -> (Expr, i64) {
        let time = self.time();
        let depth = 1 + self.below(4);
        let expr = match self.below(20) {
            0 => self.scalar(depth),
            1 => self.window(depth, true).0,
            2 => {
                let vector = self.vector_up_to(depth, Same);
                let function = self.pick(&["sort", "sort_desc"]);
                made(format!("{function}({})", vector.text), vector.precision, [vector])
            }
            _ => self.vector(depth),
        };
        (expr, time)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        dataset::noise(self.0, self.0 >> 32) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// From before the first sample to long after the last one.
    fn time(&mut self) -> i64 {
        START + 10 * (self.below(430) as i64 - 5)
    }

    fn modifiers(&mut self) -> String {
        let mut text = String::new();
        if self.chance(15) {
            let offset = self.pick(&OFFSETS);
            text = format!(" offset {offset}");
        }
        if self.chance(8) {
            let time = self.time().to_string();
            let at = match self.below(4) {
                0 => "start()",
                1 => "end()",
                _ => &time,
            };
            text = format!("{text} @ {at}");
        }
        text
    }

    fn selector(&mut self) -> (String, Metric) {
        let metric = self.pick(&METRICS);
        let mut matchers = Vec::new();
        while self.chance(35) {
            let about = |m: &&str| metric.1.iter().any(|label| m.starts_with(label));
            let fitting: Vec<_> = MATCHERS.into_iter().filter(about).collect();
            let choices = if fitting.is_empty() { &MATCHERS[..] } else { &fitting };
            matchers.push(self.pick(choices));
        }
        let text = match matchers.join(",") {
            none if none.is_empty() => metric.0.to_owned(),
            matchers => format!("{}{{{matchers}}}", metric.0),
        };
        (text, metric)
    }

    fn number(&mut self) -> Expr {
        made(self.pick(&NUMBERS).to_owned(), Exact, [])
    }

    fn scalar(&mut self, depth: u64) -> Expr {
        match self.below(if depth == 0 { 7 } else { 10 }) {
            0 => made("time()".to_owned(), Exact, []),
            7 | 8 => {
                let vector = self.vector(depth - 1);
                // More than one series, or none, is NaN.
                made(format!("scalar({})", vector.text), vector.precision.max(Same), [vector])
            }
            9 => {
                let (left, right) = (self.scalar(depth - 1), self.scalar(depth - 1));
                self.arithmetic(left, right, "")
            }
            _ => self.number(),
        }
    }

    fn vector_up_to(&mut self, depth: u64, precision: Precision) -> Expr {
        for _ in 0..8 {
            let vector = self.vector(depth);
            if vector.precision <= precision {
                return vector;
            }
        }
        self.vector(0)
    }

    fn vector(&mut self, depth: u64) -> Expr {
        let Some(depth) = depth.checked_sub(1) else {
            let (selector, _) = self.selector();
            return made(selector + &self.modifiers(), Exact, []);
        };
        match self.below(24) {
            0..6 => self.over_a_window(depth),
            6..11 => self.aggregation(depth),
            11..14 => self.function(depth),
            14..16 => self.with_a_scalar(depth),
            16..19 => self.of_two_vectors(depth),
            19 => self.set(depth),
            20 => self.relabeled(depth),
            21 => self.histogram(),
            22 => self.about_presence(depth),
            _ => {
                let vector = self.vector(depth);
                let sign = self.pick(&["-", "+", ""]);
                made(format!("{sign}({})", vector.text), vector.precision, [vector])
            }
        }
    }

    fn relabeled(&mut self, depth: u64) -> Expr {
        let vector = self.vector(depth);
        let (text, from) = (&vector.text, self.pick(&LABELS));
        let to = self.pick(&["new", "job", "instance", "code"]);
        let text = if self.chance(70) {
            let with = self.pick(&["$1", "x-$1", "", "${1}0", "$2"]);
            let regex = self.pick(&["(.).*", "(.*)", "([a-z]+).*", "api", "", "(?:.*:)?(.*)"]);
            format!("label_replace({text}, \"{to}\", \"{with}\", \"{from}\", \"{regex}\")")
        } else {
            let other = self.pick(&LABELS);
            format!("label_join({text}, \"{to}\", \"-\", \"{from}\", \"{other}\")")
        };
        made(text, vector.precision, [vector])
    }

    fn about_presence(&mut self, depth: u64) -> Expr {
        if self.chance(30) {
            let scalar = self.scalar(depth);
            return made(format!("vector({})", scalar.text), scalar.precision, [scalar]);
        }
        let vector = self.vector(depth);
        let text = &vector.text;
        let moved_twice = text.contains(" offset ") && text.contains(" @ ");
        let text = match self.below(4) {
            0 => format!("absent({text})"),
            _ if moved_twice => format!("absent({text})"),
            1 => format!("timestamp({text})"),
            2 => format!("hour(timestamp({text}))"),
            _ => format!("minute(timestamp({text}))"),
        };
        made(text, Same, [vector])
    }
}

fn made(text: String, precision: Precision, parts: impl IntoIterator<Item = Expr>) -> Expr {
    Expr { text, precision, parts: parts.into_iter().collect() }
}

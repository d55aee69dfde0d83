//! What this program makes of PromQL is what a Prometheus makes of it.
//!
//! Both hold the same samples, and are asked the same. The Prometheus is one of version 2, as
//! Debian has it; what this program follows is version 3. Where the two differ is kept out of
//! the tests, at the place that a comment names.
//!
//! Longer runs than usual: `AUDITOR_PROMQL_CASES` and `AUDITOR_PROMQL_SEED` are about the random
//! expressions, `AUDITOR_PROMQL_INSTANTS=7` has the written ones evaluated at every instant.

mod answer;
mod dataset;
mod random;

use std::fmt::Write as _;

use crate::support::real::{self, Server};
use answer::{Answer, Strictness};
use auditor::storage::Storage;
use dataset::START;
use random::{Expr, Generator};

/// At which second of the data each written expression is evaluated: among ordinary samples; in
/// the first minutes; within both gaps; when the longer one is too long; after a counter's reset;
/// after the last samples; when none is recent enough any more. None is a multiple of the step
/// of a subquery.
const INSTANTS: [i64; 7] = [2617, 133, 1037, 1241, 1583, 3811, 4207];

/// At how many of them, unless asked otherwise: at the first, and at others in turns.
const USUAL: u64 = 3;

/// In random expressions, numbers below this may differ by a billionth of this, instead of
/// themselves: they may be all that is left of larger ones that cancel each other.
const RANDOM_LEAST: f64 = 1e-4;

/// Of how many differences a failure tells.
const TOLD: usize = 25;

/// The same samples on both sides.
struct Sides {
    storage: Storage,
    server: Server,
}

impl Sides {
    fn new() -> Self {
        let storage = dataset::storage();
        let server = real::prometheus_of(&dataset::open_metrics(&storage), None, "");
        Self { storage, server }
    }

    fn ours(&self, query: &str, time: i64) -> Answer {
        let value = auditor::promql::parse(query)
            .and_then(|query| query.evaluate(&self.storage, time * 1000, None));
        match value {
            Ok(value) => Answer::of_value(value),
            Err(error) => Answer::Error(error.to_string()),
        }
    }

    fn theirs(&self, query: &str, time: i64) -> Answer {
        Answer::of_json(&real::instant_query(&self.server, query, time))
    }

    /// The smallest part of an expression about which both sides differ, if they do about it.
    fn compare_parts(&self, expr: &Expr, time: i64) -> Result<Likeness, String> {
        let pair = Pair { least: RANDOM_LEAST, ..Pair::same(&expr.text) };
        self.compare(&pair, time).map_err(|difference| {
            let smaller = |part| self.compare_parts(part, time).err();
            expr.parts.iter().find_map(smaller).unwrap_or(difference)
        })
    }

    /// What is different about the answers to a query, or how empty they are alike.
    fn compare(&self, query: &Pair, time: i64) -> Result<Likeness, String> {
        let (ours, theirs) = (self.ours(&query.ours, time), self.theirs(&query.theirs, time));
        let Some(difference) = ours.difference(&theirs, query.strictness()) else {
            return Ok(match ours {
                Answer::Error(_) => Likeness::Error,
                answer if answer.is_empty() => Likeness::Empty,
                _ => Likeness::Data,
            });
        };
        let other = if query.ours == query.theirs { "" } else { &query.theirs };
        let arrow = if other.is_empty() { "" } else { " ==> " };
        let second = time - START;
        Err(format!("{}{arrow}{other}\n  at {time} (second {second})\n{difference}", query.ours))
    }
}

/// What two answers that agree have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Likeness {
    Error,
    Empty,
    Data,
}

/// What both sides are asked.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    ours: String,
    theirs: String,
    /// As in [`Strictness`].
    least: f64,
}

impl Pair {
    fn new(ours: String, theirs: String) -> Self {
        Self { ours, theirs, least: f64::MIN_POSITIVE }
    }

    fn same(query: &str) -> Self {
        Self::new(query.to_owned(), query.to_owned())
    }

    fn strictness(&self) -> Strictness {
        let ordered = ["sort", "topk(", "bottomk("];
        Strictness {
            sorted: ordered.iter().any(|function| self.ours.starts_with(function)),
            least: self.least,
        }
    }
}

/// The expressions of the file, each alternative one of its own.
fn written() -> Vec<Pair> {
    include_str!("promql/expressions.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .flat_map(|line| match line.split_once(" ==> ") {
            None => alternatives(line).iter().map(|line| Pair::same(line)).collect::<Vec<_>>(),
            Some((ours, theirs)) => {
                let (ours, theirs) = (alternatives(ours), alternatives(theirs));
                let theirs = theirs.into_iter().cycle();
                ours.into_iter().zip(theirs).map(|(ours, theirs)| Pair::new(ours, theirs)).collect()
            }
        })
        .collect()
}

/// The lines that a line with `«a|b»` stands for.
fn alternatives(line: &str) -> Vec<String> {
    let Some((before, rest)) = line.split_once('«') else { return vec![line.to_owned()] };
    let (choices, after) = rest.split_once('»').expect("« is closed");
    let after = alternatives(after);
    let choices = choices.split('|');
    choices
        .flat_map(|choice| after.iter().map(move |after| format!("{before}{choice}{after}")))
        .collect()
}

fn fail(differences: &[String], asked: usize) {
    let mut report = String::new();
    for difference in differences.iter().take(TOLD) {
        write!(report, "\n{difference}\n").unwrap();
    }
    let count = differences.len();
    let told = count.min(TOLD);
    assert!(
        count == 0,
        "the answers to {count} of {asked} expressions differ, of which {told} are:\n{report}"
    );
}

#[test]
fn written_expressions_have_the_values_that_prometheus_gives_them() {
    if !real::available("the comparison of written expressions with a real Prometheus") {
        return;
    }
    let others = from_environment("INSTANTS", USUAL) as usize - 1;
    let sides = Sides::new();
    let (pairs, mut differences, mut with_data) = (written(), Vec::new(), 0);
    for (index, pair) in pairs.iter().enumerate() {
        let in_turns = INSTANTS[1..].iter().cycle().skip(index * others % 6).take(others);
        let instants = INSTANTS[..1].iter().chain(in_turns);
        let seen: Result<Vec<_>, _> =
            instants.map(|second| sides.compare(pair, START + second)).collect();
        match seen {
            Ok(seen) => with_data += usize::from(seen.contains(&Likeness::Data)),
            // One instant is enough to understand it.
            Err(difference) => differences.push(difference),
        }
    }
    fail(&differences, pairs.len());
    // Two sides that know nothing agree, too.
    assert!(with_data * 3 > pairs.len() * 2, "{with_data} of {} have data", pairs.len());
}

#[test]
fn random_expressions_have_the_values_that_prometheus_gives_them() {
    if !real::available("the comparison of random expressions with a real Prometheus") {
        return;
    }
    let (cases, seed) = (from_environment("CASES", 2000), from_environment("SEED", 1));
    let sides = Sides::new();
    let (mut differences, mut with_data) = (Vec::new(), 0);
    for case in 0..cases {
        let (expr, time) = Generator::new(seed, case).case();
        match sides.compare_parts(&expr, time) {
            Ok(likeness) => with_data += u64::from(likeness == Likeness::Data),
            Err(part) => {
                let whole = &expr.text;
                differences.push(format!("case {case} of seed {seed}: {whole}\nbecause of {part}"));
            }
        }
    }
    fail(&differences, cases as usize);
    assert!(with_data * 2 > cases, "{with_data} of {cases} have data");
}

/// A number of `AUDITOR_PROMQL_…`, for runs that are longer or other than usual.
fn from_environment(name: &str, default: u64) -> u64 {
    let value = std::env::var(format!("AUDITOR_PROMQL_{name}"));
    value.map_or(default, |value| value.parse().expect("a number"))
}

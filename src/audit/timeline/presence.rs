//! What a query without a range shows of a step: the worst of its samples, and whether there are any.
//!
//! By itself it sees the last sample alone, and goes on with it for minutes; and `on_no_data: zero`
//! makes a number of nothing. Neither shows a hole.

use std::collections::HashSet;
use std::time::Duration;

use super::asked::Asked;
use super::grid::{Grid, Sampling};
use crate::evaluate::Error;
use crate::model::question::{Answer, Question, Values};
use crate::promql::{self, Expression, SelectorUse};

/// The worst value within a step of a query that sees the last samples alone; `None` of another.
pub(super) fn peak(
    expr: &Expression,
    is_minimum: bool,
    (step, range): (Duration, Duration),
    interval: Duration,
) -> Option<Expression> {
    let query = expr.parsed().ok()?;
    // Within a subquery it sees more than the last ones already.
    let is_latest = |it: &SelectorUse| it.range == 0 && !it.is_fixed;
    let sees_last = !query.selectors().is_empty() && query.selectors().iter().all(is_latest);
    // What is 0/0 is told by the expression itself.
    if !sees_last || query.zero_by_zero().is_some() {
        return None;
    }
    let function = if is_minimum { "min_over_time" } else { "max_over_time" };
    let (text, step) = (expr.as_str().trim(), step.as_millis().max(2));
    let peak = match query.selectors() {
        [only] if only.text == text => {
            format!("{function}({text}[{}ms])", range.as_millis().max(1))
        }
        // Twice within the interval: samples do not come quite evenly. Whether a range is closed on
        // its left differs between servers, and an evaluation is due there.
        _ => {
            let (range, often) = (step - 1, (interval.as_millis() / 2).max(1));
            format!("{function}(({text})[{range}ms:{often}ms])")
        }
    };
    let peak = Expression::new(peak);
    // A number is no series.
    peak.parsed().is_ok().then_some(peak)
}

/// What is to be asked beside the questions that do not show holes by themselves, with the numbers
/// of those.
pub(super) fn questions(
    lines: &[(usize, &Asked)],
    grid: Grid,
    sampling: Sampling,
) -> Vec<(usize, Question)> {
    let of_line = |(number, line): &(usize, &Asked)| {
        let question = &line.question;
        let window = sampling.range(grid.step, question.is_of_server);
        let uses = question.expr.parsed().map(promql::Query::selectors).ok()?;
        let is_zero = line.needs_pages;
        let is_latest = uses.iter().any(|it| it.is_of_latest() && !it.is_fixed);
        // VictoriaMetrics has a rate from before a hole go on into it.
        let is_rate = question.is_of_server && uses.iter().any(|it| it.is_counter);
        let expr = (is_zero || is_latest || is_rate)
            .then(|| expression(uses, is_zero, window))
            .flatten()?;
        let question = Question {
            expr: Expression::new(expr),
            nothing_counts: false,
            zero_by_zero: false,
            accept_partial: true,
            span: Some(grid.span(grid.step)),
            ..question.clone()
        };
        Some((*number, question))
    };
    lines.iter().filter_map(of_line).collect()
}

/// Has a value where there is a sample within the window; or a page, where no sample is a number too.
fn expression(uses: &[SelectorUse], is_zero: bool, window: Duration) -> Option<String> {
    let window = format!("[{}ms]", window.as_millis().max(1));
    let samples = uses.iter().filter(|it| !it.is_fixed && it.metric().is_some());
    let samples = samples
        .map(|it| format!("count(count_over_time({}{window}{}))", it.text, offset(it.offset)));
    let page = |it: &SelectorUse| format!("count(max_over_time({}{window}) == 1)", pages(it));
    let pages = uses.iter().filter(|_| is_zero).map(page);
    let mut all: Vec<_> = samples.chain(pages).collect();
    all.sort_unstable();
    all.dedup();
    (!all.is_empty()).then(|| all.join(" or "))
}

/// The selector of the pages that a selector's series are on.
pub(super) fn pages(it: &SelectorUse) -> String {
    let matchers: Vec<_> = ["job", "instance"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}={:?}", it.label(name)?)))
        .collect();
    format!("up{{{}}}", matchers.join(","))
}

/// How PromQL is told to look at an earlier instant, milliseconds.
pub(super) fn offset(milliseconds: i64) -> String {
    match milliseconds {
        0 => String::new(),
        ms if ms < 0 => format!(" offset -{}ms", ms.unsigned_abs()),
        ms => format!(" offset {ms}ms"),
    }
}

/// The instants at which there are samples.
///
/// # Errors
/// Why that cannot be told.
pub(super) fn seen(answer: Result<Answer, Error>) -> Result<HashSet<i64>, String> {
    let words = |why: &str| format!("it cannot be told when there were samples: {why}");
    match answer {
        Ok(Answer { values: Values::Matrix(series), .. }) => {
            Ok(series.into_iter().flat_map(|it| it.points).map(|(at, _)| at).collect())
        }
        Ok(_) => Err(words("the answer is no range")),
        Err(error) => Err(words(&error.to_string())),
    }
}

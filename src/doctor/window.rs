//! Windows that hold too few samples for a rate or a worst value to mean something.

use super::Case;
use super::nothing::shown;
use crate::model::quantity::number;
use crate::model::signal::Signal;

/// So much of what was watched may lie before the window, seconds: the first sample, and the last.
const BEFORE: f64 = 3.0;

/// That a signal of the loop looks at the end of what was watched alone: a stall before that is not
/// seen.
pub(super) fn blind(case: &Case<'_>) -> Option<String> {
    let observed = case.observed_s?;
    case.query.signal().filter(|signal| Signal::OF_THE_LOOP.contains(signal))?;
    let longest = case.selectors().iter().map(|it| it.range).max()? as f64 / 1000.0;
    (observed - longest > BEFORE).then(|| {
        format!(
            "it looks at the last {} s of {} s that were watched, and sees no stall before them: \
             take a range of [$window], and no --var window",
            number(longest),
            number(observed)
        )
    })
}

/// A rate needs two samples; with less than this it is an estimate of little.
const LEAST: f64 = 4.0;

pub(super) fn warnings(case: &Case<'_>) -> Vec<String> {
    let ranges: Vec<_> = case.selectors().iter().filter(|it| it.range > 0).collect();
    let exprs =
        ranges.iter().map(|it| format!("min(count_over_time({}[{}ms]))", it.text, it.range));
    let answers = case.ask(exprs.collect());
    let short = ranges.iter().zip(answers).filter_map(|(selector, answer)| {
        let samples = answer.ok()?.first()?.value;
        (samples < LEAST).then(|| {
            format!(
                "`{}` has {} samples in the {} s that the query looks at: take a window of four \
                 intervals or more (--var window=…), or scrape more often",
                shown(selector),
                number(samples),
                number(selector.range as f64 / 1000.0)
            )
        })
    });
    let mut short: Vec<_> = short.collect();
    short.dedup();
    short
}

//! Whether the scrapes cover the run that they are of: a recording tells how long its command took.

use super::Seen;
use crate::collect::COMMAND_DURATION;
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::number;
use crate::target_health::is_gap;

/// That a part of the run is in no scrape.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    uncovered(seen)
        .map(|detail| Shortfall {
            rule: Rule::MaxGap,
            scope: Scope::Everything,
            target: None,
            detail,
        })
        .into_iter()
        .collect()
}

fn uncovered(seen: &Seen<'_>) -> Option<String> {
    let told = seen.storage.of_metric(Some(COMMAND_DURATION)).next()?;
    // It was written down at the last scrape, after the end of the command.
    let told = told.points.iter().last()?;
    let ups = || (0..seen.targets.len()).filter_map(|target| seen.up(target));
    let first = ups().filter_map(|up| up.points.first()).min()?;
    let last = ups().filter_map(|up| up.points.last()).max()?;
    let usual = seen.targets.iter().filter_map(|it| it.interval_s).reduce(f64::max)?;
    let seconds = |from: i64, to: i64| to.saturating_sub(from) as f64 / 1000.0;
    let (cut, covered) = (seconds(last, told.at), seconds(first, told.at));
    if seen.end >= last && is_gap(cut, usual) {
        return Some(format!("the scrapes end {} s before the run did", number(cut)));
    }
    let (covered_words, took) = (number(covered), number(told.value));
    is_gap(told.value - covered, usual)
        .then(|| format!("the scrapes cover {covered_words} s of a command that took {took} s"))
}

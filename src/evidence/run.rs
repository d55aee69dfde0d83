//! Whether the scrapes cover the run that they are of: a recording tells how long its command took.

use super::Seen;
use crate::collect::COMMAND_DURATION;
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::{number, series};
use crate::storage::{Point, Points};
use crate::target_health::{TargetHealth, is_gap};

/// The targets of whose run a part is in no scrape.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    let told = seen.storage.of_metric(Some(COMMAND_DURATION)).next();
    // It was written down at the last scrape, after the end of the command.
    let Some(told) = told.and_then(|told| told.points.iter().last()) else { return Vec::new() };
    let targets = seen.targets.iter().enumerate();
    let shortfalls = targets.filter_map(|(number, health)| {
        let up = seen.up(number)?;
        let detail = uncovered(seen, told, health, &up.points)? + &series(&health.target);
        let (scope, target) = (Scope::Everything, Some(health.target.clone()));
        Some(Shortfall { rule: Rule::MaxGap, scope, target, detail })
    });
    shortfalls.collect()
}

fn uncovered(seen: &Seen<'_>, told: Point, health: &TargetHealth, up: &Points) -> Option<String> {
    let (first, last) = up.first().zip(up.last())?;
    let seconds = |from: i64, to: i64| to.saturating_sub(from) as f64 / 1000.0;
    let (cut, covered) = (seconds(last, told.at), seconds(first, told.at));
    // A target that ended before the others is told of as such.
    let is_whole_cut = seen.end >= last && health.ended_s.is_none();
    if is_whole_cut && is_too_long(seen, health, cut) {
        return Some(format!("the scrapes end {} s before the run did", number(cut)));
    }
    let (covered_words, took) = (number(covered), number(told.value));
    is_too_long(seen, health, told.value - covered)
        .then(|| format!("the scrapes cover {covered_words} s of a command that took {took} s"))
}

/// Whether there may be no such pause, in seconds.
fn is_too_long(seen: &Seen<'_>, health: &TargetHealth, pause: f64) -> bool {
    if let Some(longest) = seen.criteria.evidence.max_gap {
        return pause > longest.as_secs_f64();
    }
    let of_others = || seen.targets.iter().filter_map(|it| it.interval_s).reduce(f64::max);
    health.interval_s.or_else(of_others).is_some_and(|usual| is_gap(pause, usual))
}

//! Targets that end before the time is over.

use super::Seen;
use super::used::Used;
use crate::model::evidence::{Rule, Shortfall};
use crate::model::quantity::{number, series};
use crate::storage::{Labels, Point, is_stale};
use crate::target_health::{is_gap, usual_interval};

/// Whatever a query uses of a target that is gone says nothing of the time since then.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    let targets = seen.targets.iter().enumerate().filter_map(|(index, health)| {
        let (detail, scope) = (health.gone()?, seen.scope(index)?);
        let target = Some(health.target.clone());
        Some(Shortfall { rule: Rule::GoneTargets, scope, target, detail })
    });
    let strays = seen.strays.iter().filter_map(|(labels, used)| stray(seen, labels, used));
    targets.chain(strays).collect()
}

/// Of series that belong to no target that was scraped, the one with the most samples counts.
fn stray(seen: &Seen<'_>, labels: &Labels, used: &[Used<'_>]) -> Option<Shortfall> {
    let densest = used.iter().max_by_key(|it| it.series.points.len())?;
    let is_sample = |point: &Point| point.at <= seen.end && !is_stale(point.value);
    let samples = densest.series.points.iter().filter(is_sample);
    let instants: Vec<_> = samples.map(|point| point.at).collect();
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let usual = seconds(usual_interval(&instants)?);
    let ended = seconds(seen.end.saturating_sub(*instants.last()?));
    if !is_gap(ended, usual) {
        return None;
    }
    let (ended, usual, target) = (number(ended), number(usual), series(labels));
    let detail =
        format!("there was no sample for the last {ended} s, where {usual} s are usual{target}");
    let mut queries: Vec<_> = used.iter().flat_map(|it| it.by.iter().map(|by| by.query)).collect();
    queries.sort_unstable();
    queries.dedup();
    let (rule, scope) = (Rule::GoneTargets, seen.scope_of(queries));
    Some(Shortfall { rule, scope, target: Some(labels.clone()), detail })
}

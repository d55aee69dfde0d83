//! A stall that is in flight when the time is over: nobody knows how long it lasts.

use super::Seen;
use crate::collect::{DURATION, UP};
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::{number, series};
use crate::model::signal::Signal;
use crate::storage::{METRIC_NAME, Series};
use crate::target_health::TargetHealth;

/// A page is late if it takes so many times what is usual for it.
const UNUSUAL: f64 = 2.0;

/// Targets whose last page came late, or not at all.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    let targets = seen.targets.iter().zip(&seen.of_target);
    targets.filter_map(|(health, of_it)| of_target(seen, health, of_it)).collect()
}

fn of_target(seen: &Seen<'_>, health: &TargetHealth, of_it: &[&Series]) -> Option<Shortfall> {
    let own = |name: &str| {
        let mut labels = health.target.clone();
        labels.set(METRIC_NAME, name);
        of_it.iter().find(move |series| series.labels == labels)
    };
    let until = |series: &Series| {
        let points = series.points.iter().take_while(|point| point.at <= seen.end);
        points.map(|point| point.value).collect::<Vec<_>>()
    };
    let is_up = own(UP).is_none_or(|up| until(up).last().is_none_or(|up| *up == 1.0));
    let took = own(DURATION).map(|series| until(series)).unwrap_or_default();
    let (last, before) = took.split_last()?;
    let limit = seen.criteria.limit(Signal::EVENT_LOOP_LAG.key())?.max(usual(before) * UNUSUAL);
    let target = series(&health.target);
    let detail = if !is_up {
        format!("the last scrape failed{target}")
    } else if *last > limit {
        let (last, limit) = (number(*last), number(limit));
        format!("the last page took {last} s, over {limit} s{target}")
    } else {
        return None;
    };
    let target = Some(health.target.clone());
    Some(Shortfall { rule: Rule::StallAtEnd, scope: Scope::Everything, target, detail })
}

/// The median, the lower one of two; 0 of nothing.
fn usual(took: &[f64]) -> f64 {
    let mut sorted = took.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

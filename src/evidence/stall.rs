//! A stall that is in flight when the time is over: nobody knows how long it lasts.

use super::Seen;
use crate::collect::DURATION;
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::{number, series};
use crate::model::signal::Signal;
use crate::target_health::{TargetHealth, good_time};

/// Targets whose last page came late, or not at all.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    let targets = seen.targets.iter().enumerate();
    targets.filter_map(|(target, health)| of_target(seen, target, health)).collect()
}

fn of_target(seen: &Seen<'_>, target: usize, health: &TargetHealth) -> Option<Shortfall> {
    let took = seen.of_scrapes(target, DURATION)?.points.iter();
    let took = took.take_while(|point| point.at <= seen.end);
    let up = seen.up(target);
    let was_up = |at| up.and_then(|up| up.points.latest(at)).is_none_or(|up| up.value == 1.0);
    let (mut last, mut fastest) = (None, None);
    for point in took {
        last = Some(point.value);
        fastest = fastest.into_iter().chain(last.filter(|_| was_up(point.at))).reduce(f64::min);
    }
    let last = last?;
    let limit = good_time(seen.criteria.limit(Signal::EVENT_LOOP_LAG.key())?, fastest);
    let words = series(&health.target);
    let detail = if !was_up(seen.end) {
        format!("the last scrape failed{words}")
    } else if last > limit {
        let (last, limit) = (number(last), number(limit));
        format!("the last page took {last} s, over {limit} s{words}")
    } else {
        return None;
    };
    let target = Some(health.target.clone());
    Some(Shortfall { rule: Rule::StallAtEnd, scope: Scope::Everything, target, detail })
}

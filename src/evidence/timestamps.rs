//! Samples that are not of the time of their scrape: a page that gives them timestamps of its own
//! may show what was, and what it shows of the end may be missing.

use std::collections::BTreeSet;

use super::Seen;
use crate::collect::{DURATION, OUT_OF_ORDER, UP};
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::{number, number_beside, series};
use crate::storage::{METRIC_NAME, Series, is_stale};
use crate::target_health::TargetHealth;

/// Timestamps are taken before the page is written, and may be whole seconds.
const LEAST_TOLERANCE_S: f64 = 1.0;

/// Targets whose samples lag behind the scrapes, run ahead of them or came out of order.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    let targets = seen.targets.iter().zip(&seen.of_target);
    targets.flat_map(|(health, of_it)| of_target(seen, health, of_it)).collect()
}

fn of_target(seen: &Seen<'_>, health: &TargetHealth, of_it: &[&Series]) -> Vec<Shortfall> {
    let own = |name: &str| {
        let mut labels = health.target.clone();
        labels.set(METRIC_NAME, name);
        of_it.iter().find(move |series| series.labels == labels)
    };
    let Some(up) = own(UP) else { return Vec::new() };
    let scrapes: Vec<_> = up.points.iter().map(|point| point.at).collect();
    let (mut late, mut early) = (Worst::default(), Worst::default());
    for series in of_it.iter().filter(|it| !is_of_scrape(it)) {
        let Some((newest, last)) = newest_own(series, &scrapes).zip(scrapes.last()) else {
            continue;
        };
        late.add(seen, series, last.min(&seen.end).saturating_sub(newest));
        early.add(seen, series, newest.saturating_sub(*last));
    }
    let usual = health.interval_s.unwrap_or_default().max(LEAST_TOLERANCE_S);
    let slowest = health.slowest_s.unwrap_or_default().max(usual);
    let target = series(&health.target);
    let shortfall = |scope, detail| Shortfall {
        rule: Rule::Timestamps,
        scope,
        target: Some(health.target.clone()),
        detail,
    };
    let mut found = Vec::new();
    for (worst, limit, way) in [(late, usual, "lag"), (early, slowest, "run ahead by")] {
        if let Some((by, limit)) = worst.beyond(limit) {
            let what = "samples with timestamps of their own";
            let detail = format!("{what} {way} {by} s at the last scrape, over {limit} s{target}");
            found.push(shortfall(Scope::Queries(worst.queries.into_iter().collect()), detail));
        }
    }
    let dropped = own(OUT_OF_ORDER).map(|series| {
        let until = series.points.iter().take_while(|point| point.at <= seen.end);
        // The next page without any ends the series.
        until.map(|point| point.value).filter(|value| !is_stale(*value)).sum::<f64>()
    });
    if let Some(dropped) = dropped.filter(|dropped| *dropped > 0.0) {
        let dropped = number(dropped);
        let detail = format!(
            "{dropped} samples with timestamps of their own came after later ones, and were \
             dropped{target}"
        );
        found.push(shortfall(Scope::Everything, detail));
    }
    found
}

/// Whether a series is about the scrapes themselves.
fn is_of_scrape(series: &Series) -> bool {
    [UP, DURATION, OUT_OF_ORDER].contains(&series.labels.metric_name())
}

/// The newest sample of a series whose timestamps are not those of the scrapes, milliseconds.
fn newest_own(series: &Series, scrapes: &[i64]) -> Option<i64> {
    let points = series.points.iter().filter(|point| !is_stale(point.value));
    let (mut newest, mut is_own) = (None, false);
    for point in points {
        is_own |= scrapes.binary_search(&point.at).is_err();
        newest = Some(point.at);
    }
    newest.filter(|_| is_own)
}

/// The most of something, and what it concerns.
#[derive(Default)]
struct Worst {
    most_ms: i64,
    queries: BTreeSet<usize>,
}

impl Worst {
    /// Takes what a query uses.
    fn add(&mut self, seen: &Seen<'_>, series: &Series, by_ms: i64) {
        let uses = seen.uses.iter().enumerate();
        let uses = uses.filter(|(_, uses)| uses.iter().any(|it| it.matches(&series.labels)));
        let uses: Vec<_> = uses.map(|(query, _)| query).collect();
        if !uses.is_empty() {
            self.most_ms = self.most_ms.max(by_ms);
            self.queries.extend(uses);
        }
    }

    /// How much it is, beside the limit, if it is over it; seconds.
    fn beyond(&self, limit_s: f64) -> Option<(String, String)> {
        let most_s = self.most_ms as f64 / 1000.0;
        (most_s > limit_s).then(|| number_beside(most_s, limit_s))
    }
}

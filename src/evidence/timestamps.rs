//! Samples that are not of the time of their scrape: a page that gives them timestamps of its own
//! may show what was, and what it shows of the end may be missing.

use std::collections::BTreeSet;

use super::Seen;
use crate::collect::{OUT_OF_ORDER, is_of_scrape};
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::{number, number_beside, series};
use crate::storage::{Series, is_stale};
use crate::target_health::{TargetHealth, usual_interval};

/// Timestamps are taken before the page is written, and may be whole seconds.
const LEAST_TOLERANCE_S: f64 = 1.0;

/// Targets whose samples lag behind the scrapes, run ahead of them or came out of order.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    let targets = seen.targets.iter().enumerate();
    targets.flat_map(|(target, health)| of_target(seen, target, health)).collect()
}

fn of_target(seen: &Seen<'_>, target: usize, health: &TargetHealth) -> Vec<Shortfall> {
    let Some(up) = seen.up(target) else { return Vec::new() };
    let scrapes: Vec<_> = up.points.iter().map(|point| point.at).collect();
    let (mut late, mut early) = (Worst::default(), Worst::default());
    let scraped = health.interval_s.unwrap_or_default().max(LEAST_TOLERANCE_S);
    let of_page = seen.of_target[target].iter();
    for series in of_page.filter(|it| !is_of_scrape(&it.labels, &health.target)) {
        let Some((own, last)) = own(series, &scrapes).zip(scrapes.last()) else { continue };
        // It may be made less often than it is asked for.
        let usual = own.interval_s.map_or(scraped, |interval| scraped.max(interval));
        let slowest = health.slowest_s.unwrap_or_default().max(usual);
        late.add(seen, series, (last.min(&seen.end).saturating_sub(own.newest), usual));
        early.add(seen, series, (own.newest.saturating_sub(*last), slowest));
    }
    let words = series(&health.target);
    let shortfall = |scope, detail| Shortfall {
        rule: Rule::Timestamps,
        scope,
        target: Some(health.target.clone()),
        detail,
    };
    let mut found = Vec::new();
    for (worst, way) in [(late, "lag"), (early, "run ahead by")] {
        if let Some((by, limit)) = worst.beyond() {
            let what = "samples with timestamps of their own";
            let detail = format!("{what} {way} {by} s at the last scrape, over {limit} s{words}");
            found.push(shortfall(Scope::Queries(worst.queries.into_iter().collect()), detail));
        }
    }
    let dropped = seen.of_scrapes(target, OUT_OF_ORDER).map(|series| {
        let until = series.points.iter().take_while(|point| point.at <= seen.end);
        // The next page without any ends the series.
        until.map(|point| point.value).filter(|value| !is_stale(*value)).sum::<f64>()
    });
    if let Some(dropped) = dropped.filter(|dropped| *dropped > 0.0) {
        let dropped = number(dropped);
        let detail = format!(
            "{dropped} samples with timestamps of their own came after later ones, and were \
             dropped{words}"
        );
        found.push(shortfall(Scope::Everything, detail));
    }
    found
}

/// Timestamps of a series that are not those of the scrapes.
struct Own {
    /// Of its newest sample, milliseconds.
    newest: i64,
    /// The usual time from one to the next, seconds.
    interval_s: Option<f64>,
}

fn own(series: &Series, scrapes: &[i64]) -> Option<Own> {
    let samples = series.read_points().filter(|point| !is_stale(point.value));
    let instants: Vec<_> = samples.map(|point| point.at).collect();
    let is_own = instants.iter().any(|at| scrapes.binary_search(at).is_err());
    let interval_s = usual_interval(&instants).map(|ms| ms as f64 / 1000.0);
    instants.last().filter(|_| is_own).map(|newest| Own { newest: *newest, interval_s })
}

/// The most of something over its limit, and what it concerns.
#[derive(Default)]
struct Worst {
    /// By how much, and the limit; seconds.
    most: Option<(f64, f64)>,
    queries: BTreeSet<usize>,
}

impl Worst {
    /// Takes by how many milliseconds a series is off that a query uses, and how many seconds of
    /// that may be.
    fn add(&mut self, seen: &Seen<'_>, series: &Series, (by_ms, limit): (i64, f64)) {
        let by = by_ms as f64 / 1000.0;
        if by <= limit {
            return;
        }
        let uses = seen.uses.iter().enumerate();
        let uses = uses.filter(|(_, uses)| uses.iter().any(|it| it.matches(&series.labels)));
        let queries: Vec<_> = uses.map(|(query, _)| query).collect();
        if !queries.is_empty() && self.most.is_none_or(|(most, _)| by > most) {
            self.most = Some((by, limit));
        }
        self.queries.extend(queries);
    }

    /// How much it is, beside the limit, if it is over it; seconds.
    fn beyond(&self) -> Option<(String, String)> {
        self.most.map(|(by, limit)| number_beside(by, limit))
    }
}

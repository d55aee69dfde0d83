//! Requests that are those for the page of metrics itself: where it counts them, an idle service has
//! one more at each scrape.

use super::Seen;
use super::pages::Pages;
use super::used::{Use, Used};
use crate::config::Plan;
use crate::model::evidence::OwnRequests;
use crate::model::signal::Signal;
use crate::storage::{Point, Series};

/// The label of a bucket.
const END: &str = "le";

/// The query that tells of requests, by its number, and whether it counts them; else it is that of
/// their latency.
pub(super) fn query(plan: &Plan) -> Option<(usize, bool)> {
    let of = |signal| plan.queries.iter().position(|query| query.signal() == Some(signal));
    let counts = of(Signal::REQUESTS_TOTAL).map(|number| (number, true));
    counts.or_else(|| of(Signal::P99_LATENCY).map(|number| (number, false)))
}

/// What the samples tell of them.
pub(super) fn told(plan: &Plan, seen: &Seen<'_>) -> OwnRequests {
    let mut told = OwnRequests::default();
    let Some((query, counts)) = query(plan) else { return told };
    // Of the buckets of a latency, the highest one holds all.
    let is_count = |used: &Used<'_>| match used.series.labels.get(END) {
        "" => counts,
        end => end == "+Inf" && used.is_counter,
    };
    for (target, used) in seen.used.iter().enumerate() {
        // Where nothing tells of scrapes, nobody knows how many there were.
        if seen.up(target).is_none() {
            continue;
        }
        let pages = seen.pages(target);
        // Those for the page are of one series: several cannot all be.
        let mut own = 0.0_f64;
        for it in used.iter().filter(|it| is_count(it)) {
            let Some(by) = it.by.iter().find(|by| by.query == query) else { continue };
            let Some((risen, is_own)) = risen(it.series, *by, &pages) else { continue };
            told.others += risen;
            own = if is_own { own.max(risen) } else { own };
        }
        told.own += own;
        told.others -= own;
    }
    told
}

/// By how much a counter rose, if it did, and whether it has one more at each scrape.
fn risen(series: &Series, by: Use, pages: &Pages) -> Option<(f64, bool)> {
    let is_seen = |point: &Point| (by.after..=by.until).contains(&point.at);
    let samples = series.points.iter().filter(|point| is_seen(point) && point.value.is_finite());
    let samples: Vec<_> = samples.collect();
    let risen = samples.last()?.value - samples.first()?.value;
    let is_own = samples.windows(2).all(|pair| {
        let (more, scrapes) = (pair[1].value - pair[0].value, pages.tried(pair[0].at, pair[1].at));
        more >= 1.0 && more <= scrapes as f64
    });
    (risen > 0.0).then_some((risen, is_own))
}

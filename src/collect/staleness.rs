//! Where series end: a scrape that no longer brings a series ends it, as it does in Prometheus.
//!
//! A text file cannot say so; it follows from the instants of `up`.

use super::coverage::UP;
use crate::storage::{METRIC_NAME, Point, STALE, Series, SeriesId, Storage};

/// Puts markers where series end, so that they are not seen for minutes to come.
pub(super) fn mark(storage: &mut Storage) {
    let mut ends = Vec::new();
    for up in storage.of_metric(Some(UP)) {
        let instants: Vec<_> = up.points.iter().map(|point| point.at).collect();
        let same_target = |series: &Series| {
            up.labels
                .iter()
                .all(|(name, value)| name == METRIC_NAME || series.labels.get(name) == value)
        };
        for (id, series) in storage.iter() {
            let is_whole = series.points.len() >= instants.len();
            if !is_whole && series.labels.metric_name() != UP && same_target(series) {
                ends.extend(ends_of(series, &instants).map(|at| (id, at)));
            }
        }
    }
    for (id, at) in ends {
        end(storage, id, at);
    }
    // No marker is where there is a sample.
    let _ = storage.merge_out_of_order();
}

/// The instants of scrapes that did not bring the series, while the scrape before did.
fn ends_of<'a>(series: &Series, scrapes: &'a [i64]) -> impl Iterator<Item = i64> + use<'a> {
    let instants: Vec<_> = series.points.iter().map(|point| point.at).collect();
    let brought = move |at: i64| instants.binary_search(&at).is_ok();
    let pairs = scrapes.iter().zip(scrapes.iter().skip(1));
    pairs.filter(move |(one, next)| brought(**one) && !brought(**next)).map(|(_, next)| *next)
}

fn end(storage: &mut Storage, id: SeriesId, at: i64) {
    // Only where there is no sample, so that there is nothing to contradict.
    let _ = storage.push(id, Point { at, value: STALE });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Labels, is_stale};

    fn series(name: &str, instance: &str, instants: &[i64], storage: &mut Storage) -> SeriesId {
        let labels: Labels = [(METRIC_NAME, name), ("instance", instance)].into_iter().collect();
        let id = storage.series(labels);
        for at in instants {
            storage.push(id, Point { at: *at, value: 1.0 }).unwrap();
        }
        id
    }

    fn stale(storage: &Storage, id: SeriesId) -> Vec<i64> {
        let points = storage.get(id).points.iter();
        points.filter(|point| is_stale(point.value)).map(|point| point.at).collect()
    }

    #[test]
    fn a_scrape_without_the_series_ends_it() {
        let mut storage = Storage::default();
        let up = series(UP, "a", &[1, 2, 3, 4, 5, 6], &mut storage);
        let gone = series("x", "a", &[1, 2, 4], &mut storage);
        let whole = series("y", "a", &[1, 2, 3, 4, 5, 6], &mut storage);
        let late = series("z", "a", &[4, 5, 6], &mut storage);
        let other = series("x", "b", &[1, 2], &mut storage);
        let timed = series("t", "a", &[10], &mut storage);
        mark(&mut storage);
        assert_eq!(stale(&storage, gone), [3, 5]);
        for id in [up, whole, late, other, timed] {
            assert!(stale(&storage, id).is_empty(), "{}", storage.get(id).labels);
        }
    }
}

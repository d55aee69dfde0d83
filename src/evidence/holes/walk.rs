//! What one series lacks of the pages of its target.

use super::super::pages::Pages;
use crate::storage::{Point, Series, is_stale};
use crate::target_health::usual_interval;

/// Timestamps may be in whole seconds; milliseconds.
const A_SECOND: i64 = 1000;

/// What is wrong with a series at a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hole {
    Missing,
    NotANumber,
    Infinite,
    /// A quantile of nothing is `NaN`, and nothing is wrong.
    OfNothing,
}

/// Pages one after the other at which the same is wrong, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) hole: Hole,
    pub(super) from: usize,
    /// The first one after it.
    pub(super) to: usize,
}

/// A series beside the pages of its target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// The number of the first page that has it.
    pub(super) first: usize,
    /// What is wrong from then on, in order.
    pub(super) runs: Vec<Run>,
    /// How long before the first or after the last scrape of its target it has samples,
    /// milliseconds.
    pub(super) outside: Option<i64>,
}

/// Goes through the samples up to `end`; `None` if there are none.
pub(super) fn walk(series: &Series, pages: &Pages, end: i64) -> Option<Walk> {
    let samples = series.read_points().take_while(|point| point.at <= end);
    let samples: Vec<Point> = samples.filter(|point| !is_stale(point.value)).collect();
    let instants: Vec<_> = samples.iter().map(|point| point.at).collect();
    let is_of_pages = pages.are_of(&instants);
    let usual = usual_interval(if instants.len() > 1 { &instants } else { &pages.instants });
    let tolerance = if is_of_pages { 0 } else { usual.unwrap_or_default().saturating_mul(3) };
    let outside = outside(series, pages, end).filter(|it| *it > tolerance);
    if instants.is_empty() || pages.instants.is_empty() {
        let first = pages.instants.len();
        return outside.map(|_| Walk { first, outside, ..Walk::default() });
    }
    let is_quantile = !series.labels.get("quantile").is_empty();
    let mut walk = Walk { first: pages.number(instants[0]), outside, runs: Vec::new() };
    if is_of_pages {
        walk.beside(&samples, pages, is_quantile);
    } else {
        walk.between(&samples, pages, usual.unwrap_or_default(), is_quantile);
    }
    Some(walk)
}

/// What a sample lacks, if anything.
fn hole(value: f64, is_quantile: bool) -> Option<Hole> {
    match value {
        value if value.is_nan() && is_quantile => Some(Hole::OfNothing),
        value if value.is_nan() => Some(Hole::NotANumber),
        value if value.is_infinite() => Some(Hole::Infinite),
        _ => None,
    }
}

/// How long before the first or after the last `up` there is a sample. What comes after the instant
/// of the audit counts where `up` ends by then.
fn outside(series: &Series, pages: &Pages, end: i64) -> Option<i64> {
    let (first, last) = pages.span?;
    let early = first.saturating_sub(series.read_points().next()?.at);
    let late = series.read_points().last()?.at.saturating_sub(last);
    // What is behind its pages, or ahead of them, all the time is told by its timestamps.
    if early.signum() * late.signum() < 0 && !pages.are_of(&instants_of(series)) {
        return None;
    }
    Some(early.max(if last <= end { late } else { 0 })).filter(|it| *it > 0)
}

fn instants_of(series: &Series) -> Vec<i64> {
    series.read_points().map(|point| point.at).collect()
}

impl Walk {
    fn push(&mut self, hole: Option<Hole>, page: usize) {
        let Some(hole) = hole else { return };
        match self.runs.last_mut() {
            Some(run) if run.hole == hole && run.to == page => run.to += 1,
            _ => self.runs.push(Run { hole, from: page, to: page + 1 }),
        }
    }

    /// Where each page has to have a sample of its own instant.
    fn beside(&mut self, samples: &[Point], pages: &Pages, is_quantile: bool) {
        let mut samples = samples.iter().peekable();
        let near = usual_interval(&pages.instants).unwrap_or_default() / 4;
        for (page, at) in pages.instants.iter().enumerate().skip(self.first) {
            // Its own timestamp may be some milliseconds off.
            while samples.next_if(|point| point.at < at.saturating_sub(near)).is_some() {}
            let found = samples.next_if(|point| point.at <= at.saturating_add(near));
            self.push(found.map_or(Some(Hole::Missing), |it| hole(it.value, is_quantile)), page);
        }
    }

    /// Where samples have a rhythm of their own: a page is missing in a pause that is longer than
    /// one and a half of their intervals, unless it is close to its ends.
    fn between(&mut self, samples: &[Point], pages: &Pages, usual: i64, is_quantile: bool) {
        let near = usual / 2;
        let is_whole = samples.iter().all(|sample| sample.at % A_SECOND == 0);
        let resolution = if is_whole { A_SECOND } else { 0 };
        // What is always behind its page is behind the last one too; the rule of timestamps tells.
        let behind = match (pages.instants.first(), samples.first()) {
            (Some(page), Some(sample)) => page.saturating_sub(sample.at).max(0),
            _ => 0,
        };
        for (index, point) in samples.iter().enumerate() {
            self.push(hole(point.value, is_quantile), pages.number(point.at));
            let next = samples.get(index + 1).map(|next| next.at);
            let pause = next.map(|next| next.saturating_sub(point.at));
            let lost = match next.zip(pause) {
                Some((_, pause)) if pause <= usual + near => continue,
                Some((next, _)) => {
                    pages.between(point.at.saturating_add(near), next.saturating_sub(near))
                }
                None => {
                    let after = usual.max(resolution).saturating_add(near).saturating_add(behind);
                    pages.between(point.at.saturating_add(after), i64::MAX)
                }
            };
            lost.for_each(|page| self.push(Some(Hole::Missing), page));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{METRIC_NAME, STALE, Storage};

    fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Series {
        let mut labels: crate::storage::Labels = labels.iter().copied().collect();
        labels.set(METRIC_NAME, "x");
        let mut storage = Storage::default();
        let id = storage.series(labels);
        for (at, value) in samples {
            storage.push(id, Point { at: *at, value: *value }).unwrap();
        }
        storage.get(id).clone()
    }

    fn pages(up: &[(i64, f64)]) -> Pages {
        Pages::of_up(&up.iter().map(|(at, value)| Point { at: *at, value: *value }).collect(), 99)
    }

    fn found(
        labels: &[(&str, &str)],
        samples: &[(i64, f64)],
        pages: &Pages,
    ) -> Vec<(Hole, usize, usize)> {
        let walk = walk(&series(labels, samples), pages, 99).unwrap_or_default();
        walk.runs.iter().map(|run| (run.hole, run.from, run.to)).collect()
    }

    #[test]
    fn a_page_without_a_number_is_a_hole_from_the_first_one_on() {
        let nan = f64::NAN;
        let up = pages(&[(10, 1.0), (20, 1.0), (30, 1.0), (40, 0.0), (50, 1.0), (60, 1.0)]);
        for (samples, holes) in [
            (&[(10, 1.0), (20, 1.0), (30, 1.0), (50, 1.0), (60, 1.0)][..], &[][..]),
            (&[(30, 1.0), (50, 1.0), (60, 1.0)], &[]),
            (&[(10, 1.0), (30, 1.0), (60, 1.0)], &[(Hole::Missing, 1, 2), (Hole::Missing, 3, 4)]),
            (&[(10, 1.0), (20, 1.0)], &[(Hole::Missing, 2, 5)]),
            (&[(10, 1.0), (20, STALE), (40, nan)], &[(Hole::Missing, 1, 5)]),
            (
                &[(10, nan), (20, nan), (30, f64::NEG_INFINITY), (50, 1.0), (60, 1.0)],
                &[(Hole::NotANumber, 0, 2), (Hole::Infinite, 2, 3)],
            ),
            (&[(60, 1.0)], &[]),
            (&[], &[]),
        ] {
            assert_eq!(found(&[], samples, &up), holes, "{samples:?}");
        }
        let quantile = [(10, nan), (20, 1.0), (30, 1.0), (50, 1.0), (60, 1.0)];
        assert_eq!(found(&[("quantile", "0.9")], &quantile, &up), [(Hole::OfNothing, 0, 1)]);
    }

    #[test]
    fn samples_of_a_rhythm_of_their_own_need_not_be_in_every_page() {
        let up: Vec<_> = (1..=8).map(|n| (n * 10, 1.0)).collect();
        let up = pages(&up);
        for (samples, holes) in [
            (&[7, 17, 27, 37, 47, 57, 67, 77][..], &[][..]),
            (&[5, 35, 65], &[]),
            (&[7, 17, 27, 57, 67, 77], &[(Hole::Missing, 3, 5)]),
            (&[7, 17, 27, 37, 47], &[(Hole::Missing, 6, 8)]),
        ] {
            let samples: Vec<_> = samples.iter().map(|at| (*at, 1.0)).collect();
            assert_eq!(found(&[], &samples, &up), holes, "{samples:?}");
        }
    }

    #[test]
    fn samples_outside_of_the_scrapes_are_told() {
        let up = pages(&[(20, 1.0), (30, 1.0), (40, 1.0)]);
        for (samples, outside) in [
            (&[20, 30, 40][..], None),
            (&[10, 20, 30, 40], Some(10)),
            (&[20, 30, 40, 50, 60, 120], Some(80)),
            (&[19, 29, 39], None),
            (&[60, 70], None),
            // Its timestamps run ahead as a whole, which their own rule tells.
            (&[80, 90], None),
        ] {
            let samples: Vec<_> = samples.iter().map(|at| (*at, 1.0)).collect();
            let walk = walk(&series(&[], &samples), &up, 99).unwrap_or_default();
            assert_eq!(walk.outside, outside, "{samples:?}");
        }
    }
}

//! What one series lacks of the pages of its target.

use super::super::pages::Pages;
use crate::storage::{Point, Series, is_stale};
use crate::target_health::usual_interval;

/// Timestamps may be in whole seconds; milliseconds.
const A_SECOND: i64 = 1000;
/// A timestamp of its own is taken while the page is made, which a busy machine holds up so long;
/// milliseconds.
const HELD_UP: i64 = 250;

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
    let near = near(usual.unwrap_or_default());
    let tolerance = if is_of_pages { near } else { usual.unwrap_or_default().saturating_mul(3) };
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

/// How far a timestamp of its own may be from that of its page where samples usually come at this
/// interval; milliseconds.
fn near(usual: i64) -> i64 {
    (usual / 2).max(HELD_UP)
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
        let near = near(usual_interval(&pages.instants).unwrap_or_default());
        let is_of_page = |point: &&Point| pages.instants.binary_search(&point.at).is_ok();
        let (exact, others): (Vec<&Point>, Vec<&Point>) = samples.iter().partition(is_of_page);
        let (mut exact, mut others) = (exact.into_iter().peekable(), others.into_iter().peekable());
        for (page, at) in pages.instants.iter().enumerate().skip(self.first) {
            while exact.next_if(|point| point.at < *at).is_some() {}
            let found = exact.next_if(|point| point.at == *at).or_else(|| {
                while others.next_if(|point| point.at < at.saturating_sub(near)).is_some() {}
                others.next_if(|point| point.at <= at.saturating_add(near))
            });
            self.push(found.map_or(Some(Hole::Missing), |it| hole(it.value, is_quantile)), page);
        }
    }

    /// Where samples have a rhythm of their own: a page is missing in a pause that is longer than
    /// one and a half of their intervals, unless it is close to its ends.
    fn between(&mut self, samples: &[Point], pages: &Pages, usual: i64, is_quantile: bool) {
        let near = near(usual);
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

    /// By seconds.
    fn pages(up: &[(i64, f64)]) -> Pages {
        let up = up.iter().map(|(at, value)| Point { at: at * 1000, value: *value });
        Pages::of_up(&up.collect(), 99_000)
    }

    fn found(
        labels: &[(&str, &str)],
        samples: &[(i64, f64)],
        pages: &Pages,
    ) -> Vec<(Hole, usize, usize)> {
        let samples: Vec<_> = samples.iter().map(|(at, value)| (at * 1000, *value)).collect();
        let walk = walk(&series(labels, &samples), pages, 99_000).unwrap_or_default();
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
        for (samples, holes) in [
            (&[70, 170, 270, 370, 470, 570, 670, 770][..], &[][..]),
            (&[50, 350, 650], &[]),
            (&[70, 170, 270, 570, 670, 770], &[(Hole::Missing, 3, 5)]),
            (&[70, 170, 270, 370, 470], &[(Hole::Missing, 6, 8)]),
        ] {
            assert_eq!(beside_pages(samples), holes, "{samples:?}");
        }
    }

    /// What is wrong beside eight pages, one a second; the instants are hundredths of a second, and
    /// so are those of the pages: 100, 200, … 800.
    fn beside_pages(hundredths: &[i64]) -> Vec<(Hole, usize, usize)> {
        let up: Vec<_> = (1..=8).map(|n| Point { at: n * 1000, value: 1.0 }).collect();
        let pages = Pages::of_up(&up.into_iter().collect(), 8000);
        let samples: Vec<_> = hundredths.iter().map(|at| (*at * 10, 1.0)).collect();
        let walk = walk(&series(&[], &samples), &pages, 8000).unwrap_or_default();
        walk.runs.iter().map(|run| (run.hole, run.from, run.to)).collect()
    }

    #[test]
    fn a_timestamp_is_taken_while_the_page_is_made() {
        for (samples, holes) in [
            (&[100, 200, 300, 400, 500, 600, 700, 800][..], &[][..]),
            (&[100, 200, 300, 420, 500, 600, 700, 800], &[]),
            (&[101, 230, 300, 415, 530, 600, 701, 800], &[]),
            (&[149, 200, 300, 400, 549, 600, 700, 800], &[]),
            (&[100, 200, 300, 420, 600, 700, 800], &[(Hole::Missing, 4, 5)]),
            (&[100, 200, 300, 470, 500, 600, 700, 800], &[(Hole::Missing, 3, 4)]),
        ] {
            assert_eq!(beside_pages(samples), holes, "{samples:?}");
        }
    }

    #[test]
    fn samples_outside_of_the_scrapes_are_told() {
        let up = [2, 3, 4].map(|n| Point { at: n * 1000, value: 1.0 });
        let up = Pages::of_up(&up.into_iter().collect(), 9900);
        for (samples, outside) in [
            (&[2000, 3000, 4000][..], None),
            (&[2000, 3000, 4001], None),
            (&[1000, 2000, 3000, 4000], Some(1000)),
            (&[2000, 3000, 4000, 5000, 6000, 12_000], Some(8000)),
            (&[1900, 2900, 3900], None),
            (&[6000, 7000], None),
            // Its timestamps run ahead as a whole, which their own rule tells.
            (&[8000, 9000], None),
        ] {
            let samples: Vec<_> = samples.iter().map(|at| (*at, 1.0)).collect();
            let walk = walk(&series(&[], &samples), &up, 9900).unwrap_or_default();
            assert_eq!(walk.outside, outside, "{samples:?}");
        }
    }
}

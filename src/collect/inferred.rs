//! What nobody wrote down, and follows from the instants of `up`: where series end, and where
//! counters began.
//!
//! A scrape that no longer brings a series ends it, as in Prometheus. And a counter that a scrape
//! brings for the first time, after one that lacked it, was 0 when it was not there yet: without
//! that, `rate` and `increase` would take what it counted up to then for nothing. The same holds
//! where nothing tells of scrapes, of a counter that appears later than the rest of its target.

use std::collections::HashMap;

use super::coverage::{PROCESS_START, is_of_scrape};
use super::deadline::Deadline;
use super::error::SamplesError;
use super::targets::Targets;
use crate::storage::{Labels, METRIC_NAME, Point, Points, STALE, Series, SeriesId, Storage};
use crate::target_health::{instance_and_job, usual_interval};

/// A process that is older than this, when its page was blank, had counted something by then;
/// milliseconds.
const YOUNG: i64 = 60_000;

/// Adds what follows from the samples: markers where series end, and zeros where they began.
///
/// # Errors
/// It takes longer than it may.
pub(super) fn infer(storage: &mut Storage, deadline: &mut Deadline) -> Result<(), SamplesError> {
    let inferred = inferred(storage, deadline)?;
    for (id, point) in inferred {
        storage.infer(id, point);
    }
    // Nothing is inferred where there is a sample.
    let _ = storage.merge_out_of_order();
    deadline.check()
}

fn inferred(
    storage: &Storage,
    deadline: &mut Deadline,
) -> Result<Vec<(SeriesId, Point)>, SamplesError> {
    let targets = Targets::new(storage, deadline)?;
    let mut scrapes: Vec<_> = targets.ups().iter().map(|up| Scrapes::new(up, storage)).collect();
    let (mut ends, mut births, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for (id, series) in storage.iter() {
        deadline.tick()?;
        let is_cumulative = storage.is_cumulative(series.labels.metric_name());
        let (mut is_of_scrapes, mut tried) = (false, None);
        for target in targets.of_series(&series.labels) {
            let Some(scrapes) = scrapes.get_mut(target) else { continue };
            if scrapes.tells_of(series) {
                is_of_scrapes = true;
                continue;
            }
            let brought = scrapes.that_brought(series);
            is_of_scrapes |= !brought.is_empty();
            tried = tried.or_else(|| scrapes.first_and_last());
            ends.extend(scrapes.ends(&brought).map(|at| (id, Point { at, value: STALE })));
            if is_cumulative {
                births.extend(scrapes.births(series, &brought).map(|scrape| (id, target, scrape)));
            }
        }
        if !is_of_scrapes {
            others.push(Other { id, series, tried });
        }
    }
    let births = births.into_iter().filter_map(|(id, target, scrape)| {
        let scrapes = scrapes.get(target)?;
        let at = scrapes.all.get(scrape)?.at;
        scrapes.lacked_it(scrape).then_some((id, Point { at, value: 0.0 }))
    });
    let late = late(storage, &others, deadline)?;
    // Where a series ended and began at once, it was 0 and is no more marked.
    Ok(births.chain(late).chain(ends).collect())
}

/// A series that no scrape is known to have brought.
struct Other<'a> {
    id: SeriesId,
    series: &'a Series,
    /// The first and the last scrape of its target, if that has any.
    tried: Option<(i64, i64)>,
}

/// Where counters were 0 that no scrape is known to have brought: they begin clearly later than the
/// other ones of their target.
fn late(
    storage: &Storage,
    others: &[Other<'_>],
    deadline: &mut Deadline,
) -> Result<Vec<(SeriesId, Point)>, SamplesError> {
    let mut densest: HashMap<Labels, (i64, &Points)> = HashMap::new();
    for Other { series, tried, .. } in others {
        deadline.tick()?;
        let Some(at) = series.points.first() else { continue };
        let at = tried.map_or(at, |(first, _)| at.min(first));
        let of = instance_and_job(&series.labels);
        let (first, most) = densest.entry(of).or_insert((at, &series.points));
        *first = at.min(*first);
        if series.points.len() > most.len() {
            *most = &series.points;
        }
    }
    let usual: HashMap<_, _> =
        densest.into_iter().map(|(of, (first, most))| (of, (first, interval(most)))).collect();
    let mut found = Vec::new();
    for Other { id, series, tried } in others {
        deadline.tick()?;
        let is_cumulative = storage.is_cumulative(series.labels.metric_name());
        let Some(first) = series.points.iter().next().filter(|_| is_cumulative) else { continue };
        let Some((began, usual)) = usual.get(&instance_and_job(&series.labels)) else { continue };
        // Series that are pushed at a rhythm of their own begin within the first of its intervals.
        let Some(usual) = interval(&series.points).max(*usual) else { continue };
        // Timestamps that run ahead of the scrapes make a series look late.
        let is_ahead = tried.zip(series.points.last()).is_some_and(|((_, end), last)| last > end);
        let is_late = first.at.saturating_sub(*began) > usual + usual / 2;
        if first.value.is_finite() && is_late && !is_ahead {
            found.push((*id, Point { at: first.at - usual, value: 0.0 }));
        }
    }
    Ok(found)
}

fn interval(points: &Points) -> Option<i64> {
    usual_interval(&points.iter().map(|point| point.at).collect::<Vec<_>>())
}

/// The scrapes of a target, in the order of time.
struct Scrapes {
    target: Labels,
    all: Vec<Scrape>,
}

struct Scrape {
    at: i64,
    is_up: bool,
    /// When the process began that was scraped, if that is known.
    process: Option<f64>,
    /// Whether it brought a sample of the page.
    brought_anything: bool,
}

impl Scrapes {
    fn new(up: &Series, storage: &Storage) -> Self {
        let mut labels = up.labels.clone();
        labels.set(METRIC_NAME, PROCESS_START);
        let processes = storage.find(&labels).map(|series| &series.points);
        let mut processes = processes.into_iter().flatten().peekable();
        let scrapes = up.points.iter().map(|Point { at, value }| {
            while processes.next_if(|process| process.at < at).is_some() {}
            let process = processes.next_if(|process| process.at == at);
            let process = process.map(|process| process.value);
            Scrape { at, is_up: value == 1.0, process, brought_anything: false }
        });
        labels.set(METRIC_NAME, "");
        Self { target: labels, all: scrapes.collect() }
    }

    /// Whether a series of this target is about the scrapes themselves.
    fn tells_of(&self, series: &Series) -> bool {
        is_of_scrape(&series.labels, &self.target)
    }

    /// The instants of the first one and of the last.
    fn first_and_last(&self) -> Option<(i64, i64)> {
        Some((self.all.first()?.at, self.all.last()?.at))
    }

    /// Whether a series that the next scrape brought, and which began after this one, was 0 at this
    /// one: it brought other series, or the service had none at all yet.
    fn lacked_it(&self, scrape: usize) -> bool {
        let Some(before) = self.all.get(..=scrape) else { return false };
        let Some((lacking, bringing)) = before.last().zip(self.all.get(scrape + 1)) else {
            return false;
        };
        let is_young = bringing
            .process
            .is_none_or(|start| start * 1000.0 > lacking.at.saturating_sub(YOUNG) as f64);
        let is_first = !before.iter().any(|scrape| scrape.brought_anything);
        lacking.brought_anything || is_first && is_young
    }

    /// Which scrapes brought the series, by their numbers, with their values.
    fn that_brought(&mut self, series: &Series) -> Vec<(usize, f64)> {
        let mut points = series.points.iter().peekable();
        let mut brought = Vec::new();
        for (number, scrape) in self.all.iter_mut().enumerate() {
            while points.next_if(|point| point.at < scrape.at).is_some() {}
            if let Some(point) = points.next_if(|point| point.at == scrape.at) {
                scrape.brought_anything = true;
                brought.push((number, point.value));
            }
        }
        brought
    }

    /// The instants of scrapes that did not bring the series, while the scrape before did.
    fn ends(&self, brought: &[(usize, f64)]) -> impl Iterator<Item = i64> {
        let nexts = brought.iter().skip(1).map(|(number, _)| Some(*number)).chain([None]);
        let ends = brought
            .iter()
            .zip(nexts)
            .filter_map(|((last, _), next)| Some(last + 1).filter(|number| next != Some(*number)));
        ends.filter_map(|number| self.all.get(number)).map(|scrape| scrape.at)
    }

    /// The numbers of the scrapes at which a series was still 0: the next one brought it, counted
    /// from the beginning.
    fn births(&self, series: &Series, brought: &[(usize, f64)]) -> impl Iterator<Item = usize> {
        let lasts = [None].into_iter().chain(brought.iter().map(|(number, _)| Some(*number)));
        let returns = brought.iter().enumerate().zip(lasts).filter_map(|(it, last)| {
            let (index, (number, value)) = it;
            let before = number.checked_sub(1).filter(|before| last != Some(*before))?;
            value.is_finite().then_some((before, &brought[..index]))
        });
        returns
            .filter(|(before, earlier)| self.began_after(*before, series, earlier))
            .map(|(before, _)| before)
    }

    /// Whether the counting of a series began after the scrape `before` that lacked it, the next
    /// one having brought it: it is a new one of the same process, or of a new process.
    fn began_after(&self, before: usize, series: &Series, earlier: &[(usize, f64)]) -> bool {
        let (Some(lacking), Some(bringing)) = (self.all.get(before), self.all.get(before + 1))
        else {
            return false;
        };
        if !lacking.is_up {
            return false;
        }
        let began_later = bringing.process.is_some_and(|start| start * 1000.0 > lacking.at as f64);
        let of_process = |(number, _): &(usize, f64)| {
            self.all.get(*number).is_some_and(|scrape| scrape.process == bringing.process)
        };
        // Samples with timestamps of their own come from no scrape that is known.
        let is_older =
            earlier.is_empty() && series.points.first().is_some_and(|at| at < bringing.at);
        let was_seen = is_older || earlier.iter().any(of_process);
        let may_be_same = lacking.process.is_none_or(|before| bringing.process == Some(before));
        began_later || may_be_same && !was_seen
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::collect::UP;
    use crate::storage::{Labels, is_stale};

    fn series(
        name: &str,
        instance: &str,
        samples: &[(i64, f64)],
        storage: &mut Storage,
    ) -> SeriesId {
        let labels: Labels = [(METRIC_NAME, name), ("instance", instance)].into_iter().collect();
        let id = storage.series(labels);
        for (at, value) in samples {
            storage.push(id, Point { at: *at, value: *value }).unwrap();
        }
        id
    }

    fn ones(instants: &[i64]) -> Vec<(i64, f64)> {
        instants.iter().map(|at| (*at, 1.0)).collect()
    }

    fn infer(storage: &mut Storage) {
        super::infer(storage, &mut Deadline::new(Instant::now(), Duration::MAX)).unwrap();
    }

    fn stale(storage: &Storage, id: SeriesId) -> Vec<i64> {
        let points = storage.get(id).points.iter();
        points.filter(|point| is_stale(point.value)).map(|point| point.at).collect()
    }

    #[test]
    fn a_scrape_without_the_series_ends_it() {
        let mut storage = Storage::default();
        let all = ones(&[1, 2, 3, 4, 5, 6]);
        let up = series(UP, "a", &all, &mut storage);
        let gone = series("x", "a", &ones(&[1, 2, 4]), &mut storage);
        let whole = series("y", "a", &all, &mut storage);
        let late = series("z", "a", &ones(&[4, 5, 6]), &mut storage);
        let other = series("x", "b", &ones(&[1, 2]), &mut storage);
        let timed = series("t", "a", &ones(&[10]), &mut storage);
        infer(&mut storage);
        assert_eq!(stale(&storage, gone), [3, 5]);
        for id in [up, whole, late, other, timed] {
            assert!(stale(&storage, id).is_empty(), "{}", storage.get(id).labels);
        }
        let read: Vec<_> = storage.get(gone).read_points().map(|point| point.at).collect();
        assert_eq!(read, [1, 2, 4]);
    }

    /// Where a counter is taken to have been 0, in a target scraped at 1, 2, … 6 seconds.
    fn zeros(up: [u8; 6], name: &str, counter: [f64; 6], process: [f64; 6]) -> Vec<i64> {
        // `_` is where nothing was brought.
        let seconds = || (1..).map(|second: i64| second * 1000);
        let there = |values: [f64; 6]| -> Vec<_> {
            seconds().zip(values).filter(|(_, value)| *value != GONE).collect()
        };
        let mut storage = Storage::default();
        series(UP, "a", &there(up.map(f64::from)), &mut storage);
        series("other", "a", &there(up.map(|up| if up == 1 { 7.0 } else { GONE })), &mut storage);
        series(PROCESS_START, "a", &there(process), &mut storage);
        let counter = series(name, "a", &there(counter), &mut storage);
        infer(&mut storage);
        let points = storage.get(counter).points.iter();
        points.filter(|point| point.value == 0.0).map(|point| point.at / 1000).collect()
    }

    const GONE: f64 = -1.0;

    #[test]
    fn a_counter_was_0_at_the_scrape_before_it_appeared() {
        const UP_ALWAYS: [u8; 6] = [1; 6];
        let g = GONE;
        let (unknown, same) = ([g; 6], [0.5; 6]);
        for (what, up, counter, process, expected) in [
            ("born", UP_ALWAYS, [g, g, 5.0, 6.0, 7.0, 8.0], unknown, &[2][..]),
            ("born in the same process", UP_ALWAYS, [g, g, 5.0, 6.0, 7.0, 8.0], same, &[2]),
            (
                "there from the first scrape on",
                UP_ALWAYS,
                [5.0, 6.0, 7.0, 8.0, 9.0, 9.0],
                same,
                &[],
            ),
            (
                "born after a scrape that failed",
                [1, 0, 1, 1, 1, 1],
                [g, g, 5.0, 6.0, 7.0, 8.0],
                same,
                &[],
            ),
            ("gone for a while", UP_ALWAYS, [5.0, g, g, 6.0, 7.0, 8.0], unknown, &[]),
            ("gone for a while, same process", UP_ALWAYS, [5.0, g, g, 6.0, 7.0, 8.0], same, &[]),
            (
                "back after a restart that the scrape before saw",
                UP_ALWAYS,
                [5.0, g, g, 6.0, 7.0, 8.0],
                [0.5, 1.5, 1.5, 1.5, 1.5, 1.5],
                &[3],
            ),
            (
                "back after a restart since the scrape before",
                UP_ALWAYS,
                [5.0, g, 6.0, 7.0, 8.0, 9.0],
                [0.5, 0.5, 2.5, 2.5, 2.5, 2.5],
                &[2],
            ),
            (
                "brought by another worker that had been there",
                UP_ALWAYS,
                [g, g, 500.0, g, 501.0, 502.0],
                [0.5, 0.5, 0.7, 0.5, 0.7, 0.7],
                &[],
            ),
            ("not a number at first", UP_ALWAYS, [g, g, f64::NAN, 6.0, 7.0, 8.0], same, &[]),
        ] {
            for name in ["x_total", "x_count", "x_sum", "x_bucket"] {
                assert_eq!(zeros(up, name, counter, process), expected, "{what}: {name}");
            }
            assert!(zeros(up, "x", counter, process).is_empty(), "{what}: a gauge");
        }
    }

    /// Where counters were 0 of which the second page has the first sample, or the third one, when
    /// the first page has nothing at all; by milliseconds. Their process began at this second.
    fn after_a_blank_page(start: Option<i64>) -> [Vec<i64>; 2] {
        let mut storage = Storage::default();
        let seconds = |all: &[i64]| all.iter().map(|it| (*it * 1000, 1.0)).collect::<Vec<_>>();
        series(UP, "a", &seconds(&[101, 102, 103]), &mut storage);
        series("scrape_duration_seconds", "a", &seconds(&[101, 102, 103]), &mut storage);
        if let Some(start) = start {
            let at = [(102_000, start as f64), (103_000, start as f64)];
            series(PROCESS_START, "a", &at, &mut storage);
        }
        let next = [(102_000, 900.0), (103_000, 901.0)];
        let next = series("x_total", "a", &next, &mut storage);
        let third = series("y_total", "a", &[(103_000, 4.0)], &mut storage);
        infer(&mut storage);
        [next, third].map(|id| {
            let points = storage.get(id).points.iter().filter(|point| point.value == 0.0);
            points.map(|point| point.at).collect()
        })
    }

    #[test]
    fn a_blank_page_is_the_beginning_of_a_young_service_alone() {
        assert_eq!(after_a_blank_page(None), [[101_000], [102_000]]);
        assert_eq!(after_a_blank_page(Some(100)), [[101_000], [102_000]]);
        assert_eq!(after_a_blank_page(Some(40)), [vec![], vec![102_000]]);
    }

    /// Where a counter is taken to have been 0 that has timestamps of its own, in milliseconds, in a
    /// target that is scraped at 1, 2, … 9 seconds.
    fn dated_zeros(instants: &[i64]) -> Vec<i64> {
        let mut storage = Storage::default();
        let scrapes: Vec<_> = (1..10).map(|it| (it * 1000, 1.0)).collect();
        series(UP, "a", &scrapes, &mut storage);
        series("lag", "a", &scrapes, &mut storage);
        let samples: Vec<_> = instants.iter().map(|at| (*at, 5.0)).collect();
        let counter = series("x_total", "a", &samples, &mut storage);
        infer(&mut storage);
        let points = storage.get(counter).points.iter();
        points.filter(|point| point.value == 0.0).map(|point| point.at).collect()
    }

    #[test]
    fn a_counter_with_timestamps_of_its_own_begins_too() {
        assert_eq!(dated_zeros(&[4990, 5990, 6990, 7990, 8990]), [3990]);
        assert!(dated_zeros(&[990, 1990, 2990, 3990]).is_empty());
        // They run ahead.
        assert!(dated_zeros(&[4500, 5500, 6500, 7500, 8500, 9500, 10_500]).is_empty());
    }

    /// Where a counter is taken to have been 0 beside a gauge at 1, 2, … 9 seconds, without `up`.
    fn late_zeros(name: &str, seconds: &[i64]) -> Vec<i64> {
        let mut storage = Storage::default();
        let at = |seconds: &[i64]| seconds.iter().map(|it| (it * 1000, 5.0)).collect::<Vec<_>>();
        series("lag", "a", &at(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), &mut storage);
        let counter = series(name, "a", &at(seconds), &mut storage);
        infer(&mut storage);
        let points = storage.get(counter).points.iter();
        points.filter(|point| point.value == 0.0).map(|point| point.at / 1000).collect()
    }

    #[test]
    fn a_counter_that_appears_later_than_its_target_was_0_without_up_too() {
        for (seconds, expected) in [
            (&[5, 6, 7, 8, 9][..], &[4][..]),
            (&[9], &[8]),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9], &[]),
            (&[2, 3, 4, 5, 6, 7, 8, 9], &[]),
            // At a rhythm of its own.
            (&[4, 7, 10], &[]),
            (&[6, 9, 12], &[3]),
        ] {
            assert_eq!(late_zeros("x_total", seconds), expected, "{seconds:?}");
            assert!(late_zeros("x", seconds).is_empty(), "{seconds:?} of a gauge");
        }
    }

    #[test]
    fn a_type_counts_more_than_a_name() {
        let mut storage = Storage::default();
        storage.declare("calls", true);
        storage.declare("workers_total", false);
        series(UP, "a", &ones(&[1, 2]), &mut storage);
        series("other", "a", &ones(&[1, 2]), &mut storage);
        let counter = series("calls", "a", &[(2, 3.0)], &mut storage);
        let gauge = series("workers_total", "a", &[(2, 3.0)], &mut storage);
        infer(&mut storage);
        let lengths = [counter, gauge].map(|id| storage.get(id).points.len());
        assert_eq!(lengths, [2, 1]);
    }

    #[test]
    fn two_thousand_targets_take_no_longer_than_their_samples_do() {
        let mut storage = Storage::default();
        for target in 0..2000 {
            let instance = format!("host-{target}:8000");
            series(UP, &instance, &ones(&[1, 2, 3]), &mut storage);
            for name in 0..20 {
                series(&format!("metric_{name}"), &instance, &ones(&[1, 2]), &mut storage);
            }
        }
        // To look at each target for each series would take minutes.
        let mut deadline = Deadline::new(Instant::now(), Duration::from_secs(60));
        let before = Instant::now();
        super::infer(&mut storage, &mut deadline).unwrap();
        assert!(before.elapsed() < Duration::from_secs(30), "{:?}", before.elapsed());
        let ends = storage.iter().filter(|(_, series)| series.points.len() == 3).count();
        assert_eq!(ends, 2000 * 21);
        let late = Deadline::new(Instant::now(), Duration::ZERO);
        let slow = super::infer(&mut storage, &mut { late });
        assert_eq!(slow, Err(SamplesError::Slow(Duration::ZERO)));
    }
}

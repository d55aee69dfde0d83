//! What nobody wrote down, and follows from the instants of `up`: where series end, and where
//! counters began.
//!
//! A scrape that no longer brings a series ends it, as in Prometheus. And a counter that a scrape
//! brings for the first time, after one that lacked it, was 0 when it was not there yet: without
//! that, `rate` and `increase` would take what it counted up to then for nothing.

use super::coverage::UP;
use super::deadline::Deadline;
use super::error::SamplesError;
use super::targets::Targets;
use crate::storage::{METRIC_NAME, Point, STALE, Series, SeriesId, Storage};

/// When the process of a target began, in seconds since the Unix epoch.
const PROCESS_START: &str = "process_start_time_seconds";

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
    let (mut ends, mut births) = (Vec::new(), Vec::new());
    for (id, series) in storage.iter() {
        deadline.tick()?;
        let is_cumulative = storage.is_cumulative(series.labels.metric_name());
        for target in targets.of_series(&series.labels) {
            let Some(scrapes) = scrapes.get_mut(target).filter(|it| !it.tells_of(series)) else {
                continue;
            };
            let brought = scrapes.that_brought(series);
            ends.extend(scrapes.ends(&brought).map(|at| (id, Point { at, value: STALE })));
            if is_cumulative {
                births.extend(scrapes.births(series, &brought).map(|scrape| (id, target, scrape)));
            }
        }
    }
    let births = births.into_iter().filter_map(|(id, target, scrape)| {
        // A page with nothing at all in it does not say that something was not there yet.
        let before = scrapes.get(target)?.all.get(scrape)?;
        before.brought_anything.then_some((id, Point { at: before.at, value: 0.0 }))
    });
    // Where a series ended and began at once, it was 0 and is no more marked.
    Ok(births.chain(ends).collect())
}

/// The scrapes of a target, in the order of time.
struct Scrapes<'a> {
    up: &'a Series,
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

impl<'a> Scrapes<'a> {
    fn new(up: &'a Series, storage: &Storage) -> Self {
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
        Self { up, all: scrapes.collect() }
    }

    /// Whether a series of this target is about the scrapes themselves: it has no labels but the
    /// target's.
    fn tells_of(&self, series: &Series) -> bool {
        let name = series.labels.metric_name();
        series.labels.len() == self.up.labels.len() && (name == UP || name.starts_with("scrape_"))
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
        began_later || lacking.process == bringing.process && !was_seen
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
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

    #[test]
    fn a_page_with_nothing_in_it_is_no_beginning() {
        let mut storage = Storage::default();
        series(UP, "a", &ones(&[1, 2, 3]), &mut storage);
        series("scrape_duration_seconds", "a", &ones(&[1, 2, 3]), &mut storage);
        let counter = series("x_total", "a", &[(2, 900.0), (3, 901.0)], &mut storage);
        infer(&mut storage);
        assert_eq!(storage.get(counter).points.len(), 2);
        // The third scrape is a different matter, for the second brought something.
        let late = series("y_total", "a", &[(3, 4.0)], &mut storage);
        infer(&mut storage);
        let points: Vec<_> = storage.get(late).points.iter().map(|it| (it.at, it.value)).collect();
        assert_eq!(points, [(2, 0.0), (3, 4.0)]);
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

//! What the samples say of the scrapes that brought them: when, how long, and whether they failed.
//!
//! A starved event loop cannot serve its own page, so this is evidence; and it is read from
//! `up` and `scrape_duration_seconds` alone, so that a recording says the same as the scrape did.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::deadline::Deadline;
use super::error::SamplesError;
use super::targets::Targets;
use crate::config::ObservedRange;
use crate::storage::{Labels, METRIC_NAME, Point, Points, Series, Storage};
use crate::target_health::{TargetHealth, instance_and_job, is_gap, usual_interval};

/// Says of each instant whether a target was scraped successfully.
pub(crate) const UP: &str = "up";
/// How long each scrape took, seconds.
pub(crate) const DURATION: &str = "scrape_duration_seconds";
/// How many samples of a page were dropped, as later ones of their series had come before them;
/// where there were any.
pub(crate) const OUT_OF_ORDER: &str = "scrape_samples_out_of_order";
/// How many processes showed the page before the load, or after it, where they were several.
pub(crate) const PROCESSES: &str = "scrape_processes";
/// That a page was a JSON document, whose numbers are series by their paths.
pub(crate) const DOCUMENT: &str = "scrape_json";
/// When the process of a target began, in seconds since the Unix epoch, as its page says.
pub(crate) const PROCESS_START: &str = "process_start_time_seconds";

/// The metrics that are written about scrapes, with no labels but the target's.
pub(super) const REPORTED: &[&str] = &[UP, DURATION, OUT_OF_ORDER, PROCESSES, DOCUMENT];
/// Those that Prometheus writes beside `up` and the duration.
const REPORTED_BY_PROMETHEUS: &[&str] = &[
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_sample_limit",
    "scrape_timeout_seconds",
    "scrape_body_size_bytes",
];

/// Whether a series is what a scrape of the target says of itself, beside its page.
pub(crate) fn is_of_scrape(series: &Labels, target: &Labels) -> bool {
    let name = series.metric_name();
    let is_named = REPORTED.contains(&name) || REPORTED_BY_PROMETHEUS.contains(&name);
    is_named && series.len() == target.len() + 1
}

/// Timestamps that a page has of its own are taken while it is made, milliseconds after its scrape
/// began.
const PAGE_IS_MADE: i64 = 1000;

/// From when to when samples were taken, and how often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    first: i64,
    last: i64,
    /// Milliseconds; `None` of a single instant.
    step: Option<i64>,
}

/// The span of the scrapes; where samples tell of none, that of the samples.
pub(super) fn span(storage: &Storage, targets: &Targets<'_>) -> Option<Span> {
    let scrapes: Vec<_> = targets.ups().iter().map(|series| &series.points).collect();
    let first = scrapes.iter().filter_map(|points| points.first()).min();
    let last = scrapes.iter().filter_map(|points| points.last()).max();
    let last = last.map(|last| last_of_page(storage, last));
    let (first, last) = first.zip(last).or_else(|| storage.span())?;
    let longest = scrapes.iter().copied().max_by_key(|points| points.len());
    let densest = longest.or_else(|| densest(storage))?;
    Some(Span { first, last, step: interval(densest) })
}

/// What was scraped so far, from the first scrape to the last: no more than will have been observed at
/// the end.
pub(super) fn so_far(storage: &Storage) -> Option<ObservedRange> {
    let ups = || storage.of_metric(Some(UP)).map(|series| &series.points);
    let first = ups().filter_map(Points::first).min()?;
    let last = ups().filter_map(Points::last).max()?;
    let length = u64::try_from(last.saturating_sub(first)).ok()?;
    // The window is open on its left, and the first sample belongs to it.
    let window = Some(Duration::from_millis(length.saturating_add(1)));
    let at = Timestamp::from_millisecond(last).ok()?;
    Some(ObservedRange { at, window, step: None })
}

/// The instant of the last scrape, or of what its page dated somewhat later, so that the end shows
/// that page whole.
fn last_of_page(storage: &Storage, scrape: i64) -> i64 {
    let lasts = storage.iter().filter_map(|(_, series)| series.points.last());
    let while_made = scrape..=scrape.saturating_add(PAGE_IS_MADE);
    lasts.filter(|at| while_made.contains(at)).max().unwrap_or(scrape)
}

/// Looking at more targets times instants takes longer than an audit should.
const MOST_LOOKS: usize = 200_000;

/// The instants of the scrapes, each once, in order. Of a large fleet that is not scraped at once
/// so many that each scrape is the last one of its target at one of them.
pub(super) fn instants(targets: &Targets<'_>) -> Vec<i64> {
    let scrapes = targets.ups().iter().enumerate();
    let scrapes = scrapes.flat_map(|(target, up)| up.points.iter().map(move |it| (it.at, target)));
    let mut scrapes: Vec<_> = scrapes.collect();
    scrapes.sort_unstable();
    let mut instants: Vec<_> = scrapes.iter().map(|(at, _)| *at).collect();
    instants.dedup();
    if instants.len().saturating_mul(targets.ups().len()) <= MOST_LOOKS {
        return instants;
    }
    let (mut looks, mut scraped) = (Vec::new(), HashSet::new());
    for pair in scrapes.windows(2) {
        let [(at, target), (next, other)] = pair else { continue };
        scraped.insert(*target);
        if at != next && scraped.contains(other) {
            looks.push(*at);
            scraped.clear();
        }
    }
    looks.extend(instants.last());
    looks
}

impl Span {
    /// What was watched of it, up to the instant that is given, or to its end.
    ///
    /// The window is open on its left, and the first sample belongs to it.
    pub(super) fn observed(&self, given: Option<Timestamp>) -> ObservedRange {
        let end = Timestamp::from_millisecond(self.last).unwrap_or_default();
        let at = given.unwrap_or(end);
        let duration = |ms: i64| u64::try_from(ms).ok().map(Duration::from_millis);
        let step = self.step.and_then(duration).filter(|step| !step.is_zero());
        let length = at.as_millisecond().saturating_sub(self.first);
        let length = duration(length).filter(|length| !length.is_zero());
        ObservedRange { at, window: length.zip(step).map(|(length, step)| length + step), step }
    }
}

/// How each target could be scraped, up to the instant `until`.
///
/// Where there is no `up`, targets are told by `instance` and `job`, and of each the series with
/// the most samples stands for its scrapes.
///
/// # Errors
/// It takes longer than it may.
pub(super) fn targets(
    storage: &Storage,
    targets: &Targets<'_>,
    until: Option<i64>,
    deadline: &mut Deadline,
) -> Result<Vec<TargetHealth>, SamplesError> {
    let scraped = scraped(storage, targets);
    let Some(last) = scraped.iter().filter_map(|it| it.last).max() else { return Ok(Vec::new()) };
    let last = until.map_or(last, |until| last.min(until));
    // An instant after the last scrape leaves a pause at the end.
    let end = until.unwrap_or(last);
    let mut all = Vec::with_capacity(scraped.len());
    for it in &scraped {
        deadline.tick()?;
        all.push(it.health(last, end));
    }
    Ok(sorted(all))
}

/// How targets could be scraped up to the instant `end` of which these are series, and none is `up`.
pub(crate) fn without_up<'a>(
    series: impl Iterator<Item = &'a Series>,
    end: i64,
) -> Vec<TargetHealth> {
    sorted(by_samples(series).iter().map(|it| it.health(end, end)).collect())
}

/// In the order of their labels, and only those ended that did so longer ago than a gap.
fn sorted(mut all: Vec<TargetHealth>) -> Vec<TargetHealth> {
    let longest = all.iter().filter_map(|it| it.interval_s).reduce(f64::max);
    for target in &mut all {
        let usual = target.interval_s.or(longest);
        target.ended_s = target.ended_s.filter(|it| usual.is_some_and(|usual| is_gap(*it, usual)));
    }
    all.sort_by(|a, b| a.target.cmp(&b.target));
    all
}

/// A target, and what tells of its scrapes.
struct Scraped<'a> {
    target: Labels,
    up: Cow<'a, Points>,
    took: Option<&'a Points>,
    /// The instant of its last sample.
    last: Option<i64>,
}

fn scraped<'a>(storage: &'a Storage, targets: &Targets<'a>) -> Vec<Scraped<'a>> {
    if targets.ups().is_empty() {
        return by_samples(storage.iter().map(|(_, series)| series));
    }
    let of_up = |up: &&'a Series| {
        let mut labels = up.labels.clone();
        labels.set(METRIC_NAME, DURATION);
        let took = storage.find(&labels).map(|series| &series.points);
        labels.set(METRIC_NAME, "");
        let last = up.points.last();
        Scraped { target: labels, up: Cow::Borrowed(&up.points), took, last }
    };
    targets.ups().iter().map(of_up).collect()
}

fn by_samples<'a>(series: impl Iterator<Item = &'a Series>) -> Vec<Scraped<'a>> {
    let mut densest: HashMap<Labels, (&Points, Option<i64>)> = HashMap::new();
    for Series { labels, points, .. } in series {
        let (most, last) =
            densest.entry(instance_and_job(labels)).or_insert((points, points.last()));
        if points.len() > most.len() {
            *most = points;
        }
        *last = points.last().max(*last);
    }
    let all = densest.into_iter().map(|(target, (points, last))| {
        let up = points.iter().map(|point| Point { value: 1.0, ..point }).collect();
        Scraped { target, up: Cow::Owned(up), took: None, last }
    });
    all.collect()
}

fn densest(storage: &Storage) -> Option<&Points> {
    storage.iter().map(|(_, series)| &series.points).max_by_key(|points| points.len())
}

impl Scraped<'_> {
    /// How it could be scraped up to `end`, where the last scrape of all was at `last`.
    fn health(&self, last: i64, end: i64) -> TargetHealth {
        let took: Vec<_> = self.took.into_iter().flatten().collect();
        let lasted = |at: i64| {
            let index = took.binary_search_by_key(&at, |point| point.at).ok()?;
            Some(took[index].value).filter(|seconds| seconds.is_finite())
        };
        let (mut tried, mut failed, mut slowest, mut pause) = (0, 0, None, 0.0_f64);
        let mut over: Option<f64> = None;
        for point in self.up.iter().take_while(|point| point.at <= end) {
            tried += 1;
            failed += usize::from(point.value != 1.0);
            let (began, lasted) = (point.at as f64 / 1000.0, lasted(point.at));
            pause = over.map_or(pause, |over| pause.max(began - over));
            over = Some(began + lasted.unwrap_or_default());
            slowest = lasted.into_iter().chain(slowest).reduce(f64::max);
        }
        let (last, end) = (last as f64 / 1000.0, end as f64 / 1000.0);
        pause = over.map_or(pause, |over| pause.max(end - over.max(last)));
        TargetHealth {
            target: self.target.clone(),
            tried,
            failed,
            slowest_s: slowest,
            interval_s: interval(&self.up).map(|ms| ms as f64 / 1000.0),
            longest_pause_s: pause,
            ended_s: over.zip(self.last).map(|(over, own)| last - over.max(own as f64 / 1000.0)),
        }
    }
}

/// The usual interval between samples, in milliseconds.
fn interval(points: &Points) -> Option<i64> {
    usual_interval(&points.iter().map(|point| point.at).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn deadline() -> Deadline {
        Deadline::new(Instant::now(), Duration::MAX)
    }

    fn targets(storage: &Storage, until: Option<i64>) -> Vec<TargetHealth> {
        let scrapes = Targets::new(storage, &mut deadline()).unwrap();
        super::targets(storage, &scrapes, until, &mut deadline()).unwrap()
    }

    /// A target scraped at these seconds, with 1 or 0 for `up`, and so long each time.
    fn scraped(instance: &str, scrapes: &[(f64, f64, f64)], storage: &mut Storage) {
        for (name, pick) in [(UP, 1), (DURATION, 2)] {
            let labels = [(METRIC_NAME, name), ("instance", instance)].into_iter().collect();
            let id = storage.series(labels);
            for (at, up, took) in scrapes {
                let value = if pick == 1 { *up } else { *took };
                storage.push(id, Point { at: (at * 1000.0) as i64, value }).unwrap();
            }
        }
    }

    fn only(scrapes_of_it: &[(f64, f64, f64)], until: Option<i64>) -> TargetHealth {
        let mut storage = Storage::default();
        scraped("a:1", scrapes_of_it, &mut storage);
        targets(&storage, until).remove(0)
    }

    #[test]
    fn calm_scrapes_miss_nothing() {
        let calm: Vec<_> = (0..30).map(|n| (f64::from(n), 1.0, 0.01)).collect();
        let calm = only(&calm, None);
        assert_eq!((calm.tried, calm.failed, calm.slowest_s), (30, 0, Some(0.01)));
        assert_eq!((calm.interval_s, calm.missing()), (Some(1.0), None));
    }

    #[test]
    fn what_failed_is_missing_whatever_came_later() {
        let one = [(0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (2.0, 1.0, 0.0)];
        let words = only(&one, None).missing().unwrap();
        assert_eq!(words, r#"1 of 3 scrapes failed {instance="a:1"}"#);
        assert_eq!(only(&one, Some(500)).missing(), None, "before it failed");
    }

    #[test]
    fn a_late_scrape_leaves_no_gap_and_a_missing_one_does() {
        let late = [(0.0, 1.0, 0.0), (1.0, 1.0, 8.9), (10.0, 1.0, 0.0), (11.0, 1.0, 0.0)];
        assert_eq!(only(&late, None).missing(), None);
        assert_eq!(only(&late, None).slowest_s, Some(8.9));
        let gap = late.map(|(at, up, _)| (at, up, 0.1));
        let words = only(&gap, None).missing().unwrap();
        assert!(words.starts_with("there was no scrape for 8.9 s, where 1 s are usual"), "{words}");
    }

    #[test]
    fn an_instant_long_after_the_last_scrape_leaves_a_gap() {
        let calm: Vec<_> = (0..30).map(|n| (f64::from(n), 1.0, 0.01)).collect();
        assert_eq!(only(&calm, Some(29_500)).missing(), None);
        let words = only(&calm, Some(120_000)).missing().unwrap();
        assert!(words.starts_with("there was no scrape for 90.99 s, where 1 s are"), "{words}");
    }

    #[test]
    fn without_up_a_hole_is_a_gap_all_the_same() {
        let recorded = |seconds: &[i64]| {
            let mut storage = Storage::default();
            let id = storage.series([(METRIC_NAME, "x")].into_iter().collect());
            for second in seconds {
                storage.push(id, Point { at: second * 1000, value: 0.0 }).unwrap();
            }
            targets(&storage, None).remove(0).missing()
        };
        assert_eq!(recorded(&[0, 1, 2, 3, 6, 7]), None);
        assert!(recorded(&[0, 1, 2, 3, 7, 8]).is_some());
    }

    #[test]
    fn a_target_that_ends_before_the_others_has_a_gap() {
        let mut storage = Storage::default();
        let all: Vec<_> = (0..30).map(|n| (f64::from(n), 1.0, 0.0)).collect();
        scraped("a:1", &all[..20], &mut storage);
        scraped("b:1", &all, &mut storage);
        let missing: Vec<_> =
            targets(&storage, None).iter().map(|it| it.missing().is_some()).collect();
        assert_eq!(missing, [true, false]);
    }

    fn instants_of(targets: i32, scrapes: i32, apart_s: f64) -> Vec<i64> {
        let mut storage = Storage::default();
        for target in 0..targets {
            let at = |scrape: i32| f64::from(scrape) * 10.0 + f64::from(target) * apart_s;
            let all: Vec<_> = (0..scrapes).map(|it| (at(it), 1.0, 0.0)).collect();
            scraped(&target.to_string(), &all, &mut storage);
        }
        instants(&Targets::new(&storage, &mut deadline()).unwrap())
    }

    #[test]
    fn every_scrape_of_a_large_fleet_is_looked_at_in_few_looks() {
        assert_eq!(instants_of(3, 4, 1.0).len(), 12);
        assert_eq!(instants_of(500, 30, 0.0).len(), 30);
        let looks = instants_of(500, 30, 0.013);
        assert_eq!(looks.len(), 30);
        assert_eq!((looks[0], looks[29]), (6487, 296_487));
    }

    #[test]
    fn the_window_holds_the_first_sample() {
        let mut storage = Storage::default();
        let all: Vec<_> = (5..=35).map(|n| (f64::from(n), 1.0, 0.0)).collect();
        scraped("a:1", &all, &mut storage);
        let span = span(&storage, &Targets::new(&storage, &mut deadline()).unwrap()).unwrap();
        let observed = span.observed(None);
        assert_eq!(observed.at, Timestamp::from_second(35).unwrap());
        assert_eq!(observed.window, Some(Duration::from_secs(31)));
        assert_eq!(observed.step, Some(Duration::from_secs(1)));
        let early = span.observed(Some(Timestamp::from_second(1).unwrap()));
        assert_eq!(early.window, None, "nothing was observed yet");
    }
}

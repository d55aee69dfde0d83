//! Blame: what held the loop up, and where, as the series of a probe tell it.
//!
//! It is read from samples alone, so that a recording says the same as the run did. Only series with
//! the `job` of a probe count. Of a stall there may be its event, or what the counters have risen
//! by, or both; each is a part of the truth at most, so of both the greater counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::blame::{
    ACTIVE, BLOCKED, BLOCKED_STALLS, Blame, Culprit, JOB, NOT_BLAMED, OTHER_THREAD, RUN_QUEUE,
    STALL_COUNT, STALL_DURATION, STALL_SUM, Site, Stall, StallCause, Tally,
};
use crate::storage::{Labels, Point, Series, Storage};

/// So many stalls are told one by one: the longest.
const MOST_STALLS: usize = 100;

/// Metrics of which a probe leaves one at least, beside `up`.
const OF_A_PROBE: [&str; 6] = [
    "up",
    "auditor_probe_requests_total",
    "auditor_probe_lag_seconds",
    STALL_COUNT,
    STALL_SUM,
    STALL_DURATION,
];

/// What held the loop up until an instant, milliseconds; `None` where there was no probe.
pub(crate) fn until(storage: &Storage, until: i64) -> Option<Blame> {
    let seen = Seen { storage, until };
    if !OF_A_PROBE.iter().any(|name| seen.of(name).next().is_some()) {
        return None;
    }
    let events = seen.events();
    let stalled = seen.stalled(&events);
    let found = seen.found(&events);
    let named = by_cause(found.iter().map(|((_, cause), found)| (*cause, found.blocked)));
    Some(Blame {
        longest_s: longest_of(&events, |_| true),
        longest_own_s: longest_of(&events, |cause| cause != StallCause::Machine),
        unnamed: unnamed(&stalled, &named),
        stalled,
        culprits: culprits(found),
        active_requests: seen.active(&events),
        cpu_wait_s: seen.of(RUN_QUEUE).filter_map(|it| seen.increase(it)).reduce(|a, b| a + b),
        not_blamed: seen.not_blamed(),
        stalls: longest(events),
    })
}

/// A stall, and the target that had it.
struct Event<'a> {
    instance: &'a str,
    stall: Stall,
}

/// What was found of a place.
#[derive(Default)]
struct Found<'a> {
    blocked: Tally,
    source: &'a str,
    found_by: &'a str,
    in_other_thread: bool,
}

/// The series of probes, up to an instant.
struct Seen<'a> {
    storage: &'a Storage,
    until: i64,
}

impl<'a> Seen<'a> {
    /// Those of a metric.
    fn of(&self, metric: &str) -> impl Iterator<Item = &'a Series> + use<'a> {
        let is_probes = |it: &&Series| it.labels.get("job") == JOB;
        self.storage.of_metric(Some(metric)).filter(is_probes)
    }

    /// The numbers of a series; what is none is left out.
    fn points(&self, series: &'a Series) -> impl Iterator<Item = Point> + use<'a> {
        let until = self.until;
        let points = series.points.iter().take_while(move |it| it.at <= until);
        points.filter(|it| it.value.is_finite() && it.value >= 0.0)
    }

    /// How much a counter has risen; from 0 again where it fell.
    fn increase(&self, series: &'a Series) -> Option<f64> {
        let mut points = self.points(series).map(|it| it.value);
        let mut last = points.next()?;
        let mut risen = 0.0;
        for value in points {
            risen += if value >= last { value - last } else { value };
            last = value;
        }
        Some(risen)
    }

    /// Every stall that was told one by one.
    fn events(&self) -> Vec<Event<'a>> {
        let events = self.of(STALL_DURATION).flat_map(|series| {
            let cause = StallCause::of_name(series.labels.get("cause"));
            let site = site(&series.labels);
            self.points(series).filter(|it| it.value > 0.0).map(move |point| {
                let site = site.clone();
                let stall = Stall { end: point.at, duration_s: point.value, cause, site };
                Event { instance: series.labels.get("instance"), stall }
            })
        });
        events.collect()
    }

    /// All stalls by their causes.
    fn stalled(&self, events: &[Event<'a>]) -> BTreeMap<StallCause, Tally> {
        let key =
            |labels: &'a Labels| (labels.get("instance"), StallCause::of_name(labels.get("cause")));
        let mut counted = self.counted(STALL_COUNT, STALL_SUM, key);
        let told = sums(events.iter().map(|it| ((it.instance, it.stall.cause), once(&it.stall))));
        greater(&mut counted, told);
        by_cause(counted.into_iter().map(|((_, cause), tally)| (cause, tally)))
    }

    /// How much each place has held the loop, by cause.
    fn found(&self, events: &[Event<'a>]) -> BTreeMap<(Site, StallCause), Found<'a>> {
        let key = |labels: &'a Labels| {
            let cause = StallCause::of_name(labels.get("cause"));
            (labels.get("instance"), site(labels), cause)
        };
        let mut counted = self.counted(BLOCKED_STALLS, BLOCKED, key);
        let told = events.iter().map(|Event { instance, stall }| {
            ((*instance, stall.site.clone(), stall.cause), once(stall))
        });
        greater(&mut counted, sums(told));
        let mut found: BTreeMap<_, Found<'a>> = BTreeMap::new();
        for ((_, site, cause), tally) in counted {
            // What has no place is nobody's, and code is not to blame for a wait for a CPU.
            let is_blamed = cause != StallCause::Machine && tally != Tally::default();
            let Some(site) = site.filter(|_| is_blamed) else { continue };
            add(&mut found.entry((site, cause)).or_default().blocked, tally);
        }
        for series in self.of(BLOCKED) {
            let labels = &series.labels;
            let Some(site) = site(labels) else { continue };
            let cause = StallCause::of_name(labels.get("cause"));
            if let Some(found) = found.get_mut(&(site, cause)) {
                (found.source, found.found_by) = (labels.get("source"), labels.get("found_by"));
                found.in_other_thread |= labels.get("thread") == OTHER_THREAD;
            }
        }
        found
    }

    /// What a pair of counters has risen by, for each key.
    fn counted<K: Ord>(
        &self,
        count: &str,
        seconds: &str,
        key: impl Fn(&'a Labels) -> K,
    ) -> BTreeMap<K, Tally> {
        let of = |metric: &str| {
            let series = self.of(metric);
            series.filter_map(|it| Some((key(&it.labels), self.increase(it)?))).collect::<Vec<_>>()
        };
        let counts = of(count)
            .into_iter()
            .map(|(key, risen)| (key, Tally { count: risen.round() as u64, seconds: 0.0 }));
        let seconds =
            of(seconds).into_iter().map(|(key, seconds)| (key, Tally { count: 0, seconds }));
        sums(counts.chain(seconds))
    }

    /// The most requests in flight during a stall: a sample holds the peak since the one before, so
    /// that the first one from the end of the stall on tells of it, too.
    fn active(&self, events: &[Event<'a>]) -> Option<f64> {
        let series: Vec<_> = self.of(ACTIVE).collect();
        let peaks = events.iter().flat_map(|Event { instance, stall }| {
            let begin = stall.end.saturating_sub((stall.duration_s * 1000.0) as i64);
            let of = series.iter().filter(|it| it.labels.get("instance") == *instance);
            of.flat_map(move |it| {
                let during = it.points.between(begin, stall.end.saturating_sub(1));
                let after = it.points.between(stall.end.saturating_sub(1), self.until).take(1);
                during.chain(after)
            })
        });
        let peaks = peaks.filter(|it| it.at <= self.until).map(|it| it.value);
        peaks.filter(|it| it.is_finite()).reduce(f64::max)
    }

    /// Why no place could be named: each reason once.
    fn not_blamed(&self) -> Option<String> {
        let is_so = |it: &&Series| self.points(it).last().is_some_and(|last| last.value == 1.0);
        let reasons = self.of(NOT_BLAMED).filter(is_so).map(|it| it.labels.get("reason"));
        let reasons: BTreeSet<_> = reasons.filter(|reason| !reason.is_empty()).collect();
        let reasons: Vec<_> = reasons.into_iter().collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// The place that labels name, if they do.
fn site(labels: &Labels) -> Option<Site> {
    let [file, line, function] = ["file", "line", "function"].map(|name| labels.get(name));
    let is_named = !file.is_empty() || !function.is_empty();
    is_named.then(|| Site {
        file: file.to_owned(),
        line: line.parse().ok(),
        function: function.to_owned(),
    })
}

const fn once(stall: &Stall) -> Tally {
    Tally { count: 1, seconds: stall.duration_s }
}

fn add(sum: &mut Tally, other: Tally) {
    sum.count = sum.count.saturating_add(other.count);
    sum.seconds += other.seconds;
}

fn sums<K: Ord>(all: impl Iterator<Item = (K, Tally)>) -> BTreeMap<K, Tally> {
    let mut sums: BTreeMap<K, Tally> = BTreeMap::new();
    all.for_each(|(key, tally)| add(sums.entry(key).or_default(), tally));
    sums
}

fn by_cause(all: impl Iterator<Item = (StallCause, Tally)>) -> BTreeMap<StallCause, Tally> {
    sums(all)
}

/// Of each number the greater.
fn greater<K: Ord>(one: &mut BTreeMap<K, Tally>, other: BTreeMap<K, Tally>) {
    for (key, tally) in other {
        let known = one.entry(key).or_default();
        known.count = known.count.max(tally.count);
        known.seconds = known.seconds.max(tally.seconds);
    }
}

fn unnamed(
    stalled: &BTreeMap<StallCause, Tally>,
    named: &BTreeMap<StallCause, Tally>,
) -> BTreeMap<StallCause, Tally> {
    let rest = stalled.iter().filter_map(|(cause, all)| {
        let named = named.get(cause).copied().unwrap_or_default();
        let count = all.count.checked_sub(named.count).filter(|count| *count > 0)?;
        Some((*cause, Tally { count, seconds: (all.seconds - named.seconds).max(0.0) }))
    });
    rest.collect()
}

/// Each place once, the worst first; its cause is that of most of its time.
fn culprits(found: BTreeMap<(Site, StallCause), Found<'_>>) -> Vec<Culprit> {
    let mut of_places: BTreeMap<Site, (Culprit, f64)> = BTreeMap::new();
    for ((site, cause), Found { blocked, source, found_by, in_other_thread }) in found {
        let (culprit, most) = of_places.entry(site.clone()).or_insert_with(|| {
            let (blocked, source, found_by) = (Tally::default(), String::new(), String::new());
            let culprit =
                Culprit { site, source, blocked, cause, found_by, in_other_thread: false };
            (culprit, f64::NEG_INFINITY)
        });
        add(&mut culprit.blocked, blocked);
        if blocked.seconds > *most {
            (*most, culprit.cause) = (blocked.seconds, cause);
        }
        culprit.in_other_thread |= in_other_thread;
        // An event alone does not tell these.
        if !source.is_empty() {
            source.clone_into(&mut culprit.source);
        }
        if !found_by.is_empty() {
            found_by.clone_into(&mut culprit.found_by);
        }
    }
    let mut culprits: Vec<_> = of_places.into_values().map(|(culprit, _)| culprit).collect();
    culprits.sort_by(|one, other| other.blocked.seconds.total_cmp(&one.blocked.seconds));
    culprits
}

/// How long the longest stall of such a cause took, seconds.
fn longest_of(events: &[Event<'_>], is_such: impl Fn(StallCause) -> bool) -> Option<f64> {
    let such = events.iter().map(|it| &it.stall).filter(|it| is_such(it.cause));
    such.map(|it| it.duration_s).reduce(f64::max)
}

/// The longest stalls, in the order of time.
fn longest(events: Vec<Event<'_>>) -> Vec<Stall> {
    let mut stalls: Vec<_> = events.into_iter().map(|it| it.stall).collect();
    stalls.sort_by(|one, other| other.duration_s.total_cmp(&one.duration_s));
    stalls.truncate(MOST_STALLS);
    stalls.sort_by_key(|stall| stall.end);
    stalls
}

#[cfg(test)]
mod tests;

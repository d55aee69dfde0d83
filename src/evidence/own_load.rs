//! Whether the requests that a service counted may all be those of whoever audits it: of the probe,
//! and for its page of metrics. They are no load, and an idle service is always calm.

use super::Seen;
use crate::collect::{Telemetry, UP};
use crate::model::blame::JOB as PROBE_JOB;
use crate::model::quantity::number;
use crate::storage::Series;

/// A counter may count so many requests more that come before or after the probe's samples.
const BESIDE: f64 = 3.0;
/// What is less than this part of the probe's requests does not count them: a short run may have fewer
/// between its first page and its last.
const COUNTS_PROBE: f64 = 0.5;
/// Requests that are seen at sockets are some of all; of a service that counts no others, it counts at
/// most so many times what is seen.
const SEEN_AT_LEAST: f64 = 1.5;
/// A request for a page is two where the page has moved.
const EACH_SCRAPE: f64 = 2.0;

/// Requests of whoever audits, and those of others, as far as they can be told apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OwnLoad {
    /// Of the probe.
    probe: f64,
    /// For pages of metrics, at most.
    scrapes: f64,
    /// Of others, at least, by the sockets of the probe's address; `None` where they are not seen.
    others: Option<f64>,
}

/// What is known of them; nothing without a probe.
pub(super) fn told(seen: &Seen<'_>, telemetry: &Telemetry) -> Option<OwnLoad> {
    let is_of_probe = |target: usize| seen.targets[target].target.get("job") == PROBE_JOB;
    let (mut probe, mut others, mut scrapes) = (None, None, 0.0);
    let pages = pages(seen, is_of_probe);
    for target in 0..seen.targets.len() {
        for series in &seen.of_target[target] {
            // A series that has ended ends with NaN, and counters do not fall.
            let until = series.points.iter().filter(|point| point.at <= seen.end);
            let values = until.map(|point| point.value).filter(|value| value.is_finite());
            let newest = || values.reduce(f64::max);
            match series.labels.metric_name() {
                // Counters of a page grow from its first sample to its last.
                "auditor_probe_requests_total" => match pages {
                    Some((first, last)) => add(&mut probe, Some(grown(series, first, last))),
                    None => add(&mut probe, newest()),
                },
                "auditor_requests_seen_total" => add(&mut others, newest()),
                UP if !is_of_probe(target) => scrapes += series.points.len() as f64,
                _ => {}
            }
        }
    }
    // What a server scrapes is seen as requests of others; what is scraped here is not.
    let of_server = by_server(telemetry);
    let others = others.map(|others| (others - of_server.unwrap_or_default()).max(0.0));
    let scrapes = EACH_SCRAPE * scrapes + of_server.unwrap_or_default();
    Some(OwnLoad { probe: probe?, scrapes, others })
}

/// When the first and the last page came; nothing where none was scraped here.
fn pages(seen: &Seen<'_>, is_of_probe: impl Fn(usize) -> bool) -> Option<(i64, i64)> {
    let targets = (0..seen.targets.len()).filter(|target| !is_of_probe(*target));
    let ups = targets.flat_map(|target| &seen.of_target[target]);
    let ups = ups.filter(|series| series.labels.metric_name() == UP);
    let at: Vec<_> = ups.flat_map(|series| series.points.iter()).map(|point| point.at).collect();
    at.iter().min().copied().zip(at.iter().max().copied())
}

/// By how much a counter grew between two instants, by the line from each sample to the next.
fn grown(series: &Series, first: i64, last: i64) -> f64 {
    let points: Vec<_> = series.points.iter().filter(|point| point.value.is_finite()).collect();
    let value = |at: i64| {
        let after = points.iter().find(|point| point.at >= at);
        let before = points.iter().rev().find(|point| point.at < at);
        match (before, after) {
            (Some(before), Some(after)) => {
                let part = (at - before.at) as f64 / (after.at - before.at) as f64;
                before.value + part * (after.value - before.value)
            }
            (Some(only), None) | (None, Some(only)) => only.value,
            (None, None) => 0.0,
        }
    };
    value(last) - value(first)
}

fn add(sum: &mut Option<f64>, value: Option<f64>) {
    *sum = value.map(|value| sum.unwrap_or_default() + value).or(*sum);
}

/// How many requests for the page a server may have sent while the load ran.
fn by_server(telemetry: &Telemetry) -> Option<f64> {
    let settling = telemetry.settling.as_ref()?;
    let interval = settling.interval.map_or(1.0, |interval| interval.as_secs_f64()).max(0.05);
    let window = telemetry.observed.window?.as_secs_f64();
    Some(EACH_SCRAPE * (window / interval + 1.0).floor())
}

impl OwnLoad {
    /// Whether anything is known of requests at all.
    pub(super) fn tells(&self, counted: Option<f64>) -> bool {
        self.others.is_some() || counted.is_some()
    }

    /// Why fewer than `wanted` of the requests that were counted may be of others, if so; `counted` is
    /// nothing where nobody counts, and answers alone show that there were any.
    pub(super) fn short(&self, counted: Option<f64>, wanted: f64) -> Option<String> {
        let Self { probe, scrapes, others } = *self;
        let is_more = |counted: f64, own: f64| counted - own - BESIDE >= wanted;
        let is_without_probe = |counted: f64| counted < COUNTS_PROBE * probe;
        let is_load = match (others, counted) {
            // What was counted elsewhere than where the probe looks is another service's. Who asks for
            // something that is not counted (a health check) is no load either: unless what was counted
            // may all be of those others, it has to be more than the probe's.
            (Some(others), Some(counted)) => {
                let is_of_others = counted <= SEEN_AT_LEAST * others + BESIDE;
                let is_told = is_of_others || is_without_probe(counted) || is_more(counted, probe);
                others >= wanted && is_told
            }
            (Some(others), None) => others >= wanted,
            (None, Some(counted)) => is_more(counted, probe + scrapes) || is_without_probe(counted),
            (None, None) => false,
        };
        if is_load {
            return None;
        }
        let counted = counted.map_or("those".to_owned(), |it| format!("{} requests", number(it)));
        let seen = match others {
            Some(others) => format!("{} of others were seen beside them", number(others)),
            None => "those of others cannot be told from them".to_owned(),
        };
        Some(format!(
            "{counted} that the service counted may all be those of the probe ({}) and for the page \
             of metrics: {seen}",
            number(probe)
        ))
    }
}

/// From this part on of what others asked for, all of it has failed.
const ALL: f64 = 0.9;

impl OwnLoad {
    /// That the requests of others failed, where those of the probe, which are counted beside them, did
    /// not.
    pub(super) fn all_failed(&self, counted: Option<f64>, ratio: Option<f64>) -> Option<String> {
        let failed = counted? * ratio.filter(|ratio| *ratio > 0.0)?;
        let others = self.others.filter(|others| *others > 0.0)?;
        (failed >= ALL * others).then(|| {
            format!(
                "{} requests failed, and {} of others than the probe were seen: all of the load failed",
                number(failed),
                number(others)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_the_probe_do_not_make_up_for_a_load_that_fails() {
        let own = |others| OwnLoad { probe: 200.0, scrapes: 20.0, others };
        for (others, counted, ratio, is_short) in [
            (Some(100.0), Some(300.0), Some(1.0 / 3.0), true),
            (Some(100.0), Some(300.0), Some(0.1), false),
            (Some(190.0), Some(190.0), Some(0.01), false),
            (Some(100.0), Some(300.0), Some(0.0), false),
            (Some(100.0), Some(300.0), None, false),
            (None, Some(300.0), Some(0.3), false),
        ] {
            let short = own(others).all_failed(counted, ratio);
            assert_eq!(short.is_some(), is_short, "{others:?} {counted:?} {ratio:?}");
        }
    }

    #[test]
    fn requests_of_whoever_audits_are_no_load() {
        let own = |others| OwnLoad { probe: 200.0, scrapes: 20.0, others };
        for (others, counted, is_short) in [
            // Idle: the service counts the probe, and the scrapes, or not even these.
            (Some(0.0), Some(200.0), true),
            (Some(0.0), Some(221.0), true),
            (Some(0.0), Some(10.0), true),
            (None, Some(205.0), true),
            (None, None, true),
            (Some(0.0), None, true),
            // Under a load that is seen, whatever is counted.
            (Some(30.0), Some(230.0), false),
            (Some(3.0), Some(3.0), false),
            (Some(50.0), Some(50.0), false),
            (Some(50.0), None, false),
            // Counted by another service than the one that the probe asks.
            (Some(0.0), Some(400.0), true),
            // Others ask for what is not counted, and all that is counted is the probe's.
            (Some(10.0), Some(201.0), true),
            (None, Some(226.0), false),
            // That does not count the probe, as it is less.
            (None, Some(90.0), false),
            // Of a load on a route that is counted, beside a probe on one that is not, some is seen.
            (Some(50.0), Some(60.0), false),
            (Some(110.0), Some(150.0), false),
            // The same as idle: a short run has less of the probe's between its pages.
            (Some(4.0), Some(126.0), true),
            (None, Some(126.0), true),
        ] {
            let short = own(others).short(counted, 1.0);
            assert_eq!(short.is_some(), is_short, "{others:?} {counted:?}: {short:?}");
        }
    }
}

//! Findings: single observations in words, the decisive number beside its limit.

use super::backlog;
use crate::judgement::Thresholds;
use crate::quantity::{beside, series};
use crate::readings::{Bound, Readings};
use crate::signal::Signal;
use crate::target_health::TargetHealth;

/// Every finding that the readings and the scrapes prove, in a fixed order.
pub fn findings(
    readings: &Readings,
    scrapes: &[TargetHealth],
    thresholds: &Thresholds,
) -> Vec<String> {
    let lag = readings.get(Signal::EventLoopLag).bound;
    let p99 = readings.get(Signal::P99Latency).bound;
    let over = |signal: Signal, value: Bound, limit: f64, (what, over): (&str, &str)| {
        (value.exceeds(limit) == Some(true)).then(|| {
            let (value, limit) = beside(value, limit, signal.unit());
            let series = readings.get(signal).labels.as_ref().map(series).unwrap_or_default();
            format!("{what} {value}{over} {limit}{series}.")
        })
    };
    let signal = |signal: Signal, limit: f64, words: (&str, &str)| {
        over(signal, readings.get(signal).bound, limit, words)
    };
    [
        signal(
            Signal::EventLoopLag,
            thresholds.max_event_loop_lag_s,
            ("The event loop runs late by up to", ", over its limit of"),
        ),
        signal(
            Signal::BlockingDurationAvg,
            thresholds.max_blocking_duration_s,
            ("Synchronous calls block the loop for", " on average, over the limit of"),
        ),
        hidden(lag, p99, thresholds),
        signal(
            Signal::PeakActiveRequests,
            thresholds.load_warning_threshold,
            ("Requests in flight peak at", ", above the warning level of"),
        ),
        over(
            Signal::ThreadpoolBacklog,
            backlog(readings),
            thresholds.max_threadpool_backlog,
            ("The thread pool is behind by", ", over its limit of"),
        ),
        signal(
            Signal::ThreadpoolQueueWait,
            thresholds.max_queue_wait_s,
            ("Tasks wait for a thread of the pool for", " on average, over the limit of"),
        ),
    ]
    .into_iter()
    .flatten()
    .chain(scrapes.iter().filter_map(|target| late(target, thresholds)))
    .chain(scrapes.iter().filter_map(missing))
    .collect()
}

/// A page that comes late: a loop that is held up cannot serve it.
fn late(scrapes: &TargetHealth, thresholds: &Thresholds) -> Option<String> {
    let (slowest, limit) = (Bound::Exact(scrapes.slowest_s?), thresholds.max_event_loop_lag_s);
    (slowest.exceeds(limit) == Some(true)).then(|| {
        let (slowest, limit) = beside(slowest, limit, "s");
        let target = series(&scrapes.target);
        format!("The service was late to show its metrics: {slowest}, over the loop's limit of {limit}{target}.")
    })
}

fn missing(scrapes: &TargetHealth) -> Option<String> {
    let missing = scrapes.missing()?;
    Some(format!(
        "Telemetry is missing for a part of the time, and may hide what is worse: {missing}."
    ))
}

/// Latency that looks fine only because the requests that suffer are not in it.
fn hidden(lag: Bound, p99: Bound, thresholds: &Thresholds) -> Option<String> {
    let p99 = p99.exact()?;
    let late = lag.exceeds(thresholds.latency_hide_threshold_s) == Some(true);
    (late && p99 < thresholds.p99_latency_hide_threshold_s).then(|| {
        let (lag, _) = beside(lag, thresholds.latency_hide_threshold_s, "s");
        let (p99, limit) = beside(Bound::Exact(p99), thresholds.p99_latency_hide_threshold_s, "s");
        format!(
            "Request latency hides it: p99 is {p99} (below {limit}) while the loop lags by {lag}."
        )
    })
}

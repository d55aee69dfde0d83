//! Whether the service was asked for anything, and what came of it under load.

use super::source::WITH_UP;
use super::table::{check, row};
use super::telemetry::{BLOCKED, REQUESTS, Telemetry};

const FAILURES: &str = "http_request_failures_total";

/// Nothing is asked for after the first scrape.
fn idle(t: &mut Telemetry) {
    for le in ["0.1", "1.0", "+Inf"] {
        t.set(.., &format!("{REQUESTS}_bucket{{le=\"{le}\"}}"), 10.0);
    }
    t.set(.., &format!("{REQUESTS}_count"), 10.0);
}

/// This part of the requests fails.
fn failing(t: &mut Telemetry, part: f64) {
    let count = format!("{REQUESTS}_count");
    t.each(.., |_, page| page.set(FAILURES, (page.get(&count) * part).round()));
}

/// All requests but nine of ten take longer than the highest bucket reaches.
fn beyond_the_buckets(t: &mut Telemetry) {
    let all = format!("{REQUESTS}_bucket{{le=\"+Inf\"}}");
    t.each(.., |_, page| {
        page.set(&format!("{REQUESTS}_bucket{{le=\"1.0\"}}"), page.get(&all) * 0.9);
    });
}

/// A histogram with a label that is there from a scrape on, with 5 calls of so many seconds.
fn born(t: &mut Telemetry, at: usize, seconds: f64) {
    t.without(.., BLOCKED);
    t.set(at.., &format!("{BLOCKED}_sum{{call=\"db\"}}"), 5.0 * seconds);
    t.set(at.., &format!("{BLOCKED}_count{{call=\"db\"}}"), 5.0);
}

#[test]
fn an_idle_service_is_not_calm() {
    check(&[
        row("no request", idle).falls_short(&["min_requests"]).says("0 requests were seen"),
        row("every request fails", |t| failing(t, 1.0))
            .falls_short(&["min_requests"])
            .says("100% of "),
        row("half of the requests fail", |t| failing(t, 0.5)),
        row("no request fails", |t| failing(t, 0.0)),
        row("the first requests come late", |t| {
            idle(t);
            let count = format!("{REQUESTS}_count");
            t.each(15.., |n, page| page.set(&count, n as f64));
            t.each(15.., |n, page| {
                for le in ["0.1", "1.0", "+Inf"] {
                    page.set(&format!("{REQUESTS}_bucket{{le=\"{le}\"}}"), n as f64);
                }
            });
        }),
    ]);
}

#[test]
fn a_quantile_beyond_the_buckets_is_a_lower_bound() {
    check(&[
        row("beyond the buckets, which no score is made of", beyond_the_buckets)
            .falls_short(&["top_bucket"])
            .calm(0)
            .says("is 1 s or more"),
        row("beyond the buckets, and held to more", beyond_the_buckets)
            .with("checks: {p99_latency: {max: 2}}\n")
            .falls_short(&["top_bucket"])
            .says("is 1 s or more"),
        row("beyond the buckets, and held to less", beyond_the_buckets)
            .with("checks: {p99_latency: {max: 0.5}}\n")
            .falls_short(&["top_bucket"])
            .calm(1)
            .says("is 1 s or more"),
        row("within the buckets", |_| {}).with("checks: {p99_latency: {max: 2}}\n"),
    ]);
}

#[test]
fn what_is_counted_for_the_first_time_counts() {
    check(&[
        row("a histogram is born with long calls", |t| born(t, 10, 4.0)).on(WITH_UP).calm(1),
        row("a histogram is born with short calls", |t| born(t, 10, 0.01)).on(WITH_UP),
    ]);
}

//! Whether the service was asked for anything, and what came of it under load.

use super::source::{self, FLEETS, Source, audit_in};
use super::table::{check, row};
use super::telemetry::{BLOCKED, Fares, LAG, Page, REQUESTS, Telemetry, WAIT};
use crate::support::{auditor, directory_with};

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

/// A configuration that reads the lag by this.
fn lag_by(query: &str) -> String {
    let template = include_str!("../../../default_metrics.yaml");
    let (before, rest) = template.split_once("  event_loop_lag: ").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    format!("{before}  event_loop_lag: '{query}'\n{after}")
}

#[test]
fn a_value_of_no_series_is_none() {
    for (query, code) in [
        (format!("max(max_over_time({LAG}[$window])) or vector(0)"), 1),
        ("max(max_over_time(asyncio_lag_secnds[$window])) or vector(0)".to_owned(), 3),
        ("absent(asyncio_lag_secnds) * 0".to_owned(), 3),
        (format!("max_over_time(asyncio_lag[$window]) or max_over_time({LAG}[$window])"), 1),
    ] {
        for source in [Source::Recording, Source::Bare] {
            let directory = directory_with(&lag_by(&query));
            let mut telemetry = Telemetry::whole(source, Fares::Ill);
            // The lag alone tells.
            for name in ["blocking_duration_seconds", "blocking_events_total"] {
                telemetry.each(.., |_, page| {
                    let of = page.samples.iter_mut().filter(|(it, _)| it.starts_with(name));
                    of.for_each(|(_, value)| *value = 0.0);
                });
            }
            let run = audit_in(directory.path(), &telemetry);
            assert_eq!(run.code, code, "{query} {source:?}: {}", run.stdout);
        }
    }
}

#[test]
fn a_pool_that_takes_no_task_leaves_its_wait_unknown() {
    let stuck = |t: &mut Telemetry, started: f64| {
        t.set(.., &format!("{WAIT}_sum"), 1.0);
        t.set(.., &format!("{WAIT}_count"), 9.0);
        t.set(.., "threadpool_tasks_started_total", started);
        t.set(.., "threadpool_tasks_completed_total", 9.0);
    };
    for (started, code) in [(9.0, 0), (12.0, 0), (50.0, 3)] {
        for source in source::ALL {
            let mut telemetry = Telemetry::whole(*source, Fares::Well);
            stuck(&mut telemetry, started);
            let run = source::audit(&telemetry, "");
            assert_eq!(run.code, code, "{started} {source:?}: {}", run.stdout);
        }
    }
}

/// As many requests are counted from scrape to scrape.
fn counted(t: &mut Telemetry, each: f64) {
    idle(t);
    t.each(.., |n, page| {
        for series in
            ["_count", "_bucket{le=\"0.1\"}", "_bucket{le=\"1.0\"}", "_bucket{le=\"+Inf\"}"]
        {
            page.set(&format!("{REQUESTS}{series}"), 900.0 + each * n as f64);
        }
    });
}

#[test]
fn scrapes_of_the_page_are_no_load() {
    const BOTH: &[Source] = &[Source::Recording, Source::Snapshots];
    check(
        &[
            row("one more at each scrape", |t| counted(t, 1.0))
                .falls_short(&["min_requests"])
                .says("19 requests were seen, of which 19 are one more at each scrape"),
            row("two more at each scrape", |t| counted(t, 2.0)),
            row("one more at each scrape, and others", |t| {
                t.each(.., |n, page| {
                    page.set(&format!("{REQUESTS}_count{{path=\"/metrics\"}}"), n as f64);
                });
            }),
            row("each of three paths once at each scrape", |t| {
                idle(t);
                t.each(.., |n, page| {
                    for path in ["a", "b", "c"] {
                        page.set(&format!("{REQUESTS}_count{{path=\"{path}\"}}"), n as f64);
                    }
                });
            }),
            row("the page alone, by its path", |t| {
                idle(t);
                t.each(1.., |n, page| {
                    page.set(&format!("{REQUESTS}_count{{path=\"/metrics\"}}"), n as f64);
                });
            })
            .falls_short(&["min_requests"])
            .says("are one more at each scrape"),
        ]
        .map(|row| row.on(BOTH)),
    );
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
        row("a histogram is born with long calls", |t| born(t, 10, 4.0)).calm(1),
        row("a histogram is born with short calls", |t| born(t, 10, 0.01)),
    ]);
}

/// Another target shows this series alone.
fn other_page(t: &mut Telemetry, series: &str) {
    t.add("b:8000").scrapes.iter_mut().for_each(|scrape| {
        scrape.page = Page::default();
        scrape.page.set(series, 3.0);
    });
}

#[test]
fn a_target_without_the_lag_of_the_others_is_not_calm() {
    let lacking = |t: &mut Telemetry| {
        let other = t.add("b:8000");
        other.scrapes.iter_mut().for_each(|scrape| scrape.page.remove(LAG));
    };
    check(
        &[
            row("one of two has no lag", lacking)
                .falls_short(&["holes"])
                .says("there is no `event_loop_lag`, which other targets of the job have"),
            row("one of two has nothing that is used", |t| other_page(t, "x_total"))
                .falls_short(&["holes"])
                .says("no query uses anything of its pages"),
            row("one of two is used by a check alone", |t| other_page(t, "pool_size"))
                .with("checks: {pool: {query: pool_size, min: 1}}"),
        ]
        .map(|row| row.on(FLEETS)),
    );
}

/// A warm service whose requests all fail: `rate` would extend one of both counters further.
#[test]
fn that_every_request_fails_is_seen_of_a_warm_service() {
    check(&[row("every request fails, some were served before", |t| {
        let count = format!("{REQUESTS}_count");
        t.each(.., |n, page| {
            page.set(&count, 750.0 + 10.0 * n as f64);
            page.set(FAILURES, 10.0 * n as f64);
        });
    })
    .falls_short(&["min_requests"])
    .says("100% of ")]);
}

/// A recording with what it tells of its command: that it took so many seconds, and when that was
/// written down, in seconds after the last scrape.
fn told(took: f64, after: f64, more: &str, cut: impl Fn(&mut Telemetry)) -> (i32, String) {
    let mut telemetry = Telemetry::whole(Source::Recording, Fares::Well);
    let at = telemetry.seconds(19.0) + after;
    cut(&mut telemetry);
    let labels = "command=\"load\",status=\"exited with code 0\"";
    let told = format!(
        "auditor_command_duration_seconds{{{labels}}} {took} {at:.3}\n\
         auditor_command_exit_code{{command=\"load\"}} 0 {at:.3}\n# EOF\n"
    );
    let directory = directory_with(&format!("{}\n{more}", auditor::config::DEFAULT_METRICS));
    let recording = telemetry.recording().replace("# EOF\n", &told);
    std::fs::write(directory.path().join("a.om"), recording).unwrap();
    let args = ["--recording", "a.om", "--fail-on-critical", "--no-report"];
    let run = auditor(directory.path(), &args);
    (run.code, run.stdout + &run.stderr)
}

#[test]
fn a_recording_that_was_cut_lacks_a_part_of_its_run() {
    let whole = Telemetry::whole(Source::Recording, Fares::Well);
    let took = whole.seconds(19.0) - whole.seconds(0.0);
    let (code, output) = told(took - 0.5, 0.0, "", |_| {});
    assert_eq!(code, 0, "{output}");
    for (what, cut, words) in [
        ("its end", 0..10, "before the run did"),
        ("its beginning", 10..20, "s of a command that took"),
    ] {
        let keep = |t: &mut Telemetry| t.first().keep(cut.clone());
        // Beside a target of which there is all.
        let one_of_two = |t: &mut Telemetry| {
            t.add("b:8000");
            keep(t);
        };
        let (code, output) = told(took - 0.5, 0.0, "", keep);
        assert_eq!(code, 3, "{what}: {output}");
        assert!(output.contains(words), "{what}: {output}");
        let (code, output) = told(took - 0.5, 0.0, "", one_of_two);
        assert_eq!(code, 3, "{what}: {output}");
        assert!(output.contains("instance=\"a:8000\""), "{what}: {output}");
        let (code, output) = told(took - 0.5, 0.0, "evidence: {max_gap: 30s}", keep);
        assert_eq!(code, 0, "{what}: {output}");
        let few = |t: &mut Telemetry| t.first().keep(cut.start.min(2)..cut.end.max(18));
        assert_eq!(told(took - 0.5, 0.0, "", few).0, 0, "{what}");
        assert_eq!(told(took - 0.5, 0.0, "evidence: {max_gap: 1100ms}", few).0, 3, "{what}");
    }
}

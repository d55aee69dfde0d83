//! Restarts, and several workers behind one page.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::source::{RECORDINGS, Source, WITH_UP};
use super::table::{check, row};
use super::telemetry::{CPU, Fares, LAG, Page, REQUESTS, SCRAPES, START_TIME, STARTED, Telemetry};
use crate::support::fake::{Fake, Response};
use crate::support::{auditor, directory_with};

const RESTARTS: &[&str] = &["restarts"];
const WORKERS: &[&str] = &["workers"];

/// Names of counters.
fn is_counter(series: &str) -> bool {
    let name = series.split('{').next().unwrap();
    ["_total", "_bucket", "_sum", "_count"].iter().any(|end| name.ends_with(end))
}

/// Another process is behind the page from this scrape on.
fn restart(telemetry: &mut Telemetry, from: usize) {
    let started = telemetry.seconds(from as f64 - 0.5);
    let before = telemetry.targets[0].scrapes[from - 1].page.clone();
    telemetry.each(from.., |_, page| {
        page.set(START_TIME, started);
        less(page, &before);
    });
}

/// The counters are lower by what they were.
fn less(page: &mut Page, before: &Page) {
    for (series, value) in &mut page.samples {
        if is_counter(series) && before.samples.iter().any(|(name, _)| name == series) {
            *value -= before.get(series);
        }
    }
}

/// Who of so many workers shows each page; made by hand, as the kernel does it.
const TURNS: [usize; SCRAPES] = [0, 1, 1, 0, 2, 1, 0, 0, 3, 1, 2, 0, 1, 1, 3, 0, 1, 2, 0, 1];

/// The page comes from one of so many workers, which have done more or less than one another.
fn workers(telemetry: &mut Telemetry, count: usize, seconds_apart: f64) {
    telemetry.each(.., |n, page| {
        let worker = (TURNS[n] % count) as f64;
        let started = page.get(START_TIME) + worker * seconds_apart;
        page.set(START_TIME, started);
        for (series, value) in &mut page.samples {
            if is_counter(series) {
                *value *= 1.0 + worker * 0.4;
            }
        }
    });
}

fn without_start_time(telemetry: &mut Telemetry) {
    telemetry.without(.., START_TIME);
}

#[test]
fn a_restart_is_told_as_such() {
    check(&[
        row("once", |t| restart(t, 10)).falls_short(RESTARTS).says("it restarted once, between "),
        row("at the second page", |t| restart(t, 1)).falls_short(RESTARTS),
        row("at the last page", |t| restart(t, SCRAPES - 1)).falls_short(RESTARTS),
        row("three times", |t| [4, 9, 15].into_iter().for_each(|n| restart(t, n)))
            .on(RECORDINGS)
            .falls_short(RESTARTS)
            .says("it restarted 3 times, first between "),
        row("by the start time alone", |t| {
            let started = t.seconds(9.5);
            t.set(10.., START_TIME, started);
        })
        .falls_short(RESTARTS)
        .says("process_start_time_seconds changed"),
        row("by counters alone", |t| {
            without_start_time(t);
            restart(t, 10);
            without_start_time(t);
        })
        .falls_short(RESTARTS)
        .says("fell)"),
        row("by the counters of the service alone", |t| {
            restart(t, 10);
            [START_TIME, CPU, "python_gc_collections_total"]
                .into_iter()
                .for_each(|name| t.without(.., name));
        })
        .falls_short(RESTARTS),
        row("of an idle service", |t| {
            t.each(.., |_, page| page.set("http_requests_total", 100.0));
            restart(t, 10);
        })
        .falls_short(RESTARTS),
        row("of an uptime", |t| {
            [START_TIME, CPU].into_iter().for_each(|name| t.without(.., name));
            t.each(.., |n, page| {
                page.set("process_uptime_seconds", if n < 7 { 90.0 + n as f64 } else { n as f64 });
            });
        })
        .falls_short(RESTARTS),
        row("behind a scrape that failed", |t| {
            restart(t, 10);
            t.first().fail(9..=9);
        })
        .on(WITH_UP)
        .falls_short(&["failed_scrapes", "restarts"]),
        row("one of two targets", |t| {
            t.add("b:8000");
            restart(t, 10);
        })
        .on(RECORDINGS)
        .falls_short(RESTARTS)
        .says("{instance=\"a:8000\", job=\"api\"}"),
    ]);
}

#[test]
fn several_workers_behind_one_page_are_told_as_such() {
    check(&[
        row("two", |t| workers(t, 2, 3.0)).falls_short(WORKERS).says("several processes (2 were"),
        row("three", |t| workers(t, 3, 3.0)).falls_short(WORKERS).says("several processes (3 were"),
        row("four", |t| workers(t, 4, 3.0)).falls_short(WORKERS).says("several processes (4 were"),
        row("two, started at once", |t| workers(t, 2, 0.02)).falls_short(WORKERS),
        row("four, started at once", |t| workers(t, 4, 0.02)).falls_short(WORKERS),
        row("two, by counters alone", |t| {
            workers(t, 2, 0.0);
            without_start_time(t);
        })
        .falls_short(WORKERS),
        row("four, by counters of the service alone", |t| {
            workers(t, 4, 0.0);
            [START_TIME, CPU, "python_gc_collections_total"]
                .into_iter()
                .for_each(|name| t.without(.., name));
        })
        .falls_short(WORKERS),
        row("the other one is met once", |t| {
            let started = t.seconds(-30.0);
            t.set(12..=12, START_TIME, started);
        })
        .falls_short(WORKERS),
        row("one after the other, both old", |t| {
            let started = t.seconds(-30.0);
            t.set(12.., START_TIME, started);
        })
        .falls_short(WORKERS),
        row("every other page", |t| {
            let started = t.seconds(-30.0);
            (0..SCRAPES).step_by(2).for_each(|n| t.set(n..=n, START_TIME, started));
        })
        .falls_short(WORKERS),
        row("one does nothing", |t| {
            t.each(.., |n, page| {
                if TURNS[n] % 2 == 1 {
                    let idle = |series: &str| is_counter(series) && !series.starts_with("process");
                    let samples = page.samples.iter_mut().filter(|(series, _)| idle(series));
                    samples.for_each(|(_, value)| *value = 1.0);
                }
            });
        })
        .falls_short(WORKERS),
        row("only one is sick", |t| {
            workers(t, 2, 3.0);
            t.each(.., |n, page| {
                if TURNS[n] % 2 != 1 {
                    page.set(LAG, 0.004)
                }
            });
        })
        .falls_short(WORKERS),
    ]);
}

#[test]
fn one_counter_that_falls_concerns_its_queries() {
    check(&[
        row("a used one", |t| t.each(11.., |n, page| page.set(STARTED, (n - 10) as f64 * 2.0)))
            .falls_short(RESTARTS)
            .says("threadpool_tasks_started_total fell back once"),
        row("a used histogram", |t| {
            let before = t.targets[0].scrapes[10].page.clone();
            t.each(11.., |_, page| {
                for (series, value) in &mut page.samples {
                    if series.starts_with(REQUESTS) {
                        *value -= before.get(series);
                    }
                }
            });
        })
        .falls_short(RESTARTS)
        // It is no part of the score.
        .calm(0),
    ]);
}

/// What looks like another process and is none.
#[test]
fn one_process_is_one_process() {
    check(&[
        row("a start time that is computed anew", |t| {
            let jitter = [0.0, 0.013, -0.4, 0.7, -0.9, 0.31];
            t.each(.., |n, page| page.set(START_TIME, page.get(START_TIME) + jitter[n % 6]));
        }),
        row("a start time in whole seconds", |t| {
            t.each(.., |n, page| {
                page.set(START_TIME, page.get(START_TIME).floor() + (n % 2) as f64)
            });
        }),
        row("a start time that drifts", |t| {
            t.each(.., |n, page| page.set(START_TIME, page.get(START_TIME) + n as f64 * 0.3));
        }),
        row("no start time", without_start_time),
        row("a gauge that is named as a counter", |t| {
            t.each(.., |n, page| page.set("sessions_total", [5.0, 9.0, 2.0, 7.0][n % 4]));
        }),
        row("two gauges that are named as counters", |t| {
            t.each(.., |n, page| {
                page.set("sessions_total", [5.0, 9.0, 2.0, 7.0][n % 4]);
                page.set("jobs_total", [3.0, 2.0, 1.0][n % 3]);
            });
        }),
        row("gauges that are named as counts", |t| {
            t.each(.., |n, page| {
                page.set("threads_count", [5.0, 4.0][n % 2]);
                page.set("timers_count", [5.0, 4.0][n % 2]);
                page.set("handles_count", [5.0, 4.0][n % 2]);
            });
        }),
        row("a counter that no query uses is reset", |t| {
            t.each(.., |n, page| page.set("cache_hits_total", (n % 11) as f64));
        }),
        row("a used gauge that is named as a counter", |t| {
            t.each(.., |n, page| page.set("sessions_total", [5.0, 9.0, 2.0, 7.0][n % 4]));
        })
        .with("checks: {sessions: {query: sessions_total, max: 100}}"),
        row("a sum of digits", |t| {
            t.each(.., |n, page| {
                let sum = 0.1 * 3.0 + if n % 2 == 0 { 1e-16 } else { 0.0 };
                page.set("cache_seconds_sum", sum);
                page.set("cache_seconds_count", 3.0);
            });
        }),
        row("declared gauges that are named as counters", |t| {
            without_start_time(t);
            t.without(.., CPU);
            t.each(.., |n, page| {
                for gauge in ('a'..='l').map(|it| format!("{it}_total")) {
                    let sample = format!("# TYPE {gauge} gauge\n{gauge}");
                    page.set(&sample, [90.0, 1.0][n % 2] + n as f64);
                }
            });
        })
        .on(&[Source::Snapshots, Source::Live]),
        row("another service restarts", |t| {
            let other = t.add("b:9100");
            other.job = "node";
            other.scrapes.iter_mut().enumerate().for_each(|(n, it)| {
                it.page = Page::default();
                it.page.set(START_TIME, if n < 9 { 1000.0 } else { 1_700_000_008.5 });
                it.page.set("node_boots_total", if n < 9 { 7.0 } else { 0.0 });
            });
        })
        .on(RECORDINGS),
    ]);
}

/// The codes of an audit and of its replay, of a service that shows these pages before the load, and
/// goes on with them under it, or shows the first one alone.
fn codes(goes_on: bool, page: impl Fn(usize) -> Page + Send + Sync + 'static) -> [i32; 2] {
    let directory = directory_with(include_str!("../../../default_metrics.yaml"));
    let (loading, next) = (directory.path().join("loading"), AtomicUsize::new(0));
    let service = Fake::start(move |_| {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let mut shown = page(if goes_on || !loading.exists() { n } else { 0 });
        // Requests are served all the time.
        shown.set(&format!("{REQUESTS}_count"), 100.0 + 2.0 * n as f64);
        let kind: &dyn std::fmt::Display = &"text/plain; version=0.0.4";
        Response::with_headers(200, &[("Content-Type", kind)], shown.text())
    });
    let gate = ["--fail-on-critical", "--output-format", "json"];
    let url = service.url();
    let live = ["--scrape", &url, "--every", "100ms", "--record", "a.om"];
    let load = ["--", "sh", "-c", "touch loading; sleep 0.5"];
    let live = auditor(directory.path(), &[&live, &gate[..], &load].concat());
    fs::remove_file(directory.path().join("loading")).unwrap();
    let replayed = auditor(directory.path(), &[&["--recording", "a.om"], &gate[..]].concat());
    [live, replayed].map(|run| {
        let report = run.json();
        let shortfalls = report["evidence"]["shortfalls"].to_string();
        assert_eq!(run.code == 3, shortfalls.contains("\"workers\""), "{report:#}");
        run.code
    })
}

#[test]
fn workers_are_seen_before_the_load_if_only_one_shows_itself_under_it() {
    let whole = Telemetry::whole(Source::Live, Fares::Well).targets[0].scrapes[5].page.clone();
    let with = |series: &'static str, value: fn(usize) -> f64| {
        let whole = whole.clone();
        move |n: usize| {
            let mut page = whole.clone();
            page.set(series, value(n));
            page
        }
    };
    let memory = "process_resident_memory_bytes";
    let cpu = |n: usize| [4.0, 7.5][n % 2] + n as f64 * 0.01;
    assert_eq!(codes(false, with(CPU, cpu)), [3, 3]);
    let started = |n: usize| [1_690_000_000.5, 1_690_000_009.25][n / 2 % 2];
    assert_eq!(codes(false, with(START_TIME, started)), [3, 3]);
    assert_eq!(codes(false, with(memory, |n| [4e7, 4.1e7][n % 2])), [3, 3]);
    // Where no page tells of its process, what it has counted does.
    let unnamed = whole.clone();
    let counted = move |n: usize| {
        let mut page = unnamed.clone();
        [START_TIME, CPU, "python_gc_collections_total"].iter().for_each(|name| page.remove(name));
        page.set(STARTED, [40.0, 75.0][n % 2] + n as f64);
        page.set("threadpool_tasks_completed_total", [39.0, 75.0][n % 2] + n as f64);
        page
    };
    assert_eq!(codes(false, counted.clone()), [3, 3]);
    assert_eq!(codes(true, move |n| counted(n * 2)), [0, 0]);
    // One process has ever more of each, or a little more or less.
    assert_eq!(codes(true, with(CPU, |n| n as f64 * 0.01)), [0, 0]);
    assert_eq!(codes(true, with(memory, |n| 4e7 + n as f64 * 4096.0)), [0, 0]);
    // A large page takes memory, and returns it.
    let of_memory = with(memory, |n| [4e7, 4.1e7][n % 2]);
    let large = move |n: usize| {
        let mut page = of_memory(n);
        page.comments = "# a comment\n".repeat(10_000);
        page
    };
    assert_eq!(codes(true, large), [0, 0]);
    assert_eq!(codes(true, with("process_open_fds", |n| (n % 3) as f64)), [0, 0]);
    let computed = |n: usize| 1_690_000_000.0 + [0.0, 0.4, 0.2][n % 3];
    assert_eq!(codes(true, with(START_TIME, computed)), [0, 0]);
}

//! Series that are not there all the time, or are no numbers; pages with nothing on them; targets
//! that end.

use super::source::{FLEETS, RECORDINGS, Source, WITH_UP, audit_in};
use super::table::{Row, check, row};
use super::telemetry::{
    ACTIVE, BLOCKED, Fares, LAG, Page, REQUESTS, SCRAPES, START_TIME, STARTED, Telemetry, WAIT,
};
use crate::support::directory_with;

const HOLES: &[&str] = &["holes"];
const GONE: &[&str] = &["gone_targets"];
const LAST: usize = SCRAPES - 1;
const NAN: f64 = f64::NAN;

/// A series of one label under load: it is born with the first request of its kind.
fn child(telemetry: &mut Telemetry, scrapes: impl std::ops::RangeBounds<usize>, name: &str) {
    telemetry.each(scrapes, |n, page| page.set(&format!("{name}{{path=\"/a\"}}"), n as f64));
}

#[test]
fn a_series_that_is_missing_leaves_a_bound() {
    check(&[
        row("a gauge once", |t| t.without(12..=12, LAG))
            .falls_short(HOLES)
            .says("asyncio_event_loop_lag_seconds is missing in 1 of 20 "),
        row("a gauge twice", |t| [3, 9].into_iter().for_each(|n| t.without(n..=n, ACTIVE)))
            .falls_short(HOLES)
            .says("active_requests is missing in 2 of 20 "),
        row("a gauge at the second page", |t| t.without(1..=1, LAG)).falls_short(HOLES),
        row("a gauge at the last page", |t| t.without(LAST.., LAG)).falls_short(HOLES),
        row("a gauge from the middle on", |t| t.without(10.., LAG)).falls_short(HOLES),
        row("a gauge after its first page", |t| t.without(1.., ACTIVE)).falls_short(HOLES),
        row("a gauge every other page", |t| {
            (1..SCRAPES).step_by(2).for_each(|n| t.without(n..=n, LAG));
        })
        .falls_short(HOLES),
        row("a counter", |t| t.without(12..=13, STARTED)).falls_short(HOLES),
        row("a histogram", |t| t.without(12..=12, BLOCKED)).falls_short(HOLES),
        row("a histogram to the end", |t| t.without(15.., REQUESTS)).falls_short(HOLES).calm(0),
        row("a bucket", move |t| {
            t.without(12..=12, "http_request_duration_seconds_bucket{le=\"0.1\"}")
        })
        .falls_short(HOLES)
        .says("bucket{le=\"0.1\"} is missing in 1 of 20 ")
        .calm(0),
        row("the queue's wait", |t| t.without(8..=8, WAIT)).falls_short(HOLES),
        row("one child of two", |t| {
            child(t, .., ACTIVE);
            child_ends(t, ACTIVE, 9);
        })
        .falls_short(HOLES)
        .says("active_requests{path=\"/a\"} is missing in 11 of 20 "),
        row("of one target of two", |t| {
            let b = t.add("b:8000");
            b.scrapes[12].page.remove(LAG);
        })
        .on(FLEETS)
        .falls_short(HOLES),
        row("what a check uses", |t| {
            t.set(.., "pool_size", 4.0);
            t.without(7..=7, "pool_size");
        })
        .with("checks: {pool: {query: pool_size, min: 1}}")
        .falls_short(HOLES)
        .says("pool_size is missing in 1 of 20 "),
    ]);
}

fn child_ends(telemetry: &mut Telemetry, name: &str, after: usize) {
    telemetry.without(after.., &format!("{name}{{path=\"/a\"}}"));
}

#[test]
fn a_series_that_is_no_number_leaves_a_bound() {
    check(&[
        row("a gauge is NaN once", |t| t.set(12..=12, ACTIVE, NAN))
            .falls_short(HOLES)
            .says("active_requests is NaN in 1 of 20 "),
        row("a gauge is NaN at first", |t| t.set(..3, LAG, NAN)).falls_short(HOLES),
        row("a gauge is NaN most of the time", |t| t.set(2.., ACTIVE, NAN)).falls_short(HOLES),
        row("a gauge is NaN at the end", |t| t.set(LAST.., LAG, NAN)).falls_short(HOLES),
        row("a gauge is NaN and missing", |t| {
            t.set(5..=5, LAG, NAN);
            t.without(7..=7, LAG);
        })
        .falls_short(HOLES),
        row("a gauge is -Inf", |t| t.set(12..=12, LAG, f64::NEG_INFINITY))
            .falls_short(HOLES)
            .says("is infinite in 1 of 20 "),
        row("a sum is NaN", |t| t.set(3..=3, &format!("{BLOCKED}_sum"), NAN)).falls_short(HOLES),
        row("a count is NaN", |t| t.set(3..=3, &format!("{WAIT}_count"), NAN)).falls_short(HOLES),
        row("a counter is NaN", |t| t.set(9..=9, STARTED, NAN)).falls_short(HOLES),
    ]);
}

#[test]
fn a_page_without_what_is_used_leaves_a_bound() {
    let rows = [
        row("blank once", |t| t.blank(12..=12)).says("nothing that a query uses in 1 of 20 "),
        row("blank at the end", |t| t.blank(LAST..)).allowed(3),
        row("blank from the middle on", |t| t.blank(10..)).says(" in 10 of 20 ").allowed(3),
        row("blank every other time", |t| (1..SCRAPES).step_by(2).for_each(|n| t.blank(n..=n)))
            .allowed(3),
        row("only comments", |t| {
            t.blank(12..=12);
            t.each(12..=12, |_, page| {
                page.comments = "# HELP x x\n# TYPE x gauge\n".to_owned();
            });
        }),
        row("only what is not used", |t| {
            t.each(12..=12, |_, page| {
                page.samples.retain(|(name, _)| name.starts_with("process_"))
            });
        }),
        row("another page altogether", |t| {
            t.blank(12..=12);
            t.set(12..=12, "node_cpu_seconds_total", 7.0);
        }),
        row("blank for most of the time at first", |t| {
            t.without(.., START_TIME);
            t.blank(..15);
        })
        .sick(1),
        row("blank at first, of a process that was there", |t| t.blank(..2))
            .says("nothing that a query uses in 2 of 20 "),
    ];
    check(&rows.map(|row| row.on(WITH_UP).falls_short(HOLES)));
}

#[test]
fn a_target_that_ends_leaves_a_bound() {
    let rows = [
        row("one of two", |t| t.add("b:8000").keep(..10)),
        row("the first of two", |t| {
            t.add("b:8000");
            t.first().keep(..10);
        }),
        row("soon after its first scrape", |t| t.add("b:8000").keep(..1)),
        row("a few intervals before the end", |t| t.add("b:8000").keep(..16)),
        row("the slower one", |t| {
            let mut n = 0..;
            t.add("b:8000").scrapes.retain(|_| n.next().unwrap() % 2 == 0);
            t.targets[1].keep(..4);
        }),
    ];
    check(&rows.map(|row| row.on(RECORDINGS).falls_short(GONE).says("instance=")));
    check(&[row("three of four", |t| {
        ["b:1", "c:1", "d:1"].into_iter().for_each(|name| t.add(name).keep(..9));
    })
    .on(RECORDINGS)
    .falls_short(GONE)]);
}

#[test]
fn what_was_put_together_wrongly_leaves_a_bound() {
    check(&[row("samples before the first `up`", |t| up_only(t, 5..SCRAPES))].map(|row| {
        row.on(&[Source::Recording]).falls_short(HOLES).says("before the first or after")
    }));
    check(
        &[
            row("samples after the last `up`", |t| up_only(t, 0..15)),
            row("`up` of one scrape", |t| up_only(t, 9..10)),
        ]
        .map(|row| {
            let rules = &["holes", "timestamps"];
            row.on(&[Source::Recording]).falls_short(rules).says("before the first or after")
        }),
    );
}

/// The first target is not scraped, as where its samples are pushed; another one is.
fn without_up(telemetry: &mut Telemetry) {
    telemetry.add("b:8000");
    telemetry.first().scrapes.iter_mut().for_each(|scrape| scrape.up = None);
}

#[test]
fn what_was_not_scraped_is_held_to_the_same_beside_what_was() {
    let rows = [
        row("whole", without_up),
        row("a gauge is missing", |t| {
            without_up(t);
            t.without(12..=12, LAG);
        })
        .falls_short(HOLES)
        .says("asyncio_event_loop_lag_seconds is missing in 1 of 20 "),
        row("a pause", |t| {
            without_up(t);
            t.first().scrapes.drain(8..14);
        })
        .falls_short(&["max_gap"])
        .says("there was no scrape for 7 s"),
        row("an end", |t| {
            without_up(t);
            t.first().keep(..10);
        })
        .falls_short(GONE),
        row("a restart", |t| {
            without_up(t);
            let start = t.seconds(9.5);
            t.set(10.., START_TIME, start);
        })
        .falls_short(&["restarts"]),
    ];
    check(&rows.map(|row| row.on(&[Source::Recording])));
}

fn up_only(telemetry: &mut Telemetry, scrapes: std::ops::Range<usize>) {
    for (n, scrape) in telemetry.first().scrapes.iter_mut().enumerate() {
        scrape.up = scrapes.contains(&n).then_some(1.0);
    }
}

#[test]
fn what_no_query_looks_at_may_be_blank() {
    let config = "queries: {p99_latency: vector(0.1), event_loop_lag: 'max_over_time(lag[5s])', \
                  blocking_duration_avg: vector(0), \
                  peak_active_requests: 'max_over_time(active[5s])'}\n";
    for (blank, code) in [(3, 0), (14, 0), (15, 3), (17, 3)] {
        let mut telemetry = Telemetry::whole(Source::Recording, Fares::Well);
        telemetry.each(.., |_, page| *page = Page::default());
        for series in ["lag", "active"] {
            telemetry.set(.., series, 0.01);
        }
        telemetry.blank(blank..=blank);
        let directory = directory_with(config);
        let run = audit_in(directory.path(), &telemetry);
        assert_eq!(run.code, code, "page {blank}: {}", run.stdout);
    }
}

/// What looks like a hole and is none.
#[test]
fn what_a_healthy_service_does_is_no_hole() {
    let rows = [
        row("a child is born under load", |t| child(t, 7.., ACTIVE)),
        row("a child is born at the end", |t| child(t, LAST.., "blocking_events_total")),
        row("a gauge is born late", |t| t.without(..2, LAG)),
        row("the pool is used late", |t| t.without(..10, WAIT)),
        row("nothing is blocked before the end", |t| t.without(..5, BLOCKED)),
        row("the first page is before the application", |t| {
            t.each(..1, |_, page| page.samples.retain(|(name, _)| name.starts_with("process_")));
        }),
        row("the first page is blank", |t| {
            t.blank(..1);
            t.without(.., START_TIME);
        }),
        row("the first page is blank, of a process that was just started", |t| {
            t.blank(..1);
            let start = t.seconds(-0.5);
            t.set(1.., START_TIME, start);
        }),
        row("the first pages are comments", |t| {
            t.without(.., START_TIME);
            t.blank(..3);
            t.each(..3, |_, page| page.comments = "# HELP x x\n".to_owned());
        }),
        row("idle at first, and only the process shows", |t| {
            t.each(..14, |_, page| page.samples.retain(|(name, _)| name.starts_with("process_")));
        }),
        row("what no query uses is missing", |t| t.without(4..=4, "process_open_fds")),
        row("what no query uses is NaN", |t| t.set(4..=9, "process_open_fds", NAN)),
        row("what no query uses comes and goes", |t| {
            (0..SCRAPES).step_by(3).for_each(|n| child(t, n..=n, "workers"));
        }),
        row("a summary of nothing", |t| {
            t.set(.., "latency_seconds{quantile=\"0.9\"}", 0.05);
            t.set(..9, "latency_seconds{quantile=\"0.9\"}", NAN);
        })
        .with("checks: {latency: {query: 'max(max_over_time(latency_seconds[$window]))', max: 1}}"),
        row("a check of `up`", |_| {})
            .with("checks: {up: {query: count(active_requests), min: 1}}"),
        row("a gauge is 0", |t| t.set(.., ACTIVE, 0.0)),
        row("a bucket's bound is infinite", |t| t.set(.., "x_bucket{le=\"+Inf\"}", 1.0)),
    ];
    check(&rows);
    check(
        &[
            row("a target begins late", |t| t.add("b:8000").keep(8..)),
            row("a target begins at the end", |t| t.add("b:8000").keep(LAST..)),
            row("a target that is scraped less often", |t| {
                let mut n = 0..;
                t.add("b:8000").scrapes.retain(|_| n.next().unwrap() % 4 == 0);
            }),
            row("a target that is scraped a little later", |t| {
                t.add("b:8000").scrapes.iter_mut().for_each(|it| it.at += 400);
            }),
            row("a target ends an interval earlier", |t| t.add("b:8000").keep(..LAST)),
            row("another service ends", |t| {
                let other = t.add("b:9100");
                other.job = "node";
                other.keep(..7);
                other.scrapes.iter_mut().for_each(|it| {
                    it.page = Page::default();
                    it.page.set("node_load1", 0.5);
                });
            }),
        ]
        .map(|row| row.on(RECORDINGS)),
    );
}

/// The sickness is not seen where what shows it is gone; but then nothing passes either.
#[test]
fn a_hole_where_the_sickness_is_never_passes() {
    let rows: [Row; 3] = [
        row("the lag is gone", |t| {
            t.without(6.., LAG);
            t.without(6.., BLOCKED);
        }),
        row("the lag is NaN", |t| {
            t.set(6.., LAG, NAN);
            t.without(6.., BLOCKED);
        }),
        row("the pages are blank", |t| t.blank(6..)).allowed(3),
    ];
    check(&rows.map(|row| row.on(WITH_UP).falls_short(HOLES).sick(3)));
}

//! The series of the charts: no stall between two points, no hole that looks like calm, and nothing
//! else of the report that changes by them.

use serde_json::{Value, json};

use super::recording::{CALM, CONFIG, SECONDS, Second, directory, recording, together};
use super::{line, page, points, report};
use crate::support::auditor;

const ARGS: [&str; 2] = ["--recording", "run.om"];

fn audited(second: impl Fn(i64) -> Option<Second>) -> Value {
    report(directory(CONFIG, &recording(second)).path(), &ARGS)
}

#[test]
fn no_stall_is_between_two_points() {
    for stalled in [0, 1, 2, 31, 32, 59, SECONDS] {
        let report = audited(|at| {
            let lag = if at == stalled { 3.0 } else { 0.004 };
            Some(Second { lag, ..CALM })
        });
        let points = points(&report, "event_loop_lag");
        let high = points.iter().filter(|point| **point == Some(3.0)).count();
        assert_eq!(high, 1, "a stall at second {stalled}: {points:?}");
        assert!(points.iter().all(Option::is_some), "{points:?}");
    }
}

/// A query without a range sees the last sample of a step alone; the chart sees all.
#[test]
fn no_peak_of_a_query_without_a_range_is_between_two_points() {
    for high in [30, 31] {
        let report = audited(|at| {
            let active = if at == high { 70.0 } else { 3.0 };
            Some(Second { active, ..CALM })
        });
        let points = points(&report, "peak_active_requests");
        assert_eq!(points.iter().filter(|point| **point == Some(70.0)).count(), 1, "{points:?}");
        assert_eq!(report["signals"]["peak_active_requests"]["value"], 3.0);
    }
}

/// Some queries go on with the last sample for minutes, and some make 0 of nothing.
#[test]
fn a_hole_is_a_hole_in_every_line() {
    let report = audited(|at| (!(20..=39).contains(&at)).then_some(CALM));
    let step = report["timeline"]["step_s"].as_f64().unwrap();
    for name in [
        "p99_latency",
        "event_loop_lag",
        "blocking_duration_avg",
        "peak_active_requests",
        "threadpool_backlog",
        "errors",
    ] {
        let points = points(&report, name);
        for (number, point) in points.iter().enumerate() {
            // From the end: the last point is at the last second.
            let end = SECONDS as f64 - (points.len() - 1 - number) as f64 * step;
            let is_within = end - step >= 19.0 && end < 40.0;
            let is_beside = end < 20.0 && number > 0 || end - step > 41.0;
            assert!(!is_within || point.is_none(), "{name} at {end}: {points:?}");
            assert!(!is_beside || point.is_some(), "{name} at {end}: {points:?}");
        }
    }
}

#[test]
fn the_backlog_is_a_difference_where_it_has_no_query() {
    let report = audited(|at| {
        let started = if at >= 30 { 9.0 } else { 5.0 };
        Some(Second { started, ..CALM })
    });
    let points = points(&report, "threadpool_backlog");
    assert_eq!((points.first(), points.last()), (Some(&Some(0.0)), Some(&Some(4.0))));
    assert_eq!(line(&report, "threadpool_backlog")["limit"], 3.0);
}

#[test]
fn a_window_that_was_given_stays() {
    let directory = directory(CONFIG, &recording(|_| Some(CALM)));
    let back = |args: &[&str]| {
        line(&report(directory.path(), args), "event_loop_lag")["looks_back_s"].clone()
    };
    assert_eq!(back(&ARGS), 2.0);
    assert_eq!(back(&[&ARGS[..], &["--var", "window=30s"]].concat()), 30.0);
}

#[test]
fn a_part_is_the_least_that_it_can_be() {
    let calm = recording(|_| Some(CALM));
    let nan = |at| {
        let lag = if (29..=30).contains(&at) { f64::NAN } else { CALM.lag };
        Some(Second { lag, ..CALM })
    };
    let broken = recording(nan).replace("shop:8000", "other:8000");
    let report = report(directory(CONFIG, &together(&[&calm, &broken])).path(), &ARGS);
    assert_eq!(line(&report, "event_loop_lag")["lower_bounds"], json!([15]), "{report:#}");
    assert_eq!(points(&report, "event_loop_lag")[15], Some(0.004));
}

/// The other target is calm meanwhile, and says nothing of the one that is not seen.
#[test]
fn a_hole_of_one_target_leaves_the_least() {
    let calm = recording(|_| Some(CALM));
    for (length, steps) in [(0, Value::Null), (10, json!([15, 16, 17, 18, 19, 20]))] {
        let other = recording(|at| (!(30..30 + length).contains(&at)).then_some(CALM));
        let other = other.replace("shop:8000", "till:8000");
        let report = report(directory(CONFIG, &together(&[&calm, &other])).path(), &ARGS);
        assert_eq!(line(&report, "event_loop_lag")["lower_bounds"], steps);
        assert!(points(&report, "event_loop_lag").iter().all(Option::is_some));
    }
}

#[test]
fn nothing_else_of_the_report_changes() {
    for lag in [0.004, 3.0] {
        let directory = directory(CONFIG, &recording(|_| Some(Second { lag, ..CALM })));
        let mut with = report(directory.path(), &ARGS);
        let args = [&ARGS[..], &["--output-format", "json", "--no-report"]].concat();
        let without = auditor(directory.path(), &args).json();
        assert!(with.as_object_mut().unwrap().remove("timeline").is_some());
        assert_eq!(with, without);
        assert!(without.get("timeline").is_none());
    }
}

#[test]
fn a_single_instant_has_no_line() {
    let recording = "lag_seconds{instance=\"a\",job=\"b\"} 0.1 1700000000\n# EOF\n";
    let directory = directory("queries: {event_loop_lag: lag_seconds}\n", recording);
    let (run, page) = page(directory.path(), &[&ARGS[..], &["--output-format", "json"]].concat());
    assert!(run.json().get("timeline").is_none());
    assert!(page.contains("There are no charts"), "{page}");
}

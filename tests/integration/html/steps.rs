//! A chart does not contradict the verdict: what is only seen in part is no calm, a limit is held
//! against what it is for, and amounts sum up.

use serde_json::{Value, json};

use super::recording::{CALM, Second};
use super::recording::{SECONDS, START, directory, recording, target, together};
use super::{line, page, points, report};
use crate::support::real;

const ARGS: [&str; 2] = ["--recording", "run.om"];
const LAG: &str = "queries: {event_loop_lag: 'max_over_time(lag_seconds[$window])'}\n";

fn bounds(report: &Value, name: &str) -> Vec<u64> {
    let bounds = line(report, name)["lower_bounds"].as_array();
    bounds.into_iter().flatten().filter_map(Value::as_u64).collect()
}

fn drawn(config: &str, recordings: &[&str]) -> Value {
    report(directory(config, &together(recordings)).path(), &ARGS)
}

fn words(config: &str, recordings: &[&str]) -> String {
    page(directory(config, &together(recordings)).path(), &ARGS).1
}

fn is_about(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= expected.abs() * 1e-4
}

#[test]
fn a_limit_of_the_whole_time_is_not_held_against_steps() {
    let config = "\
queries:
  requests_total: sum(increase(req_total[$window]))
  threadpool_tasks_started: sum(increase(started_total[$window]))
  threadpool_tasks_completed: sum(increase(completed_total[$window]))
checks:
  threadpool_backlog: {max: 3}
  errors: {query: 'max_over_time(errs[$window]) - min_over_time(errs[$window])', max: 10}
  rate: {query: 'rate(errs[$window])', max: 10}
  requests_total: {min: 100}
";
    let rising = |metric, each: i64| {
        let all = target("a", metric, 0..60, move |at| (at * each) as f64);
        all.lines().filter(|line| line.starts_with(metric)).collect::<Vec<_>>().join("\n")
    };
    let counters = [("req_total", 10), ("started_total", 4), ("completed_total", 3)];
    let counters = counters.map(|(metric, each)| rising(metric, each));
    let errors = target("a", "errs", 0..60, |at| at as f64);
    let all = [errors.as_str(), &counters[0], &counters[1], &counters[2]];
    let report = drawn(config, &all);
    let backlog = points(&report, "threadpool_backlog");
    assert!(backlog.iter().zip(0..).all(|(it, step)| *it == Some(f64::from(step * 2 + 1))));
    assert_eq!(line(&report, "threadpool_backlog")["limit"], 3.0);
    for (name, limit, sum) in [("requests_total", 100.0, 590.0), ("errors", 10.0, 59.0)] {
        let line = line(&report, name);
        assert_eq!((&line["limit"], &line["limit_of_whole"]), (&Value::Null, &json!(limit)));
        assert_eq!(points(&report, name).iter().flatten().sum::<f64>(), sum, "{line}");
    }
    assert_eq!(line(&report, "rate")["limit"], 10.0);
    let page = words(config, &all);
    assert!(page.contains("in each step; its limit of 10 is for the whole time"), "{page}");
    assert!(page.contains("peak 59 tasks between 22:14:17 and 22:14:19"), "{page}");
}

/// `sum` does not show that a window holds too few samples of one target.
#[test]
fn steps_hold_samples_of_the_slowest_target() {
    let fast = target("fast", "errs_total", 0..=120, |_| 0.0);
    let slow = |at| if at > 60 { 100.0 } else { 0.0 };
    let slow = target("slow", "errs_total", (0..=120).step_by(10), slow);
    let config =
        "checks: {errors: {query: 'sum(increase(errs_total[$window]))', max: 10}}\nqueries: {}\n";
    let report = drawn(config, &[&fast, &slow]);
    assert_eq!(report["timeline"]["step_s"], 20.0);
    assert_eq!(points(&report, "errors").iter().flatten().sum::<f64>(), 100.0);
}

#[test]
fn a_query_that_sees_less_than_a_step_is_asked_more_often_or_is_the_least() {
    let lag = |at| if at == 10_560 { 3.0 } else { 0.01 };
    let long = target("a", "lag_seconds", (0..=21_600).step_by(15), lag);
    for (query, highest, is_partial, told) in [
        ("max_over_time(lag_seconds[1m])", 3.0, false, "the worst that windows of 60 s say"),
        ("max_over_time(lag_seconds[1m] offset 10s)", 3.0, false, "each step is of 10 s earlier"),
        ("max_over_time(lag_seconds[10m])", 3.0, false, "each step looks back 10 min"),
        ("lag_seconds * 1", 3.0, false, ""),
        ("max_over_time(lag_seconds[1s])", 0.01, true, "not seen over it"),
        ("irate(lag_seconds[$window])", 0.0, true, "not seen over it"),
    ] {
        let config = format!("queries: {{event_loop_lag: '{query}'}}\n");
        let report = drawn(&config, &[&long]);
        let points = points(&report, "event_loop_lag");
        let highest_drawn = points.iter().flatten().copied().fold(0.0, f64::max);
        let of_page = words(&config, &[&long]);
        assert_eq!(highest_drawn, highest, "{query}");
        let bounds = bounds(&report, "event_loop_lag").len();
        let known = points.iter().flatten().count();
        assert_eq!(bounds, if is_partial { known } else { 0 }, "{query}: {points:?}");
        assert!(of_page.contains(told), "{query}: {of_page}");
        assert!(!is_partial || !of_page.contains("· not over it"), "{query}: {of_page}");
    }
}

#[test]
fn what_one_target_lacks_is_unseen_behind_every_aggregation() {
    let calm = |_| 0.01;
    let all = target("a", "lag_seconds", 0..=60, calm);
    let gone = target("b", "lag_seconds", 0..=30, calm);
    let late = target("b", "lag_seconds", 30..=60, calm);
    let hole = target("b", "lag_seconds", (0..=60).filter(|at| !(20..40).contains(at)), calm);
    let regular = target("b", "lag_seconds", 0..=60, calm);
    for query in ["max(max_over_time(lag_seconds[$window]))", "lag_seconds", "max(lag_seconds) + 0"]
    {
        let config = format!("queries: {{event_loop_lag: '{query}'}}\n");
        for (name, other, unseen) in [
            ("gone", &gone, 16..31),
            ("late", &late, 0..15),
            ("hole", &hole, 10..21),
            ("", &regular, 0..0),
        ] {
            let report = drawn(&config, &[&all, other]);
            let found = bounds(&report, "event_loop_lag");
            assert!(unseen.clone().all(|step| found.contains(&step)), "{query}, {name}: {found:?}");
            let beside = unseen.start.saturating_sub(1)..unseen.end + 1;
            assert!(found.iter().all(|step| beside.contains(step)), "{query}, {name}: {found:?}");
            assert_eq!(found.is_empty(), unseen.is_empty(), "{query}, {name}: {found:?}");
            let page = words(&config, &[&all, other]);
            assert_eq!(
                page.contains("· not over it"),
                unseen.is_empty(),
                "{query}, {name}: {page}"
            );
        }
    }
}

/// A pause that the audit calls too long leaves its mark, however long the steps are.
#[test]
fn a_pause_within_long_steps_is_seen() {
    for (missing, max_gap, is_hole) in
        [(1, "", false), (1, "20s", true), (4, "", true), (4, "5m", false), (22, "", true)]
    {
        let evidence = format!("evidence: {{max_gap: {max_gap}}}\n");
        let config = format!("{LAG}{}", if max_gap.is_empty() { "" } else { &evidence });
        let is_there = |at: &i64| !(700..700 + missing).contains(&(at / 15));
        let instants = (0..=21_600).step_by(15).filter(is_there);
        let lag = target("a", "lag_seconds", instants, |_| 0.01);
        let report = drawn(&config, &[&lag]);
        assert!(report["timeline"]["step_s"].as_f64().unwrap() > 180.0);
        let found = bounds(&report, "event_loop_lag");
        let unknown = points(&report, "event_loop_lag").iter().filter(|it| it.is_none()).count();
        assert_eq!(!found.is_empty() || unknown > 0, is_hole, "{missing} {max_gap}: {found:?}");
        assert!(
            found.iter().all(|step| (57..=62).contains(step)),
            "{missing} {max_gap}: {found:?}"
        );
    }
}

/// A counter's name, its values by the second, and what its steps have to sum up to.
type Counter = (&'static str, fn(i64) -> f64, f64);
const COUNTERS: [Counter; 3] = [
    ("from nothing", |at| (at * 10) as f64, 600.0),
    ("from far", |at| (1000 + at * 10) as f64, 600.0),
    ("once", |at| if at >= 30 { 1.0 } else { 0.0 }, 1.0),
];
const COUNTED: &str = "\
queries:
  event_loop_lag: max_over_time(up[$window]) * 0
  requests_total: sum(increase(req_total[$window]))
  threadpool_tasks_started: sum(increase(req_total[$window]))
  threadpool_tasks_completed: sum(increase(req_total[$window])) / 2
";

/// The backlog ends with what the audit reads of it, and does not fall before.
fn the_backlog_is_that_of_the_audit(report: &Value) {
    let of = |signal| report["signals"][signal]["value"].as_f64().unwrap();
    let backlog = of("threadpool_tasks_started") - of("threadpool_tasks_completed");
    let points: Vec<_> = points(report, "threadpool_backlog").into_iter().flatten().collect();
    assert!(is_about(*points.last().unwrap(), backlog), "{backlog}: {points:?}");
    assert!(points.len() >= 30 && points.is_sorted(), "{points:?}");
}

#[test]
fn the_steps_of_a_counter_sum_up() {
    for (name, value, sum) in COUNTERS {
        let report = drawn(COUNTED, &[&target("a", "req_total", 0..=60, value)]);
        let points = points(&report, "requests_total");
        let found: f64 = points.iter().flatten().sum();
        assert!(is_about(found, sum), "{name}: {found} of {sum}: {points:?}");
        assert!(points.iter().flatten().all(|it| *it <= 20.0), "{name}: {points:?}");
        the_backlog_is_that_of_the_audit(&report);
    }
}

/// At instants of samples: ranges of a Prometheus before 3 include their beginning.
#[test]
fn a_server_draws_each_sample_in_one_step() {
    if !real::available("the steps of a server's charts") {
        return;
    }
    let at = (START + SECONDS).to_string();
    for (name, value, sum) in COUNTERS {
        let samples = target("a", "req_total", 0..=60, value);
        let milliseconds = samples.lines().filter(|line| *line != "# EOF");
        let milliseconds = milliseconds.map(|line| format!("{line}000\n")).collect();
        let directory = directory(&format!("vars: {{window: 60s}}\n{COUNTED}"), &samples);
        let prometheus = real::prometheus_of(&samples, None, "");
        for server in [prometheus, real::victoria_metrics_of(milliseconds)] {
            let report = report(directory.path(), &["--target", &server.url, "--at", &at]);
            let found: f64 = points(&report, "requests_total").iter().flatten().sum();
            assert!(is_about(found, sum), "{name}: {found} of {sum}: {report:#}");
            assert_eq!(bounds(&report, "requests_total").len(), 0, "{name}: {report:#}");
            the_backlog_is_that_of_the_audit(&report);
        }
    }
    for stalled in [30, 31] {
        let samples = recording(|at| {
            let lag = if at == stalled { 3.0 } else { 0.004 };
            Some(Second { lag, ..CALM })
        });
        let server = real::prometheus_of(&samples, None, "");
        let directory = directory(&format!("vars: {{window: 60s}}\n{LAG}"), &samples);
        let report = report(directory.path(), &["--target", &server.url, "--at", &at]);
        let high = points(&report, "event_loop_lag");
        let high = high.iter().filter(|point| **point == Some(3.0)).count();
        assert_eq!((high, bounds(&report, "event_loop_lag").len()), (1, 0), "{report:#}");
    }
}

#[test]
fn a_peak_is_within_its_step() {
    let lag = |at| if at == 31 { 3.0 } else { 0.004 };
    let page = words(LAG, &[&target("a", "lag_seconds", 0..=60, lag)]);
    assert!(page.contains("peak 3 s between 22:13:50 and 22:13:52"), "{page}");
}

//! What proves a breach, and what does not, however bad it looks by then.

use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::config::{self, Request, Source};
use crate::model::level::{Gate, Level};
use crate::storage::{METRIC_NAME, Point};

const START: i64 = 1_700_000_000_000;

fn plan(config: &str, gate: Gate) -> Plan {
    let request = Request { gate, ..Request::default() };
    let mut plan = config::parse(Path::new("metrics.yaml"), config, &request).unwrap();
    plan.spec.source = Source::Recording("samples at hand".into());
    plan
}

fn critical() -> Gate {
    let mut gate = Gate::default();
    gate.add(Level::Critical);
    gate
}

/// Each series is a name with its values, one a second.
fn seen(series: &[(&str, &[f64])]) -> (Storage, ObservedRange) {
    let mut storage = Storage::default();
    let mut length = 0;
    for (index, (name, values)) in series.iter().enumerate() {
        let labels = [(METRIC_NAME, (*name).to_owned()), ("instance", index.to_string())];
        let id = storage.series(labels.into());
        for (second, value) in (0..).zip(*values) {
            storage.push(id, Point { at: START + second * 1000, value: *value }).unwrap();
            length = length.max(second);
        }
    }
    let window = Duration::from_millis(u64::try_from(length * 1000 + 1).unwrap());
    let at = Timestamp::from_millisecond(START + length * 1000).unwrap();
    (storage, ObservedRange { at, window: Some(window), step: None })
}

/// The signals that a configuration has to have, all but one of them calm; and more.
fn queries(lag: &str, more: &str) -> String {
    format!(
        "queries: {{p99_latency: calm, event_loop_lag: {lag}, blocking_duration_avg: calm, \
         peak_active_requests: calm}}\n{more}"
    )
}

#[test]
fn only_what_later_samples_cannot_undo_is_proven() {
    let max = "'max_over_time(lag[$window])'";
    let check =
        |rule: &str| format!("checks: {{own: {{query: 'max_over_time(own[$window])', {rule}}}}}");
    let of = |rule: &str| queries(max, &check(rule));
    let once: &[(&str, &[f64])] = &[("lag", &[0.01, 2.0, 0.01]), ("calm", &[0.0])];
    for (config, series, expected) in [
        (queries(max, ""), once, Some("the score is at least 3000; CRITICAL starts at 1200")),
        (
            queries("'1.5 * max_over_time(lag[$window])'", ""),
            once,
            Some("the score is at least 4500"),
        ),
        (queries(max, ""), &[("lag", &[0.01, 0.7, 0.01])], None),
        (queries(max, ""), &[("calm", &[0.0])], None),
        (queries(max, ""), &[("lag", &[f64::NAN])], None),
        // Two processes, one of them calm.
        (
            queries(max, ""),
            &[("lag", &[0.01]), ("lag", &[9.0])],
            Some("the score is at least 13500"),
        ),
        (queries("lag", ""), &[("lag", &[9.0])], None),
        (queries("'avg_over_time(lag[$window])'", ""), &[("lag", &[9.0])], None),
        (queries("'max_over_time(lag[15m])'", ""), &[("lag", &[9.0])], None),
        (
            queries("'max_over_time(lag[$window] offset 1s)'", ""),
            &[("lag", &[9.0, 9.0, 9.0])],
            None,
        ),
        (
            queries("{query: 'max_over_time(lag[$window])', reduce: avg}", ""),
            &[("lag", &[9.0])],
            None,
        ),
        (
            queries("{query: 'max_over_time(lag[$window])', reduce: min}", ""),
            &[("lag", &[9.0])],
            None,
        ),
        (of("max: 3"), &[("own", &[1.0, 4.0, 1.0])], Some("the check `own` (critical) is broken")),
        (of("max: 3"), &[("own", &[3.0])], None),
        (of("max: 3, severity: warning"), &[("own", &[4.0])], None),
        (of("max: -1"), &[("other", &[4.0])], None),
        (of("max: -1"), &[("own", &[-0.5])], Some("the check `own` (critical) is broken")),
        (of("max: -1"), &[("own", &[-2.0])], None),
        (of("min: 3"), &[("own", &[1.0])], None),
        (
            of("budget: {limit: 3}"),
            &[("own", &[3.0])],
            Some("the check `own` (critical) is broken"),
        ),
    ] {
        let plan = plan(&config, critical());
        let (storage, observed) = seen(series);
        let found = Prover::new(&plan).and_then(|it| it.proven_by(&storage, &observed, None));
        let is_expected = match (&found, expected) {
            (Some(found), Some(words)) => found.starts_with(words),
            (found, words) => found.is_none() && words.is_none(),
        };
        assert!(is_expected, "{config} {series:?}: {found:?}");
    }
}

#[test]
fn a_window_that_is_given_may_be_shorter_than_the_load() {
    let config = queries("'max_over_time(lag[$window])'", "");
    let gate = critical();
    let request =
        Request { gate, vars: vec![("window".to_owned(), "5m".to_owned())], ..Request::default() };
    let given = config::parse(Path::new("metrics.yaml"), &config, &request).unwrap();
    assert!(Prover::new(&given).is_none());
    assert!(Prover::new(&plan(&config, gate)).is_some());
    assert!(Prover::new(&plan(&config, Gate::default())).is_none(), "there is no gate");
    assert!(Prover::new(&plan(&queries("lag", ""), gate)).is_none());
}

/// Two limits that have to be broken at once, one of which may be kept yet.
#[test]
fn a_failure_mode_is_proven_by_all_of_its_signals() {
    let gate = Gate { failure_mode: true, ..Gate::default() };
    let mode = |blocking: &str| {
        format!(
            "queries: {{p99_latency: calm, event_loop_lag: 'max_over_time(lag[$window])', \
             blocking_duration_avg: '{blocking}', peak_active_requests: calm}}\n"
        )
    };
    let series: &[(&str, &[f64])] = &[("lag", &[2.0]), ("blocked", &[3.0])];
    let (storage, observed) = seen(series);
    for (blocking, is_proven) in [("max_over_time(blocked[$window])", true), ("blocked", false)] {
        let plan = plan(&mode(blocking), gate);
        let found = Prover::new(&plan).unwrap().proven_by(&storage, &observed, None);
        assert_eq!(found.is_some(), is_proven, "{found:?}");
    }
}

/// Values of a series, from the second at which it begins.
fn series() -> impl Strategy<Value = (usize, Vec<f64>)> {
    let value = prop_oneof![-3.0..3.0, Just(f64::NAN), Just(0.0), 0.5..20.0];
    (0..6_usize, prop::collection::vec(value, 1..10))
}

proptest! {
    /// Whatever comes, a second later the breach is proven as well.
    #[test]
    fn what_is_proven_stays_proven(
        all in prop::collection::vec(series(), 1..4),
        expr in prop::sample::select(vec![
            "max_over_time(own[$window])",
            "max(max_over_time(own[$window]))",
            "sum(max_over_time(own[$window]))",
            "sum(max_over_time(own_total[$window]))",
            "2 * max_over_time(own[$window]) + 1",
            "max_over_time(own_total[$window])",
        ]),
        reduce in prop::sample::select(vec!["max", "sum", "avg", "min"]),
        limit in -3.0..9.0,
    ) {
        let own = format!("checks: {{own: {{query: '{expr}', reduce: {reduce}, max: {limit}}}}}\n");
        let lag = format!("{{query: '{expr}', reduce: {reduce}}}");
        for config in [queries("calm", &own), queries(&lag, "")] {
            let plan = plan(&config, critical());
            let Some(prover) = Prover::new(&plan) else { continue };
            let mut was_proven = false;
            for end in 0..16 {
                let mut storage = Storage::default();
                for (index, (begin, values)) in all.iter().enumerate() {
                    let is_counter = expr.contains("own_total");
                    let name = if is_counter { "own_total" } else { "own" };
                    let labels = [(METRIC_NAME, name.to_owned()), ("instance", index.to_string())];
                    let id = storage.series(labels.into());
                    for (second, value) in (*begin..=end).zip(values) {
                        let at = START + i64::try_from(second).unwrap() * 1000;
                        let value = if is_counter { value.max(0.0) } else { *value };
                        storage.push(id, Point { at, value }).unwrap();
                    }
                }
                let length = i64::try_from(end).unwrap() * 1000;
                let at = Timestamp::from_millisecond(START + length).unwrap();
                let window = Some(Duration::from_millis(u64::try_from(length + 1).unwrap()));
                let observed = ObservedRange { at, window, step: None };
                let is_proven = prover.proven_by(&storage, &observed, None).is_some();
                prop_assert!(is_proven || !was_proven, "{config} at {end}");
                was_proven = is_proven;
            }
        }
    }
}

//! Queries that take too long, or too much.

use std::time::{Duration, Instant};

use super::{at_minute, storage};
use crate::promql::{Error, parse};

#[test]
fn a_query_can_be_evaluated_by_many_threads() {
    let (storage, query) = (storage(&[("x", "1")]), parse("max_over_time(x[5m:])").unwrap());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(query.evaluate(&storage, 0, None).is_ok()));
        }
    });
}

#[test]
fn a_query_ends_at_its_deadline() {
    let storage = storage(&[("x", "1 2 3")]);
    let soon = Instant::now() + Duration::from_millis(50);
    let endless = parse("count_over_time(nothing[100y:100s])").unwrap();
    let result = endless.evaluate(&storage, 0, Some(soon));
    assert_eq!(result, Err(Error::Timeout));
    assert!(soon.elapsed() < Duration::from_secs(5));
    let past = parse("x").unwrap().evaluate(&storage, 0, Some(Instant::now()));
    assert_eq!(past.unwrap_err().error_type(), "timeout");
}

#[test]
fn a_subquery_has_a_bounded_number_of_steps() {
    let error = at_minute(0.0, &storage(&[]), "count_over_time(x[200y:1ms])");
    assert_eq!(error, "execution: a subquery has too many steps");
}

#[test]
fn the_deepest_query_fits_into_the_stack_of_a_thread() {
    let storage = storage(&[("x", "1")]);
    let deep =
        |count, begin: &str, end: &str| format!("{}x{}", begin.repeat(count), end.repeat(count));
    for expr in [
        deep(80, "(-abs(", "))"),
        deep(124, "sum(", ")+x"),
        deep(240, "", "+x"),
        deep(240, "-", ""),
        deep(240, "(", ")"),
    ] {
        let value = at_minute(0.0, &storage, &expr);
        assert!(!value.contains(':'), "{value}");
    }
}

#[test]
fn instants_at_the_ends_of_time_do_no_harm() {
    let storage = storage(&[("x", "1")]);
    for at in [i64::MIN, i64::MIN + 1, -1, i64::MAX] {
        for expr in [
            "x",
            "x offset 1y",
            "x offset -1y",
            "rate(x[1y])",
            "count_over_time(x[1m:])",
            "max_over_time(rate(x[1y:1w])[1y:1w] offset -1w)",
            "day_of_year()",
            "time()",
            "predict_linear(x[1y], 1e300)",
            "x[1y:1y] @ -9e15",
        ] {
            assert!(parse(expr).unwrap().evaluate(&storage, at, None).is_ok(), "{expr} at {at}");
        }
    }
}

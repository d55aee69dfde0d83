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

/// `expr` with a function of labels around it so many times; `$` stands for what is within.
fn nested(count: usize, function: &str) -> String {
    (0..count).fold("x".to_owned(), |expr, _| function.replace('@', &expr))
}

#[test]
fn labels_that_grow_and_grow_are_refused_before_they_fill_the_memory() {
    let storage = storage(&[("x{a=0123456789}", "1 2 3")]);
    let double = r#"label_replace(@, "a", "$1$1", "a", "(.*)")"#;
    let joined = r#"label_join(@, "a", "-", "a", "a")"#;
    let at_once = format!(r#"label_replace(@, "a", "{}", "a", "(.*)")"#, "$0".repeat(10_000));
    for (expr, refused) in [
        (nested(5, double), false),
        (nested(40, double), true),
        (nested(5, joined), false),
        (nested(40, joined), true),
        (nested(1, &at_once), false),
        (nested(3, &at_once), true),
        (format!("count_over_time(({})[3m:1m])", nested(40, double)), true),
    ] {
        let value = at_minute(2.0, &storage, &expr);
        let words = "execution: the query makes a label of more than 1 MiB";
        assert_eq!(value == words, refused, "{}", value.len());
    }
}

#[test]
fn long_labels_of_many_series_are_refused_before_they_fill_the_memory() {
    let long = r#"label_replace(label_replace(x, "a", "$0$0$0$0$0$0$0$0", "a", "y+"), "a", "$0$0$0$0$0$0$0$0", "a", "y+")"#;
    let names: Vec<_> = (0..1100).map(|n| format!("x{{n={n},a={}}}", "y".repeat(15_000))).collect();
    let some = |count| {
        let series: Vec<_> = names.iter().take(count).map(|name| (name.as_str(), "1")).collect();
        at_minute(0.0, &storage(&series), &format!("count({long})"))
    };
    assert_eq!(some(10), "{} 10");
    let words = "execution: the query holds too many samples, or too long labels, at once";
    assert_eq!(some(1100), words);
}

#[test]
fn labels_that_are_computed_again_and_again_are_not_counted_each_time() {
    let storage = storage(&[("x{a=0123456789}", "1 2 3")]);
    // 50 kB at each of 10,000 steps, and as many at each of 60 levels.
    let long = format!(r#"label_replace(x, "a", "{}", "a", ".*")"#, "y".repeat(50_000));
    let steps = format!("count_over_time(({long})[10000s:1s])");
    let value = at_minute(2.0, &storage, &steps);
    assert!(value.starts_with("{a=\"yyy"), "{value:.99}");
    let levels = nested(60, r#"label_replace(@, "b", "z", "a", ".*")"#).replace('x', &long);
    let value = at_minute(2.0, &storage, &levels);
    assert!(value.starts_with("x{a=\"yyy") && value.contains("b=\"z\""), "{value:.99}");
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

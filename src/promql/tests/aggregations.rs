//! Aggregations.

use super::{check, check_errors, storage};

#[test]
fn groups_are_by_labels_or_without_them() {
    let storage = storage(&[("x{a=1,b=1}", "1"), ("x{a=1,b=2}", "3"), ("x{a=2}", "5")]);
    check(
        0.0,
        &storage,
        &[
            ("sum(x)", "{} 9"),
            ("sum by (a) (x)", "{a=\"1\"} 4; {a=\"2\"} 5"),
            ("sum without (b) (x)", "{a=\"1\"} 4; {a=\"2\"} 5"),
            ("sum by (b, c) (x)", "{} 5; {b=\"1\"} 1; {b=\"2\"} 3"),
            ("sum(x) by (__name__)", "x 9"),
            ("count without () (x)", "{a=\"1\", b=\"1\"} 1; {a=\"1\", b=\"2\"} 1; {a=\"2\"} 1"),
            ("avg(x)", "{} 3"),
            ("min(x) + max(x)", "{} 6"),
            ("group(x)", "{} 1"),
            ("stdvar by (a) (x)", "{a=\"1\"} 1; {a=\"2\"} 0"),
            ("stddev(x{a=\"1\"})", "{} 1"),
            ("quantile(0.75, x)", "{} 4"),
            ("sum(nothing)", ""),
        ],
    );
}

#[test]
fn nan_is_no_extreme_and_comes_last() {
    let storage = storage(&[("x{a=1}", "NaN"), ("x{a=2}", "2"), ("x{a=3}", "3"), ("no", "NaN")]);
    check(
        0.0,
        &storage,
        &[
            ("min(x)", "{} 2"),
            ("max(x)", "{} 3"),
            ("max(no)", "{} NaN"),
            ("topk(2, x)", "x{a=\"3\"} 3; x{a=\"2\"} 2"),
            ("bottomk(3, x)", "x{a=\"2\"} 2; x{a=\"3\"} 3; x{a=\"1\"} NaN"),
            ("topk(3, x) > 0", "x{a=\"3\"} 3; x{a=\"2\"} 2"),
            ("topk by (a) (1, x{a!=\"1\"})", "x{a=\"2\"} 2; x{a=\"3\"} 3"),
            ("topk(0.9, x)", ""),
            ("sort_desc(x)", "x{a=\"3\"} 3; x{a=\"2\"} 2; x{a=\"1\"} NaN"),
            ("abs(sort(-x))", "{a=\"3\"} 3; {a=\"2\"} 2; {a=\"1\"} NaN"),
            ("sum(x)", "{} NaN"),
            ("quantile(0, x)", "{} NaN"),
        ],
    );
    check_errors(&storage, &[("topk(NaN, x)", "NaN"), ("bottomk(1e19, x)", "cannot be taken")]);
}

#[test]
fn values_are_counted_in_all_their_digits() {
    let values =
        [("x{a=1,b=1}", "1e22"), ("x{a=2,b=1}", "1e22"), ("x{a=3}", "-Inf"), ("x{a=4}", "0.1")];
    let storage = storage(&values);
    check(
        0.0,
        &storage,
        &[
            (
                "count_values(\"v\", x)",
                "{v=\"-Inf\"} 1; {v=\"0.1\"} 1; {v=\"10000000000000000000000\"} 2",
            ),
            (
                "count_values by (b) (\"a\", x{b=\"1\"})",
                "{a=\"10000000000000000000000\", b=\"1\"} 2",
            ),
            ("count_values without (a) (\"a\", x{b=\"1\"})", "{b=\"1\"} 2"),
            ("count_values(\"é-\", x{a=\"4\"})", "{é-=\"0.1\"} 1"),
        ],
    );
}

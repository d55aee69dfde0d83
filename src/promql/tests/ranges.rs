//! Functions of ranges.

use super::{check, check_errors, storage};

#[test]
fn a_range_is_open_on_the_left_and_closed_on_the_right() {
    let storage = storage(&[("x", "1 2 3 4")]);
    check(
        3.0,
        &storage,
        &[
            ("x[2m]", "x 3@2 4@3"),
            ("x[2m1s]", "x 2@1 3@2 4@3"),
            ("x[120] offset 60", "x 2@1 3@2"),
            ("x[2m] @ 60", "x 1@0 2@1"),
            ("x[30s] offset 1s", ""),
        ],
    );
}

#[test]
fn a_counter_reset_counts_from_zero() {
    let storage = storage(&[("x", "5 8 2 4"), ("y", "5 8 0 NaN 4")]);
    check(
        3.0,
        &storage,
        &[
            // (3 + 2 + 2) over 3 minutes of samples, and no more than 1.1 intervals to each bound.
            ("increase(x[4m])", "{} 9.333333333333332"),
            ("delta(x[4m])", "{} -1.3333333333333333"),
            ("rate(x[4m]) * 240 == bool increase(x[4m])", "{} 1"),
            ("irate(x[4m]) * 60", "{} 2"),
            ("idelta(x[4m])", "{} 2"),
            ("resets(x[4m])", "{} 1"),
            ("rate(x[1m])", ""),
        ],
    );
    check(2.0, &storage, &[("irate(x[4m]) * 60", "{} 2"), ("idelta(x[4m])", "{} -6")]);
}

#[test]
fn a_rate_is_extrapolated_to_the_bounds_but_not_below_zero() {
    let storage = storage(&[("x", "_ _ _ _ 6 12 18"), ("low", "_ _ _ _ 1 11 21")]);
    check(
        6.0,
        &storage,
        &[
            // The series begins half an interval before its first sample.
            ("increase(x[6m])", "{} 15"),
            ("delta(x[6m])", "{} 15"),
            // A tenth of an interval before it, the counter was 0.
            ("increase(low[6m])", "{} 21"),
            ("delta(low[6m])", "{} 25"),
        ],
    );
    check(6.5, &storage, &[("increase(x[2m])", "{} 12"), ("increase(x[150s])", "{} 15")]);
    check(9.0, &storage, &[("delta(x[5m])", "{} 15")]);
}

#[test]
fn functions_of_the_values_of_a_range() {
    let storage = storage(&[("x", "1 NaN -2 7"), ("no", "_ NaN NaN"), ("y", "4 4 4 4")]);
    check(
        3.0,
        &storage,
        &[
            ("min_over_time(x[4m])", "{} -2"),
            ("max_over_time(x[4m])", "{} 7"),
            ("max_over_time(no[4m])", "{} NaN"),
            ("sum_over_time(x[4m])", "{} NaN"),
            ("avg_over_time(y[4m])", "{} 4"),
            ("count_over_time(x[4m])", "{} 4"),
            ("present_over_time(x[4m])", "{} 1"),
            ("first_over_time(x[4m])", "x 1"),
            ("last_over_time(x[4m])", "x 7"),
            ("changes(x[4m])", "{} 3"),
            ("changes(no[4m])", "{} 0"),
            ("stdvar_over_time(x[2m])", "{} 20.25"),
            ("stddev_over_time(x[2m])", "{} 4.5"),
            ("quantile_over_time(0.5, x[2m])", "{} 2.5"),
            // NaN is the smallest value.
            ("quantile_over_time(1/3, x[4m])", "{} -2"),
            ("quantile_over_time(-0.1, x[4m])", "{} -inf"),
            ("quantile_over_time(NaN, x[4m])", "{} NaN"),
        ],
    );
}

#[test]
fn lines_through_samples() {
    let storage = storage(&[("x", "0 6 12 18"), ("flat", "3 3"), ("huge", "+Inf +Inf")]);
    check(
        3.0,
        &storage,
        &[
            ("deriv(x[4m])", "{} 0.1"),
            ("predict_linear(x[4m], 60)", "{} 24"),
            // What is predicted counts from now, not from the end of the range.
            ("predict_linear(x[3m] offset 1m, 60)", "{} 24"),
            ("deriv(flat[9m])", "{} 0"),
            ("predict_linear(flat[9m], 60)", "{} 3"),
            ("deriv(huge[9m])", "{} NaN"),
            ("deriv(x[1m])", ""),
            ("double_exponential_smoothing(x[4m], 0.5, 0.5)", "{} 18"),
            ("holt_winters(x[3m], 0.5, 0.1)", "{} 18"),
        ],
    );
    check_errors(
        &storage,
        &[
            ("holt_winters(x[10m], 1, 0.1)", "smoothing factor"),
            ("holt_winters(x[10m], 0.5, 0)", "trend factor"),
        ],
    );
}

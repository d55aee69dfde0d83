//! What rounding, overflow and dates must not spoil.

use super::{check, storage};

#[test]
fn sums_lose_no_small_terms_and_means_do_not_overflow() {
    let storage = storage(&[
        ("x{a=1}", "1e100 1.7e308 -Inf"),
        ("x{a=2}", "1 1.7e308 1"),
        ("x{a=3}", "-1e100 1.7e308 1"),
        ("y", "1 1e100 1 -1e100"),
        ("big", "1.7e308 1.7e308 -1.7e308 -1.7e308"),
    ]);
    check(0.0, &storage, &[("sum(x)", "{} 1"), ("avg(x) * 3", "{} 1")]);
    check(1.0, &storage, &[("sum(x)", "{} inf"), ("avg(x) == bool 1.7e308", "{} 1")]);
    check(1.0, &storage, &[("stddev(x)", "{} 0")]);
    check(2.0, &storage, &[("sum(x)", "{} -inf"), ("avg(x)", "{} -inf"), ("stddev(x)", "{} NaN")]);
    check(
        3.0,
        &storage,
        &[
            ("sum_over_time(y[4m])", "{} 2"),
            ("avg_over_time(y[4m])", "{} 0.5"),
            ("sum_over_time(big[2m])", "{} -inf"),
            ("avg_over_time(big[2m]) == bool -1.7e308", "{} 1"),
            ("abs(avg_over_time(big[4m])) < bool 1e293", "{} 1"),
        ],
    );
}

#[test]
fn functions_of_a_number() {
    check(
        0.0,
        &storage(&[]),
        &[
            ("round(vector(-2.5))", "{} -2"),
            ("round(vector(7.2), 0.5)", "{} 7"),
            ("sgn(vector(-0.5))", "{} -1"),
            ("sgn(vector(NaN))", "{} NaN"),
            ("clamp(vector(5), 1, 3)", "{} 3"),
            ("clamp(vector(5), 3, 1)", ""),
            ("clamp_min(vector(NaN), 1)", "{} NaN"),
            ("clamp_max(vector(5), NaN)", "{} NaN"),
            ("ln(vector(-1))", "{} NaN"),
            ("deg(vector(pi()))", "{} 180"),
            ("scalar(vector(1) or on(a) vector(2))", "1"),
            ("scalar(vector(1) > 2)", "NaN"),
            ("histogram_count(vector(1))", ""),
        ],
    );
}

#[test]
fn dates_are_in_utc_and_of_any_age() {
    // A leap day, a Thursday.
    let noon = "vector(1709208000)";
    for (function, expected) in [
        ("minute", "0"),
        ("hour", "12"),
        ("day_of_week", "4"),
        ("day_of_month", "29"),
        ("day_of_year", "60"),
        ("days_in_month", "29"),
        ("month", "2"),
        ("year", "2024"),
    ] {
        check(0.0, &storage(&[]), &[(&format!("{function}({noon})"), &format!("{{}} {expected}"))]);
    }
    check(
        61.5,
        &storage(&[]),
        &[
            ("hour()", "{} 1"),
            ("minute()", "{} 1"),
            ("year(vector(-1))", "{} 1969"),
            ("year(vector(-0.5))", "{} 1970"),
            ("year(vector(NaN))", "{} NaN"),
            ("day_of_month(vector(1e300))", "{} NaN"),
            ("time()", "3690"),
        ],
    );
}

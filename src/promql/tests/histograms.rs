//! Histograms whose buckets are series.

use super::{check, check_errors, storage};

#[test]
fn a_quantile_is_interpolated_within_its_bucket() {
    let storage = storage(&[
        ("h{le=1}", "10 0"),
        ("h{le=2}", "30 0"),
        ("h{le=+Inf}", "40 0"),
        ("h", "999"),
        ("h{le=many}", "999"),
        ("negative{le=-1}", "10"),
        ("negative{le=1}", "20"),
        ("negative{le=+Inf}", "20"),
    ]);
    check(
        0.0,
        &storage,
        &[
            ("histogram_quantile(0.125, h)", "{} 0.5"),
            ("histogram_quantile(0.5, h)", "{} 1.5"),
            ("histogram_quantile(0.9, h)", "{} 2"),
            ("histogram_quantile(0, h)", "{} 0"),
            ("histogram_quantile(-1, h)", "{} -inf"),
            ("histogram_quantile(1.1, h)", "{} inf"),
            ("histogram_quantile(NaN, h)", "{} NaN"),
            ("histogram_quantile(0.25, negative)", "{} -1"),
            ("histogram_quantile(0.75, negative)", "{} 0"),
        ],
    );
    check(1.0, &storage, &[("histogram_quantile(0.5, h{le!=\"\"})", "{} NaN")]);
}

#[test]
fn buckets_of_equal_bounds_are_one_and_others_rise() {
    let storage = storage(&[
        ("twice{le=1}", "10"),
        ("twice{le=1.0}", "10"),
        ("twice{le=2}", "40"),
        ("twice{le=+Inf}", "40"),
        ("falls{le=1}", "10"),
        ("falls{le=2}", "4"),
        ("falls{le=4}", "20"),
        ("falls{le=+Inf}", "19.999999999999"),
        ("open{le=1}", "10"),
        ("open{le=2}", "20"),
        ("alone{le=+Inf}", "20"),
    ]);
    check(
        0.0,
        &storage,
        &[
            ("histogram_quantile(0.75, twice)", "{} 1.5"),
            ("histogram_quantile(0.75, falls)", "{} 3"),
            ("histogram_quantile(1, falls)", "{} 4"),
            ("histogram_quantile(0.5, open)", "{} NaN"),
            ("histogram_quantile(-1, open)", "{} -inf"),
            ("histogram_quantile(0.5, alone)", "{} NaN"),
            ("histogram_fraction(0, 1, open)", "{} NaN"),
        ],
    );
    check_errors(
        &storage,
        &[(
            "histogram_quantile(0.5, {__name__=~\"open|alone\"} @ 0)",
            "several series of the result",
        )],
    );
}

#[test]
fn a_fraction_is_interpolated_at_both_bounds() {
    let storage = storage(&[
        ("h{le=1}", "10"),
        ("h{le=2}", "30"),
        ("h{le=+Inf}", "40"),
        ("negative{le=-3}", "10"),
        ("negative{le=-2}", "12"),
        ("negative{le=+Inf}", "100"),
    ]);
    check(
        0.0,
        &storage,
        &[
            ("histogram_fraction(0.5, 1.5, h)", "{} 0.375"),
            ("histogram_fraction(-5, 1, h)", "{} 0.25"),
            ("histogram_fraction(-Inf, +Inf, h)", "{} 1"),
            ("histogram_fraction(3, 4, h)", "{} 0"),
            ("histogram_fraction(3, Inf, h)", "{} 0.25"),
            ("histogram_fraction(2, 1, h)", "{} 0"),
            ("histogram_fraction(NaN, 1, h)", "{} NaN"),
            ("histogram_fraction(-4, -2, negative)", "{} 0.02"),
            ("histogram_fraction(-Inf, -2.5, negative)", "{} 0.11"),
        ],
    );
}

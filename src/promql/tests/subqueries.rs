//! Queries evaluated at many instants.

use super::{check, storage};

#[test]
fn steps_are_multiples_of_their_length() {
    let storage = storage(&[("x", "0 1 2 3 4 5")]);
    check(
        4.5,
        &storage,
        &[
            ("x[2m:]", "x 3@3 4@4"),
            ("x[2m:1m] offset 30s", "x 3@3 4@4"),
            ("x[90s:30s]", "x 3@3.5 4@4 4@4.5"),
            ("x[2m:1m] @ 180", "x 2@2 3@3"),
            ("x[1m:40s] offset -30s", "x 4@4.666666666666667"),
            ("vector(time())[1m:30s] offset 5m", "{} -60@-1 -30@-0.5"),
        ],
    );
}

#[test]
fn modifiers_are_about_the_whole_query_wherever_they_stand() {
    let storage = storage(&[("x", "0 1 2 3 4 5")]);
    check(
        5.0,
        &storage,
        &[
            ("sum_over_time((x @ 60)[3m:1m])", "{} 3"),
            ("sum_over_time((x @ end())[3m:1m])", "{} 15"),
            ("sum_over_time((x offset 1m)[3m:1m] offset 1m)", "{} 6"),
            ("sum_over_time(sum_over_time(x[2m])[2m:1m])", "{} 16"),
            ("max_over_time(sum_over_time(x[2m:1m] offset 1m)[2m:1m] @ 240)", "{} 5"),
            ("max_over_time(timestamp(x)[3m:30s])", "{} 300"),
            ("max_over_time(timestamp(x + 0)[3m:50s])", "{} 300"),
            ("rate(x[4m:1m]) * 60", "{} 1"),
        ],
    );
}

#[test]
fn a_series_has_the_steps_at_which_it_was_there() {
    let storage = storage(&[("x{a=1}", "0 1 stale 3"), ("x{a=2}", "_ 1 1 1"), ("y{a=1}", "_ _ 7")]);
    check(
        3.0,
        &storage,
        &[
            ("x[4m:1m]", "x{a=\"1\"} 0@0 1@1 3@3; x{a=\"2\"} 1@1 1@2 1@3"),
            ("count_over_time((x > 0)[4m:1m])", "{a=\"1\"} 2; {a=\"2\"} 3"),
            // The order in which series come may change from step to step.
            ("topk(1, x)[2m:1m]", "x{a=\"1\"} 3@3; x{a=\"2\"} 1@2"),
            ("(x or y)[2m:1m]", "x{a=\"1\"} 3@3; x{a=\"2\"} 1@2 1@3; y{a=\"1\"} 7@2"),
            ("sum(x)[2m:1m]", "{} 1@2 4@3"),
        ],
    );
}

//! Operators, and which series match.

use super::{check, check_errors, storage};

#[test]
fn operators_bind_as_in_prometheus() {
    check(
        0.0,
        &storage(&[]),
        &[
            ("-1^2", "-1"),
            ("2^3^2", "512"),
            ("2^-1*3", "1.5"),
            ("1 - -1", "2"),
            ("7 % 4 * 2", "6"),
            ("-7 % 4", "-3"),
            ("1 + 2 < bool 2 + 2", "1"),
            ("1 atan2 0 * 2", "3.141592653589793"),
            ("vector(1) or vector(2) unless vector(1)", "{} 1"),
            ("0x1F + 017 + 1_000 + .5 + 1e-1 + 089", "1135.6"),
            ("1h30m + Inf", "inf"),
            ("1 == bool NaN", "0"),
        ],
    );
}

#[test]
fn comparisons_filter_and_keep_the_name_unless_they_are_bool() {
    let storage = storage(&[("x{a=1}", "1"), ("x{a=2}", "2"), ("y{a=2}", "1")]);
    check(
        0.0,
        &storage,
        &[
            ("x > 1", "x{a=\"2\"} 2"),
            ("1 < x", "x{a=\"2\"} 2"),
            ("x > bool 1", "{a=\"1\"} 0; {a=\"2\"} 1"),
            ("x > y", "x{a=\"2\"} 2"),
            ("y < on(a) x", "{a=\"2\"} 1"),
            ("y < ignoring(b) x", "y{a=\"2\"} 1"),
            ("y < ignoring(a) (x == 2)", "y 1"),
            ("y > bool x", "{a=\"2\"} 0"),
            ("x + 1", "{a=\"1\"} 2; {a=\"2\"} 3"),
            ("-x", "{a=\"1\"} -1; {a=\"2\"} -2"),
            ("x atan2 y", "{a=\"2\"} 1.1071487177940904"),
        ],
    );
}

#[test]
fn one_side_may_have_many_series_if_it_is_said() {
    let storage = storage(&[
        ("cpu{i=1,m=a}", "1"),
        ("cpu{i=1,m=b}", "2"),
        ("cpu{i=2,m=a}", "4"),
        ("role{i=1,r=db}", "10"),
        ("role{i=2,r=web}", "20"),
    ]);
    let both = "{i=\"1\", m=\"a\", r=\"db\"} 10; {i=\"1\", m=\"b\", r=\"db\"} 20; \
                {i=\"2\", m=\"a\", r=\"web\"} 80";
    check(
        0.0,
        &storage,
        &[
            ("cpu * on(i) group_left(r) role", both),
            ("role * ignoring(m, r) group_right(r) cpu", both),
            ("role / on(i) group_right cpu > 5", "{i=\"1\", m=\"a\"} 10"),
            ("cpu{m=\"b\"} > on(i) group_left(m) (role - 9)", "cpu{i=\"1\"} 2"),
            ("cpu{m=\"a\"} / ignoring(m, r) role", "{i=\"1\"} 0.1; {i=\"2\"} 0.2"),
        ],
    );
    check_errors(
        &storage,
        &[
            ("nothing + on() cpu", ""),
            ("cpu @ 0 * on(i) role @ 0", "without group_left"),
            ("role @ 0 * on(i) cpu @ 0", "on the right side match the same"),
            ("role @ 0 * on(i) group_left cpu @ 0", "on the right side match the same"),
            ("cpu @ 0 * on() group_right role @ 0", "on the left side match the same"),
            ("cpu @ 0 * on(i) group_left(m) role @ 0", "the same result"),
        ],
    );
}

#[test]
fn many_series_match_one_wrongly_whether_or_not_they_pass_a_comparison() {
    let storage = storage(&[("many{i=1,m=a}", "1"), ("many{i=1,m=b}", "2"), ("one{i=1}", "9")]);
    // Prometheus 2 sees only those that pass, so that the error appears and vanishes with the
    // values.
    for operator in [">", "<", "==", "!=", "> bool", "+"] {
        let queries = [
            format!("many @ 0 {operator} on(i) one @ 0"),
            format!("many @ 0 {operator} ignoring(m) one @ 0"),
        ];
        for query in &queries {
            check_errors(&storage, &[(query, "without group_left or group_right")]);
        }
        let query = format!("many @ 0 {operator} on(i) group_left(m) one @ 0");
        check_errors(&storage, &[(&query, "have the same result")]);
    }
    check(
        0.0,
        &storage,
        &[
            ("many > on(i) group_left one", ""),
            ("many{m=\"a\"} > on(i) one", ""),
            ("many > on(i) one{i=\"2\"}", ""),
        ],
    );
}

#[test]
fn sets_compare_labels_only() {
    let storage = storage(&[("x{a=1}", "1"), ("x{a=2}", "2"), ("y{a=2}", "3"), ("y{a=3}", "4")]);
    check(
        0.0,
        &storage,
        &[
            ("x and y", "x{a=\"2\"} 2"),
            ("x unless y", "x{a=\"1\"} 1"),
            ("x or y", "x{a=\"1\"} 1; x{a=\"2\"} 2; y{a=\"3\"} 4"),
            ("x or on() y", "x{a=\"1\"} 1; x{a=\"2\"} 2"),
            ("x and on() vector(0)", "x{a=\"1\"} 1; x{a=\"2\"} 2"),
            ("x and ignoring(a) y{a=\"3\"}", "x{a=\"1\"} 1; x{a=\"2\"} 2"),
            ("x or on(__name__) y", "x{a=\"1\"} 1; x{a=\"2\"} 2; y{a=\"2\"} 3; y{a=\"3\"} 4"),
        ],
    );
}

#[test]
fn two_series_of_a_result_never_have_the_same_labels() {
    let storage = storage(&[("x{a=1}", "1 1"), ("y{a=1}", "1 1")]);
    check_errors(
        &storage,
        &[
            ("-({__name__=~\"x|y\"} @ 0)", "several series of the result are {a=\"1\"}"),
            ("rate({a=\"1\"}[5m] @ 60)", "several series of the result"),
            ("{a=\"1\"} @ 0 * 2", "several series of the result"),
            ("label_replace({a=\"1\"} @ 0, \"__name__\", \"z\", \"\", \"\")", "several series"),
        ],
    );
    check(1.0, &storage, &[("{a=\"1\"} > 0", "x{a=\"1\"} 1; y{a=\"1\"} 1")]);
}

//! What cannot be evaluated is refused before any sample is read.

use crate::promql::{Error, parse};

#[test]
fn experimental_parts_are_unsupported() {
    for (expr, name) in [
        ("sort_by_label(x, \"a\")", "sort_by_label()"),
        ("mad_over_time(x[5m])", "mad_over_time()"),
        ("info(x)", "info()"),
        ("start()", "start()"),
        ("max_over_time(x[5m]) + step()", "step()"),
        ("limitk(1, x)", "limitk"),
        ("limit_ratio(0.5, x)", "limit_ratio"),
        ("x + fill(0) y", "fill"),
        ("x{a=\"1\" or b=\"2\"}", "\"or\""),
    ] {
        match parse(expr) {
            Err(Error::Unsupported(why)) => assert!(why.contains(name), "{expr}: {why}"),
            other => panic!("{expr}: {other:?}"),
        }
    }
}

#[test]
fn types_are_checked() {
    for expr in [
        "exp(NaN)",
        "ln(-1)",
        "rate(x)",
        "sum(1)",
        "x[5m] + 1",
        "-x[5m]",
        "\"a\" + 1",
        "1 > 2",
        "1 and 1",
        "topk(x, x)",
        "count_values(1, x)",
        "abs(x[5m])",
        "1[5m:]",
        "time(1)",
        "foo(x)",
        "x @ y",
        "sum(x) offset 5m",
        "x offset 5m offset 5m",
        "x and bool y",
        "1 + on(a) x",
        "x + on(a) group_left(a) y",
        "{}",
        "{a=~\".*\"}",
        "x{__name__=\"y\"}",
        "",
        "# nothing",
    ] {
        match parse(expr) {
            Err(error @ Error::Parse(_)) => assert_eq!(error.error_type(), "bad_data"),
            other => panic!("{expr}: {other:?}"),
        }
    }
}

#[test]
fn durations_and_numbers_are_what_they_seem_or_are_refused() {
    for expr in [
        "x[0]",
        "x[0s]",
        "x[5m:0s]",
        "x[0.0001]",
        "x[1e30]",
        "x[5m:1e300]",
        "x offset 1e30",
        "x offset - Inf",
        "x offset NaN",
        "x[inf]",
        "x[300y]",
        "1e999",
        "x @ 1e300",
        "x @ NaN",
        "1s1h",
        "1_",
        "1__0",
        "0x",
        "5parsecs",
        "x[1 m]",
        "x[5m:1h:1m]",
        "1.2.3",
        "x[",
        "\"\\xff\"",
        "\"\\'\"",
        "\"a",
        "\"a\nb\"",
        "'\\400'",
        "\"\\ud800\"",
    ] {
        assert!(matches!(parse(expr), Err(Error::Parse(_))), "{expr}: {:?}", parse(expr));
    }
}

#[test]
fn deep_and_long_queries_are_refused_before_they_fill_the_stack() {
    for depth in [300, 20_000, 1_000_000] {
        for (begin, middle, end) in [
            ("(", "x", ")"),
            ("-", "x", ""),
            ("", "x", "+x"),
            ("", "x", " or x"),
            ("2^", "2", ""),
            ("abs(", "x", ")"),
            ("max_over_time(", "x", "[5m:])"),
            ("", "x", "==1"),
            ("(", "", ""),
        ] {
            let expr = format!("{}{middle}{}", begin.repeat(depth), end.repeat(depth));
            assert!(matches!(parse(&expr), Err(Error::Parse(_))), "{begin}{middle}{end} × {depth}");
        }
    }
    // Brackets and operators side by side are not deep.
    let wide = format!("sum by (a{}) (x)", ", a".repeat(5000));
    assert!(parse(&wide).is_ok());
    assert!(parse(&format!("label_join(x, \"a\", \"\"{})", ", \"(-(\"".repeat(5000))).is_ok());
}

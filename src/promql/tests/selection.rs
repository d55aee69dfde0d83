//! Which samples a selector means.

use super::{check, storage};

#[test]
fn the_latest_sample_counts_for_five_minutes_without_the_first_instant() {
    let storage = storage(&[("up", "1 2")]);
    check(1.0, &storage, &[("up", "up 2"), ("up offset 1m", "up 1"), ("up @ 0", "up 1")]);
    check(0.99, &storage, &[("up", "up 1"), ("up offset -1", "up 2"), ("up @ start()", "up 1")]);
    check(5.99, &storage, &[("up", "up 2"), ("timestamp(up)", "{} 60"), ("up @ end()", "up 2")]);
    check(6.0, &storage, &[("up", ""), ("up offset 1s", "up 2"), ("absent(up)", "{} 1")]);
    check(-1.0, &storage, &[("up", ""), ("up @ -1.5", ""), ("up offset -1m", "up 1")]);
}

#[test]
fn a_stale_series_is_gone_at_once() {
    let storage = storage(&[("up", "1 stale 3"), ("down", "1 NaN")]);
    check(1.5, &storage, &[("up", ""), ("down", "down NaN"), ("up offset 1m", "up 1")]);
    check(
        2.0,
        &storage,
        &[("up", "up 3"), ("up[3m]", "up 1@0 3@2"), ("count_over_time(up[2m])", "{} 1")],
    );
    check(
        3.0,
        &storage,
        &[("last_over_time(up[3m])", "up 3"), ("count_over_time(up[2m])", "{} 1")],
    );
}

#[test]
fn a_label_that_is_missing_has_an_empty_value() {
    let storage = storage(&[("x{a=1}", "1"), ("x{b=two words}", "2"), ("y{a=11}", "3")]);
    check(
        0.0,
        &storage,
        &[
            ("x{a=\"\"}", "x{b=\"two words\"} 2"),
            ("x{a!=\"\"}", "x{a=\"1\"} 1"),
            ("{a=~\"1|2\"}", "x{a=\"1\"} 1"),
            ("{a=~\"1.*\", a!~\"1.\"}", "x{a=\"1\"} 1"),
            ("{a=~\".+\"}", "x{a=\"1\"} 1; y{a=\"11\"} 3"),
            ("{__name__=~\"x|z\", a=\"\"}", "x{b=\"two words\"} 2"),
            ("{\"y\"}", "y{a=\"11\"} 3"),
            ("{__name__=\"y\", __name__!=\"y\"}", ""),
            ("x{b=~\"two\\\\swords\"}", "x{b=\"two words\"} 2"),
            ("x{b=~`\\w+ (?i:WORDS)`}", "x{b=\"two words\"} 2"),
        ],
    );
}

#[test]
fn names_are_any_utf_8() {
    let storage = storage(&[("http.server{région=là}", "1")]);
    check(
        0.0,
        &storage,
        &[
            ("{\"http.server\", \"région\"=\"là\"}", "http.server{région=\"là\"} 1"),
            ("sum by (\"région\") ({\"http.server\"})", "{région=\"là\"} 1"),
            ("{'http.server'}", "http.server{région=\"là\"} 1"),
            (
                "{\"http\\x2eserver\", \"r\\u00e9gion\"=\"l\\303\\xa0\"}",
                "http.server{région=\"là\"} 1",
            ),
        ],
    );
}

#[test]
fn what_is_absent_has_the_labels_that_were_asked_for() {
    let storage = storage(&[("up", "1")]);
    check(
        0.0,
        &storage,
        &[
            ("absent(up)", ""),
            ("absent(x{a=\"1\", b!=\"2\", c=~\"3\"})", "{a=\"1\"} 1"),
            ("absent((x{a=\"1\", a=\"2\", a=\"3\", b=\"4\"}))", "{b=\"4\"} 1"),
            ("absent(x{a!=\"1\", a=\"2\"})", "{a=\"2\"} 1"),
            ("absent(sum(x{a=\"1\"}))", "{} 1"),
            ("absent_over_time(x{a=\"1\"}[5m])", "{a=\"1\"} 1"),
            ("absent_over_time(x{a=\"1\"}[5m:])", "{} 1"),
            ("absent_over_time(up[1m])", ""),
        ],
    );
}

//! What shows that a page or a recording is whole, and of one format.

use std::io::{Cursor, Read};

use super::*;

#[test]
fn what_is_cut_off_is_not_taken_for_whole() {
    let whole = "a 1 1700000000.5\na 12 1700000001.5\n# EOF";
    for length in 0..whole.len() {
        let words = "cut off: it does not end with # EOF (lines: ";
        refused(page(&whole[..length], Format::OpenMetrics), words);
        refused(recording(&whole[..length], Format::OpenMetrics), words);
    }
    assert!(recording(whole, Format::OpenMetrics).is_ok());
    refused(recording("a 1 1", Format::Prometheus), "line 1, column 6: cut off");
    assert_eq!(recording("", Format::Prometheus), Ok(Vec::new()));
}

#[test]
fn a_page_of_the_text_format_that_no_newline_ends_is_never_whole() {
    let whole = "# HELP a Words\n# TYPE a gauge\na{b=\"c\"} 12.5e1 1700000000123\nb NaN\n";
    for length in 0..whole.len() {
        let cut = page(&whole[..length], Format::Prometheus);
        // What ends with a line cannot be told by itself.
        let is_at_line = whole[..length].ends_with('\n');
        assert_eq!(cut.is_ok(), is_at_line, "{:?}: {cut:?}", &whole[..length]);
    }
    for (text, words) in [
        ("", "the page is empty"),
        ("a 1\nb 1", "cut off: no newline ends the last line (lines: 2)"),
        ("a 1\n# TYPE b coun", "line 2, column 10: `coun` is no type of metric; and no newline"),
        ("# words", "cut off: no newline"),
        ("<!doctype html>", "line 1, column 1: expected the name of a metric, found `<`; and no"),
    ] {
        refused(page(text, Format::Prometheus), words);
    }
    for text in ["a 1\n# EOF", "a 1\n  ", "\n"] {
        assert!(page(text, Format::Prometheus).is_ok(), "{text:?}");
    }
}

/// A page, and whether it is taken.
type Served<'a> = (Format, &'a str, bool);

#[test]
fn openmetrics_under_a_wrong_type_has_to_end_as_it_did_before() {
    use Format::{OpenMetrics, Prometheus};
    let cases: [&[Served<'_>]; 4] = [
        &[(Prometheus, "a 1\n# EOF\n", true), (Prometheus, "a 2\n", false)],
        // What was refused has shown nothing.
        &[(Prometheus, "a 1\nx y\n# EOF\n", false), (Prometheus, "a 2\n", true)],
        &[
            (Prometheus, "a 1\n", true),
            (Prometheus, "a 2\n# EOF", true),
            (Prometheus, "a 3\n", false),
            (Prometheus, "a 4\n# EOF\n", true),
        ],
        // The service may have both formats.
        &[(OpenMetrics, "a 1\n# EOF\n", true), (Prometheus, "a 2\n", true)],
    ];
    for pages in cases {
        let (target, mut storage, mut reader) =
            (Labels::default(), Storage::default(), Reader::new());
        for (at, (format, text, is_taken)) in pages.iter().enumerate() {
            let context = Context { at: Some(at as i64), target: &target };
            let read = reader.read_page(text.as_bytes(), *format, &context, &mut storage);
            assert_eq!(read.is_ok(), *is_taken, "{text:?} in {pages:?}: {read:?}");
        }
    }
}

#[test]
fn a_snapshot_has_to_end_as_the_ones_before_it() {
    use Format::{OpenMetrics, Prometheus};
    for (at, is_taken) in [(Some(7), false), (None, true)] {
        let (target, mut storage, mut reader) =
            (Labels::default(), Storage::default(), Reader::new());
        let context = Context { at, target: &target };
        let mut read = |text: &str, format| {
            reader.read_recording(text.as_bytes(), format, &context, &mut storage)
        };
        read("a 1 1\n# EOF\n", OpenMetrics).unwrap();
        let next = read("b 1 1\n", Prometheus);
        assert_eq!(next.is_ok(), is_taken, "{next:?}");
    }
}

#[test]
fn a_unit_is_a_comment_in_the_text_format() {
    for text in ["# UNIT a_b b\na_b 1 1\n", "# UNIT a b\n", "# UNIT\n"] {
        assert!(recording(text, Format::Prometheus).is_ok(), "{text}");
        assert!(page(text, Format::Prometheus).is_ok(), "{text}");
    }
    refused(page("# UNIT a b\n# EOF\n", Format::OpenMetrics), "line 1, column 10");
}

#[test]
fn openmetrics_without_its_end_is_not_taken_for_the_other_format() {
    let sign = format!("column {{}}: {}", comment::OPENMETRICS);
    for (text, line, column) in [
        ("# EOF\na 1 1\n", 1, 1),
        ("# TYPE a unknown\n", 1, 10),
        ("# TYPE a info\n", 1, 10),
        ("a 1 1700000000.5\n", 1, 5),
        ("a 1 1.7e9\n", 1, 5),
        ("a_total 1 1 # {} 1\n", 1, 13),
        ("# TYPE a counter\na_total 1 1\n", 2, 1),
        ("# TYPE a counter\nb_total 1 1\na_created{x=\"1\"} 1 1\n", 3, 1),
    ] {
        let expected = format!("line {line}, {}", sign.replace("{}", &column.to_string()));
        refused(recording(text, Format::Prometheus), &expected);
    }
    refused(recording("a 1 1700000000\n", Format::Prometheus), "line 1, column 5: this looks like");
    refused(recording("a 1\n", Format::Prometheus), "line 1, column 4: expected a timestamp");
    for text in [
        "# TYPE a_total counter\na_total 1 1\n",
        "# TYPE a counter\na 1 1\n# TYPE a_created gauge\na_created 1 1\n",
        "# TYPE a gauge\na_total 1 1\n",
        "a 1 999999999\na 1 10000000000\n",
    ] {
        assert!(recording(text, Format::Prometheus).is_ok(), "{text}");
    }
}

#[test]
fn the_format_is_known_by_what_is_said_and_by_the_end() {
    for (words, format) in [
        (None, Format::Prometheus),
        (Some("text/plain; version=0.0.4"), Format::Prometheus),
        (Some("Application/OpenMetrics-Text; version=1.0.0"), Format::OpenMetrics),
        (Some(" application/openmetrics-text "), Format::OpenMetrics),
        (Some("application/json"), Format::Prometheus),
    ] {
        assert_eq!(Format::of_content_type(words), format, "{words:?}");
    }
    let long = "x".repeat(5000);
    for (text, format) in [
        (String::new(), Format::Prometheus),
        ("# EOF".into(), Format::OpenMetrics),
        ("a 1\n# EOF\r\n \n\n".into(), Format::OpenMetrics),
        (format!("# EOF{}", "\n".repeat(5000)), Format::OpenMetrics),
        (format!("{long}\n# EOF{}", " ".repeat(4094)), Format::OpenMetrics),
        ("# EOF\na 1\n".into(), Format::Prometheus),
        ("a # EOF\n".into(), Format::Prometheus),
        (format!("{long}# EOF"), Format::Prometheus),
        (format!("# EOF{long}"), Format::Prometheus),
        ("\n\n".into(), Format::Prometheus),
    ] {
        let mut file = Cursor::new(text.as_bytes());
        assert_eq!(
            format_of_recording(&mut file).unwrap(),
            format,
            "{}",
            &text[..text.len().min(20)]
        );
        let mut again = String::new();
        file.read_to_string(&mut again).unwrap();
        assert_eq!(again, text);
    }
}

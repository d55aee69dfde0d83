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
    // Only who has asked for a page knows its length.
    assert!(page("a 1", Format::Prometheus).is_ok());
    refused(recording("a 1 1", Format::Prometheus), "line 1, column 6: cut off");
    assert_eq!(recording("", Format::Prometheus), Ok(Vec::new()));
}

#[test]
fn openmetrics_without_its_end_is_not_taken_for_the_other_format() {
    let sign = format!("column {{}}: {}", comment::OPENMETRICS);
    for (text, line, column) in [
        ("# UNIT a_b b\n", 1, 1),
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

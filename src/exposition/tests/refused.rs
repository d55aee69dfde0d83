//! What is refused, and where.

use super::*;

#[test]
fn a_broken_line_is_named_with_its_place() {
    for (line, expected) in [
        ("1a 1", "1: expected the name of a metric, found `1`"),
        ("é 1", "1: expected the name of a metric, found `é`"),
        ("a.b 1", "2: expected a blank or `{` behind the name of a metric, found `.`"),
        ("a-1 5", "2: expected a blank or `{`"),
        ("a", "2: expected the value, found the end of the line"),
        ("a{b=\"é\"} x", "10: `x` is not a number, or too large for 64 bits"),
        ("a{b=\"\"} 1e999", "9: `1e999` is not a number, or too large for 64 bits"),
        ("a 1 2 3", "7: expected the end of the line, found `3`"),
        ("a 1 2.5", "5: `2.5` is no timestamp in whole milliseconds"),
        ("a 1 1700000000", "5: this looks like seconds, and this format counts milliseconds"),
        ("a 1 99999999999999999999", "5: `99999999999999999999` is no timestamp"),
        ("a 1 # {} 1", "5: expected the end of the line, found `#`"),
        ("a{b=\"c} 1", "5: the string that starts here has no end"),
        ("a{b=\"c\\\"} 1", "5: the string that starts here has no end"),
        ("a{b=c} 1", "5: expected the value of a label in quotes, found `c`"),
        ("a{b} 1", "4: expected `=` behind the name of a label, found `}`"),
        ("a{b:c=\"\"} 1", "4: expected `=`"),
        ("a{1=\"\"} 1", "3: expected the name of a label or `}`, found `1`"),
        ("a{,} 1", "3: expected the name of a label or `}`, found `,`"),
        ("a{b=\"1\",,} 1", "9: expected the name of a label or `}`, found `,`"),
        ("a{b=\"1\"", "8: expected the name of a label or `}`, found the end of the line"),
        ("a{b=\"1\",c=\"\",b=\"1\"} 1", "14: the label `b` is there twice"),
        ("a{__name__=\"b\"} 1", "3: the name of a metric is no label"),
        ("a{\"b\"} 1", "3: the label `__name__` is there twice"),
        ("{\"\"} 1", "2: expected a name that is not empty, found `\"`"),
        ("{b=\"c\"} 1", "1: this sample has no name of a metric"),
        ("# TYPE a", "9: `` is no type of metric"),
        ("# TYPE a Counter", "10: `Counter` is no type of metric"),
        ("# TYPE a unknown", "10: `unknown` is no type of metric"),
        ("# HELP 1a b", "8: expected the name of a metric, found `1`"),
        ("a 1\r", "3: a carriage return ends this line"),
        ("a 1 1\r", "5: a carriage return ends this line"),
        ("\r", "1: expected the name of a metric, found a carriage return"),
        ("\0", "1: expected the name of a metric, found `\\u{0}`"),
    ] {
        let read = page(format!("z 1\n{line}\nz 1\n"), Format::Prometheus);
        refused(read, &format!("line 2, column {expected}"));
        // The same line is no better for a reader that has met the series of the last one.
        let prefix = "a{b=\"\"} 1\na 1\n";
        let read = page(format!("{prefix}{line}\n"), Format::Prometheus);
        refused(read, &format!("line 3, column {expected}"));
    }
    refused(page(b"a{b=\"\xff\"} 1\n", Format::Prometheus), "line 1, column 6: this is not valid");
    refused(page(b"# HELP a \xff\n", Format::Prometheus), "line 1, column 10: this is not valid");
    assert!(page(b"# \xff\n", Format::Prometheus).is_ok());
}

#[test]
fn a_broken_line_of_openmetrics_is_named_with_its_place() {
    for (line, expected) in [
        ("# words", "1: OpenMetrics has no comments but"),
        ("#", "1: OpenMetrics has no comments but"),
        ("# EOF ", "1: OpenMetrics has no comments but"),
        ("# TYPE a untyped", "10: `untyped` is no type of metric"),
        ("# UNIT a b", "10: the name does not end with _ and `b`"),
        ("a{b=\"1\",} 1", "9: expected a label behind the comma, found `}`"),
        ("a{b=\"1\"c=\"1\"} 1", "8: expected `,` or `}`, found `c`"),
        ("a 1 NaN", "5: `NaN` is no timestamp in seconds"),
        ("a 1 1700000000123", "5: this looks like milliseconds, and OpenMetrics counts seconds"),
        ("a 1 # b", "7: expected the labels of an exemplar, found `b`"),
        ("a 1 # {b=\"c\"}", "14: expected the value of an exemplar, found the end of the line"),
        ("a 1 # {} x", "10: `x` is not a number, or too large for 64 bits"),
        ("a 1 # {} 1 x", "12: `x` is no timestamp in seconds"),
        ("a 1 # {} 1 2 3", "14: expected the end of the line, found `3`"),
    ] {
        let read = page(format!("z 1\n{line}\n# EOF\n"), Format::OpenMetrics);
        refused(read, &format!("line 2, column {expected}"));
    }
    refused(page("# EOF\na 1\n", Format::OpenMetrics), "line 2, column 1: there is more");
    refused(page("# EOF\n# EOF\n", Format::OpenMetrics), "line 2, column 1: there is more");
}

#[test]
fn a_line_may_be_long_but_not_endless() {
    let long = |length: usize| format!("a{{b=\"{}\"}} 1 1\n", "x".repeat(length - 11));
    let longest = long(MAX_LINE);
    assert_eq!(longest.len(), MAX_LINE + 1);
    assert_eq!(recording(&longest, Format::Prometheus).map(|read| read.len()), Ok(1));
    let endless = format!("a 1 1\n{}", long(MAX_LINE + 1));
    for read in [recording(&endless, Format::Prometheus), page(&endless, Format::Prometheus)] {
        let error = read.unwrap_err();
        assert!(error.starts_with("line 2, column 1: the line is longer than"), "{error}");
        assert!(error.len() < 400, "{error}");
    }
}

#[test]
fn an_error_shows_the_place_in_a_long_line() {
    let line = format!("a{{b=\"{}\t\"}} broken \u{7}{}\n", "é".repeat(500), "x".repeat(500));
    let error = page(line, Format::Prometheus).unwrap_err();
    assert!(
        error.starts_with(
            "line 1, column 510: `broken` is not a number, or too large for 64 bits: …é"
        ),
        "{error}"
    );
    assert!(error.contains("\\t\"} broken \\u{7}xx") && error.ends_with("x…"), "{error}");
}

//! What is read, what is refused and where, and what comes of both in the storage.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use super::*;
use crate::storage::is_stale;

type Read1 = Result<Vec<(String, Vec<(i64, f64)>)>, String>;

fn contents(storage: &Storage) -> Vec<(String, Vec<(i64, f64)>)> {
    let points = |series: &crate::storage::Series| {
        series.points.iter().map(|point| (point.at, point.value)).collect()
    };
    storage.iter().map(|(_, series)| (series.labels.to_string(), points(series))).collect()
}

fn page(text: impl AsRef<[u8]>, format: Format) -> Read1 {
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: Some(7), target: &target };
    match Reader::new().read_page(text.as_ref(), format, &context, &mut storage) {
        Ok(_) => Ok(contents(&storage)),
        Err(error) => {
            assert!(storage.is_empty(), "{error}");
            Err(error.to_string())
        }
    }
}

fn recording(text: &str, format: Format) -> Read1 {
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: None, target: &target };
    Reader::new()
        .read_recording(text.as_bytes(), format, &context, &mut storage)
        .map(|_| contents(&storage))
        .map_err(|error| error.to_string())
}

#[track_caller]
fn refused(read: Read1, expected: &str) {
    let error = read.unwrap_err();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_page_of_the_text_format_is_taken_as_prometheus_takes_it() {
    let text = "# HELP a Some \\words\n# TYPE a counter\n#\n# free words\n\n  \t\n\
                a 1\n\tb{} 2 \nc{ x = \"1\" , y=\"2\", }\t3\t\nd {x=\"}\"}4\n\
                e{x=\"\"} -0.5 -1000\n:f:g 6 1700000000123\n\
                h{x=\"\\\\n \\n \\\" \\q\"} NaN\n{\"my.name\",\"é\\\"\"=\"1\"} 8\n# EOF\ni{x=\"1\"y=\"2\"} 9";
    let read = page(text, Format::Prometheus).unwrap();
    let words: Vec<_> = read
        .iter()
        .map(|(series, points)| format!("{series} {} @{}", points[0].1, points[0].0))
        .collect();
    assert_eq!(
        words,
        [
            "a 1 @7",
            "b 2 @7",
            "c{x=\"1\", y=\"2\"} 3 @7",
            "d{x=\"}\"} 4 @7",
            "e -0.5 @-1000",
            ":f:g 6 @1700000000123",
            "h{x=\"\\\\n \\n \\\" \\\\q\"} NaN @7",
            "my.name{é\"=\"1\"} 8 @7",
            "i{x=\"1\", y=\"2\"} 9 @7",
        ]
    );
}

#[test]
fn a_page_of_openmetrics_is_taken_as_prometheus_takes_it() {
    let text = "# HELP a Some words\n# TYPE a counter\n# UNIT b_seconds seconds\n\
                a_total 1 # {trace_id=\"x\"} 0.5 1700000000.1\na_created 2\n\
                b_seconds{x=\"# {\"} 3 1700000000.123 # {} +Inf\n\
                # TYPE c info\n# TYPE d stateset\n# TYPE e gaugehistogram\n# TYPE f unknown\n\
                c_info{x=\"1\",y=\"2\"} 1 1.7e9\n# EOF";
    let expected = vec![
        ("a_total".to_owned(), vec![(7, 1.0)]),
        ("a_created".to_owned(), vec![(7, 2.0)]),
        ("b_seconds{x=\"# {\"}".to_owned(), vec![(1_700_000_000_123, 3.0)]),
        ("c_info{x=\"1\", y=\"2\"}".to_owned(), vec![(1_700_000_000_000, 1.0)]),
    ];
    for end in ["", "\n", "\n\n"] {
        assert_eq!(page(format!("{text}{end}"), Format::OpenMetrics), Ok(expected.clone()));
    }
}

#[test]
fn a_broken_line_is_named_with_its_place() {
    for (line, expected) in [
        ("1a 1", "1: expected the name of a metric, found `1`"),
        ("é 1", "1: expected the name of a metric, found `é`"),
        ("a.b 1", "2: expected a blank or `{` behind the name of a metric, found `.`"),
        ("a-1 5", "2: expected a blank or `{`"),
        ("a", "2: expected the value, found the end of the line"),
        ("a{b=\"é\"} x", "10: `x` is no number of 64 bits"),
        ("a{b=\"\"} 1e999", "9: `1e999` is no number of 64 bits"),
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
    refused(page(b"a{b=\"\xff\"} 1", Format::Prometheus), "line 1, column 6: this is not valid");
    refused(page(b"# HELP a \xff", Format::Prometheus), "line 1, column 10: this is not valid");
    assert!(page(b"# \xff", Format::Prometheus).is_ok());
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
        ("a 1 # {} x", "10: `x` is no number of 64 bits"),
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
fn what_is_cut_off_is_not_taken_for_whole() {
    let whole = "a 1 1700000000.5\na 12 1700000001.5\n# EOF";
    for length in 0..whole.len() {
        let words = "cut off: it does not end with # EOF, but with line ";
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
    let sign = format!("column {{}}: {}", line::OPENMETRICS);
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
    let line = format!("a{{b=\"{}\t\"}} broken \u{7}{}", "é".repeat(500), "x".repeat(500));
    let error = page(line, Format::Prometheus).unwrap_err();
    assert!(
        error.starts_with("line 1, column 510: `broken` is no number of 64 bits: …é"),
        "{error}"
    );
    assert!(error.contains("\\t\"} broken \\u{7}xx") && error.ends_with("x…"), "{error}");
}

#[test]
fn a_page_that_is_refused_leaves_nothing_and_spoils_nothing() {
    let (target, mut storage, mut reader) = (Labels::default(), Storage::default(), Reader::new());
    let mut read = |at, text: &str| {
        let context = Context { at: Some(at), target: &target };
        reader.read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage).is_ok()
    };
    assert!(read(1, "a 1\n"));
    assert!(!read(2, "a 2\nb 2\nbroken\n"));
    assert!(read(3, "b 3\na 3\n"));
    let expected = [("a", vec![(1, 1.0), (3, 3.0)]), ("b", vec![(3, 3.0)])];
    assert_eq!(contents(&storage), expected.map(|(name, points)| (name.to_owned(), points)));
}

#[test]
fn of_samples_that_contradict_a_page_keeps_the_first() {
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: Some(7), target: &target };
    let text =
        "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{y=\"2\",x=\"1\"} 1\nb 1 5\nb 2 4\nb 1 5\n";
    let read = Reader::new().read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage);
    let page = Page { samples: 6, duplicates: 1, out_of_order: 1, vanished: 0 };
    assert_eq!(read.unwrap(), page);
    let expected = [("a{x=\"1\", y=\"2\"}", vec![(7, 1.0)]), ("b", vec![(5, 1.0)])];
    assert_eq!(contents(&storage), expected.map(|(name, points)| (name.to_owned(), points)));
}

#[test]
fn a_recording_that_contradicts_itself_is_an_error() {
    refused(
        recording("a 1 1\nb 1 1\na 2 1\n", Format::Prometheus),
        "line 3, column 1: there is a sample of this series at the same time with another value",
    );
    let twice = recording("a 1 1\na 2 2\na 2 2\na 1 1\n", Format::Prometheus).unwrap();
    assert_eq!(twice, [("a".to_owned(), vec![(1, 1.0), (2, 2.0)])]);
}

#[test]
fn a_series_that_is_gone_gets_a_stale_marker() {
    let (target, mut storage, mut reader) = (Labels::default(), Storage::default(), Reader::new());
    let mut vanished = Vec::new();
    for (at, text) in [(1, "a 1\nb 1\nc 1 1\n"), (2, "a 1\n"), (3, "b{x=\"\"} 1\na 1\n")] {
        let context = Context { at: Some(at), target: &target };
        let page = reader.read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage);
        vanished.push(page.unwrap().vanished);
    }
    assert_eq!(vanished, [0, 1, 0]);
    reader.end_series(4, &mut storage);
    reader.end_series(5, &mut storage);
    let stale: BTreeMap<_, _> = storage
        .iter()
        .map(|(_, series)| {
            let stale = series.points.iter().filter(|point| is_stale(point.value));
            (series.labels.to_string(), stale.map(|point| point.at).collect::<Vec<_>>())
        })
        .collect();
    let expected = [("a", vec![4]), ("b", vec![2, 4]), ("c", vec![])];
    assert_eq!(stale, expected.map(|(name, at)| (name.to_owned(), at)).into());
}

#[test]
fn labels_of_the_target_win_and_the_others_are_kept() {
    let target: Labels =
        [("job", "api"), ("instance", "x:1"), ("exported_job", "t")].into_iter().collect();
    let mut storage = Storage::default();
    let context = Context { at: Some(7), target: &target };
    let text = "a 1\na{job=\"own\"} 1\na{job=\"own\",exported_job=\"e\",instance=\"\"} 1\n";
    Reader::new().read_page(text.as_bytes(), Format::Prometheus, &context, &mut storage).unwrap();
    let names: Vec<_> = contents(&storage).into_iter().map(|(name, _)| name).collect();
    let base = "exported_job=\"t\", instance=\"x:1\", job=\"api\"";
    assert_eq!(
        names,
        [
            format!("a{{{base}}}"),
            format!("a{{exported_exported_job=\"own\", {base}}}"),
            format!(
                "a{{exported_exported_exported_job=\"e\", exported_exported_job=\"own\", {base}}}"
            ),
        ]
    );
}

#[test]
fn names_that_start_alike_are_not_confused() {
    let text = "a 1\nab 2\na{x=\"1\"} 3\na {x=\"1\"} 4 8\na 5 9\nab{x=\"1\"} 6\na{x=\"1\"}7 9\n";
    let read = page(text, Format::Prometheus).unwrap();
    let expected = [
        ("a", vec![(7, 1.0), (9, 5.0)]),
        ("ab", vec![(7, 2.0)]),
        ("a{x=\"1\"}", vec![(7, 3.0), (8, 4.0), (9, 7.0)]),
        ("ab{x=\"1\"}", vec![(7, 6.0)]),
    ];
    assert_eq!(read, expected.map(|(name, points)| (name.to_owned(), points)));
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

#[test]
fn what_is_written_is_openmetrics() {
    let mut storage = Storage::default();
    for (labels, samples) in [
        (vec![("__name__", "b")], vec![(-1, 1.0), (1_700_000_000_123, 1e300)]),
        (vec![("__name__", "a"), ("x", "\"\\\n\r")], vec![(0, -0.0), (1, STALE), (1500, f64::NAN)]),
        (vec![("__name__", "a"), ("A", "1")], vec![(0, f64::NEG_INFINITY), (1, f64::INFINITY)]),
        (vec![("__name__", "a.b"), ("c d", "é")], vec![(0, 0.1), (1, 1e-7)]),
    ] {
        let id = storage.series(labels.into_iter().collect());
        for (at, value) in samples {
            storage.push(id, Point { at, value }).unwrap();
        }
    }
    let mut out = Vec::new();
    write(&storage, &mut out).unwrap();
    let expected = "a{A=\"1\"} -Inf 0.000\na{A=\"1\"} +Inf 0.001\n\
                    a{x=\"\\\"\\\\\\n\r\"} -0 0.000\na{x=\"\\\"\\\\\\n\r\"} NaN 1.500\n\
                    {\"a.b\",\"c d\"=\"é\"} 0.1 0.000\n{\"a.b\",\"c d\"=\"é\"} 1e-7 0.001\n\
                    b 1 -0.001\nb 1e300 1700000000.123\n# EOF\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    storage.series([("job", "x")].into_iter().collect());
    assert!(write(&storage, &mut Vec::new()).is_err());
}

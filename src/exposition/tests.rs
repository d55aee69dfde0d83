//! What is read from pages and recordings, as the storage has it afterwards.

mod reader;
mod refused;
mod whole;

use super::*;

/// Series in words, each with its samples.
type Contents = Vec<(String, Vec<(i64, f64)>)>;
type Outcome = Result<Contents, String>;

fn contents(storage: &Storage) -> Contents {
    let points = |series: &crate::storage::Series| {
        series.points.iter().map(|point| (point.at, point.value)).collect()
    };
    storage.iter().map(|(_, series)| (series.labels.to_string(), points(series))).collect()
}

fn page(text: impl AsRef<[u8]>, format: Format) -> Outcome {
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

fn recording(text: &str, format: Format) -> Outcome {
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: None, target: &target };
    Reader::new()
        .read_recording(text.as_bytes(), format, &context, &mut storage)
        .map(|_| contents(&storage))
        .map_err(|error| error.to_string())
}

#[track_caller]
fn refused(read: Outcome, expected: &str) {
    let error = read.unwrap_err();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_page_of_the_text_format_is_taken_as_prometheus_takes_it() {
    let text = "# HELP a Some \\words\n# TYPE a counter\n#\n# free words\n\n  \t\n\
                a 1\n\tb{} 2 \nc{ x = \"1\" , y=\"2\", }\t3\t\nd {x=\"}\"}4\n\
                e{x=\"\"} -0.5 -1000\n:f:g 6 1700000000123\n\
                h{x=\"\\\\n \\n \\\" \\q\"} NaN\n{\"my.name\",\"é\\\"\"=\"1\"} 8\n# UNIT a b\n# EOF\ni{x=\"1\"y=\"2\"} 9\n";
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

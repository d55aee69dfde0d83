//! Pages of real client libraries, and odd ones, read as a real Prometheus has read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use auditor::exposition::{Context, Error, Format, Page, Reader, format_of_recording, write};
use auditor::storage::{Labels, Point, Storage};
use proptest::prelude::*;
use serde_json::Value;

type Samples = Vec<(BTreeMap<String, String>, String)>;

/// What is in a storage, as the fixtures say it: labels, and the value as Prometheus prints it.
fn samples(storage: &Storage) -> Samples {
    let mut samples: Samples = storage
        .iter()
        .flat_map(|(_, series)| {
            let labels = series.labels.iter();
            let labels: BTreeMap<_, _> =
                labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            series.points.iter().map(move |point| (labels.clone(), printed(point.value)))
        })
        .collect();
    samples.sort();
    samples
}

/// A value in words that are the same where the bits are.
fn printed(value: f64) -> String {
    if value == f64::INFINITY { "+Inf".into() } else { value.to_string().replace("inf", "Inf") }
}

fn expected(oracle: &Value) -> Samples {
    let mut samples: Samples = serde_json::from_value(oracle.clone()).unwrap();
    for (_, value) in &mut samples {
        *value = printed(value.parse().unwrap());
    }
    samples.sort();
    samples
}

fn read(page: &[u8], format: Format) -> Result<(Storage, Page), Error> {
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: Some(1_700_000_000_000), target: &target };
    let page = Reader::new().read_page(page, format, &context, &mut storage)?;
    Ok((storage, page))
}

fn format_of(name: &str) -> Format {
    if name.ends_with("openmetrics") { Format::OpenMetrics } else { Format::Prometheus }
}

/// Every fixture of a page.
fn pages() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expositions");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|it| it == "prom" || it == "openmetrics"))
        .collect();
    pages.sort();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

#[test]
fn pages_of_real_libraries_are_read_as_prometheus_reads_them() {
    for path in pages() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let oracle = path.with_file_name(format!("{name}.json"));
        let read = read(&fs::read(&path).unwrap(), format_of(name));
        match fs::read(oracle) {
            Ok(oracle) => {
                let (storage, page) = read.unwrap_or_else(|error| panic!("{name}: {error}"));
                let oracle = expected(&serde_json::from_slice(&oracle).unwrap());
                assert_eq!(samples(&storage), oracle, "{name}");
                assert_eq!(page.duplicates, 0, "{name}");
            }
            // Digits alone are a timestamp there; the format's description says otherwise.
            Err(_) if name.contains("negative-timestamp") => drop(read.unwrap()),
            Err(_) => assert!(read.is_err(), "{name}"),
        }
    }
}

/// Why this and Prometheus 2.42 differ, and pieces of the pages on which they do.
const DIFFERENCES: &[(&str, &[&str])] = &[
    ("the format's description knows negative timestamps", &["a 1 -1000\n"]),
    ("names in quotes came with Prometheus 3", &["{\"a\"} 1", "{\"a.b\",c=\"d\"} 1"]),
    ("a string without an end would swallow what follows", &["\"c\nd\"", "\"c\r\nd\""]),
    ("blanks before a name are none of it", &[" a 1", "\ta 1"]),
    ("blanks part words, however many", &["#  TYPE  a  gauge", "#  HELP a b"]),
    ("a text may be empty", &["# HELP a\na 1\n# EOF", "# UNIT a\na 1\n# EOF"]),
    (
        "blanks in OpenMetrics mean what they mean in the other format",
        &[
            "a  1\n# EOF",
            "a\t1\n# EOF",
            "a 1 \n# EOF",
            "\", d=",
            "a{ b=",
            "a {b=\"c\"} 1\n# EOF",
            "a{b=\"c\"}1\n# EOF",
            "#{b=\"c\"} 2",
            "# {b=\"c\"}2\n",
        ],
    ),
    ("exemplars are dropped, whose they are", &["a 1 # {b=\"c\"} 2", "a_count 1 # {b=\"c\"} 2"]),
    ("what is behind the end was not meant to be dropped", &["# EOF\n\0"]),
    ("empty lines mean nothing", &["\n\n", "\n# EOF\n"]),
];

/// The page with a newline at its end: Prometheus takes it for granted, and we do not.
fn finished(mut page: Vec<u8>, format: Format) -> Vec<u8> {
    if format == Format::Prometheus && !page.ends_with(b"\n") {
        let last = page.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_whole = last == b"# EOF" || page.len() > last.len() && last.trim_ascii().is_empty();
        assert!(is_whole || read(&page, format).is_err(), "{page:?}");
        page.push(b'\n');
    }
    page
}

#[test]
fn odd_pages_are_taken_and_refused_as_prometheus_does_but_for_known_differences() {
    let probes = include_str!("../expositions/probes.json");
    let probes: Vec<Value> = serde_json::from_str(probes).unwrap();
    let mut known = BTreeSet::new();
    for probe in &probes {
        let bytes = match &probe["page"] {
            Value::String(page) => page.clone().into_bytes(),
            _ => serde_json::from_value(probe["bytes"].clone()).unwrap(),
        };
        let format = format_of(probe["format"].as_str().unwrap());
        let bytes = finished(bytes, format);
        let page = String::from_utf8_lossy(&bytes);
        let ours = read(&bytes, format);
        let theirs = &probe["error"];
        match ours {
            Ok((storage, _)) if theirs.is_null() => {
                // Timestamps are honored here, and were not there: the first sample counts.
                let mut ours = samples(&storage);
                ours.dedup_by(|one, other| one.0 == other.0);
                assert_eq!(ours, expected(&probe["series"]), "{page:?}");
            }
            Err(_) if !theirs.is_null() => {}
            ours => {
                let ours = ours.map(|(storage, _)| samples(&storage)).map_err(|it| it.to_string());
                let mut reasons = DIFFERENCES.iter();
                let reason = reasons.find(|(_, pieces)| pieces.iter().any(|it| page.contains(it)));
                let (reason, _) =
                    reason.unwrap_or_else(|| panic!("{page:?}: {ours:?}, not {theirs}"));
                known.insert(*reason);
            }
        }
    }
    assert_eq!(known.len(), DIFFERENCES.len(), "{known:?}");
}

/// Text with what is special in one of the formats.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_][a-z0-9_:]{0,8}",
        "[ \"\\\\\n\r\t{}=,#é\u{1F980}a-zA-Z0-9_:.\0-]{1,12}",
        any::<String>().prop_filter("not empty", |text| !text.is_empty()),
    ]
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_map(|value| if value.is_nan() { f64::NAN } else { value }),
        (-1_000_000..1_000_000_i32).prop_map(f64::from),
        (-1_000_000..1_000_000_i32).prop_map(|value| f64::from(value) / 100.0),
    ]
}

fn instant() -> impl Strategy<Value = i64> {
    // Some in every unit, but none that look like milliseconds written for seconds.
    prop_oneof![-5000..5000_i64, 0..4_000_000_000_000_i64, -400_000_000_000_000..0_i64]
}

fn storage() -> impl Strategy<Value = Storage> {
    let labels = (text(), prop::collection::btree_map(text(), text(), 0..4));
    let points = prop::collection::btree_map(instant(), value(), 1..5);
    prop::collection::vec((labels, points), 0..6).prop_map(|all| {
        let mut storage = Storage::default();
        for ((name, mut labels), points) in all {
            labels.insert("__name__".into(), name);
            let id = storage.series(labels.into_iter().collect());
            for (at, value) in points {
                // A series may be drawn twice; the first sample of an instant stays.
                if storage.get(id).points.last().is_none_or(|last| last < at) {
                    storage.push(id, Point { at, value }).unwrap();
                }
            }
        }
        storage
    })
}

fn everything(storage: &Storage) -> BTreeMap<String, Vec<(i64, u64)>> {
    let points = |series: &auditor::storage::Series| {
        series.points.iter().map(|point| (point.at, point.value.to_bits())).collect()
    };
    storage.iter().map(|(_, series)| (series.labels.to_string(), points(series))).collect()
}

fn written(storage: &Storage) -> Vec<u8> {
    let mut out = Vec::new();
    write(storage, &mut out).unwrap();
    out
}

/// However it is read, it is refused with a line that is there, or taken; a page that is refused
/// leaves nothing.
fn check(bytes: &[u8], format: Format, at: Option<i64>) {
    let target: Labels = [("job", "api")].into_iter().collect();
    let context = Context { at, target: &target };
    let (mut whole, mut streamed) = (Storage::default(), Storage::default());
    let page = Reader::new().read_page(bytes, format, &context, &mut whole);
    let recording = Reader::new().read_recording(bytes, format, &context, &mut streamed);
    assert!(page.is_ok() || whole.is_empty());
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for error in [page.as_ref().err(), recording.as_ref().err()].into_iter().flatten() {
        match error {
            Error::Syntax { line, column, shown, .. } => {
                assert!((1..=lines).contains(line) && *column > 0, "{error}");
                assert!(!shown.chars().any(char::is_control), "{error}");
            }
            Error::CutOff { line } | Error::Unfinished { line } => {
                assert!(*line <= lines, "{error}");
            }
            Error::Empty => assert!(bytes.is_empty()),
            Error::Io(error) => panic!("{error}"),
        }
    }
    if let (Ok(page), Ok(recording)) = (page, recording) {
        assert_eq!(page.samples, recording.samples);
        let settled = streamed.merge_out_of_order().is_ok() && page.out_of_order == 0;
        assert!(!settled || everything(&whole) == everything(&streamed));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(storage in storage()) {
        let text = written(&storage);
        let mut file = std::io::Cursor::new(&text);
        prop_assert_eq!(format_of_recording(&mut file).unwrap(), Format::OpenMetrics);
        let (target, mut again) = (Labels::default(), Storage::default());
        let context = Context { at: None, target: &target };
        let read = Reader::new().read_recording(file, Format::OpenMetrics, &context, &mut again);
        prop_assert!(read.is_ok(), "{:?} of {}", read, String::from_utf8_lossy(&text));
        prop_assert_eq!(everything(&again), everything(&storage));
        prop_assert_eq!(written(&again), text);
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes: Vec<u8>, words in text(), at: Option<i64>) {
        for format in [Format::Prometheus, Format::OpenMetrics] {
            check(&bytes, format, at);
            check(words.as_bytes(), format, at);
        }
    }

    #[test]
    fn mutated_pages_are_taken_or_refused(
        page in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[ \"\\\\\n\r{}=,#e.0é-]?|# EOF\n"), 1..4),
        end in prop::option::of(any::<prop::sample::Index>()),
        at: Option<i64>,
    ) {
        let pages = pages();
        let path = page.get(&pages);
        let mut bytes = fs::read(path).unwrap();
        for (place, text) in changes {
            let place = place.index(bytes.len());
            bytes.splice(place..=place, text.into_bytes());
        }
        bytes.truncate(end.map_or(bytes.len(), |end| end.index(bytes.len())));
        for format in [Format::Prometheus, Format::OpenMetrics] {
            check(&bytes, format, at);
        }
    }
}

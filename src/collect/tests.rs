//! Whatever a service exposes, a recording of it says the same as the scrapes did.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::coverage::{DURATION, REPORTED, UP};
use super::deadline::Deadline;
use super::samples::Samples;
use crate::exposition::{self, Context, Format, Reader, write};
use crate::promql::{self, Value};
use crate::storage::{Labels, METRIC_NAME, Point, Storage};

/// When the first scrape was, in milliseconds.
const START: i64 = 1_700_000_000_123;

/// A page, or none where the scrape failed.
type Scraped = Option<(Vec<String>, Format)>;

const NAMES: &[&str] = &[
    "up",
    "scrape_duration_seconds",
    "exported_up",
    "x_total",
    "calls",
    "lag_seconds",
    "h_bucket",
    "h_count",
    "s",
    "workers_total",
    "process_start_time_seconds",
    "{\"with.dots\"}",
];
/// Types that say something else than the names, or what labels are.
const TYPES: &[(&str, &str)] =
    &[("calls", "counter"), ("workers_total", "gauge"), ("h", "histogram"), ("s", "summary")];
const QUERIES: &[&str] = &[
    "sum by (job) (increase({__name__=~\".+\"}[1h]))",
    "max_over_time(up[1h])",
    "calls",
    "x_total",
    "sum(rate(h_count[10s]))",
    "avg({__name__=~\".+\"})",
    "count({__name__=~\".+\"})",
];

fn label() -> impl Strategy<Value = String> {
    let value =
        prop_oneof!["[a-c]", "[ \\\\\"\n\r\t{}=,#é\u{1F980}q0-9.]{0,6}", "(1|0[.]50|1e-5|\\+Inf)",];
    let name = prop_oneof!["[ab]", "(le|quantile|instance|job|component|exported_job)"];
    (name, value).prop_map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    })
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..50_u8).prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("Go has no sign there", |value| !value.is_nan())
            .prop_map(|value| format!("{value:?}")),
        "(NaN|\\+Inf|-Inf|-0|1e-300|1700000000[.]5|0[.]1)",
    ]
}

/// A line of a page; a timestamp of its own is in milliseconds after the first scrape.
fn line() -> impl Strategy<Value = (String, Option<i64>)> {
    let stamp = prop_oneof![9 => Just(None), 1 => (-5_000..20_000_i64).prop_map(Some)];
    let labels = prop::option::of(label());
    (prop::sample::select(NAMES), labels, value(), stamp).prop_map(|(name, label, value, stamp)| {
        let series = match (name.strip_suffix('}'), label) {
            (Some(quoted), Some(label)) => format!("{quoted},{label}}}"),
            (None, Some(label)) => format!("{name}{{{label}}}"),
            (_, None) => name.to_owned(),
        };
        (format!("{series} {value}"), stamp)
    })
}

fn page() -> impl Strategy<Value = Scraped> {
    let lines = prop::collection::vec(line(), 0..8);
    prop::option::weighted(0.9, (lines, any::<bool>())).prop_map(|page| {
        page.map(|(lines, is_openmetrics)| {
            let lines = lines.into_iter().map(|(line, stamp)| match (stamp, is_openmetrics) {
                (None, _) => line,
                (Some(ms), false) => format!("{line} {}", START + ms),
                (Some(ms), true) => {
                    let at = START + ms;
                    format!("{line} {}.{:03}999", at / 1000, at % 1000)
                }
            });
            let format = if is_openmetrics { Format::OpenMetrics } else { Format::Prometheus };
            (lines.collect(), format)
        })
    })
}

/// The comment before a line that says its type.
fn kind(line: &str) -> String {
    let typed = TYPES.iter().find(|(name, _)| line.starts_with(name));
    typed.map(|(name, kind)| format!("# TYPE {name} {kind}\n")).unwrap_or_default()
}

/// Scrapes the pages of a target, one a second.
fn scrape(instance: &str, pages: &[Scraped], storage: &mut Storage) {
    let target: Labels = [("instance", instance), ("job", "api")].into();
    let mut reader = Reader::reserving(REPORTED);
    for (at, page) in (START..).step_by(1000).zip(pages) {
        let context = Context { at: Some(at), target: &target };
        let read = page.as_ref().is_some_and(|(lines, format)| {
            let end = if *format == Format::OpenMetrics { "# EOF\n" } else { "" };
            let page: String = lines.iter().map(|line| format!("{}{line}\n", kind(line))).collect();
            let page = page + end;
            match reader.read_page(page.as_bytes(), *format, &context, storage) {
                Ok(_) => true,
                Err(exposition::Error::Empty) => false,
                Err(error) => panic!("{error} in {page}"),
            }
        });
        for (name, value) in [(UP, f64::from(u8::from(read))), (DURATION, 0.1)] {
            let mut labels = target.clone();
            labels.set(METRIC_NAME, name);
            let id = storage.series(labels);
            storage.push(id, Point { at, value }).unwrap();
        }
    }
}

fn samples(storage: Storage) -> Samples {
    Samples::new(storage, None, Deadline::new(Instant::now(), Duration::MAX)).unwrap()
}

fn written(samples: &Samples) -> String {
    let mut out = Vec::new();
    write(&samples.storage, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn replayed(recording: &str) -> Samples {
    let (target, mut storage) = (Labels::default(), Storage::default());
    let context = Context { at: None, target: &target };
    let read = Reader::new().read_recording(
        recording.as_bytes(),
        Format::OpenMetrics,
        &context,
        &mut storage,
    );
    read.unwrap_or_else(|error| panic!("{error} in {recording}"));
    samples(storage)
}

/// Every series with every bit of its samples.
fn everything(samples: &Samples) -> Vec<(String, Vec<(i64, u64)>)> {
    let points = |series: &crate::storage::Series| {
        series.points.iter().map(|point| (point.at, point.value.to_bits())).collect()
    };
    let all = samples.storage.iter();
    all.map(|(_, series)| (series.labels.to_string(), points(series))).collect()
}

/// The answers to queries at an instant, bit by bit.
fn answers(samples: &Samples, at: i64) -> Vec<String> {
    let bits = |value| match value {
        Ok(Value::Vector(all)) => {
            let words = all.iter().map(|it| format!("{} {:x}", it.labels, it.value.to_bits()));
            words.collect::<Vec<_>>().join("; ")
        }
        other => format!("{other:?}"),
    };
    let answer =
        |query: &&str| bits(promql::parse(query).unwrap().evaluate(&samples.storage, at, None));
    QUERIES.iter().map(answer).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_recording_says_what_the_scrapes_said(
        one in prop::collection::vec(page(), 1..8),
        other in prop::collection::vec(page(), 1..8),
    ) {
        let mut storage = Storage::default();
        scrape("a:1", &one, &mut storage);
        scrape("b:1", &other, &mut storage);
        let live = samples(storage);
        prop_assert_eq!(live.targets.len(), 2, "{:?}", &live.targets);
        let recording = written(&live);
        let again = replayed(&recording);
        prop_assert_eq!(everything(&again), everything(&live), "{}", &recording);
        prop_assert_eq!(&again.targets, &live.targets);
        prop_assert_eq!(&again.instants, &live.instants);
        prop_assert_eq!(again.span.observed(None), live.span.observed(None));
        for at in &live.instants {
            prop_assert_eq!(answers(&again, *at), answers(&live, *at));
        }
        prop_assert_eq!(written(&again), recording);
    }
}

#[test]
fn the_page_of_a_longest_line_can_be_replayed() {
    // Each of these is a backslash and a letter, and three bytes when it is written.
    let line = format!("x{{a=\"{}\"}} 1", "\\q".repeat(crate::exposition::MAX_LINE / 2 - 6));
    let mut storage = Storage::default();
    scrape("a:1", &[Some((vec![line], Format::Prometheus))], &mut storage);
    let live = samples(storage);
    assert_eq!(everything(&replayed(&written(&live))), everything(&live));
}

#[test]
fn the_order_in_which_series_were_met_changes_no_sum() {
    let numbers = ["1e100", "1", "-1e100", "0.1", "3", "-7e50"];
    let page = |turn: usize| {
        let mut numbers = numbers.map(|number| format!("x{{n=\"{number}\"}} {number}"));
        numbers.rotate_left(turn);
        Some((numbers.to_vec(), Format::Prometheus))
    };
    let sums: Vec<_> = (0..numbers.len())
        .map(|turn| {
            let mut storage = Storage::default();
            scrape("a:1", &[page(turn)], &mut storage);
            let names = ["sum(x)", "avg(x)", "stddev(x)"];
            let samples = samples(storage);
            names.map(|query| {
                let value = promql::parse(query).unwrap().evaluate(&samples.storage, START, None);
                format!("{value:?}")
            })
        })
        .collect();
    assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "{sums:?}");
}

#[test]
fn a_recording_holds_nothing_that_was_inferred() {
    let mut storage = Storage::default();
    let page = |lines: &[&str]| {
        Some((lines.iter().map(|line| (*line).to_owned()).collect(), Format::Prometheus))
    };
    let pages = [page(&["lag 1", "gone 1"]), page(&["lag 1"]), page(&["lag 1", "x_total 5"])];
    scrape("a:1", &pages, &mut storage);
    let live = samples(storage);
    let recording = written(&live);
    let of = |name: &str| recording.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!((of("gone"), of("x_total"), of("lag")), (1, 1, 3), "{recording}");
    let points = |name| live.storage.of_metric(Some(name)).map(|series| series.points.len());
    assert_eq!(points("gone").chain(points("x_total")).collect::<Vec<_>>(), [2, 2]);
}

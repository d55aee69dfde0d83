//! A recording gives the verdict that the run gave, with whatever the pages have in them; and
//! what a service began to count under load is not lost to either.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::fake::{Fake, Response};
use crate::support::page::CALM;
use crate::support::{Run, auditor, directory_with};

const CONFIG: &str = "
queries:
  p99_latency: latency_seconds
  event_loop_lag: max_over_time(lag_seconds[$window])
  blocking_duration_avg: rate(blocked_sum[$window]) / rate(blocked_count[$window])
  peak_active_requests: max_over_time(active[$window])
";

const BLOCKED: &str = "blocked_sum 1\nblocked_count 4\n";

/// Scrapes a service whose n-th page, 0 first, is `page`; and audits the recording of it.
fn live_and_replayed(page: impl Fn(usize) -> String + Send + Sync + 'static) -> [Run; 2] {
    let count = AtomicUsize::new(0);
    let service =
        Fake::start(move |_| Response::new(200, &*page(count.fetch_add(1, Ordering::Relaxed))));
    let directory = directory_with(CONFIG);
    let url = format!("{}/metrics", service.url());
    let args = ["--scrape", &url, "--every", "100ms", "--for", "600ms", "--record", "run.om"];
    [audit(directory.path(), &args), audit(directory.path(), &["--recording", "run.om"])]
}

fn audit(directory: &Path, args: &[&str]) -> Run {
    let common = ["--output-format", "json", "--fail-on-critical", "--no-report"];
    auditor(directory, &[&common, args].concat())
}

/// That both say the same; what they say.
fn same([live, replayed]: &[Run; 2], what: &str) -> Value {
    assert_eq!(live.code, replayed.code, "{what}: {}{}", live.stdout, replayed.stdout);
    let (live, replayed) = (live.json(), replayed.json());
    for key in ["verdict", "status", "findings", "failure_modes", "signals", "scrapes", "checks"] {
        assert_eq!(live[key], replayed[key], "{what}: {key}");
    }
    assert_eq!(live["evaluated_at"], replayed["evaluated_at"], "{what}");
    live
}

#[test]
fn series_of_a_page_that_look_like_ours_are_the_pages() {
    for (lines, what) in [
        ("up 0\n", "an up of its own"),
        ("up{component=\"db\"} 0\n", "an up with a label"),
        ("up{component=\"db\",job=\"own\"} 0\n", "an up with a job"),
        ("scrape_duration_seconds 9\n", "a duration of its own"),
        ("scrape_duration_seconds{component=\"db\"} 9\n", "a duration with a label"),
        ("up NaN\nscrape_duration_seconds +Inf\n", "numbers that are none"),
        ("exported_up 1\n", "a name as it would be renamed"),
    ] {
        let runs = live_and_replayed(move |_| format!("{lines}{CALM}{BLOCKED}"));
        let report = same(&runs, what);
        assert_eq!(report["verdict"], "pass", "{what}: {report:#}");
        let scrapes = report["scrapes"].as_array().unwrap();
        assert_eq!((scrapes.len(), &scrapes[0]["failed"]), (1, &0.into()), "{what}");
        assert!(scrapes[0]["slowest_s"].as_f64().unwrap() < 5.0, "{what}");
    }
}

#[test]
fn timestamps_in_another_unit_are_refused_at_once() {
    for (stamp, words) in [
        ("1700000000123456", "looks like microseconds"),
        ("1700000000123456789", "no year of four digits"),
        ("1700000000", "looks like seconds"),
    ] {
        let [live, _] = live_and_replayed(move |_| format!("{CALM}x 1 {stamp}\n{BLOCKED}"));
        assert_eq!(live.code, 3);
        let error = live.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("the page:4:5: ") && error.contains(words), "{error}");
    }
}

#[test]
fn a_snapshot_with_an_up_of_its_own_is_read_as_a_page_is() {
    for (lines, code) in [("", 0), ("up 0\nscrape_duration_seconds 9\n", 0), ("up{a=\"b\"} 0\n", 0)]
    {
        let directory = directory_with(CONFIG);
        let snapshots = directory.path().join("snapshots");
        fs::create_dir(&snapshots).unwrap();
        for second in 0..5 {
            let page = format!("{lines}{CALM}{BLOCKED}");
            fs::write(snapshots.join(format!("{}.prom", 1_700_000_000 + second)), page).unwrap();
        }
        let run = audit(directory.path(), &["--recording", "snapshots"]);
        assert_eq!(run.code, code, "{lines}: {}", run.stdout);
        let scrapes = run.json()["scrapes"].as_array().unwrap().clone();
        assert_eq!((scrapes.len(), &scrapes[0]["tried"]), (1, &5.into()), "{lines}");
    }
}

#[test]
fn recordings_in_one_directory_keep_their_targets_and_are_not_mixed_with_snapshots() {
    let directory = directory_with(CONFIG);
    let parts = directory.path().join("parts");
    fs::create_dir(&parts).unwrap();
    let part = |from: i64, up: u8| -> String {
        let lines = (from..from + 5).flat_map(|second| {
            let samples =
                [format!("up {up}"), "latency_seconds 0.1".into(), "lag_seconds 0.01".into()];
            samples.map(|sample| {
                let (name, value) = sample.split_once(' ').unwrap();
                format!("{name}{{instance=\"a\",job=\"b\"}} {value} {second}\n")
            })
        });
        lines.chain(["# EOF\n".to_owned()]).collect()
    };
    // The name says a time, and the file has scrapes of its own all the same.
    fs::write(parts.join("1700000000.om"), part(1_700_000_000, 1)).unwrap();
    fs::write(parts.join("1700000005.om"), part(1_700_000_005, 0)).unwrap();
    let report = audit(directory.path(), &["--recording", "parts"]).json();
    let scrapes = &report["scrapes"];
    assert_eq!(
        (&scrapes[0]["tried"], &scrapes[0]["failed"]),
        (&10.into(), &5.into()),
        "{report:#}"
    );
    assert_eq!(scrapes.as_array().unwrap().len(), 1);
    fs::write(parts.join("1600000000.prom"), CALM).unwrap();
    let run = audit(directory.path(), &["--recording", "parts"]);
    assert_eq!(run.code, 3);
    let error = run.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("recordings and snapshots of a page in this directory"), "{error}");
}

#[test]
fn a_recording_without_up_is_the_same_in_a_directory() {
    let directory = directory_with(CONFIG);
    let parts = directory.path().join("parts");
    fs::create_dir(&parts).unwrap();
    let seconds = |all: &[i64], sample: &str| -> String {
        all.iter().map(|it| format!("{sample} {}\n", 1_700_000_000 + it)).collect()
    };
    let all: Vec<_> = (0..20).collect();
    let holes: Vec<_> = all.iter().copied().filter(|it| *it != 7).collect();
    for (lags, code) in [(&all, 0), (&holes, 3)] {
        let text = seconds(&all, "latency_seconds 0.1") + &seconds(lags, "lag_seconds 0.01");
        let others = ["active 3", "blocked_sum 1", "blocked_count 4"];
        let text = text + &others.map(|it| seconds(&all, it)).concat() + "# EOF\n";
        fs::write(parts.join("a.om"), text).unwrap();
        let runs = ["parts/a.om", "parts"].map(|path| {
            let run = audit(directory.path(), &["--recording", path]);
            (run.code, run.json()["evidence"]["shortfalls"].clone())
        });
        assert_eq!((runs[0].0, &runs[0]), (code, &runs[1]));
    }
}

#[test]
fn what_is_counted_for_the_first_time_under_load_counts() {
    // A histogram with labels that is there from the third scrape on, with 5 calls of 2 seconds.
    let page = |n: usize| match n {
        0..=1 => CALM.to_owned(),
        _ => format!("{CALM}blocked_sum{{call=\"read\"}} 10\nblocked_count{{call=\"read\"}} 5\n"),
    };
    let runs = live_and_replayed(page);
    let report = same(&runs, "born under load");
    assert_eq!(report["signals"]["blocking_duration_avg"]["value"], 2.0, "{report:#}");
    // From the first scrape on nobody knows when that was.
    let runs = live_and_replayed(move |_| page(2));
    let report = same(&runs, "there from the beginning");
    assert_ne!(report["signals"]["blocking_duration_avg"]["value"], 2.0);

    let directory = directory_with(CONFIG);
    let snapshots = directory.path().join("snapshots");
    fs::create_dir(&snapshots).unwrap();
    for n in 0..5 {
        fs::write(snapshots.join(format!("{}.prom", 1_700_000_000 + n)), page(n)).unwrap();
    }
    let report = audit(directory.path(), &["--recording", "snapshots"]).json();
    assert_eq!(report["signals"]["blocking_duration_avg"]["value"], 2.0, "{report:#}");
}

#[test]
fn bounds_are_asked_for_as_prometheus_3_stores_them() {
    let directory = directory_with(CONFIG);
    let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 3 1700000000000\nh_bucket{le=\"+Inf\"} 4 1700000000000\n";
    fs::write(directory.path().join("h.prom"), text).unwrap();
    for (query, expected) in [("h_bucket{le=\"1.0\"}", 1), ("h_bucket{le=\"1\"}", 0)] {
        let args = ["query", query, "--recording", "h.prom", "--output-format", "json"];
        let answer = auditor(directory.path(), &args).json();
        assert_eq!(answer["data"]["result"].as_array().unwrap().len(), expected, "{answer}");
    }
}

//! Which workers `json-workers` takes for stuck, which for lost, and what leaves that unknown; by
//! recordings of half a minute.

use std::fmt::Write as _;

use crate::support::{Run, auditor, empty_directory};

/// Unix seconds of the first page; the others follow each second.
const START: i64 = 1_700_000_000;
const LAST: i32 = 30;

/// A worker as a page shows it: its label, its CPU ticks, its runtime.
type Worker = (&'static str, Option<f64>, Option<f64>);

/// What a page shows: `clk_tck`, and who is listed.
type Page = (Option<f64>, Vec<Worker>);

/// A worker that is busy since the first page.
fn busy(name: &'static str, second: i32) -> Worker {
    (name, Some(60.0 * f64::from(second)), Some(f64::from(second)))
}

/// One whose n-th second is this one.
fn at(name: &'static str, ticks: i32, runtime: i32) -> Worker {
    (name, Some(ticks.into()), Some(runtime.into()))
}

/// A program that does four jobs a second, whatever its workers show.
fn recording(page: impl Fn(i32) -> Page) -> String {
    let mut text = String::new();
    for second in 0..=LAST {
        let (clk_tck, workers) = page(second);
        let mut samples = vec![
            ("up", "", 1.0),
            ("scrape_json", "", 1.0),
            ("queue_counts_done", "", 4.0 * f64::from(second)),
            ("queue_counts_failed", "", 0.0),
            ("queue_counts_queued", "", 2.0),
            ("cost_aggregate_cost_usd", "", 0.001 * f64::from(second)),
            ("agents_length", "", workers.len() as f64),
        ];
        samples.extend(clk_tck.map(|it| ("clk_tck", "", it)));
        for (name, ticks, runtime) in workers {
            samples.push(("agents_info", name, 1.0));
            samples.extend(ticks.map(|it| ("agents_cpu_ticks", name, it)));
            samples.extend(runtime.map(|it| ("agents_runtime_s", name, it)));
        }
        for (metric, name, value) in samples {
            let worker =
                if name.is_empty() { String::new() } else { format!(",run_id=\"{name}\"") };
            let at = START + i64::from(second);
            writeln!(text, "{metric}{{instance=\"a:1\",job=\"b\"{worker}}} {value} {at}.000")
                .unwrap();
        }
    }
    // Those of a series together.
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n") + "\n# EOF\n"
}

fn audited(page: impl Fn(i32) -> Page) -> Run {
    let directory = empty_directory();
    std::fs::write(directory.path().join("rec.om"), recording(page)).unwrap();
    let args = ["--preset", "json-workers", "--recording", "rec.om", "--fail-on-critical"];
    auditor(directory.path(), &[&args[..], &["--output-format", "json"]].concat())
}

const HZ: Option<f64> = Some(100.0);

/// What an audit has to say of pages.
type Case = (&'static str, fn(i32) -> Page);

#[track_caller]
fn check(cases: &[Case], code: i32, words: &str) {
    for (name, page) in cases {
        let run = audited(page);
        let report = run.json();
        assert_eq!(run.code, code, "{name}: {report:#}{}", run.stderr);
        assert!(report["verdict_reason"].as_str().unwrap().contains(words), "{name}: {report:#}");
    }
}

#[test]
fn workers_that_are_listed_and_do_nothing_are_stuck() {
    let cases: &[Case] = &[
        ("no CPU", |t| (HZ, vec![busy("1", t), at("2", 640, t)])),
        ("hardly any", |t| (HZ, vec![busy("1", t), at("2", 640 + t / 10, t)])),
        // A document that is no longer made anew, and does not say when it was made.
        ("all stand still", |_| (HZ, vec![at("1", 640, 9)])),
        ("one clock stands still", |t| (HZ, vec![busy("1", t), at("2", 640, 9)])),
        // What is proven is not made unknown by what is not.
        ("beside an unknown one", |t| (HZ, vec![("1", Some(5.0), None), at("2", 640, t)])),
        ("in its second job", |t| (HZ, vec![if t < 8 { busy("1", t) } else { at("1", 3, t - 8) }])),
    ];
    check(cases, 1, "`stuck` (critical) is broken");
}

#[test]
fn workers_at_work_and_those_that_take_their_next_job_are_not() {
    let cases: &[Case] = &[
        ("busy", |t| (HZ, vec![busy("1", t), busy("2", t)])),
        ("none", |_| (HZ, vec![])),
        ("none, nor a clk_tck", |_| (None, vec![])),
        // The clock of what it uses goes on, so it works.
        ("its runtime stands still", |t| (HZ, vec![at("1", 60 * t, 9)])),
        // 20 s ago it was as far with another job, and it is at the end of this one.
        ("jobs of 5 s", |t| (HZ, vec![busy("1", (t + 4) % 5)])),
        ("jobs of 11 s", |t| (HZ, vec![busy("1", t % 11), busy("2", (t + 7) % 11)])),
        ("a heavy job, then a light one", |t| {
            (
                HZ,
                vec![if t < 15 { at("1", 273 * t / 2, t) } else { at("1", 91 * (t - 15), t - 15) }],
            )
        }),
        ("they come and go", |t| {
            (None, vec![busy(["1", "2", "3", "4", "5", "6", "7"][t as usize / 5], t % 5)])
        }),
    ];
    check(cases, 0, "");
}

#[test]
fn a_worker_whose_numbers_cannot_be_had_leaves_it_unknown() {
    let cases: &[Case] = &[
        ("no clk_tck", |_| (None, vec![at("1", 640, 9)])),
        ("no clk_tck, and busy", |t| (None, vec![busy("1", t)])),
        ("a clk_tck of 0", |t| (Some(0.0), vec![at("1", 640, t)])),
        ("no runtime", |_| (HZ, vec![("1", Some(640.0), None)])),
        ("one of two", |t| (HZ, vec![busy("1", t), ("2", Some(640.0), None)])),
        ("no ticks at first", |t| {
            (HZ, vec![busy("1", t), ("2", (t > 15).then_some(640.0), Some(f64::from(t)))])
        }),
    ];
    check(cases, 3, "`stuck` (critical) cannot be told");
}

#[test]
fn a_worker_without_a_process_is_lost_and_not_stuck() {
    let run = audited(|t| (HZ, vec![busy("1", t), ("2", None, Some(f64::from(t)))]));
    let report = run.json();
    assert_eq!(run.code, 1, "{report:#}");
    let value = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|it| it["name"] == name).unwrap()["actual"].as_f64()
    };
    assert_eq!((value("stuck"), value("lost")), (Some(0.0), Some(1.0)), "{report:#}");
}

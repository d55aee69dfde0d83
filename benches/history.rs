//! A history of 10,000 reports, opened, beside the mere reading of the same files in the same minute:
//! `cargo bench --bench history`. It fails where a target is missed.
//!
//! It takes 400 MB of room for temporary files, which are in the system's cache when they are read.
#![allow(clippy::print_stdout, reason = "this is a program that prints")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use auditor::watch::history::History;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

const REPORTS: usize = 10_000;
/// A real one of a service with twenty checks has so many bytes, some more some less.
const BYTES: usize = 35_000;
const ROUNDS: usize = 5;
/// The cores that a second is meant of.
const CORES: f64 = 2.0;
const FOREVER: Duration = Duration::MAX;
/// So many calm reports for each of one that failed.
const CALM: usize = 9;
/// Megabytes that 10,000 reports may take in memory.
const MOST_MEMORY: f64 = 16.0;

/// Reading the files, and opening the history.
type Round = ((f64, f64), (f64, f64));

fn main() -> ExitCode {
    let directory = tempfile::tempdir().unwrap();
    let (now, bytes) = (write(&directory), total(directory.path()));
    println!("{REPORTS} reports, {:.0} MB", bytes as f64 / 1e6);
    let before = resident();
    let kept = open(directory.path(), now);
    let growth = resident() - before;
    assert_eq!(kept.entries().len(), REPORTS);
    drop(kept);
    let read = || read_all(directory.path());
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| (measured(read), measured(|| drop(open(directory.path(), now)))))
        .collect();
    println!("                           elapsed, s  cores' time, s");
    let row = |name: &str, figures: (f64, f64)| {
        println!("{name:<27}{:>10.3}{:>16.3}", figures.0, figures.1);
    };
    let reading = (median(&rounds, |it| it.0.0), median(&rounds, |it| it.0.1));
    let opening = (median(&rounds, |it| it.1.0), median(&rounds, |it| it.1.1));
    row("reading the files", reading);
    row("opening the history", opening);
    row("times as much", (opening.0 / reading.0, opening.1 / reading.1));
    println!("memory of the history: {growth:.1} MiB");
    let targets = [
        (opening.1 / CORES < 1.0, "opened in less than a second of two cores"),
        (growth < MOST_MEMORY, "no more than 16 MiB of memory"),
    ];
    println!();
    for (is_met, target) in targets {
        println!("{} {target}", if is_met { "met:   " } else { "MISSED:" });
    }
    ExitCode::from(u8::from(targets.iter().any(|(is_met, _)| !is_met)))
}

/// Writes the reports, five minutes apart, and says when the last of them ended.
fn write(directory: &TempDir) -> Timestamp {
    let now: Timestamp = "2026-11-27T15:00:00Z".parse().unwrap();
    fs::create_dir(directory.path().join("api")).unwrap();
    let [calm, failing] = [padded(calm()), padded(failing())];
    for number in 0..REPORTS {
        let at = now - SignedDuration::from_mins(5 * number as i64);
        let report = if number % (CALM + 1) == 0 { &failing } else { &calm };
        let reason = format!("the score is {number}, below");
        let report = report.replace("the score is 35, below", &reason);
        let name = format!("api/{at:.3}.json").replace(':', "-");
        fs::write(directory.path().join(name), report).unwrap();
    }
    now
}

fn calm() -> Value {
    serde_json::from_str(include_str!("../tests/history/passes.json")).unwrap()
}

fn failing() -> Value {
    serde_json::from_str(include_str!("../tests/history/culprit.json")).unwrap()
}

/// The same with as many checks as it takes.
fn padded(mut report: Value) -> String {
    let checks = report["checks"].as_array().unwrap().clone();
    for number in 0.. {
        let missing = BYTES.saturating_sub(report.to_string().len());
        if missing == 0 {
            break;
        }
        let mut check = checks[number % checks.len()].clone();
        check["name"] = json!(format!("own_{number}"));
        check["query"] = json!("sum by (route) (rate(http_requests_total{status=~\"5..\"}[5m]))");
        report["checks"].as_array_mut().unwrap().push(check);
    }
    report.to_string()
}

fn open(directory: &Path, now: Timestamp) -> History {
    let (history, warnings) = History::open(directory, "api", FOREVER, now).unwrap();
    assert_eq!(warnings, [""; 0]);
    history
}

fn total(directory: &Path) -> u64 {
    let files = fs::read_dir(directory.join("api")).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

fn read_all(directory: &Path) {
    for file in fs::read_dir(directory.join("api")).unwrap() {
        std::hint::black_box(fs::read(file.unwrap().path()).unwrap());
    }
}

/// The seconds that work takes, and for how many of them it keeps a core busy: others may want the machine,
/// too.
fn measured(work: impl FnOnce()) -> (f64, f64) {
    let (busy, started) = (busy(), Instant::now());
    work();
    (started.elapsed().as_secs_f64(), self::busy() - busy)
}

/// For how many seconds this process was on a core, in hundredths.
fn busy() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    [11, 12].map(|field| fields[field].parse::<f64>().unwrap()).iter().sum::<f64>() / 100.0
}

fn median(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let mut all: Vec<_> = rounds.iter().map(figure).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// The most memory that this process has had, in MiB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

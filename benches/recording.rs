//! A recording of 10,000 series over 15 minutes beside a real Prometheus that has the same
//! samples, in one run: `cargo bench --bench recording`. It fails where a target is missed.
//!
//! It takes `prometheus` and `promtool`, 1 GB of room for temporary files, and a few minutes,
//! most of which `promtool` needs to fill the Prometheus.
#![allow(clippy::print_stdout, reason = "this is a program that prints")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

#[path = "recording/fleet.rs"]
mod fleet;
#[path = "../tests/integration/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use auditor::exposition::{self, Context, Reader};
use auditor::promql::{self, Value};
use auditor::storage::{Labels, Storage};
use support::real::{self, Server};
use wait4::Wait4 as _;

const ROUNDS: usize = 11;
/// Rounds of what takes seconds.
const LONG_ROUNDS: usize = 3;
const CONFIG: &str = include_str!("../default_metrics.yaml");
/// Megabytes a second.
const SLOWEST_PARSING: f64 = 150.0;

fn main() -> ExitCode {
    let directory = support::empty_directory();
    let file = directory.path().join("recording");
    let written = fleet::write(&file);
    let megabytes = written.bytes as f64 / 1e6;
    println!("{} series, {} samples, {megabytes:.0} MB", written.series, written.samples);
    // First of all, for the peak of a process counts from that of its parent's.
    let audits: Vec<_> = (0..LONG_ROUNDS).map(|_| audit(directory.path(), &file)).collect();
    let (audit, memory) = (median(&audits, |it| it.0), median(&audits, |it| it.1));
    let prometheus = real::prometheus_of_file(&file, None, "");
    let readings: Vec<_> = (0..LONG_ROUNDS).map(|_| read(&file).0).collect();
    let storage = read(&file).1;
    assert_eq!(storage.len(), written.series);

    let queries = queries();
    check_answers(&queries, &prometheus, &storage);
    let their_memory = peak_memory(prometheus.id());
    let ratio = evaluation(&queries, &prometheus, &storage);
    println!("\n                              auditor Prometheus   ratio");
    row("peak memory, MiB", memory, their_memory);
    println!("{:<28}{audit:>9.2}", "whole audit, s");
    let speed = |seconds: f64| megabytes / seconds;
    let parsing = speed(median(&readings, |it| it.0));
    println!("{:<28}{parsing:>9.0}", "parsing, MB/s of a core");
    println!("{:<28}{:>9.0}", "parsing, MB/s", speed(median(&readings, |it| it.1)));

    let targets = [
        (ratio <= 1.0, "evaluation no slower than Prometheus'"),
        (parsing >= SLOWEST_PARSING, "parsing at least 150 MB/s"),
        (memory < their_memory, "memory below Prometheus'"),
    ];
    println!();
    for (is_met, target) in targets {
        println!("{} {target}", if is_met { "met:   " } else { "MISSED:" });
    }
    ExitCode::from(u8::from(targets.iter().any(|(is_met, _)| !is_met)))
}

fn row(name: &str, ours: f64, theirs: f64) {
    println!("{name:<28}{ours:>9.2}{theirs:>11.2}{:>8.2}", ours / theirs);
}

fn median<T>(all: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    let mut figures: Vec<_> = all.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The seconds of a whole audit, and its peak memory in MiB.
fn audit(directory: &Path, recording: &Path) -> (f64, f64) {
    fs::write(directory.join("metrics.yaml"), CONFIG).unwrap();
    let recording = recording.to_str().unwrap();
    let started = Instant::now();
    let mut command =
        support::command(directory, &["--recording", recording, "--no-report", "--timeout", "5m"]);
    let ended = command.stdout(Stdio::null()).spawn().unwrap().wait4().unwrap();
    assert!(ended.status.success(), "{}", ended.status);
    (started.elapsed().as_secs_f64(), ended.rusage.maxrss as f64 / f64::from(1 << 20))
}

/// Reads the recording in this thread: how many seconds a core was busy with it, how many
/// passed, and what came of it.
fn read(path: &Path) -> ((f64, f64), Storage) {
    let (busy, started) = (busy(), Instant::now());
    let mut storage = Storage::default();
    let mut file = File::open(path).unwrap();
    let format = exposition::format_of_recording(&mut file).unwrap();
    let context = Context { at: None, target: &Labels::default() };
    Reader::new().read_recording(file, format, &context, &mut storage).unwrap();
    storage.merge_out_of_order().unwrap();
    ((self::busy() - busy, started.elapsed().as_secs_f64()), storage)
}

/// For how many seconds this thread was on a core; others may want the machine, too.
fn busy() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// The peak of a process' memory, in MiB.
fn peak_memory(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// The default queries, and their names.
fn queries() -> Vec<(String, String)> {
    #[derive(serde::Deserialize)]
    struct Config {
        queries: BTreeMap<String, String>,
    }
    let config: Config = yaml_serde::from_str(CONFIG).unwrap();
    let expand = |query: &str| query.replace("{$selector}", "").replace("$window", "15m");
    config.queries.iter().map(|(name, query)| (name.clone(), expand(query))).collect()
}

/// Prints for each query how long it takes, in milliseconds, and returns the ratio of all.
fn evaluation(queries: &[(String, String)], prometheus: &Server, storage: &Storage) -> f64 {
    println!("\n{ROUNDS} rounds, medians");
    println!("evaluation, ms                auditor Prometheus   ratio  with HTTP");
    let (mut ours, mut theirs, mut http) = (0.0, 0.0, 0.0);
    for (name, query) in queries {
        let round = |_| {
            let started = Instant::now();
            let (_, seconds) = ask(prometheus, query);
            let (http, started) = (started.elapsed().as_secs_f64(), Instant::now());
            evaluate(query, storage);
            [started.elapsed().as_secs_f64(), seconds, http].map(|seconds| seconds * 1e3)
        };
        let rounds: Vec<_> = (0..ROUNDS).map(round).collect();
        let [a, b, c] = [0, 1, 2].map(|index| median(&rounds, |round| round[index]));
        println!("  {name:<26}{a:>9.2}{b:>11.2}{:>8.2}{c:>11.2}", a / b);
        (ours, theirs, http) = (ours + a, theirs + b, http + c);
    }
    println!("  {:<26}{ours:>9.2}{theirs:>11.2}{:>8.2}{http:>11.2}", "all", ours / theirs);
    ours / theirs
}

fn evaluate(query: &str, storage: &Storage) -> Value {
    promql::parse(query).unwrap().evaluate(storage, fleet::END, None).unwrap()
}

type Answer = BTreeMap<Labels, f64>;

/// Prometheus' answer, and the seconds that it says it took, HTTP and JSON left out.
fn ask(prometheus: &Server, query: &str) -> (Answer, f64) {
    let answer = real::instant_query(prometheus, query, fleet::END / 1000);
    let data = &answer["data"];
    let seconds = data["stats"]["timings"]["evalTotalTime"].as_f64().unwrap();
    let series = data["result"].as_array().unwrap().iter();
    let answer = series.map(|series| {
        let labels = serde_json::from_value(series["metric"].clone()).unwrap();
        (labels, series["value"][1].as_str().unwrap().parse().unwrap())
    });
    (answer.collect(), seconds)
}

/// Both have to say the same. That warms both up, too.
fn check_answers(queries: &[(String, String)], prometheus: &Server, storage: &Storage) {
    for (name, query) in queries {
        let (theirs, _) = ask(prometheus, query);
        let Value::Vector(ours) = evaluate(query, storage) else { panic!("{name}: no vector") };
        let ours: Answer = ours.into_iter().map(|sample| (sample.labels, sample.value)).collect();
        assert!(!ours.is_empty() && ours.keys().eq(theirs.keys()), "{name}: other series");
        for ((labels, a), b) in ours.iter().zip(theirs.values()) {
            let is_same = (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) || a.is_nan() && b.is_nan();
            assert!(is_same, "{name} {labels:?}: {a}, and Prometheus says {b}");
        }
    }
}

//! Suites of many scenarios: `cargo bench --bench suite`. It fails where a goal is missed.
//!
//! - 500 scenarios that ask one server, 16 at once, take at most 1.5 times as long as 500 audits
//!   whose waiting was perfectly shared: 500 / 16 times a single audit, measured in the same minute.
//! - What a suite holds in memory is what is under way, and the entries of its summary: a few KiB for
//!   each scenario that has ended.
#![allow(clippy::print_stdout, reason = "this is a program that prints")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

#[path = "../tests/integration/support/beside.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod beside;
#[path = "../tests/integration/support/fake.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod fake;
#[path = "support/kept.rs"]
mod kept;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

/// What the server takes for an answer.
const DELAY: Duration = Duration::from_millis(20);
const JOBS: usize = 16;
/// The most that sharing may cost.
const MOST: f64 = 1.5;
/// The most that a scenario that has ended may hold, KiB.
const MOST_KIB: f64 = 8.0;

const CONFIG: &str = "queries:
  p99_latency: a
  event_loop_lag: b
  blocking_events_total: c
  blocking_duration_avg: d
  peak_active_requests: e
  threadpool_queue_wait: f
  threadpool_tasks_started: g
  threadpool_tasks_completed: h
";

fn main() -> ExitCode {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("metrics.yaml"), CONFIG).unwrap();
    fs::write(path.join("calm.om"), recording()).unwrap();
    let is_met = [asking(path), reading(path)];
    ExitCode::from(u8::from(is_met.contains(&false)))
}

/// Scenarios that ask a server: whether the goals are met.
fn asking(directory: &Path) -> bool {
    let target = format!("http://{}", kept::start(DELAY));
    println!("scenarios that ask a server, {DELAY:?} an answer, {JOBS} at once");
    let defaults = format!("{{target: '{target}'}}");
    let single = || run(directory, &["--target", &target, "--fail-on-critical"]).wall;
    let before = median((0..5).map(|_| single()).collect());
    let timed = suite(directory, &defaults, 500);
    let after = median((0..5).map(|_| single()).collect());
    let ideal = (before + after) / 2.0 * 500.0 / JOBS as f64;
    let ratio = timed.wall / ideal;
    println!("  a single audit takes {before:.3} s before and {after:.3} s after");
    println!("  500 take {:.2} s, ideally {ideal:.2} s: {ratio:.2} times as long", timed.wall);
    let is_fast = goal(ratio <= MOST, &format!("at most {MOST} times as long"));
    // The first hundreds fill what the threads keep for themselves.
    let more = suite(directory, &defaults, 2000);
    is_flat((500, &timed), (2000, &more)) && is_fast
}

/// Scenarios that read a recording: whether the goal is met.
fn reading(directory: &Path) -> bool {
    println!("\nscenarios that read a recording");
    let fewer = suite(directory, "{recording: calm.om}", 1000);
    let more = suite(directory, "{recording: calm.om}", 10_000);
    for (count, figures) in [(1000, &fewer), (10_000, &more)] {
        let each = figures.wall * 1000.0 / f64::from(count);
        println!("  {count:>6} take {:.2} s, {each:.2} ms each", figures.wall);
    }
    is_flat((1000, &fewer), (10_000, &more))
}

/// Whether memory grows by no more than what the summary needs.
fn is_flat((fewer, of_fewer): (u32, &Figures), (more, of_more): (u32, &Figures)) -> bool {
    let [from, to] = [of_fewer.memory, of_more.memory];
    let each = (to - from) * 1024.0 / f64::from(more - fewer);
    println!(
        "  peak memory: {from:.1} MiB for {fewer}, {to:.1} MiB for {more}: {each:.2} KiB each"
    );
    goal(each <= MOST_KIB, &format!("at most {MOST_KIB} KiB for each further one"))
}

fn goal(is_met: bool, words: &str) -> bool {
    println!("  {} {words}", if is_met { "met:   " } else { "MISSED:" });
    is_met
}

/// Wall time in seconds and peak memory in MiB.
struct Figures {
    wall: f64,
    memory: f64,
}

/// Audits so many scenarios.
fn suite(directory: &Path, defaults: &str, count: usize) -> Figures {
    let mut text = format!("defaults: {defaults}\nscenarios:\n");
    for number in 1..=count {
        writeln!(text, "  - id: s{number}").unwrap();
    }
    fs::write(directory.join("suite.yaml"), text).unwrap();
    run(directory, &["suite", "suite.yaml", "--jobs", &JOBS.to_string()])
}

fn run(directory: &Path, args: &[&str]) -> Figures {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_auditor"))
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ended = child.wait4().unwrap();
    let wall = started.elapsed().as_secs_f64();
    assert!(ended.status.success(), "{args:?}: {}", ended.status);
    Figures { wall, memory: ended.rusage.maxrss as f64 / f64::from(1 << 20) }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Ten minutes of a calm service, scraped every 15 s.
fn recording() -> String {
    let mut text = String::new();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        for number in 0..40 {
            writeln!(text, "{name} 0.1 {}", 1_769_860_800 + number * 15).unwrap();
        }
    }
    text + "# EOF\n"
}

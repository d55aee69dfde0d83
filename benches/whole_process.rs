//! The whole process beside its predecessor's, against the same fake backend in the same
//! minute, in turn: `cargo bench`.
//!
//! The predecessor, async-runtime-auditor 0.1.1 from PyPI, is installed into a virtual
//! environment under `target/` with the machine's `python3`. With `AUDITOR_BEFORE=PATH`, an earlier
//! build of this program is held against this one in the same way: its start, an audit, and its size.
#![allow(clippy::print_stdout, reason = "this is a program that prints")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

#[path = "../tests/integration/support/beside.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod beside;
#[path = "../tests/integration/support/fake.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod fake;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake::{Fake, Response};
use wait4::Wait4 as _;

const PAIRS: usize = 15;
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

fn main() {
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_auditor"));
    let original = install_original();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("metrics.yaml"), CONFIG).unwrap();
    println!("{PAIRS} pairs of runs each, medians; 9 answers make an audit");
    for delay in [Duration::ZERO, Duration::from_millis(50)] {
        let backend = Fake::start(move |request| {
            let answer = if request.path == "/api/v1/query" {
                Response::vector(&[(BTreeMap::new(), "0.1".to_owned())])
            } else {
                Response::new(200, "Prometheus Server is Healthy.\n")
            };
            if delay.is_zero() { answer } else { answer.delayed(delay) }
        });
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..=PAIRS {
            a.push(run(&ours, directory.path(), &backend.url()));
            b.push(run(&original, directory.path(), &backend.url()));
        }
        // The first pair warms up.
        let (a, b) = (Figures::of(&a[1..]), Figures::of(&b[1..]));
        println!("\nat {delay:?} an answer        auditor   original   ratio");
        row("wall time, ms", a.wall, b.wall);
        row("peak memory, MiB", a.memory, b.memory);
        if !delay.is_zero() {
            let answers = delay.as_secs_f64() * 1000.0;
            row("wall time, answers", a.wall / answers, b.wall / answers);
        }
    }
    println!("\nbinary: {:.2} MB", megabytes(&ours));
    if let Some(before) = std::env::var_os("AUDITOR_BEFORE") {
        beside_earlier(&ours, Path::new(&before), directory.path());
    }
}

/// An earlier build beside this one.
fn beside_earlier(ours: &Path, before: &Path, directory: &Path) {
    let backend = Fake::start(|request| match request.path.as_str() {
        "/api/v1/query" => Response::vector(&[(BTreeMap::new(), "0.1".to_owned())]),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    });
    let target = backend.url();
    let audit = ["--target", &target, "--output-format", "json", "--fail-on-critical"];
    for (what, args) in [("--version", &["--version"][..]), ("an audit", &audit)] {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..=4 * PAIRS {
            a.push(run_with(ours, directory, args));
            b.push(run_with(before, directory, args));
        }
        let (a, b) = (Figures::of(&a[1..]), Figures::of(&b[1..]));
        println!("\n{what:<24}  auditor    earlier   ratio");
        row("wall time, ms", a.wall, b.wall);
        row("peak memory, MiB", a.memory, b.memory);
    }
    let (now, earlier) = (megabytes(ours), megabytes(before));
    println!("\nbinary: {now:.2} MB, {:+.2} MB", now - earlier);
}

fn megabytes(path: &Path) -> f64 {
    fs::metadata(path).unwrap().len() as f64 / 1e6
}

fn row(name: &str, ours: f64, original: f64) {
    println!("{name:<24}{ours:>9.2}{original:>11.2}{:>8.1}", original / ours);
}

/// Wall time in milliseconds and peak memory in MiB.
struct Figures {
    wall: f64,
    memory: f64,
}

impl Figures {
    fn of(runs: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| {
            let mut all: Vec<_> = runs.iter().map(figure).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        Self { wall: median(|run| run.wall), memory: median(|run| run.memory) }
    }
}

fn run(program: &Path, directory: &Path, target: &str) -> Figures {
    let args = ["--target", target, "--output-format", "json", "--fail-on-critical"];
    run_with(program, directory, &args)
}

fn run_with(program: &Path, directory: &Path, args: &[&str]) -> Figures {
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ended = child.wait4().unwrap();
    let wall = started.elapsed().as_secs_f64() * 1000.0;
    assert!(ended.status.success(), "{}: {}", program.display(), ended.status);
    Figures { wall, memory: ended.rusage.maxrss as f64 / f64::from(1 << 20) }
}

/// The predecessor's command, installed on the first call.
fn install_original() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("original");
    let command = environment.join("bin/async-auditor");
    if !command.exists() {
        println!("installing async-runtime-auditor 0.1.1 from PyPI …");
        let step = |program: &Path, args: &[&str]| {
            let status = Command::new(program).args(args).status();
            assert!(status.is_ok_and(|status| status.success()), "{} failed", program.display());
        };
        step(Path::new("python3"), &["-m", "venv", environment.to_str().unwrap()]);
        let pip = environment.join("bin/pip");
        step(&pip, &["install", "--quiet", "async-runtime-auditor==0.1.1"]);
    }
    command
}

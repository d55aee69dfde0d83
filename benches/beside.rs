//! What it costs a service that `auditor` looks at it: requests a second of the same load with and
//! without `auditor --probe --start --blame auto` beside it: `cargo bench --bench beside`. It fails
//! where the service loses more than 3 % of them.
//!
//! All of it is one run of one service: for a moment `auditor` is stopped, for the next it goes on.
//! So the two of a pair see the same process on the same machine, whatever else that does.
//!
//! It takes `python3` with `uvicorn`. Of two cores the service takes one.
#![allow(clippy::print_stdout, reason = "this is a program that prints")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Pairs of moments, one with and one without.
const PAIRS: usize = 40;
/// How long it is counted in each, after what is left of the moment before is over.
const MOMENT: Duration = Duration::from_millis(700);
const PAUSE: Duration = Duration::from_millis(150);
/// Clients that ask again as soon as they are answered.
const CLIENTS: usize = 8;
/// The part of the requests that has to be left.
const LEAST: f64 = 0.97;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    if let [_, word, address, path, out] = &args[..]
        && word == "load"
    {
        load(address, path, Path::new(out));
        return ExitCode::SUCCESS;
    }
    println!("{PAIRS} pairs of {MOMENT:?} each, {CLIENTS} clients; medians");
    println!("\nrequests a second           without       with   ratio   half of the pairs");
    let calm = row("all answered at once", "");
    // The loop is held in each moment: long enough that its stacks are read.
    let held = row("the loop held for 0.3 s", "/cpu?ms=300");
    let is_met = calm >= LEAST && held >= LEAST;
    println!("\n{} at least {LEAST} of the requests", if is_met { "met:   " } else { "MISSED:" });
    ExitCode::from(u8::from(!is_met))
}

/// Prints and returns the median of the pairs' ratios. `path` is asked for once in each moment.
fn row(name: &str, path: &str) -> f64 {
    let pairs = beside(path);
    let of = |figure: fn(&(f64, f64)) -> f64| sorted(pairs.iter().map(figure).collect());
    let (without, with) = (of(|it| it.0), of(|it| it.1));
    let ratios = of(|it| it.1 / it.0);
    let (from, to) = (ratios[ratios.len() / 4], ratios[ratios.len() * 3 / 4]);
    let [without, with, ratio] = [&without, &with, &ratios].map(|all| all[all.len() / 2]);
    println!("{name:<28}{without:>7.0}{with:>11.0}{ratio:>8.3}   {from:.3} to {to:.3}");
    ratio
}

fn sorted(mut all: Vec<f64>) -> Vec<f64> {
    all.sort_by(f64::total_cmp);
    all
}

/// The command that serves on that address.
fn service(address: &str) -> String {
    let (host, port) = address.split_once(':').expect("host and port");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services");
    let directory = directory.display();
    format!(
        "python3 -m uvicorn --app-dir {directory} --host {host} --port {port} --loop asyncio \
         --log-level warning asgi:app"
    )
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").to_string()
}

/// Requests a second without and with `auditor`, in pairs, of a service that it has started.
fn beside(path: &str) -> Vec<(f64, f64)> {
    let address = free_address();
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let url = format!("http://{address}/");
    let run = Command::new(env!("CARGO_BIN_EXE_auditor"))
        .current_dir(directory.path())
        .args(["--probe", &url, "--start", &service(&address), "--blame", "auto"])
        .args(["--output-format", "json", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["load", &address, path])
        .arg(&out)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&run.stderr);
    let written = fs::read_to_string(&out);
    let written = written.unwrap_or_else(|_| panic!("no load, {}: {stderr}", run.status));
    let pair = |line: &str| {
        let (without, with) = line.split_once(' ').expect("a pair");
        (without.parse().expect("requests a second"), with.parse().expect("requests a second"))
    };
    written.lines().map(pair).collect()
}

/// The load, which is started by `auditor`: clients that keep their connections, each in a thread.
/// What they were answered in a second goes to `out`, a pair a line.
fn load(address: &str, path: &str, out: &Path) {
    let auditor = i32::try_from(parent_id()).ok().and_then(Pid::from_raw).expect("a parent");
    let (answered, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let moment = |is_beside: bool| {
        let signal = if is_beside { Signal::CONT } else { Signal::STOP };
        kill_process(auditor, signal).expect("auditor is there");
        thread::sleep(PAUSE);
        let (began, before) = (Instant::now(), answered.load(Ordering::Relaxed));
        if !path.is_empty() {
            Client::connect(address).ask(path);
        }
        thread::sleep(MOMENT.saturating_sub(began.elapsed()));
        let count = answered.load(Ordering::Relaxed) - before;
        count as f64 / began.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                while !is_over.load(Ordering::Relaxed) {
                    client.ask("/");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // The service has just come up.
        thread::sleep(Duration::from_secs(1));
        let mut lines = String::new();
        for pair in 0..PAIRS {
            // In turn, so that neither is always the second.
            let (without, with) = if pair % 2 == 0 {
                let without = moment(false);
                (without, moment(true))
            } else {
                let with = moment(true);
                (moment(false), with)
            };
            lines.push_str(&format!("{without} {with}\n"));
        }
        kill_process(auditor, Signal::CONT).expect("auditor is there");
        is_over.store(true, Ordering::Relaxed);
        fs::write(out, lines).expect("the figures are written");
    });
}

struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).unwrap();
        Self { stream, answer: vec![0; 4096] }
    }

    /// Asks, and reads the answer to its end, which is the same for all paths.
    fn ask(&mut self, path: &str) {
        // In one piece, as clients do.
        let request = format!("GET {path} HTTP/1.1\r\nHost: service\r\n\r\n");
        self.stream.write_all(request.as_bytes()).expect("it is sent");
        let mut length = 0;
        while !self.answer[..length].ends_with(b"\r\n\r\ndone\n") {
            let more = self.stream.read(&mut self.answer[length..]).expect("an answer");
            assert!(more > 0, "the service closed the connection");
            length += more;
        }
    }
}

//! What it costs a service that `auditor` looks at it: requests a second of the same load with and
//! without `auditor --probe --start --blame auto` beside it, in pairs: `cargo bench --bench beside`.
//! It fails where the service loses more than 3 % of them.
//!
//! It takes `python3` with `uvicorn`, and a machine that does nothing else: the service takes one
//! core, and load and auditor share another.
#![allow(clippy::print_stdout, reason = "this is a program that prints")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Pairs of runs for each load, of which the first warms up.
const PAIRS: usize = 20;
/// Short, so that the two of a pair see the same machine.
const SECONDS: u64 = 3;
/// Clients that ask again as soon as they are answered.
const CLIENTS: usize = 8;
/// The part of the requests that has to be left.
const LEAST: f64 = 0.97;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    if let [_, word, address, stalls, out] = &args[..]
        && word == "load"
    {
        return load(address, stalls == "stalls", Path::new(out));
    }
    println!("{PAIRS} pairs of runs of {SECONDS} s, {CLIENTS} clients; medians");
    println!("\nrequests a second           without       with   ratio   half of the pairs");
    let calm = row("all answered at once", "calm");
    // Each second a request that computes for 0.3 s: then its stacks are read.
    let stalls = row("the loop held now and then", "stalls");
    let is_met = calm >= LEAST && stalls >= LEAST;
    println!("\n{} at least {LEAST} of the requests", if is_met { "met:   " } else { "MISSED:" });
    ExitCode::from(u8::from(!is_met))
}

/// Prints and returns the median of the pairs' ratios.
fn row(name: &str, kind: &str) -> f64 {
    let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..=PAIRS {
        // In turn, so that neither is always the second on a machine that has warmed up.
        let (a, b) = if pair % 2 == 0 {
            let a = alone(kind);
            (a, beside(kind))
        } else {
            let b = beside(kind);
            (alone(kind), b)
        };
        if pair > 0 {
            without.push(a);
            with.push(b);
            ratios.push(b / a);
        }
    }
    let ratio = median(&mut ratios);
    let (from, to) = (ratios[ratios.len() / 4], ratios[ratios.len() * 3 / 4]);
    let (without, with) = (median(&mut without), median(&mut with));
    println!("{name:<28}{without:>7.0}{with:>11.0}{ratio:>8.3}   {from:.3} to {to:.3}");
    ratio
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
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

/// A program, whose hashes are the same in each run.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    command
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Requests a second of a service that nobody looks at.
fn alone(kind: &str) -> f64 {
    let address = free_address();
    let words = service(&address);
    let mut words = words.split(' ');
    let mut server = command(words.next().expect("a program"));
    let _server = Server(server.args(words).spawn().expect("python3"));
    let give_up = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < give_up, "no service: is uvicorn installed?");
        thread::sleep(Duration::from_millis(50));
    }
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let program = std::env::current_exe().unwrap();
    let status = command(program).args(["load", &address, kind]).arg(&out).status().unwrap();
    assert!(status.success(), "the load: {status}");
    figure(&out)
}

/// The same, with `auditor` beside it.
fn beside(kind: &str) -> f64 {
    let address = free_address();
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let url = format!("http://{address}/");
    let run = command(env!("CARGO_BIN_EXE_auditor"))
        .current_dir(directory.path())
        .args(["--probe", &url, "--start", &service(&address), "--blame", "auto"])
        .args(["--output-format", "json", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["load", &address, kind])
        .arg(&out)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(out.exists(), "auditor ran no load: {}\n{stderr}", run.status);
    figure(&out)
}

fn figure(out: &Path) -> f64 {
    fs::read_to_string(out).unwrap().parse().expect("requests a second")
}

/// The load: clients that keep their connections, each in a thread; the requests a second that
/// were answered at once go to `out`.
fn load(address: &str, has_stalls: bool, out: &Path) -> ExitCode {
    let answered = AtomicU64::new(0);
    // The service has just come up, and reads its modules yet.
    let began = Instant::now() + Duration::from_millis(500);
    let end = began + Duration::from_secs(SECONDS);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                while Instant::now() < end {
                    client.ask("/");
                    if Instant::now() > began {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        if has_stalls {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                // The last one is over in time.
                while Instant::now() + Duration::from_millis(500) < end {
                    let next = Instant::now() + Duration::from_secs(1);
                    client.ask("/cpu?ms=300");
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            });
        }
    });
    let rate = answered.into_inner() as f64 / SECONDS as f64;
    fs::write(out, rate.to_string()).unwrap();
    ExitCode::SUCCESS
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

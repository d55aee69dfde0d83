//! Real Python processes, whose stacks are read and judged.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "shown with --nocapture")]

use super::{Judge, Place, Roots};
use crate::outside::stacks::{Python, Stack, is_idle};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A process that is ended with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const APP: &str = r#"
import asyncio, sys
import helpers

async def handler():
    while True:
        if sys.argv[1] == "calm":
            await asyncio.sleep(0.001)
        elif sys.argv[1].startswith("thread"):
            loop = asyncio.get_running_loop()
            # The pool's thread is started before, so that the loop does not wait for that.
            await loop.run_in_executor(None, int)
            await loop.run_in_executor(None, helpers.hold, sys.argv[1])
        else:
            helpers.hold(sys.argv[1])

async def main():
    print("ready", flush=True)
    await handler()

asyncio.run(main())
"#;

const HELPERS: &str = r#"
import json, sqlite3, subprocess, sys, time

def hold(how):
    if how == "sleep":
        time.sleep(60)
    if how == "cpu":
        while True: sum(number for number in range(1000))
    if how == "child":
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], capture_output=True)
    if how == "thread that keeps the lock":
        while True: sum(range(100_000_000))
    if how == "thread that sleeps":
        time.sleep(60)
    if how == "query":
        sqlite3.connect(":memory:").execute("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT sum(n) FROM c")
"#;

/// The stacks of what holds the loop, at 50 Hz for so many times.
fn stacks_of(python: &mut Python, judge: &mut Judge, count: usize) -> Vec<Stack> {
    let mut taken = Vec::new();
    for _ in 0..count {
        thread::sleep(Duration::from_millis(20));
        taken.extend(python.stacks().ok().and_then(|stacks| judge.holder(&stacks, None).cloned()));
    }
    taken
}

/// Starts the little application above, and returns whatever its stacks name.
fn culprit_of(how: &str) -> (Vec<Stack>, Option<Place>) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("app.py"), APP.trim_start()).unwrap();
    std::fs::write(directory.path().join("helpers.py"), HELPERS.trim_start()).unwrap();
    let mut command = Command::new("python3");
    command.args(["app.py", how]).current_dir(directory.path()).stdout(Stdio::piped());
    let mut service = Service(command.spawn().expect("these tests need python3"));
    let mut line = String::new();
    BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let mut python = Python::attach(service.0.id()).unwrap();
    thread::sleep(Duration::from_millis(300));
    let mut judge = Judge::new(Roots::of(service.0.id()));
    let stacks = stacks_of(&mut python, &mut judge, 10);
    let culprit = judge.culprit(&stacks);
    (stacks, culprit)
}

#[test]
fn a_service_that_is_held_names_its_line_and_a_calm_one_none() {
    for (how, line, source) in [
        ("sleep", 5, "time.sleep(60)"),
        ("cpu", 7, "while True: sum(number for number in range(1000))"),
        (
            "child",
            9,
            r#"subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], capture_output=True)"#,
        ),
    ] {
        let (stacks, culprit) = culprit_of(how);
        let source = source.to_owned();
        let expected =
            Place { file: "helpers.py".to_owned(), line, function: "hold".to_owned(), source };
        assert_eq!(culprit, Some(expected), "{how}: {stacks:?}");
    }
    let (stacks, culprit) = culprit_of("thread that keeps the lock");
    assert_eq!(culprit.map(|place| place.line), Some(11), "{stacks:?}");
    let (stacks, culprit) = culprit_of("query");
    let culprit = culprit.unwrap_or_else(|| panic!("{stacks:?}"));
    assert_eq!((culprit.line, culprit.source.chars().count()), (15, 120), "{culprit:?}");
    for how in ["calm", "thread that sleeps"] {
        let (stacks, culprit) = culprit_of(how);
        assert_eq!(culprit, None, "{how}: {stacks:?}");
        assert!(stacks.iter().any(is_idle), "{how}: {stacks:?}");
    }
}

fn get(port: u16, path: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
}

/// GET, and meanwhile what a watcher does: while a request of its own is unanswered for 100 ms, it
/// takes stacks at 50 Hz. How many, and whom they name.
fn watch(port: u16, path: &str, python: &mut Python, judge: &mut Judge) -> (usize, Option<Place>) {
    let is_answered = AtomicBool::new(false);
    let probed = Mutex::new(None);
    let mut stacks = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            get(port, &format!("{path}?ms=600"));
            is_answered.store(true, Ordering::SeqCst);
        });
        scope.spawn(|| {
            while !is_answered.load(Ordering::SeqCst) {
                *probed.lock().unwrap() = Some(Instant::now());
                get(port, "/calm");
                *probed.lock().unwrap() = None;
                thread::sleep(Duration::from_millis(30));
            }
        });
        while !is_answered.load(Ordering::SeqCst) {
            let sent = *probed.lock().unwrap();
            if sent.is_some_and(|sent: Instant| sent.elapsed() > Duration::from_millis(100)) {
                stacks.extend(stacks_of(python, judge, 1));
            } else {
                thread::sleep(Duration::from_millis(5));
            }
        }
    });
    (stacks.len(), judge.culprit(&stacks))
}

/// Which line of `culprits_db.py` each of its endpoints is to name.
const NAMED: &[(&str, &str, &str)] = &[
    ("/sleep", "fetch_user", "time.sleep("),
    ("/cpu", "count_primes", ""),
    ("/lock", "write_locked", "writer.execute("),
    ("/query", "slow_query", "database.execute("),
    ("/requests", "ask_upstream", "requests.get("),
    ("/json", "dump_report", "json.dumps("),
];

/// `AUDITOR_PYTHONS='/a/bin/python /b/bin/python' cargo test --lib every_endpoint -- --ignored`
#[test]
#[ignore = "needs uvicorn, uvloop and requests in the Pythons that AUDITOR_PYTHONS names"]
fn every_endpoint_names_its_line_with_every_python() {
    let pythons = std::env::var("AUDITOR_PYTHONS").unwrap();
    let mut failures = Vec::new();
    for (python, kind) in
        pythons.split_whitespace().flat_map(|python| [(python, "asyncio"), (python, "uvloop")])
    {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(python);
        command.args(["-m", "uvicorn", "--app-dir", "tests/services", "--log-level", "warning"]);
        command.args(["--loop", kind, "--port", &port.to_string(), "culprits:app"]);
        let service = Service(command.spawn().unwrap());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::sleep(Duration::from_millis(50));
        }
        let begun = Instant::now();
        let mut spy = Python::attach(service.0.id()).unwrap();
        println!("{python} {kind}: attached in {:?}", begun.elapsed());
        let mut judge = Judge::new(Roots::of(service.0.id()));
        for (path, function, start) in NAMED {
            let (count, culprit) = watch(port, path, &mut spy, &mut judge);
            println!("  {path}: {count} stacks, {culprit:?}");
            let is_right = culprit.as_ref().is_some_and(|place| {
                Path::new(&place.file) == Path::new("tests/services/culprits_db.py")
                    && place.function == *function
                    && place.source.contains(start)
            });
            if !is_right {
                failures.push(format!("{python} {kind} {path}: {culprit:?}"));
            }
        }
        for path in ["/calm", "/pool", "/await", "/callbacks"] {
            let (count, culprit) = watch(port, path, &mut spy, &mut judge);
            println!("  {path}: {count} stacks, {culprit:?}");
            failures.extend(culprit.map(|place| format!("{python} {kind} {path}: {place:?}")));
        }
    }
    assert_eq!(failures, Vec::<String>::new());
}

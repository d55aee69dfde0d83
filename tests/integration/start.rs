//! A service that is started for the time of the audit: what goes wrong with it is no pass, and
//! nothing of it is left behind.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::interruption::{assert_nothing_left, ended, report, running, send, wait_for};
use crate::support::fake::{Fake, Request, Response};
use crate::support::real::{free_address, python_with};
use crate::support::{Run, auditor, command, directory_with, each};

/// What can be seen of a service from outside whatever is allowed here, and how busy the machine is.
pub(crate) const ON_ANSWERS: &str = r#"
queries:
  p99_latency: "histogram_quantile(0.99, sum by (le) (rate(auditor_probe_duration_seconds_bucket[$window])))"
  event_loop_lag: "max_over_time(auditor_probe_lag_seconds[$window])"
  blocking_duration_avg:
    query: "sum(rate(auditor_stall_seconds_sum[$window])) / sum(rate(auditor_stall_seconds_count[$window]))"
    on_nan: zero
  peak_active_requests: {query: "max_over_time(auditor_requests_active[$window])", on_no_data: zero}
evidence: {min_requests: 0, busy_machine: allow, slow_answers: allow}
"#;

/// An asyncio service on HOST PORT, which keeps connections. `/exit?CODE` ends it, `/block?SECONDS`
/// holds its loop, `/wait?SECONDS` answers later, `/told` after as long as the file `told` says,
/// `/status/N` with that status; `/close` keeps no connection, `/briefly` only for a moment.
/// Anything else is answered at once.
pub(crate) const SERVICE: &str = r#"
import asyncio, os, sys, time
async def serve(reader, writer):
    path, head = "", b""
    try:
        while path != "/close" and b"connection: close" not in head.lower():
            patience = 0.2 if path == "/briefly" else None
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), patience)
            path, _, value = head.split()[1].decode().partition("?")
            if path == "/exit":
                print("told to exit", flush=True)
                os._exit(int(value))
            if path == "/block":
                time.sleep(float(value))
            if path == "/wait":
                await asyncio.sleep(float(value))
            if path == "/told" and os.path.exists("told"):
                await asyncio.sleep(float(open("told").read() or 0))
            body = b"calm 0.01\n"
            status = int(path[8:]) if path.startswith("/status/") else 200
            more = b"Connection: close\r\n" if path == "/close" else b""
            writer.write(b"HTTP/1.1 %d Any\r\n%bLocation: /\r\nContent-Type: text/plain; version=0.0.4\r\n"
                         b"Content-Length: %d\r\n\r\n%b" % (status, more, len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
async def main():
    server = await asyncio.start_server(serve, sys.argv[1], int(sys.argv[2]))
    async with server:
        await server.serve_forever()
try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
"#;

/// A directory with a configuration and the service.
pub(crate) fn directory() -> tempfile::TempDir {
    let directory = directory_with(ON_ANSWERS);
    fs::write(directory.path().join("service.py"), SERVICE).unwrap();
    directory
}

/// A shell command that becomes the service, and writes down its number before.
pub(crate) fn serve(address: &str) -> String {
    let (host, port) = address.split_once(':').unwrap();
    format!("echo $$ > service.new; mv service.new service; exec python3 service.py {host} {port}")
}

/// The group of the service, once it was started.
fn group(directory: &Path) -> u32 {
    let number = wait_for("the service", || fs::read_to_string(directory.join("service")).ok());
    number.trim().parse().unwrap()
}

/// Starts an audit that finds the programs that this test does.
pub(crate) fn spawn(directory: &Path, args: &[&str]) -> Child {
    let mut command = command(directory, args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("PATH", std::env::var_os("PATH").unwrap()).spawn().unwrap()
}

/// The same, to its end.
pub(crate) fn run(directory: &Path, args: &[&str]) -> Run {
    ended(spawn(directory, args))
}

/// That nothing of the service is there any more, nor anything that holds its port.
fn assert_gone(directory: &Path) {
    assert_nothing_left(directory, Some(group(directory)));
}

/// `-- COMMAND` that shows whether the load was run.
const LOAD: [&str; 3] = ["--", "touch", "loaded"];

pub(crate) fn was_loaded(directory: &Path) -> bool {
    directory.join("loaded").exists()
}

/// Asks for a path once.
pub(crate) fn ask(address: &str, path: &str) -> Vec<String> {
    let script = "import sys,urllib.request\ntry: urllib.request.urlopen(sys.argv[1]).read()\n\
                  except Exception: pass";
    ["python3", "-c", script, &format!("http://{address}{path}")].map(str::to_owned).to_vec()
}

/// The gist of a report, for the message of a test that fails.
pub(crate) fn gist(report: &Value) -> String {
    let signals = report["signals"].as_object().into_iter().flatten();
    let signals: Vec<_> = signals
        .filter(|(_, it)| it["state"] != "not_configured")
        .map(|(name, it)| format!("{name} {} {} {}", it["value"], it["state"], it["reason"]))
        .collect();
    let keys = ["verdict", "verdict_reason", "exit_code", "status", "error", "command", "stalled"];
    let said: Vec<_> = keys.iter().map(|key| format!("{key}: {}", report[key])).collect();
    let shortfalls = &report["evidence"]["shortfalls"];
    format!("{}\n{}\n{shortfalls:#}", said.join("\n"), signals.join("\n"))
}

pub(crate) fn python(test: &str) -> bool {
    python_with(test, &["asyncio"])
}

pub(crate) fn assert_error(run: &Run, report: &Value, words: &[&str]) {
    let shown = format!("{}\n{}", gist(report), run.stderr);
    assert_eq!((run.code, &report["verdict"]), (3, &"error".into()), "{shown}");
    let error = report["error"].as_str().unwrap_or_else(|| panic!("no error: {shown}"));
    for words in words {
        assert!(error.contains(words), "{words:?} in {shown}");
    }
}

#[test]
fn what_ends_before_it_answers_is_told_with_its_last_words() {
    each(
        &[
            ("/no/such/program", "exited with code 127", "no/such/program"),
            ("echo early; echo boom >&2; exit 7", "exited with code 7", "boom"),
            ("printf 'no end of line'; exit 0", "exited with code 0", "no end of line"),
            ("echo last; echo; kill -KILL $$", "SIGKILL", "last"),
            ("(sleep 0.1; echo late) & wait; exit 2", "exited with code 2", "late"),
            // What it has started is no service of ours, and goes with it.
            ("sleep 100 & echo gone; exit 4", "exited with code 4", "gone"),
        ],
        3,
        |(command, status, last)| {
            for gate in [&[][..], &["--fail-on-critical"]] {
                let directory = directory_with(ON_ANSWERS);
                let url = format!("http://{}/", free_address());
                let args = ["--start", command, "--probe", &url, "--report", "report.json"];
                let began = Instant::now();
                let run = run(directory.path(), &[&args[..], gate, &LOAD].concat());
                let report = report(directory.path());
                let said = format!("; its last line: {last}");
                let is_said = if status.ends_with("127") { "; its last line: " } else { &said };
                assert_error(&run, &report, &[status, "before it answered", is_said, last]);
                assert!(run.stderr.contains("the service's last lines:\n  | "), "{}", run.stderr);
                assert!(run.stderr.contains(last), "{}", run.stderr);
                assert!(!was_loaded(directory.path()));
                assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
            }
        },
    );
}

#[test]
fn what_never_answers_is_given_up() {
    let directory = directory();
    let path = directory.path();
    let url = format!("http://{}/", free_address());
    let start = "echo $$ > service.new; mv service.new service; echo waiting; sleep 100";
    let args = ["--start", start, "--start-timeout", "1s", "--probe", &url, "--report"];
    let run = run(path, &[&args[..], &["report.json"], &LOAD].concat());
    let words = [url.trim_end_matches('/'), "within 1s (--start-timeout)", "did not answer"];
    assert_error(&run, &report(path), &words);
    assert!(run.stderr.contains("  | waiting"), "{}", run.stderr);
    assert!(!was_loaded(path));
    assert_gone(path);
}

#[test]
fn what_answers_already_is_not_taken_for_the_service() {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let answering = Fake::start(|_| Response::new(404, ""));
    let talking = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let talker = talking.local_addr().unwrap();
    thread::spawn(move || {
        for stream in talking.incoming() {
            let _ = std::io::Write::write_all(&mut stream.unwrap(), b"220 mail ready\r\n");
        }
    });
    for url in [
        answering.url(),
        format!("http://{}", silent.local_addr().unwrap()),
        format!("http://{talker}"),
    ] {
        let directory = directory();
        let args = ["--start", "touch started; sleep 100", "--probe", &url, "--report"];
        let run = run(directory.path(), &[&args[..], &["report.json"], &LOAD].concat());
        let words = [url.as_str(), "already", "stop what", "leave --start out"];
        assert_error(&run, &report(directory.path()), &words);
        assert!(!directory.path().join("started").exists() && !was_loaded(directory.path()));
    }
}

/// The look before found the port free; then somebody else was faster.
#[test]
fn what_takes_the_port_before_the_service_does_is_not_the_service() {
    for (command, code) in [
        // It cannot have the port, and does not give up.
        ("touch started; sleep 100", 3),
        // It gives up, once the other has answered for it.
        ("touch started; sleep 2; echo in use; exit 98", 3),
    ] {
        let directory = directory();
        let path = directory.path().to_owned();
        let address = free_address();
        let stop = Arc::new(AtomicBool::new(false));
        let other = thread::spawn({
            let (address, path, stop) = (address.clone(), path.clone(), Arc::clone(&stop));
            move || {
                wait_for("the start", || path.join("started").exists().then_some(()));
                let listener = std::net::TcpListener::bind(&address).unwrap();
                listener.set_nonblocking(true).unwrap();
                let mut streams = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    if let Ok((stream, _)) = listener.accept() {
                        stream.set_nonblocking(true).unwrap();
                        streams.push(stream);
                    }
                    for mut stream in &streams {
                        let mut read = [0; 4096];
                        if std::io::Read::read(&mut stream, &mut read).is_ok_and(|read| read > 0) {
                            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                            let _ = std::io::Write::write_all(&mut stream, answer);
                        }
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let url = format!("http://{address}/");
        let args = ["--start", command, "--probe", &url, "--report", "report.json"];
        let run = run(&path, &[&args[..], &["--fail-on-critical"], &LOAD].concat());
        stop.store(true, Ordering::Relaxed);
        other.join().unwrap();
        let report = report(&path);
        assert_eq!(run.code, code, "{command}: {}\n{}", gist(&report), run.stderr);
        assert!(!was_loaded(&path), "{command}");
        let error = report["error"].as_str().unwrap();
        assert!(error.contains("was there before"), "{command}: {error}");
    }
}

/// An audit of the service `start` at `address` under a load, and of its recording: what both say.
pub(crate) fn with_replay(
    path: &Path,
    args: &[&str],
    gate: &[&str],
    load: &[&str],
) -> [(Run, Value); 2] {
    let common = [&["--output-format", "json"], gate].concat();
    let live = [&common[..], args, &["--record", "run.om", "--"], load].concat();
    let live = run(path, &live);
    let replayed = auditor(path, &[&common[..], &["--recording", "run.om"]].concat());
    [live, replayed].map(|run| {
        let report = run.json();
        (run, report)
    })
}

#[test]
fn a_service_that_ends_in_the_middle_fails_the_audit_and_its_replay() {
    if !python("a_service_that_ends_in_the_middle_fails_the_audit_and_its_replay") {
        return;
    }
    let long = "echo $$ > load.new; mv load.new load; sleep 0.5; \"$@\" & sleep 100";
    let short = "exec \"$@\"";
    each(
        &[(&[][..], long), (&["--fail-on-critical"], long), (&["--fail-on-critical"], short)],
        3,
        |(gate, load)| {
            let (directory, address) = (directory(), free_address());
            let path = directory.path();
            let url = format!("http://{address}/");
            let start = serve(&address);
            let args = ["--start", &start, "--probe", &url, "--every", "200ms"];
            let asking = ask(&address, "/exit?5");
            let asking: Vec<_> = asking.iter().map(String::as_str).collect();
            let load = [&["sh", "-c", load, "sh"], &asking[..]].concat();
            let [(live, told), (replayed, again)] = with_replay(path, &args, gate, &load);
            let shown = format!("{}\n{}\n{}", gist(&told), gist(&again), live.stderr);
            assert_eq!((live.code, replayed.code), (1, 1), "{shown}");
            assert_eq!(told["verdict"], "command_failed", "{shown}");
            let reason = told["verdict_reason"].as_str().unwrap();
            let words = ["exited with code 5 before the audit was over", "told to exit"];
            assert!(words.iter().all(|words| reason.contains(words)), "{shown}");
            for key in ["verdict", "verdict_reason", "exit_code", "command", "signals", "stalls"] {
                assert_eq!(told[key], again[key], "{key}: {shown}");
            }
            assert!(live.stderr.contains("the service's last lines:"), "{shown}");
            assert!(live.stderr.contains("  | told to exit"), "{shown}");
            assert_gone(path);
            if let Ok(load) = fs::read_to_string(path.join("load")) {
                let load = load.trim().parse().unwrap();
                assert_eq!(running(load), [""; 0], "the load is ended too");
            }
        },
    );
}

/// The last that the load does is to end the service.
#[test]
fn a_service_that_ends_with_the_load_fails_the_audit() {
    if !python("a_service_that_ends_with_the_load_fails_the_audit") {
        return;
    }
    each(&[9, 15, 9, 15], 2, |signal| {
        let (directory, address) = (directory(), free_address());
        let path = directory.path();
        let (start, url) = (serve(&address), format!("http://{address}/"));
        let args = ["--start", &start, "--probe", &url];
        let kill = format!("kill -{signal} $(cat service)");
        let [(live, told), (replayed, again)] = with_replay(path, &args, &[], &["sh", "-c", &kill]);
        let shown = format!("{}\n{}\n{}", gist(&told), gist(&again), live.stderr);
        assert_eq!((live.code, replayed.code), (1, 1), "{shown}");
        assert_eq!(told["verdict_reason"], again["verdict_reason"], "{shown}");
    });
}

#[test]
fn what_the_service_has_started_is_gone_with_it() {
    if !python("what_the_service_has_started_is_gone_with_it") {
        return;
    }
    // Each is run twice: the audit ends by itself, or because the service does.
    let deaf = "(trap '' TERM INT HUP; while :; do sleep 0.05; done) &";
    each(
        &[
            ("sleep 100 & sleep 101 &", "/", 0),
            (deaf, "/", 0),
            ("sleep 100 &", "/exit?3", 1),
            (deaf, "/exit?0", 1),
        ],
        4,
        |(children, path, code)| {
            let (directory, address) = (directory(), free_address());
            let start = format!("{children} {}", serve(&address));
            let url = format!("http://{address}/");
            let load = ask(&address, path);
            let load: Vec<_> = load.iter().map(String::as_str).collect();
            let args = ["--start", &start, "--probe", &url, "--no-report", "--"];
            let run = run(directory.path(), &[&args[..], &load].concat());
            assert_eq!(run.code, *code, "{children}: {}{}", run.stdout, run.stderr);
            assert_gone(directory.path());
        },
    );
}

/// What fails on its way up is waited for; what goes on failing is not there.
#[test]
fn a_service_that_warms_up_is_waited_for() {
    if !python("a_service_that_warms_up_is_waited_for") {
        return;
    }
    for (seconds, code) in [("1.5", 0), ("1000", 3)] {
        let (directory, address) = (directory(), free_address());
        fs::write(directory.path().join("warm.py"), WARMING_UP).unwrap();
        let (host, port) = address.split_once(':').unwrap();
        let start = format!("exec python3 warm.py {host} {port} {seconds}");
        let url = format!("http://{address}/");
        let args = ["--start", &start, "--probe", &url, "--start-timeout", "6s", "--no-report"];
        let rest = ["--fail-on-critical", "--", "touch", "loaded"];
        let run = run(directory.path(), &[&args[..], &rest].concat());
        assert_eq!(run.code, code, "{seconds}: {}{}", run.stdout, run.stderr);
        assert_eq!(directory.path().join("loaded").exists(), code == 0, "{seconds}");
        assert_eq!(run.says("did not answer at"), code == 3, "{}", run.stdout);
    }
}

/// A service on HOST PORT that answers 503 for so many SECONDS.
const WARMING_UP: &str = r#"
import http.server, sys, time
host, port, seconds = sys.argv[1:]
began = time.monotonic()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(503 if time.monotonic() - began < float(seconds) else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"#;

/// It is ended however the audit ends: its load fails, cannot be run, or there is no verdict.
#[test]
fn it_is_ended_however_the_audit_ends() {
    if !python("it_is_ended_however_the_audit_ends") {
        return;
    }
    each(
        &[
            (&["--", "sh", "-c", "exit 9"][..], 1),
            (&["--", "/no/such/load"], 2),
            (&["--for", "300ms", "--pid", "999999999"], 3),
            (&["--for", "300ms", "--record", "/dev/full"], 3),
            (&["--scrape", "/status/500", "--start-timeout", "2s"], 3),
        ],
        3,
        |(rest, code)| {
            let (directory, address) = (directory(), free_address());
            let (start, url) = (serve(&address), format!("http://{address}/"));
            let page = format!("http://{address}{}", rest[1]);
            let rest: Vec<_> =
                rest.iter().map(|it| if it.starts_with("/status") { &*page } else { it }).collect();
            let args = ["--start", &start, "--probe", &url, "--no-report", "--fail-on-critical"];
            let run = run(directory.path(), &[&args[..], &rest].concat());
            assert_eq!(run.code, *code, "{rest:?}: {}{}", run.stdout, run.stderr);
            assert_gone(directory.path());
        },
    );
}

#[test]
fn signals_end_the_service_and_the_load() {
    if !python("signals_end_the_service_and_the_load") {
        return;
    }
    let load = "echo $$ > load.new; mv load.new load; sleep 100";
    each(&[Signal::INT, Signal::TERM, Signal::HUP], 3, |signal| {
        let (directory, address) = (directory(), free_address());
        let path = directory.path();
        let (start, url) = (serve(&address), format!("http://{address}/"));
        let args = ["--start", &start, "--probe", &url, "--every", "100ms", "--record", "run.om"];
        let rest = ["--report", "report.json", "--fail-on-critical", "--", "sh", "-c", load];
        let child = spawn(path, &[&args[..], &rest].concat());
        let loading = started(path, "load");
        thread::sleep(Duration::from_millis(300));
        send(&child, *signal);
        let run = ended(child);
        let live = report(path);
        assert_eq!((run.code, &live["verdict"]), (3, &"interrupted".into()), "{live:#}");
        assert_eq!(running(loading), [""; 0]);
        assert_gone(path);
        let replayed = auditor(path, &["--recording", "run.om", "--fail-on-critical"]);
        assert_eq!(replayed.code, 3, "{}", replayed.stdout);
    });
}

/// The number that a shell wrote down.
pub(crate) fn started(directory: &Path, name: &str) -> u32 {
    let number = wait_for(name, || fs::read_to_string(directory.join(name)).ok());
    number.trim().parse().unwrap()
}

/// Sends a signal, and perhaps a second one, to an audit whose service waits for something.
fn interrupted(start: &str, url: &str, twice: bool) -> (Run, Duration, tempfile::TempDir) {
    let directory = directory();
    let path = directory.path();
    let args = ["--start", start, "--probe", url, "--no-report", "--", "sleep", "100"];
    let child: Child = spawn(path, &args);
    group(path);
    thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    send(&child, Signal::TERM);
    if twice {
        thread::sleep(Duration::from_millis(300));
        send(&child, Signal::TERM);
    }
    let run = ended(child);
    (run, asked.elapsed(), directory)
}

#[test]
fn a_signal_before_it_answers_ends_it_too() {
    let url = format!("http://{}/", free_address());
    let start = "echo $$ > service.new; mv service.new service; sleep 100 & sleep 100";
    let (run, took, directory) = interrupted(start, &url, false);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_gone(directory.path());
}

#[test]
fn a_service_that_is_deaf_is_killed_after_its_grace_or_by_a_second_signal() {
    if !python("a_service_that_is_deaf_is_killed_after_its_grace_or_by_a_second_signal") {
        return;
    }
    for (twice, at_least, at_most) in [(false, 4.0, 12.0), (true, 0.0, 3.0)] {
        let address = free_address();
        let url = format!("http://{address}/");
        let start = format!("trap '' TERM INT HUP; {}", serve(&address));
        let (run, took, directory) = interrupted(&start, &url, twice);
        let took = took.as_secs_f64();
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!((at_least..at_most).contains(&took), "{took}");
        let group = group(directory.path());
        wait_for("the end of the service", || running(group).is_empty().then_some(()));
        assert_gone(directory.path());
    }
}

/// The peak of what a process has had of memory, in MB.
fn peak_mb(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = peak.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or_default() / 1024
}

#[test]
fn a_service_that_prints_a_lot_is_read_and_not_kept() {
    if !python("a_service_that_prints_a_lot_is_read_and_not_kept") {
        return;
    }
    // With ends of lines and without; what it prints is counted by the service itself.
    let chatty = "import os,sys,threading,time\n\
        def talk(fd, piece):\n\
        \x20   n = 0\n\
        \x20   while True:\n\
        \x20       n += os.write(fd, piece)\n\
        \x20       open('printed.%d.new' % fd, 'w').write(str(n))\n\
        \x20       os.replace('printed.%d.new' % fd, 'printed.%d' % fd)\n\
        \x20       time.sleep(0.005)\n\
        threading.Thread(target=talk, args=(1, b'a line of it all\\n' * 4000), daemon=True).start()\n\
        threading.Thread(target=talk, args=(2, b'x' * 60000), daemon=True).start()\n";
    let (directory, address) = (directory(), free_address());
    let path = directory.path();
    fs::write(path.join("service.py"), format!("{chatty}{SERVICE}")).unwrap();
    let (start, url) = (serve(&address), format!("http://{address}/"));
    let args = ["--start", &start, "--probe", &url, "--no-report", "--", "sh", "-c"];
    let load = "touch loading; until [ -e enough ]; do sleep 0.05; done";
    let child = spawn(path, &[&args[..], &[load]].concat());
    wait_for("the load", || path.join("loading").exists().then_some(()));
    let printed = |fd: u32| {
        let count = fs::read_to_string(path.join(format!("printed.{fd}"))).unwrap_or_default();
        count.parse::<u64>().unwrap_or_default()
    };
    let (before, at_first) = ([printed(1), printed(2)], peak_mb(&child));
    wait_for("8 MB of each", || {
        let more = [printed(1) - before[0], printed(2) - before[1]];
        more.iter().all(|more| *more > 8_000_000).then_some(())
    });
    let at_last = peak_mb(&child);
    fs::write(path.join("enough"), "").unwrap();
    let run = ended(child);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.len() < 10_000, "{} bytes", run.stderr.len());
    assert!(at_first > 0 && at_last < at_first + 16, "{at_first} MB, then {at_last} MB");
    assert_gone(path);
}

#[test]
fn the_service_has_no_credentials_and_no_input() {
    if !python("the_service_has_no_credentials_and_no_input") {
        return;
    }
    let (directory, address) = (directory(), free_address());
    let path = directory.path();
    let start = format!("env > env; wc -c > input; {}", serve(&address));
    let url = format!("http://{address}/");
    let args = ["--start", &start, "--probe", &url, "--no-report", "--for", "200ms"];
    let mut command = command(path, &args);
    command
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("AUDITOR_BEARER_TOKEN", "s3cret-token")
        .env("AUDITOR_PROFILE_OF_OURS", "s3cret-too")
        .env("OTHER", "kept")
        .stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It stays open, and something is there.
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"not for the service").unwrap();
    let run = ended(child);
    drop(input);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let environment = fs::read_to_string(path.join("env")).unwrap();
    assert!(environment.contains("OTHER=kept"), "{environment}");
    assert!(!environment.contains("AUDITOR_"), "{environment}");
    assert_eq!(fs::read_to_string(path.join("input")).unwrap().trim(), "0");
}

/// Every file in the directory but those that the test wrote, with all that was printed.
pub(crate) fn everything(directory: &Path, run: &Run, but: &[&str]) -> String {
    let mut all = format!("{}\n{}", run.stdout, run.stderr);
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !but.contains(&name.as_str()) {
            all += &String::from_utf8_lossy(&fs::read(&path).unwrap_or_default());
        }
    }
    all
}

#[test]
fn secrets_of_the_command_line_are_printed_nowhere() {
    if !python("secrets_of_the_command_line_are_printed_nowhere") {
        return;
    }
    let database = "postgres://me:s3cret-of-db@db/x";
    let quoted =
        "DB='http://me:s3cret-of-db@db/x' API=\"https://s3cret-as-user@h/?key=s3cret-key\"";
    let several = "A=redis://:s3cret-of-db@a,amqp://me:s3cret-too@b";
    each(
        &[
            // It ends early, never answers, ends in the middle, or all is well; it repeats the secret.
            format!("true {database}; echo cannot reach {database}; exit 1"),
            format!("export {quoted}; echo cannot reach $DB $API; exit 1"),
            format!("export {several}; echo cannot reach $A; exit 1"),
            format!("export {quoted}; echo trying $DB; exec sleep 100"),
            format!("export {quoted}; echo trying $DB; SERVE"),
            format!("export {several}; echo trying $A; SERVE"),
        ],
        3,
        |start| {
            for (load, verbose) in [("/exit?1", false), ("/", true)] {
                let (directory, address) = (directory(), free_address());
                let path = directory.path();
                let start = start.replace("SERVE", &serve(&address));
                let url = format!("http://{address}/?token=s3cret-of-url");
                let load = ask(&address, load);
                let load: Vec<_> = load.iter().map(String::as_str).collect();
                let args = ["--start", &start, "--start-timeout", "1s", "--probe", &url];
                let rest = ["--record", "run.om", "--report", "report.json"];
                let verbose = if verbose { &["--verbose"][..] } else { &[] };
                let run = run(path, &[&args[..], &rest, verbose, &["--"], &load].concat());
                let all = everything(path, &run, &["metrics.yaml", "service.py"]);
                assert!(!all.contains("s3cret"), "{start}: {all}");
                assert!(all.contains("***") || !start.contains("cannot"), "{start}: {all}");
            }
        },
    );
}

/// What a service writes of the requests of the probe has the secrets of its URL and its headers.
#[test]
fn secrets_of_the_probe_that_the_service_repeats_are_printed_nowhere() {
    if !python("secrets_of_the_probe_that_the_service_repeats_are_printed_nowhere") {
        return;
    }
    let (directory, address) = (directory(), free_address());
    let path = directory.path();
    let loud = SERVICE.replace("path, _,", "print(head, flush=True); path, _,");
    fs::write(path.join("service.py"), loud).unwrap();
    let (start, url) =
        (serve(&address), format!("http://me:s3cret-word@{address}/?k=s3cret-of-url"));
    let load = ask(&address, "/exit?1");
    let load: Vec<_> = load.iter().map(String::as_str).collect();
    let args = ["--start", &start, "--probe", &url, "--header", "X-Api-Key: s3cret-header"];
    let rest = ["--record", "run.om", "--report", "report.json", "--verbose", "--"];
    let run = run(path, &[&args[..], &rest, &load].concat());
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    let all = everything(path, &run, &["metrics.yaml", "service.py"]);
    assert!(all.contains("X-Api-Key") || all.contains("x-api-key"), "{all}");
    assert!(!all.contains("s3cret"), "{all}");
    assert!(!all.contains("bWU6czNjcmV0LXdvcmQ"), "basic, in base64: {all}");
}

#[test]
fn it_is_started_for_pages_servers_and_several_probes() {
    if !python("it_is_started_for_pages_servers_and_several_probes") {
        return;
    }
    let answers = |request: &Request| match request.path.as_str() {
        "/api/v1/query" => Response::value("0.1"),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    };
    let server = Fake::start(answers);
    let target = server.url();
    let page = "queries: {p99_latency: calm, event_loop_lag: calm, blocking_duration_avg: calm, peak_active_requests: calm}\n\
                evidence: {min_requests: 0}\nthresholds: {max_event_loop_lag_s: 5}\n";
    each(
        &[
            (page, vec!["--scrape", "http://ADDRESS/"], 1),
            (ON_ANSWERS, vec!["--probe", "http://ADDRESS/", "--target", &target], 1),
            (ON_ANSWERS, vec!["--probe", "http://ADDRESS/", "--probe", "http://OTHER/x"], 2),
            (ON_ANSWERS, vec!["--probe", "http://ADDRESS/", "--scrape", "http://ADDRESS/page"], 1),
        ],
        4,
        |(config, args, services)| {
            let (directory, first, second) = (directory(), free_address(), free_address());
            let path = directory.path();
            fs::write(path.join("metrics.yaml"), config).unwrap();
            let mut start = serve(&first);
            if *services == 2 {
                let (host, port) = second.split_once(':').unwrap();
                // The second one is later, and is waited for too.
                start = format!("(sleep 0.7; exec python3 service.py {host} {port}) & {start}");
            }
            let args: Vec<_> = args
                .iter()
                .map(|arg| arg.replace("ADDRESS", &first).replace("OTHER", &second))
                .collect();
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            let common = ["--start", &start, "--every", "100ms", "--output-format", "json"];
            let load = ["--fail-on-critical", "--", "sleep", "0.5"];
            let run = run(path, &[&common[..], &args, &load].concat());
            assert_eq!(run.code, 0, "{args:?}: {}{}", gist(&run.json()), run.stderr);
            assert_gone(path);
        },
    );
}

#[test]
fn without_anything_that_could_answer_it_is_refused() {
    for (args, words) in [
        (&["--start", "true"][..], "--probe"),
        (&["--start", "true", "--target", "http://127.0.0.1:1"], "--probe"),
        (&["--start", "true", "--recording", "run.om"], "--recording"),
        (&["--start-timeout", "3s", "--probe", "http://127.0.0.1:1/"], "--start"),
        (&["--start", "", "--probe", "http://127.0.0.1:1/"], "--start"),
        (&["--start", "  ", "--probe", "http://127.0.0.1:1/"], "--start"),
        (&["--start", "true", "--start-timeout", "0s", "--probe", "http://127.0.0.1:1/"], "0s"),
        (&["query", "up", "--start", "true", "--probe", "http://127.0.0.1:1/"], "--start"),
    ] {
        let directory = directory();
        let run = auditor(directory.path(), args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
}

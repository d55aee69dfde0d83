//! Services that export nothing, audited from outside: calm and sick, by the probe alone and
//! started by `auditor`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::alone;
use crate::services::{Service, file, truth, with_paths};
use crate::support::real::{self, tell_left_out};
use crate::support::{Run, command, each, empty_directory};

/// How many runs are made at once: their loads are light, and most of them wait.
const AT_A_TIME: usize = 4;
/// How long a service is under load, in seconds.
const LOAD: u32 = 4;

/// One run of `auditor`, with the load `urls`: paths, or `PATH@SECONDS`.
pub(crate) struct Audit<'a> {
    pub(crate) address: &'a str,
    /// The command that starts the service, if `auditor` is to.
    pub(crate) start: Option<Vec<String>>,
    pub(crate) blame: &'a str,
    pub(crate) seconds: u32,
    pub(crate) clients: u32,
    /// How many threads the pool has, where that is not its default.
    pub(crate) pool_threads: Option<u32>,
    pub(crate) urls: &'a [&'a str],
}

impl<'a> Audit<'a> {
    pub(crate) fn of(address: &'a str, urls: &'a [&'a str]) -> Self {
        let (start, pool_threads) = (None, None);
        Self { address, start, blame: "auto", seconds: LOAD, clients: 1, pool_threads, urls }
    }

    /// In the directory of the services, which is in the repository and has no `metrics.yaml`.
    pub(crate) fn run(&self) -> Run {
        let probe = format!("http://{}/", self.address);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/load.py");
        let urls: Vec<_> =
            self.urls.iter().map(|path| format!("http://{}{path}", self.address)).collect();
        let mut command = command(&file(""), &["--probe", &probe, "--blame", self.blame]);
        if let Some(words) = &self.start {
            command.args(["--start", &words.join(" ")]);
        }
        if let Some(threads) = self.pool_threads {
            command.args(["--pool-threads", &threads.to_string()]);
        }
        command
            .args(["--fail-on-critical", "--output-format", "json", "--", "python3"])
            .arg(script)
            .args(["--seconds", &self.seconds.to_string(), "--clients", &self.clients.to_string()])
            .args(urls);
        with_paths(&mut command).output().expect("the binary starts").into()
    }
}

/// Ten requests a second that are answered at once, from each of two clients.
const CALM: [&str; 2] = ["/@0.1", "/await?ms=20@0.1"];
/// The same, and every other second one that blocks the loop.
const SICK: [&str; 3] = ["/@0.1", "/await?ms=20@0.1", "/block?ms=1200@2"];

fn modes(report: &Value) -> Vec<&str> {
    let modes = report["failure_modes"].as_array().expect("failure modes");
    modes.iter().filter_map(|mode| mode["type"].as_str()).collect()
}

/// The worst culprit: file, line and the rest of what is said of it.
fn culprit(report: &Value) -> Option<(&str, u64, &Value)> {
    let worst = report["culprits"].as_array()?.first()?;
    Some((worst["file"].as_str()?, worst["line"].as_u64()?, worst))
}

/// That a calm service passes. A runner that is too busy for it to be told has two more tries; what
/// it says then, and nothing else, is allowed.
pub(crate) fn check_calm(audit: &Audit, what: &str) {
    for _ in 0..3 {
        let run = audit.run();
        let report = run.json();
        let shown = format!("{what}: {report:#}\n{}", run.stderr);
        assert_eq!(modes(&report), [""; 0], "{shown}");
        assert_eq!(culprit(&report), None, "{shown}");
        if run.code == 3 && shortfalls(&report).all(|rule| rule == "busy_machine") {
            continue;
        }
        assert_eq!((run.code, report["status"].as_str()), (0, Some("HEALTHY")), "{shown}");
        return;
    }
    tell_left_out(what, "a runner with a free CPU");
}

/// The rules of evidence that a report falls short of.
pub(crate) fn shortfalls(report: &Value) -> impl Iterator<Item = &str> {
    let shortfalls = report["evidence"]["shortfalls"].as_array().into_iter().flatten();
    shortfalls.filter_map(|it| it["rule"].as_str())
}

fn check_sick(run: &Run, what: &str) -> Value {
    let report = run.json();
    let shown = format!("{what}: {report:#}\n{}", run.stderr);
    assert_eq!(run.code, 1, "{shown}");
    assert!(modes(&report).contains(&"EVENT_LOOP_STARVATION"), "{shown}");
    assert!(!modes(&report).contains(&"THREADPOOL_SATURATION"), "{shown}");
    report
}

/// That the culprit is the function `block` of the service, found in the way that is said.
fn check_culprit(report: &Value, service: Service, found_by: &str) {
    let (name, line) = service.blocking_line();
    let shown = format!("{service:?}: {report:#}");
    let (found, found_line, worst) = culprit(report).unwrap_or_else(|| panic!("none, {shown}"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(".git").exists();
    let expected = if root { format!("tests/services/{name}") } else { name.to_owned() };
    assert_eq!((found, found_line), (expected.as_str(), line), "{shown}");
    assert_eq!(worst["function"], "block", "{shown}");
    assert_eq!(
        (&worst["cause"], &worst["found_by"]),
        (&"asleep".into(), &found_by.into()),
        "{shown}"
    );
    assert!(
        worst["source"].as_str().is_some_and(|line| line.contains("blocks the loop")),
        "{shown}"
    );
    // It held the loop for 1.2 s at least twice; what it is said to have held is no more than all.
    let blocked = worst["blocked_s"].as_f64().expect("seconds");
    assert!((1.2..f64::from(LOAD) * 2.0).contains(&blocked), "{shown}");
}

#[test]
fn a_calm_service_passes_and_a_blocked_one_fails_by_the_probe_alone() {
    let _alone = alone();
    let services: Vec<_> = Service::ALL.into_iter().filter(|it| it.is_here()).collect();
    each(&services, AT_A_TIME, |service| {
        let group = service.start();
        let address = group.server.address();
        check_calm(&Audit::of(address, &CALM), &format!("{service:?} calm"));
        check_sick(&Audit::of(address, &SICK).run(), &format!("{service:?} sick"));
        // The same process, calm again: what was before is no matter of this run.
        if *service == Service::Uvicorn {
            check_calm(&Audit::of(address, &CALM), "calm after a sick run");
        }
    });
}

#[test]
fn a_service_that_is_started_is_told_well_from_sick_with_the_line_and_stopped() {
    let _alone = alone();
    let services: Vec<_> = Service::ALL.into_iter().filter(|it| it.is_here()).collect();
    each(&services, AT_A_TIME, |&service| {
        let (blame, found_by) = match service {
            Service::Node => ("require", Some("inspector")),
            // What is compiled shows no lines, and `auto` asks for none.
            Service::Axum => ("auto", None),
            _ => ("require", Some("py-spy")),
        };
        for urls in [&CALM[..], &SICK] {
            let address = real::free_address();
            let start = Some(service.command(&address));
            let audit = Audit { start, blame, ..Audit::of(&address, urls) };
            let what = format!("{service:?} started, {urls:?}");
            if urls.len() == CALM.len() {
                check_calm(&audit, &what);
            } else {
                let report = check_sick(&audit.run(), &what);
                match found_by {
                    Some(found_by) => check_culprit(&report, service, found_by),
                    None => assert_eq!(culprit(&report), None, "{report:#}"),
                }
            }
            let left = std::net::TcpStream::connect(&address);
            assert!(left.is_err(), "{what}: something serves yet");
        }
    });
}

#[test]
fn a_saturated_pool_is_named_and_slow_awaits_are_not() {
    let _alone = alone();
    // Clients, and for how long each holds a thread: 40 of them wait for 4 threads 3.6 s each,
    // 120 of them for 40 threads 4 s.
    let cases = [
        (Service::Uvicorn, 40, true, "/pool?ms=400"),
        (Service::Uvloop, 40, false, "/pool?ms=400"),
        (Service::Aiohttp, 40, false, "/pool?ms=400"),
        (Service::DefHandlers, 120, false, "/pool?ms=2000"),
        (Service::DefHandlers, 120, false, "/asks?ms=2000"),
    ];
    let cases: Vec<_> = cases.into_iter().filter(|(service, ..)| service.is_here()).collect();
    each(&cases, AT_A_TIME, |&(service, clients, without_stacks_too, path)| {
        let address = real::free_address();
        let start = Some(service.command(&address));
        let urls = [path];
        let saturated = Audit { start: start.clone(), clients, ..Audit::of(&address, &urls) };
        let saturated = Audit { seconds: 8, ..saturated };
        // Without its stacks the queue of an executor is not read, and how many threads it may have is
        // known to whoever says it alone.
        for (pool_threads, code) in [(None, 3), (Some(4), 1)] {
            if without_stacks_too {
                let unread =
                    Audit { start: start.clone(), blame: "off", pool_threads, ..saturated };
                let run = unread.run();
                let told = run.json();
                let is_busy = run.code == 3 && shortfalls(&told).any(|rule| rule == "busy_machine");
                assert!(run.code == code || is_busy, "{pool_threads:?}: {told:#}\n{}", run.stderr);
            }
        }
        let run = Audit { start: start.clone(), ..saturated }.run();
        let report = run.json();
        let shown = format!("{service:?}: {report:#}\n{}", run.stderr);
        assert_eq!(run.code, 1, "{shown}");
        assert_eq!(modes(&report), ["THREADPOOL_SATURATION"], "{shown}");
        assert_eq!(culprit(&report), None, "{shown}");
        let awaits = Audit { start, clients: 40, ..Audit::of(&address, &["/await?ms=1000"]) };
        check_calm(&awaits, &format!("{service:?} with slow awaits"));
    });
}

/// The pool's threads are more than the CPUs, and compute all of the time: with more CPUs no request
/// might have waited for them.
#[test]
fn the_backlog_of_a_pool_that_waits_for_a_cpu_is_not_known() {
    let _alone = alone();
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    if !Service::DefHandlers.is_here() {
        return;
    }
    let _hogs = Hogs::start(cpus);
    let address = real::free_address();
    let start = Some(Service::DefHandlers.command(&address));
    let urls = ["/hash?rounds=400000"];
    let run = Audit { start, seconds: 6, clients: 60, ..Audit::of(&address, &urls) }.run();
    let report = run.json();
    let shown = format!("{report:#}\n{}", run.stderr);
    // Where all of its threads computed at some second, that proves the backlog.
    if run.code == 1 && modes(&report) == ["THREADPOOL_SATURATION"] {
        return tell_left_out("a pool that waits for a CPU", "CPUs that are busy all of the time");
    }
    assert_eq!(run.code, 3, "{shown}");
    assert!(shortfalls(&report).any(|rule| rule == "busy_machine"), "{shown}");
    assert!(format!("{report}").contains("threads of the pool waited for a CPU"), "{shown}");
}

/// What was said of the stalls, beside what the service's own ticker has seen of them.
#[test]
fn the_length_of_a_stall_is_that_of_the_services_own_ticker() {
    let _alone = alone();
    let services: Vec<_> =
        [Service::Uvicorn, Service::Node].into_iter().filter(|it| it.is_here()).collect();
    each(&services, 2, |service| {
        let group = service.start();
        let address = group.server.address();
        let urls = ["/@0.2", "/block?ms=300@0.5"];
        let report = Audit { seconds: 8, ..Audit::of(address, &urls) }.run().json();
        check_apart(&report);
        let told = truth(address, service.workers()).remove(0);
        let shown = format!("{service:?}: {told:#} {report:#}");
        let pairs = paired(&told["stalls"], &report["stalls"], &shown);
        assert!(pairs.len() >= 12, "{shown}");
        for (theirs, ours) in &pairs {
            // It may begin one interval before the next request of the probe, and what it waited
            // for a CPU is no part of ours.
            assert!(*ours < theirs + 0.02, "{theirs} {ours} {shown}");
        }
        let short = pairs.iter().filter(|(theirs, ours)| *ours < theirs - 0.06).count();
        assert!(short * 4 <= pairs.len(), "{pairs:?} {shown}");
        // The worst is what decides; none of them is shorter than the 0.3 s that it sleeps.
        let worst = pairs.iter().map(|(_, ours)| *ours).fold(0.0, f64::max);
        assert!(worst >= 0.28, "{worst} {pairs:?} {shown}");
    });
}

/// How long the service knows each stall to be that was reported of it as asleep, and how long it
/// was said to be.
fn paired(told: &Value, reported: &Value, shown: &str) -> Vec<(f64, f64)> {
    let reported: Vec<_> =
        reported.as_array().expect("stalls").iter().map(ended_and_long).collect();
    let told = told.as_array().expect("stalls").iter().map(|stall| {
        (stall["ended"].as_f64().expect("an end"), stall["seconds"].as_f64().expect("a length"))
    });
    let pair = |(at, ours): (f64, f64)| {
        let near = told.clone().find(|(end, _)| (at - end).abs() < 0.2);
        (near.unwrap_or_else(|| panic!("the service knows none at {at}: {shown}")).1, ours)
    };
    reported.into_iter().map(pair).collect()
}

/// That no stall is told twice: those of one loop come one after the other.
pub(crate) fn check_apart(report: &Value) {
    let stalls = report["stalls"].as_array().expect("stalls");
    let mut spans: Vec<_> = stalls.iter().map(ended_and_long).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    for pair in spans.windows(2) {
        let [(before, _), (end, length)] = pair else { continue };
        assert!(end - length > before - 0.03, "{pair:?} {report:#}");
    }
}

fn ended_and_long(stall: &Value) -> (f64, f64) {
    let end: jiff::Timestamp = stall["at"].as_str().expect("an instant").parse().expect("RFC 3339");
    (end.as_millisecond() as f64 / 1000.0, stall["duration_s"].as_f64().expect("seconds"))
}

/// Programs that take all of the machine; they end when this is dropped.
struct Hogs(Vec<Child>);

impl Hogs {
    fn start(count: usize) -> Self {
        let hog = || {
            let mut command = Command::new("sh");
            command.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
            command.spawn().expect("a shell")
        };
        Self((0..count).map(|_| hog()).collect())
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            let _ = hog.kill();
            let _ = hog.wait();
        }
    }
}

/// The runner's noise is no fault of the service: a pass, or no verdict that says why.
#[test]
fn a_calm_service_beside_six_that_take_the_cpu_never_fails() {
    let _alone = alone();
    for (service, rounds) in [(Service::Uvicorn, 2), (Service::Node, 1)] {
        if !service.is_here() {
            continue;
        }
        let _hogs = Hogs::start(6);
        let group = service.start();
        for round in 0..rounds {
            let run = Audit::of(group.server.address(), &CALM).run();
            let report = run.json();
            let shown = format!("{service:?}, round {round}: {report:#}\n{}", run.stderr);
            assert!([0, 3].contains(&run.code), "{shown}");
            assert_eq!(modes(&report), [""; 0], "{shown}");
            if run.code == 3 {
                let reason = format!("{report}");
                assert!(reason.contains("runner") && reason.contains("busy"), "{shown}");
            }
        }
    }
}

/// As a build's own processes do it, which nobody stops: the service ends in the middle.
#[test]
fn a_service_that_ends_before_the_load_does_is_a_failure_with_its_last_words() {
    let _alone = alone();
    if !real::python("a service that ends too soon") {
        return;
    }
    let text = "import http.server, sys, threading, os
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204); self.end_headers()
    def log_message(self, *_): pass
def end():
    print('out of widgets', file=sys.stderr, flush=True); os._exit(7)
threading.Timer(3, end).start()
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), H).serve_forever()";
    let directory = empty_directory();
    let script = directory.path().join("ends.py");
    std::fs::write(&script, text).expect("a script");
    let address = real::free_address();
    let words = format!("python3 {} {}", script.display(), address.replace(':', " "));
    let start = Some(words.split(' ').map(str::to_owned).collect());
    let run = Audit { start, ..Audit::of(&address, &["/@0.1"]) }.run();
    assert!([1, 3].contains(&run.code), "{run:?}");
    let told = format!("{}{}", run.stdout, run.stderr);
    assert!(told.contains("out of widgets") && told.contains('7'), "{run:?}");
}

/// A service that goes wrong in one way once 40 requests of `/work` came, or 0.3 s after the last of
/// them, or in one of its loops: connections that were open before, or a load that is over, need not meet it.
const ODD: &str = r#"
import asyncio, os, sys, threading, time
way, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
asked = 0
async def serve(number, r, w):
    global asked, last
    try:
        while True:
            head = await r.readuntil(b"\r\n\r\n")
            asked += b"GET /work" in head
            if way == "closed" and asked == 40: server.close()
            if way == "late" and b"GET /work" in head:
                last.cancel()
                last = asyncio.get_running_loop().call_later(0.3, time.sleep, 1.5)
            if way == "loops" and number == 0 and b"GET /work" in head: time.sleep(0.9)
            status = b"503 Down" if way == "errors" and asked >= 40 else b"200 OK"
            w.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nok"); await w.drain()
    except Exception: pass
    finally: w.close()
async def main(number):
    global server, last
    last = asyncio.get_running_loop().call_later(0, int)
    it = await asyncio.start_server(lambda r, w: serve(number, r, w), host, port, backlog=512, reuse_port=True)
    if number == 0: server = it
    await asyncio.sleep(1000)
for number in range(1, 6 if way == "loops" else 1):
    threading.Thread(target=lambda n=number: asyncio.run(main(n)), daemon=True).start()
asyncio.run(main(0))
"#;

#[test]
fn what_open_connections_do_not_meet_is_no_pass() {
    let _alone = alone();
    if !real::python("services that go wrong for whoever comes new") {
        return;
    }
    let directory = empty_directory();
    let script = directory.path().join("odd.py");
    std::fs::write(&script, ODD).expect("a script");
    // The way, the load, the exit codes, and what has to be said.
    let cases: [(&str, &[&str], &[i32], &str); 5] = [
        ("closed", &["/work@0.02"], &[3], "any longer"),
        ("errors", &["/work@0.02"], &[3], "answered 503, and 200 before the load"),
        ("late", &["/work@0.05"], &[1], "EVENT_LOOP_STARVATION"),
        ("loops", &["/work@0.05"; 6], &[1, 3], "EVENT_LOOP_STARVATION"),
        ("none", &["/work@0.02"], &[0], "HEALTHY"),
    ];
    each(&cases, AT_A_TIME, |(way, urls, codes, words)| {
        let address = real::free_address();
        let words_of = format!("python3 {} {way} {}", script.display(), address.replace(':', " "));
        let start = Some(words_of.split(' ').map(str::to_owned).collect());
        let audit = Audit { start, ..Audit::of(&address, urls) };
        if *way == "none" {
            return check_calm(&audit, "nothing goes wrong");
        }
        let run = audit.run();
        let told = format!("{}{}", run.stdout, run.stderr);
        assert!(codes.contains(&run.code) && told.contains(words), "{way}: {run:?}");
    });
}

/// Starts a script of Python that takes an address in two words, and audits it for a few seconds.
fn audited(text: &str, urls: &[&str]) -> Run {
    let directory = empty_directory();
    let script = directory.path().join("service.py");
    std::fs::write(&script, text).expect("a script");
    let address = real::free_address();
    let words = format!("python3 {} {}", script.display(), address.replace(':', " "));
    let start = Some(words.split(' ').map(str::to_owned).collect());
    Audit { start, ..Audit::of(&address, urls) }.run()
}

/// A server of asyncio that answers at once, or what `work` does after that.
const SERVES: &str = "
import asyncio, os, re, socket, sys, threading, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen(64)
async def serve(r, w):
    try:
        while head := await r.readuntil(b'\\r\\n\\r\\n'):
            if b'/work' in head: work()
            w.write(b'HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok')
    except (EOFError, OSError):
        pass
    finally:
        w.close()
async def main():
    await asyncio.start_server(serve, sock=s)
    await asyncio.sleep(1000)
";

#[test]
fn a_worker_that_crashes_is_no_pass_whether_another_takes_its_place_or_not() {
    let _alone = alone();
    if !real::python("workers that crash") {
        return;
    }
    let once = "
me, asked = 0, 0
def work():
    global asked
    asked += 1
    if me == 1 and asked > 3: os._exit(1)
for me in 1, 2:
    if os.fork() == 0: asyncio.run(main())
time.sleep(1000)
";
    let again = "
def work(): pass
while True:
    pid = os.fork()
    if pid == 0:
        threading.Timer(1.4, os._exit, [1]).start()
        asyncio.run(main())
    os.waitpid(pid, 0)
";
    for (workers, words) in [(once, "1 worker ended and 0 were started"), (again, " started")] {
        let run = audited(&format!("{SERVES}{workers}"), &["/work@0.05"]);
        let report = run.json();
        let shown = format!("{report:#}\n{}", run.stderr);
        assert_eq!(run.code, 3, "{shown}");
        assert!(shortfalls(&report).any(|rule| rule == "restarts"), "{shown}");
        assert!(report["verdict_reason"].as_str().is_some_and(|it| it.contains(words)), "{shown}");
    }
}

#[test]
fn a_thread_that_keeps_the_lock_is_named_and_not_the_line_that_the_loop_is_at() {
    let _alone = alone();
    if !real::python("a thread that keeps the lock") {
        return;
    }
    // It takes a second and more, in C.
    let thread = "
def work(): return sum(range(400_000))
def keeps():
    n, took = 16, 0.0
    while True:
        began = time.monotonic()
        re.match('(a+)+$', 'a' * n + 'b') # keeps the lock
        took = time.monotonic() - began
        if took < 0.7: n += 1
        else: time.sleep(0.5)
threading.Thread(target=keeps, daemon=True).start()
asyncio.run(main())
";
    let run = audited(&format!("{SERVES}{thread}"), &["/work@0.01"]);
    let report = run.json();
    let shown = format!("{report:#}\n{}", run.stderr);
    let (_, _, worst) = culprit(&report).unwrap_or_else(|| panic!("none, {shown}"));
    assert_eq!((&worst["function"], &worst["cause"]), (&"keeps".into(), &"cpu".into()), "{shown}");
    assert_eq!(worst["in_other_thread"], true, "{shown}");
    // A call that waits itself is named, also beside a thread that computes.
    let waits = "
def work(): time.sleep(0.7)
def computes():
    while True: sum(range(100_000))
threading.Thread(target=computes, daemon=True).start()
asyncio.run(main())
";
    let run = audited(&format!("{SERVES}{waits}"), &["/work@1"]);
    let report = run.json();
    let shown = format!("{report:#}\n{}", run.stderr);
    let (_, _, worst) = culprit(&report).unwrap_or_else(|| panic!("none, {shown}"));
    assert_eq!(
        (&worst["function"], &worst["cause"]),
        (&"work".into(), &"asleep".into()),
        "{shown}"
    );
    assert_eq!(worst["in_other_thread"], false, "{shown}");
}

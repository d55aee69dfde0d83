//! Servers that scrape a service, and a load that is over before they have seen its end.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::real::{self, Server};
use crate::support::{Run, auditor, directory_with};

/// A service whose pages say what it is told to say: after a stall its lag is high for a while.
const SERVICE: &str = r#"
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

started, served, stalled = time.time(), 0, 0.0

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        global served, stalled
        if self.path == "/metrics":
            text = f"""
asyncio_event_loop_lag_seconds {2.0 if time.time() < stalled + 12 else 0.004}
http_request_duration_seconds_bucket{{le="0.1"}} {served}
http_request_duration_seconds_bucket{{le="+Inf"}} {served}
blocking_duration_seconds_sum 0
blocking_duration_seconds_count 0
active_requests 3
process_start_time_seconds {started}
"""
        else:
            served, text = served + 1, "done"
            if self.path == "/stall":
                stalled = time.time()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Page).serve_forever()
"#;

/// Puts it under load for so many seconds, and then asks for the last page.
const LOAD: &str = r#"
import sys, time, urllib.request
url, seconds, last = sys.argv[1], float(sys.argv[2]), sys.argv[3]
end = time.time() + seconds
while time.time() < end:
    urllib.request.urlopen(url + "/").read()
    time.sleep(0.05)
urllib.request.urlopen(url + last).read()
"#;

const CONFIG: &str = "queries:
  p99_latency: histogram_quantile(0.99, rate(http_request_duration_seconds_bucket[$window]))
  event_loop_lag: max_over_time(asyncio_event_loop_lag_seconds[$window])
  blocking_duration_avg: rate(blocking_duration_seconds_sum[$window]) / rate(blocking_duration_seconds_count[$window])
  peak_active_requests: max_over_time(active_requests[$window])
";
/// A busy machine may make a pause.
const PATIENT: &str = "evidence: {max_gap: 1m}\n";

/// Waits until the server has scraped the service twice.
fn wait_until_scraped(server: &Server) {
    wait_until(server, "count_over_time(up[1m]) >= 2");
}

/// Waits until that is so.
fn wait_until(server: &Server, expr: &str) {
    let give_up = Instant::now() + Duration::from_secs(60);
    let directory = directory_with("{}");
    let args = ["query", "--target", &server.url, expr];
    while !auditor(directory.path(), &args).stdout.contains("instance") {
        assert!(Instant::now() < give_up, "the service is never scraped");
        thread::sleep(Duration::from_millis(200));
    }
}

/// Audits the service behind the server during a load of so many seconds, whose last page is that.
fn under_load(server: &Server, service: &Server, seconds: &str, last: &str, args: &[&str]) -> Run {
    let directory = directory_with(&format!("{CONFIG}{PATIENT}"));
    let gate = ["--target", &server.url, "--fail-on-critical", "--output-format", "json"];
    let load = ["--", "python3", "-c", LOAD, &service.url, seconds, last];
    auditor(directory.path(), &[&gate[..], args, &load].concat())
}

fn rules(run: &Run) -> Vec<String> {
    let report = run.json();
    let shortfalls = report["evidence"]["shortfalls"].as_array().unwrap();
    shortfalls.iter().map(|it| it["rule"].as_str().unwrap().to_owned()).collect()
}

/// A stall in the last moment of a load is in no sample yet when the load is over.
#[test]
fn the_end_of_a_load_is_waited_for() {
    if !real::available("a load behind servers") || !real::python("a load behind servers") {
        return;
    }
    let start: [fn(u32, &[&str]) -> Server; 2] =
        [real::scraping_every, real::victoria_scraping_every];
    thread::scope(|scope| {
        for start in start {
            scope.spawn(move || ends_are_waited_for(start));
        }
    });
}

fn ends_are_waited_for(start: fn(u32, &[&str]) -> Server) {
    let service = real::python_service(SERVICE);
    let server = start(5, &[service.address()]);
    wait_until_scraped(&server);
    let began = Instant::now();
    let calm = under_load(&server, &service, "11", "/", &[]);
    assert_eq!(calm.code, 0, "{} {}", calm.stdout, calm.stderr);
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    // All of the load is in the window, and what was waited.
    let query = calm.json()["signals"]["event_loop_lag"]["query"].to_string();
    let window = query.split_once('[').and_then(|(_, rest)| rest.split_once("s]")).unwrap().0;
    assert!((11..=23).contains(&window.parse().unwrap()), "{query}");

    let cut = under_load(&server, &service, "2", "/stall", &["--settle", "0s"]);
    assert_ne!(cut.code, 0, "{}", cut.stdout);
    assert!(cut.code == 1 || rules(&cut).contains(&"max_age".to_owned()), "{}", cut.stdout);
    // Until the service has forgotten that.
    thread::sleep(Duration::from_secs(13));
    let sick = under_load(&server, &service, "11", "/stall", &[]);
    assert_eq!(sick.code, 1, "{}", sick.stdout);
}

/// The newest sample of one instance says nothing of the end of another, which is scraped less often.
#[test]
fn the_end_of_every_instance_is_waited_for() {
    if !real::available("instances behind a server") || !real::python("instances behind a server") {
        return;
    }
    let (quick, slow) = (real::python_service(SERVICE), real::python_service(SERVICE));
    let server = real::scraping_each(&[(1, quick.address()), (6, slow.address())]);
    wait_until(&server, "count_over_time(up{job=\"every-6\"}[1m]) >= 2");
    let calm = under_load(&server, &slow, "9", "/", &[]);
    assert_eq!(calm.code, 0, "{} {}", calm.stdout, calm.stderr);
    let sick = under_load(&server, &slow, "9", "/stall", &[]);
    assert_eq!(sick.code, 1, "{}", sick.stdout);
}

/// Of two instances one is killed: the other one's samples go on.
#[test]
fn an_instance_that_was_killed_is_missed() {
    if !real::available("an instance that is killed") || !real::python("an instance that is killed")
    {
        return;
    }
    let (service, other) = (real::python_service(SERVICE), real::python_service(SERVICE));
    let server = real::scraping(&[service.address(), other.address()]);
    wait_until_scraped(&server);
    let whole = under_load(&server, &service, "5", "/", &[]);
    assert_eq!(whole.code, 0, "{}", whole.stdout);
    let address = other.address().to_owned();
    drop(other);
    let left = under_load(&server, &service, "5", "/", &[]);
    assert_eq!(left.code, 3, "{}", left.stdout);
    let told = &left.json()["evidence"]["shortfalls"][0];
    assert!(rules(&left).contains(&"gone_targets".to_owned()), "{told}");
    assert!(told["detail"].as_str().unwrap().contains(&address), "{told}");
}

/// The server itself is down in the middle of the load, and goes on as if nothing had been.
#[test]
fn a_server_that_was_down_has_not_seen_everything() {
    if !real::available("a server that is down") || !real::python("a server that is down") {
        return;
    }
    let service = real::python_service(SERVICE);
    let server = real::scraping_every(2, &[service.address()]);
    wait_until_scraped(&server);
    let directory = directory_with(CONFIG);
    let gate = ["--target", &server.url, "--fail-on-critical", "--output-format", "json"];
    let during = |shell: &str| {
        let (shell, id) =
            (format!("{shell} python3 -c \"$1\" \"$2\" 14 /"), server.id().to_string());
        let load = ["--", "sh", "-c", &shell, &id, LOAD, &service.url];
        auditor(directory.path(), &[&gate[..], &load].concat())
    };
    let whole = during("");
    assert_eq!(whole.code, 0, "{} {}", whole.stdout, whole.stderr);
    let cut = during("(sleep 3; kill -STOP $0; sleep 8; kill -CONT $0) &");
    assert_eq!(cut.code, 3, "{}", cut.stdout);
    assert!(rules(&cut).contains(&"max_gap".to_owned()), "{}", cut.stdout);
    assert!(cut.stdout.contains("where 2 s are usual"), "{}", cut.stdout);
}

/// The service ends with the load, and no sample comes from after it.
#[test]
fn a_service_that_ends_with_its_load_is_no_calm_one() {
    if !real::available("a service that ends") || !real::python("a service that ends") {
        return;
    }
    let service = real::python_service(SERVICE);
    let server = real::scraping_every(5, &[service.address()]);
    wait_until_scraped(&server);
    let directory = directory_with(CONFIG);
    let gate = ["--target", &server.url, "--fail-on-critical", "--output-format", "json"];
    let (seconds, id) = ("6", service.id().to_string());
    let shell = "python3 -c \"$1\" \"$2\" \"$3\" / && kill -9 \"$4\"";
    let load = ["--", "sh", "-c", shell, "sh", LOAD, &service.url, seconds, &id];
    let run = auditor(directory.path(), &[&gate[..], &load].concat());
    assert_eq!(run.code, 3, "{}", run.stdout);
    let found = rules(&run);
    assert!(found.contains(&"max_age".to_owned()), "{found:?}");
    assert!(run.stdout.contains("though it was waited for 10"), "{}", run.stdout);
}

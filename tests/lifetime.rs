//! What an audit leaves behind in its process: nothing. In a process of its own, where no other
//! test starts threads.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "integration/support/mod.rs"]
mod support;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use auditor::exit::Exit;
use support::directory_with;
use support::fake::{Fake, Response};

const CONFIG: &str = "queries:\n  p99_latency: a\n  event_loop_lag: b\n  \
                      blocking_duration_avg: c\n  peak_active_requests: d\n";

/// How many threads the process has.
fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("Linux").count()
}

/// The same, once those of the backend that have just answered are gone.
fn threads_at_rest(expected: usize) -> usize {
    let give_up = Instant::now() + Duration::from_secs(5);
    while threads() > expected && Instant::now() < give_up {
        thread::sleep(Duration::from_millis(10));
    }
    threads()
}

fn run(directory: &Path, args: &[&str]) -> Exit {
    let (config, report) = (directory.join("metrics.yaml"), directory.join("report.json"));
    let config = ["auditor".into(), "--config".into(), config.into_os_string()];
    let report = ["--report".into(), report.into_os_string()];
    let args = args.iter().map(OsString::from);
    auditor::run(config.into_iter().chain(report).chain(args))
}

#[test]
fn threads_end_with_their_audit() {
    let fake = Fake::start(|request| match request.path.as_str() {
        "/-/healthy" => Response::new(200, "Prometheus Server is Healthy.\n"),
        "/api/v1/query" => Response::value("0.01"),
        "/metrics" => Response::new(200, "a 1\nb 1\nc 1\nd 1\n"),
        _ => Response::new(404, "404 page not found"),
    });
    let page = format!("{}/metrics", fake.url());
    let directory = directory_with(CONFIG);
    let before = threads();
    for _ in 0..20 {
        assert_eq!(run(directory.path(), &["--target", &fake.url()]), Exit::Success);
    }
    for _ in 0..3 {
        let scrape = ["--scrape", &page, "--for", "200ms", "--every", "100ms"];
        run(directory.path(), &scrape);
    }
    assert_eq!(threads_at_rest(before), before);
}

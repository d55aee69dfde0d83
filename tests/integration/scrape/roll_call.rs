//! How many processes show a page: what it takes to see that is nobody's fault.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::CONFIG;
use crate::support::fake::{Fake, Response};
use crate::support::{Run, auditor, directory_with};

fn now_s() -> f64 {
    jiff::Timestamp::now().as_millisecond() as f64 / 1000.0
}

/// A page of a process that was started then.
fn page(started_s: f64, lag: f64) -> Response {
    let page = format!(
        "latency_seconds 0.1\nlag_seconds {lag}\nactive 3\nprocess_start_time_seconds {started_s}\n"
    );
    Response::Bytes(format!("HTTP/1.0 200 OK\r\n\r\n{page}").into_bytes())
}

fn audited(services: &[&Fake], args: &[&str]) -> Run {
    let directory = directory_with(CONFIG);
    let urls: Vec<_> = services.iter().map(|service| service.url()).collect();
    let urls = urls.iter().flat_map(|url| ["--scrape", url]);
    let gate = ["--fail-on-critical", "--output-format", "json"];
    let load = ["--", "sleep", "0.5"];
    let all: Vec<_> = urls.chain(gate).chain(args.iter().copied()).chain(load).collect();
    auditor(directory.path(), &all)
}

/// A loop that makes one page after the other, and since when it has done nothing else.
#[derive(Default)]
struct Loop {
    busy_since: Option<Instant>,
    worst: Duration,
}

#[test]
fn a_loop_whose_page_is_slow_is_not_held_up_by_it() {
    let (state, waiting) = (Arc::new(Mutex::new(Loop::default())), AtomicUsize::new(0));
    let service = Fake::start(move |_| {
        waiting.fetch_add(1, Ordering::SeqCst);
        let mut state = state.lock().unwrap();
        let since = *state.busy_since.get_or_insert_with(Instant::now);
        thread::sleep(Duration::from_millis(120));
        state.worst = state.worst.max(since.elapsed());
        if waiting.fetch_sub(1, Ordering::SeqCst) == 1 {
            state.busy_since = None;
        }
        // Its worst lag is shown for good.
        page(1_600_000_000.5, state.worst.as_secs_f64())
    });
    let run = audited(&[&service], &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

/// Who is still looked at keeps nobody waiting whose scrapes count already.
#[test]
fn a_process_that_is_young_leaves_no_gap_beside_an_old_one() {
    let (born, old) = (now_s(), Fake::start(|_| page(1_600_000_000.5, 0.01)));
    let young = Fake::start(move |_| page(born, 0.01));
    let run = audited(&[&old, &young], &["--every", "100ms"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn that_it_could_not_be_seen_is_told() {
    let under_way = AtomicUsize::new(0);
    // One page at a time.
    let service = Fake::start(move |_| {
        let others = under_way.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(10));
        under_way.fetch_sub(1, Ordering::SeqCst);
        if others > 0 { Response::new(503, "") } else { page(1_600_000_000.5, 0.01) }
    });
    let run = audited(&[&service], &["--every", "200ms"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let told = "warning: the page was asked for a few times at once, to see whether several \
                processes show it, and that failed: http";
    assert_eq!(run.stderr.matches(told).count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("HTTP 503"), "{}", run.stderr);
}

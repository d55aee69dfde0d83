//! Pages whose samples have timestamps of their own, and services whose clock is off.

use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::fake::{Fake, Response};
use crate::support::{Run, auditor, directory_with};
use serde_json::Value;

const CONFIG: &str = "
queries:
  p99_latency: latency_seconds
  event_loop_lag: max_over_time(lag_seconds[5m])
  blocking_duration_avg: vector(0)
  peak_active_requests: max_over_time(active[5m])
";

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// A service whose page has the lag of its loop with a timestamp: of the n-th scrape, that one.
fn service(at: impl Fn(i64) -> i64 + Send + Sync + 'static) -> Fake {
    let count = AtomicI64::new(0);
    Fake::start(move |_| {
        let at = at(count.fetch_add(1, Ordering::Relaxed));
        let page = format!("latency_seconds 0.1\nlag_seconds 0.01 {at}\nactive 3\nother 1 7\n");
        Response::new(200, page)
    })
}

fn scraped(service: &Fake, config: &str) -> (Run, Run) {
    let directory = directory_with(config);
    let url = format!("{}/metrics", service.url());
    let gate = ["--fail-on-critical", "--output-format", "json"];
    let live = ["--scrape", &url, "--every", "100ms", "--for", "600ms", "--record", "it.om"];
    let live = auditor(directory.path(), &[&live[..], &gate].concat());
    let replayed = auditor(directory.path(), &[&["--recording", "it.om"][..], &gate].concat());
    (live, replayed)
}

fn details(report: &Value) -> Vec<String> {
    let shortfalls = report["evidence"]["shortfalls"].as_array().unwrap();
    let own = shortfalls.iter().filter(|it| it["rule"] == "timestamps");
    own.map(|it| it["detail"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn samples_of_another_time_than_their_scrape_leave_a_bound() {
    let began = now();
    let says = |way: &str| format!("samples with timestamps of their own {way}");
    for (name, at, words) in [
        ("of the scrape", Box::new(|_| now()) as Box<dyn Fn(i64) -> i64 + Send + Sync>, None),
        // A busy machine takes its time to make a page.
        (
            "held up",
            Box::new(|n| {
                thread::sleep(Duration::from_millis([0, 0, 60][n as usize % 3]));
                now()
            }),
            None,
        ),
        ("whole seconds", Box::new(|_| now() / 1000 * 1000), None),
        ("late", Box::new(|_| now() - 20_500), Some(says("lag 20."))),
        ("stuck", Box::new(move |_| began - 5000), Some(says("lag"))),
        ("early", Box::new(|_| now() + 60_000), Some(says("run ahead by 60"))),
        (
            "out of order",
            Box::new(|n| if n % 2 == 1 { now() - 30_000 } else { now() }),
            Some("came after later ones, and were dropped".to_owned()),
        ),
    ] {
        let service = service(at);
        let (live, replayed) = scraped(&service, CONFIG);
        let code = if words.is_some() { 3 } else { 0 };
        assert_eq!((live.code, replayed.code), (code, code), "{name}: {}", live.stdout);
        let (live, replayed) = (live.json(), replayed.json());
        assert_eq!(live["evidence"], replayed["evidence"], "{name}");
        let details = details(&live);
        assert_eq!(details.is_empty(), words.is_none(), "{name}: {details:?}");
        let said = |words: String| details.iter().any(|detail| detail.contains(&words));
        assert!(words.is_none_or(said), "{name}: {details:?}");
    }
}

/// Of pages within the same second the first one counts: it is no page that contradicts itself.
#[test]
fn a_timestamp_that_a_page_before_had_is_late() {
    let count = AtomicI64::new(0);
    let service = Fake::start(move |_| {
        let (n, at) = (count.fetch_add(1, Ordering::Relaxed), now() / 1000 * 1000);
        Response::new(200, format!("latency_seconds 0.1\nlag_seconds 0.01{n} {at}\nactive 3\n"))
    });
    let (live, replayed) = scraped(&service, CONFIG);
    assert_eq!((live.code, replayed.code), (3, 3), "{}", live.stdout);
    assert_eq!(live.json()["scrapes"][0]["failed"], 0, "{}", live.stdout);
    let details = details(&live.json());
    assert!(details.iter().any(|it| it.contains("and were dropped")), "{details:?}");
}

#[test]
fn timestamps_of_their_own_can_be_allowed() {
    let config = format!("evidence: {{timestamps: allow}}\n{CONFIG}");
    let (live, _) = scraped(&service(|_| now() - 20_000), &config);
    assert_eq!(live.code, 0, "{}", live.stdout);
    assert_eq!(details(&live.json()).len(), 1, "it is told all the same");
}

#[test]
fn what_no_query_uses_may_be_of_any_time() {
    let config = CONFIG.replace("max_over_time(lag_seconds[5m])", "vector(0)");
    let (live, _) = scraped(&service(|_| now() - 20_000), &config);
    assert_eq!((live.code, details(&live.json())), (0, Vec::new()));
}

/// Their samples are dated by this machine's clock.
#[test]
fn a_service_whose_clock_is_off_is_told_of() {
    let page = "latency_seconds 0.1\nlag_seconds 0.01\nactive 3\n";
    for (ahead_s, words) in [(0, ""), (900, "s ahead of this machine's"), (-900, "s behind")] {
        let service = Fake::start(move |_| Response::new(200, page).dated(ahead_s));
        let (live, _) = scraped(&service, CONFIG);
        assert_eq!(live.code, 0, "{}", live.stdout);
        let told = live.stderr.lines().filter(|line| line.contains("the clock of http")).count();
        assert_eq!(told, usize::from(ahead_s != 0), "{}", live.stderr);
        assert!(live.stderr.contains(words), "{}", live.stderr);
        let lax = format!("evidence: {{max_clock_skew: 1h}}\n{CONFIG}");
        let (live, _) = scraped(&service, &lax);
        assert!(!live.stderr.contains("the clock of http"), "{}", live.stderr);
    }
}

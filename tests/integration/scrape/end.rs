//! The end of a load: a stall that is in flight then is not over with it.

use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{CONFIG, findings, metrics};
use crate::support::fake::{Fake, Response};
use crate::support::{Run, auditor, directory_with, real};

const STALL: Duration = Duration::from_secs(3);

/// Answers what was asked so long after the end of the load.
type Shape = fn(Duration) -> Response;

/// Waits until the stall is over.
fn held(since: Duration) {
    thread::sleep(STALL.saturating_sub(since));
}

/// A page that tells of the stall.
fn tells() -> Response {
    metrics(3.0)
}

fn calm() -> Response {
    metrics(0.01)
}

/// A service that is calm as long as there is no file `over`, and has a shape from then on.
fn service(directory: &std::path::Path, shape: Shape) -> Fake {
    let marker = directory.join("over");
    let over: Arc<Mutex<Option<Instant>>> = Arc::default();
    Fake::start(move |_| {
        if !marker.exists() {
            return calm();
        }
        let over = *over.lock().unwrap().get_or_insert_with(Instant::now);
        shape(over.elapsed())
    })
}

/// What came of an audit, and how long it took.
fn audited(config: &str, shape: Shape, args: &[&str]) -> (Run, Run, Duration) {
    let directory = directory_with(config);
    let service = service(directory.path(), shape);
    let url = service.url();
    let gate = ["--fail-on-critical", "--output-format", "json"];
    let live = ["--scrape", &url, "--every", "200ms", "--record", "rec.om"];
    let load = ["--", "sh", "-c", "sleep 0.7; touch over"];
    let started = Instant::now();
    let live = auditor(directory.path(), &[&live[..], &gate, args, &load].concat());
    let took = started.elapsed();
    let replayed = auditor(directory.path(), &[&["--recording", "rec.om"], &gate[..]].concat());
    // The last scrape is the instant of the audit.
    let recording = fs::read_to_string(directory.path().join("rec.om")).unwrap();
    let up = recording.lines().filter(|line| line.starts_with("up{"));
    let last = up.map(|line| line.rsplit(' ').next().unwrap()).next_back().unwrap();
    let at: jiff::Timestamp = live.json()["evaluated_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(last.parse::<f64>().unwrap(), at.as_millisecond() as f64 / 1000.0);
    (live, replayed, took)
}

#[test]
fn a_stall_in_flight_at_the_end_is_seen() {
    const LATE: &str = "late to show its metrics";
    const FAILED: &str = "scrapes failed";
    // What the service does, the exit code, words of the findings, and the seconds it takes.
    let rows: [(&str, Shape, i32, &str, std::ops::Range<u64>); 10] = [
        ("nothing", |_| calm(), 0, "", 0..3),
        (
            "the page that was held up knows nothing yet, and the next one does",
            |since| {
                held(since);
                if since < STALL { calm() } else { tells() }
            },
            1,
            LATE,
            3..6,
        ),
        (
            "the page that was held up tells at once",
            |since| {
                held(since);
                tells()
            },
            1,
            LATE,
            3..6,
        ),
        (
            "connections are closed meanwhile",
            |since| if since < STALL { Response::Reset } else { tells() },
            1,
            FAILED,
            3..6,
        ),
        (
            "statuses meanwhile",
            |since| if since < STALL { Response::new(503, "") } else { tells() },
            1,
            FAILED,
            3..6,
        ),
        (
            "connections are closed meanwhile, and nobody tells why",
            |since| if since < STALL { Response::Reset } else { calm() },
            3,
            FAILED,
            3..6,
        ),
        (
            "several stalls, one after the other",
            |since| match since.as_secs() {
                0 => calm().delayed(Duration::from_millis(1000)),
                1..3 => calm().delayed(Duration::from_millis(700)),
                _ => tells(),
            },
            1,
            LATE,
            3..6,
        ),
        (
            "a stall that leaves no trace but the late page",
            |since| {
                held(since);
                calm()
            },
            0,
            LATE,
            3..6,
        ),
        ("a stall without an end", |_| Response::silence(STALL * 10), 3, FAILED, 10..13),
        (
            "late for ever",
            |_| calm().delayed(Duration::from_millis(700)),
            3,
            "the last page took ",
            9..13,
        ),
    ];
    thread::scope(|scope| {
        for (name, shape, code, words, seconds) in rows {
            scope.spawn(move || {
                let (live, replayed, took) = audited(CONFIG, shape, &[]);
                let report = live.json();
                assert_eq!(live.code, code, "{name}: {report:#}");
                assert!(findings(&report).contains(words), "{name}: {report:#}");
                assert!(seconds.contains(&took.as_secs()), "{name}: {took:?}");
                assert_eq!(replayed.code, code, "{name}, replayed");
                for key in ["findings", "scrapes", "evaluated_at", "signals"] {
                    assert_eq!(report[key], replayed.json()[key], "{name}: {key}");
                }
            });
        }
    });
}

#[test]
fn what_is_in_good_time_is_said_by_the_limit_of_lag() {
    let slow: Shape = |_| calm().delayed(Duration::from_millis(700));
    let config = format!("thresholds: {{max_event_loop_lag_s: 2}}\n{CONFIG}");
    let (run, _, took) = audited(&config, slow, &[]);
    assert!(run.code == 0 && took < Duration::from_secs(4), "{took:?}");
    // A page that always takes its time says nothing by it, even if it takes more of it at the end.
    for (usual, last) in [(700, 700), (300, 550)] {
        let directory = directory_with(CONFIG);
        let over = directory.path().join("over");
        let service = Fake::start(move |_| {
            calm().delayed(Duration::from_millis(if over.exists() { last } else { usual }))
        });
        let (url, started) = (service.url(), Instant::now());
        let args = ["--scrape", &url, "--fail-on-critical", "--", "touch", "over"];
        let run = auditor(directory.path(), &args);
        let took = started.elapsed();
        assert!(run.code == 0 && took < Duration::from_secs(5), "{took:?} {}", run.stdout);
    }
}

#[test]
fn other_pages_go_on_while_one_is_waited_for() {
    let directory = directory_with(CONFIG);
    let ill = service(directory.path(), |since| {
        held(since);
        if since < STALL { calm() } else { tells() }
    });
    let well = Fake::start(|_| calm());
    let args = ["--scrape", &ill.url(), "--scrape", &well.url(), "--every", "200ms"];
    let gate = ["--fail-on-critical", "--output-format", "json"];
    let load = ["--", "sh", "-c", "sleep 0.7; touch over"];
    let run = auditor(directory.path(), &[&args[..], &gate, &load].concat());
    let report = run.json();
    let [one, other] = [0, 1].map(|index| report["scrapes"][index]["tried"].as_u64().unwrap());
    assert!(one.min(other) <= 8 && one.max(other) >= 15, "{one} {other}");
    assert!(!findings(&report).contains("there was no scrape"), "{report:#}");
    assert_eq!(run.code, 1, "{report:#}");
}

/// The service of the examples, whose loop is held up by a request as the load ends.
#[test]
fn a_real_service_that_hangs_as_the_load_ends_fails() {
    if !real::python("a real service that hangs as the load ends") {
        return;
    }
    let service = real::service();
    let directory = directory_with(auditor::config::DEFAULT_METRICS);
    let request = "GET /block HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n";
    let (host, port) = service.address().split_once(':').unwrap();
    // Who asks for it does not wait for the answer.
    let load = format!(
        "exec 3<>/dev/tcp/{host}/{port}; sleep 1; \
         printf '{request}' >&3; sleep 0.1"
    );
    let page = format!("{}/metrics/", service.url);
    let args = ["--scrape", &page, "--fail-on-critical", "--output-format", "json"];
    let path = std::env::var_os("PATH").unwrap();
    let run: Run = crate::support::command(
        directory.path(),
        &[&args[..], &["--", "bash", "-c", &load]].concat(),
    )
    .env("PATH", path)
    .output()
    .unwrap()
    .into();
    let report = run.json();
    let lag = report["signals"]["event_loop_lag"]["value"].as_f64().unwrap();
    assert!(lag > 1.0, "{report:#}");
    assert!(findings(&report).contains("late to show its metrics"), "{report:#}");
}

//! A server is asked while the load runs. What it says ends a load that is bound to fail; what it does
//! not say ends none.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;

use super::{GATE, LOAD};
use crate::interruption::{assert_nothing_left, ended, send, spawn, wait_for};
use crate::support::beside;
use crate::support::fake::{Fake, Request, Response};
use crate::support::page::CONFIG;
use crate::support::real;
use crate::support::{Run, auditor, directory_with, each};

/// What a server answers while the load runs.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// The lag, seconds.
    Lag(&'static str),
    /// Nothing, for as long as a test takes.
    Silence,
    Error,
    NoSeries,
    /// A high lag, of which it says that a store did not answer.
    Part,
    /// A high lag of an hour ago.
    OfThen,
}

/// What is asked for while the load runs, and not as a question of the audit.
fn is_meanwhile(request: &Request) -> bool {
    let query = request.parameters.get("query").map_or("", String::as_str);
    beside::is_asked_by(request)
        && beside::expressions(query).any(|(expr, _)| expr.starts_with("max_over_time(lag_seconds"))
}

fn series(value: impl ToString) -> Vec<(BTreeMap<String, String>, String)> {
    vec![(BTreeMap::new(), value.to_string())]
}

/// What is answered to those expressions: the lag, and the time that is asked for or that one.
fn lag(request: &Request, lag: &str, time: Option<i64>) -> Response {
    beside::answer(request, |expr| match expr {
        _ if expr.starts_with("max_over_time(lag_seconds") => Some(series(lag)),
        _ if expr.starts_with("max_over_time(") => Some(series(1)),
        "vector(time())" => time.map(series),
        _ => None,
    })
}

/// The same where a store did not answer.
fn part(request: &Request) -> Response {
    let Response::Plain(series) = lag(request, "9", None) else { panic!("series") };
    let time = request.parameters["time"].parse::<f64>().unwrap();
    let one = |(labels, value): &(BTreeMap<String, String>, String)| serde_json::json!({"metric": labels, "value": [time, value]});
    let result: Vec<_> = series.iter().map(one).collect();
    let data = serde_json::json!({"resultType": "vector", "result": result});
    let warnings = ["store b is down"];
    let body = serde_json::json!({"status": "success", "warnings": warnings, "data": data});
    Response::new(200, body.to_string())
}

/// A server that gives the n-th such answer, counted from 1, and says at the end that the lag was `at_end`.
pub(super) fn answering(
    answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
    at_end: &'static str,
) -> Fake {
    let asked = AtomicUsize::new(0);
    Fake::start(move |request| {
        if request.path != "/api/v1/query" {
            return Response::new(200, "Prometheus Server is Healthy.\n");
        }
        if is_meanwhile(request) {
            return match answer(asked.fetch_add(1, Ordering::Relaxed) + 1) {
                Answer::Lag(value) => lag(request, value, None),
                Answer::Silence => Response::silence(Duration::from_secs(60)),
                Answer::Error => Response::new(
                    422,
                    r#"{"status":"error","errorType":"execution","error":"too many samples"}"#,
                ),
                Answer::NoSeries => beside::answer(request, |_| None),
                Answer::Part => part(request),
                Answer::OfThen => lag(request, "9", Some(Timestamp::now().as_second() - 3600)),
            };
        }
        let is_about_lag = request.parameters["query"].starts_with("max_over_time(lag_seconds");
        Response::value(if is_about_lag { at_end } else { "0.01" })
    })
}

fn target<'a>(url: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    let args = ["--target", url, "--output-format", "json", GATE, "--abort-on-breach", "--"];
    [&args[..], options].concat()
}

fn status(run: &Run) -> String {
    run.json()["command"]["status"].as_str().unwrap().to_owned()
}

fn reason(run: &Run) -> String {
    run.json()["verdict_reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_breach_that_a_server_proves_ends_the_command() {
    let server = answering(|number| Answer::Lag(if number < 3 { "0.01" } else { "2" }), "2");
    let (directory, url) = (directory_with(CONFIG), server.url());
    let path = directory.path();
    let (began, before_s) = (Instant::now(), Timestamp::now().as_second());
    let run = ended(spawn(path, &target(&url, &["/bin/sh", "-c", LOAD])));
    let took = began.elapsed();
    assert!((10..25).contains(&took.as_secs()), "{took:?}");
    assert_eq!(run.code, 1, "{}", run.stderr);
    let group = fs::read_to_string(path.join("started")).unwrap().trim().parse().unwrap();
    assert_nothing_left(path, Some(group));
    assert!(status(&run).starts_with("was told to end once a breach was proven"), "{run:?}");
    let words = "; the command was ended early, as a breach was proven by then";
    assert!(reason(&run).ends_with(words), "{}", reason(&run));

    // Nothing from before the load was asked for.
    let requests = server.requests();
    let asked: Vec<_> = requests.iter().filter(|it| is_meanwhile(it)).collect();
    assert_eq!(asked.len(), 3);
    for request in asked {
        let (_, rest) = request.parameters["query"].split_once("lag_seconds[").unwrap();
        let window: f64 = rest.split_once("s]").unwrap().0.parse().unwrap();
        let at: f64 = request.parameters["time"].parse().unwrap();
        assert!(at - window >= before_s as f64, "{window} s up to {at}, from {before_s}");
    }
}

/// The server may have forgotten by the end what it said before.
#[test]
fn a_breach_that_is_not_found_again_is_no_pass() {
    let server = answering(|_| Answer::Lag("9"), "0.01");
    let run = auditor(directory_with(CONFIG).path(), &target(&server.url(), &["/bin/sleep", "60"]));
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(reason(&run).contains("and this audit finds none"), "{}", reason(&run));
}

/// What proves nothing ends nothing, and delays neither the end of the command nor the audit.
#[test]
fn a_load_runs_to_its_end_where_the_server_proves_nothing() {
    let cases = [
        (Answer::Lag("0.01"), "8"),
        (Answer::Silence, "3"),
        (Answer::Error, "3"),
        (Answer::NoSeries, "3"),
        (Answer::Part, "3"),
        (Answer::OfThen, "3"),
    ];
    each(&cases, 6, |(answer, seconds)| {
        let answer = *answer;
        let server = answering(move |_| answer, "0.01");
        let (url, began) = (server.url(), Instant::now());
        let load = target(&url, &["/bin/sleep", seconds]);
        let run = auditor(directory_with(CONFIG).path(), &load);
        let took = began.elapsed();
        assert_eq!(run.code, 0, "{} {}", reason(&run), run.stderr);
        assert_eq!(status(&run), "exited with code 0");
        assert!(took < Duration::from_secs(seconds.parse::<u64>().unwrap() + 5), "{took:?}");
        assert!(server.requests().iter().any(is_meanwhile), "it was never asked");
    });
}

#[test]
fn a_part_of_an_answer_proves_something_where_it_is_accepted() {
    let server = answering(|_| Answer::Part, "9");
    let directory = directory_with(&format!("{CONFIG}accept_partial: true\n"));
    let run = auditor(directory.path(), &target(&server.url(), &["/bin/sleep", "60"]));
    assert!(status(&run).contains("once a breach was proven"), "{run:?}");
}

#[test]
fn a_signal_is_heard_while_a_server_hangs() {
    let server = answering(|_| Answer::Silence, "0.01");
    let (directory, url) = (directory_with(CONFIG), server.url());
    let child = spawn(directory.path(), &target(&url, &["/bin/sleep", "60"]));
    wait_for("a question", || server.requests().iter().any(is_meanwhile).then_some(()));
    let began = Instant::now();
    send(&child, Signal::TERM);
    let run = ended(child);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// A real service that blocks its loop once, behind a real server.
#[test]
fn a_blocked_service_behind_a_server_is_not_loaded_any_longer_and_a_calm_one_is() {
    let test = "a blocked service behind a server";
    if !real::available(test) || !real::python(test) {
        return;
    }
    let config = "queries:
  p99_latency: histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[$window])))
  event_loop_lag: max_over_time(asyncio_event_loop_lag_seconds[$window])
  blocking_duration_avg: {query: 'rate(blocking_duration_seconds_sum[$window]) / rate(blocking_duration_seconds_count[$window])', on_nan: zero}
  peak_active_requests: max_over_time(active_requests[$window])
evidence: {max_gap: 1m}
";
    let service = real::service();
    let server = real::scraping(&[service.address()]);
    wait_for("scrapes", || {
        let args = ["query", "--target", &server.url, "count_over_time(up[1m]) >= 2"];
        auditor(directory_with("{}").path(), &args).stdout.contains("instance").then_some(())
    });
    for (path, pause, code) in [("/", 6, 0), ("/block", 100, 1)] {
        let load = format!(
            "import time, urllib.request\n\
             def ask(path): urllib.request.urlopen('{}' + path).read()\n\
             for _ in range(40): ask('/'); time.sleep(0.05)\n\
             ask('{path}')\n\
             end = time.time() + {pause}\n\
             while time.time() < end: ask('/'); time.sleep(0.05)",
            service.url
        );
        let began = Instant::now();
        let run =
            auditor(directory_with(config).path(), &target(&server.url, &["python3", "-c", &load]));
        assert_eq!(run.code, code, "{path}: {}", reason(&run));
        assert!(began.elapsed() < Duration::from_secs(45), "{:?}", began.elapsed());
        let told = status(&run).contains("once a breach was proven");
        assert_eq!(told, code == 1, "{path}: {}", status(&run));
        thread::sleep(Duration::from_secs(1));
    }
}

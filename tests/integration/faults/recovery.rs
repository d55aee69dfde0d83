//! Faults that pass: what is tried again, and what is not needed for a verdict.

use std::time::{Duration, Instant};

use super::matrix::{check, fault, healthy};
use crate::support::fake::{Fake, Response};
use crate::support::{auditor, directory_with};

const QUERIES: &str = "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}";

/// Strikes the first so many times.
fn first(
    times: usize,
    fault: impl Fn() -> Response + Send + Sync,
) -> impl Fn(usize) -> Response + Send + Sync {
    move |n| if n <= times { fault() } else { Response::value("0") }
}

#[test]
fn what_passes_is_tried_again() {
    let status = |status: u16| first(2, move || Response::new(status, "later"));
    let after = |value: &'static str| {
        first(1, move || Response::with_headers(429, &[("Retry-After", &value)], ""))
    };
    check(vec![
        fault("429 twice").everything(status(429)).code(0),
        fault("502 twice").everything(status(502)).code(0),
        fault("503 twice").everything(status(503)).code(0),
        fault("504 twice").everything(status(504)).code(0),
        fault("reset twice").everything(first(2, || Response::Reset)).code(0),
        fault("half a body, twice")
            .lag(first(2, || {
                Response::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".into())
            }))
            .code(0),
        fault("wait a second").lag(after("1")).code(0),
        fault("wait until a date that is past").lag(after("Wed, 21 Oct 2015 07:28:00 GMT")).code(0),
        fault("wait for ever").lag(after("99999999999")).says("HTTP 429").within(8),
        fault("wait beyond the deadline").lag(after("31")).says("HTTP 429").within(8),
        fault("503 until the deadline")
            .lag(|_| Response::new(503, ""))
            .args(&["--timeout", "1s"])
            .says("HTTP 503 (tried 4 times)")
            .within(8),
    ]);
}

#[test]
fn what_is_not_needed_need_not_work() {
    let page = |name: &str| fault(name).code(0);
    check(vec![
        page("no health page").page("/-/healthy", |_| Response::new(404, "")),
        page("a health page for others").page("/-/healthy", |_| Response::new(403, "denied")),
        page("a health page behind a login")
            .page("/-/healthy", |_| Response::new(200, "<html>Sign in")),
        page("a health page that is redirected for ever").page("/-/healthy", |_| {
            Response::with_headers(302, &[("Location", &"/-/healthy")], "")
        }),
        page("a health page that is redirected, and that is not followed")
            .config("http: {follow_redirects: false}\n")
            .page("/-/healthy", |_| Response::with_headers(302, &[("Location", &"/login")], "")),
        page("no build information").page("/api/v1/status/buildinfo", |_| Response::Reset),
        page("build information that is none")
            .page("/api/v1/status/buildinfo", |_| Response::new(200, "[[[[")),
        page("build information that takes its time")
            .page("/api/v1/status/buildinfo", |_| Response::silence(Duration::from_secs(30)))
            .within(15),
    ]);
}

/// A gateway that sends its visitors to a page of its own hides which server is behind it.
#[test]
fn a_page_for_visitors_names_no_server() {
    let product = |health: fn() -> Response| {
        let fake = Fake::start(move |request| match request.path.as_str() {
            "/-/healthy" => health(),
            "/welcome" => Response::new(200, "Prometheus Server is what you are looking for"),
            _ => healthy(request, true),
        });
        let directory = directory_with(QUERIES);
        let args = ["--fail-on-critical", "--target", &fake.url(), "--output-format", "json"];
        let run = auditor(directory.path(), &args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.json()["backend"]["product"].clone()
    };
    let moved = || Response::with_headers(302, &[("Location", &"/welcome")], "");
    let login = || Response::new(200, "<html>Prometheus");
    for nothing in [moved, login, || Response::new(404, "Prometheus"), || Response::new(200, "OK")]
    {
        assert_eq!(product(nothing), serde_json::Value::Null);
    }
    assert_eq!(product(|| Response::new(200, "Prometheus is fine")), "Prometheus");
}

/// How often the query was asked if it is answered by that status.
fn times_asked(status: u16, body: &'static str) -> usize {
    let fake = Fake::start(move |request| {
        let query = request.parameters.get("query").map(String::as_str);
        if query == Some("lag") { Response::new(status, body) } else { healthy(request, true) }
    });
    let directory = directory_with(
        "queries: {p99_latency: p99, event_loop_lag: lag, blocking_duration_avg: blocking, peak_active_requests: active}",
    );
    auditor(directory.path(), &["--fail-on-critical", "--target", &fake.url()]);
    let requests = fake.requests();
    requests
        .iter()
        .filter(|request| request.parameters.get("query").is_some_and(|q| q == "lag"))
        .count()
}

#[test]
fn what_will_not_change_is_asked_once() {
    for status in [400, 401, 403, 404, 422, 500] {
        assert_eq!(times_asked(status, "no"), 1, "{status}");
    }
    for status in [429, 502, 503, 504] {
        assert_eq!(times_asked(status, "no"), 6, "{status}");
    }
}

/// A gateway in front of the API may refuse parameters that it does not know.
#[test]
fn a_server_that_refuses_our_parameters_is_asked_in_the_standard_ones() {
    let fake = Fake::start(|request| {
        if request.parameters.contains_key("nocache") {
            let error = r#"{"error":{"code":400,"message":"Unknown name \"nocache\"","status":"INVALID_ARGUMENT"}}"#;
            return Response::new(400, error);
        }
        healthy(request, true)
    });
    let directory = directory_with(
        "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}",
    );
    let run = auditor(directory.path(), &["--fail-on-critical", "--target", &fake.url()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(times_asked(400, "parse error"), 1);
}

#[test]
fn a_pause_that_the_server_asks_for_is_kept() {
    let fake = Fake::start({
        let began = Instant::now();
        move |request| {
            if began.elapsed() < Duration::from_millis(1500) && request.path == "/api/v1/query" {
                return Response::with_headers(503, &[("Retry-After", &2)], "");
            }
            healthy(request, true)
        }
    });
    let directory = directory_with(
        "queries: {p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}",
    );
    let run = auditor(directory.path(), &["--fail-on-critical", "--target", &fake.url()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let queries = fake.requests().iter().filter(|r| r.path == "/api/v1/query").count();
    assert_eq!(queries, 10, "once before the pause, and once after it");
}

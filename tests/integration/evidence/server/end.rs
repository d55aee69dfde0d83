//! The end of a command, by the clock of the server and not by this machine's.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::support::beside;
use crate::support::fake::{Fake, Request, Response};
use crate::support::{Run, auditor, directory_with};

const CONFIG: &str = "queries:
  p99_latency: p99
  event_loop_lag: lag
  blocking_duration_avg: blocking
  peak_active_requests: active
";

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A server that collects each second, and whose clock is so far ahead; it stops collecting at an
/// instant of its clock.
#[derive(Clone, Copy)]
struct Clocked {
    ahead_s: i64,
    until_ms: i64,
}

impl Clocked {
    fn answer(self, request: &Request) -> Response {
        let asked = request.parameters.get("time").and_then(|it| it.parse::<f64>().ok());
        let asked_ms = (asked.unwrap_or_default() * 1000.0) as i64;
        let newest = asked_ms.min(now_ms() + self.ahead_s * 1000).min(self.until_ms) / 1000;
        let answer = beside::answer(request, |expr| {
            let is_newest = expr.starts_with("max(timestamp(") || expr.starts_with("min(max by");
            is_newest.then(|| vec![(BTreeMap::new(), newest.to_string())])
        });
        answer.dated(self.ahead_s)
    }
}

fn audit(
    config: &str,
    args: &[&str],
    answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> Run {
    let fake = Fake::start(move |request| match request.path.as_str() {
        "/-/healthy" => Response::new(200, "Prometheus Server is Healthy.\n"),
        "/api/v1/query" if beside::is_asked_by(request) => answer(request),
        "/api/v1/query" => Response::value("0"),
        _ => Response::new(404, ""),
    });
    let (directory, target) = (directory_with(config), fake.url());
    let gate = ["--target", &target, "--fail-on-critical", "--output-format", "json"];
    auditor(directory.path(), &[&gate[..], args, &["--", "true"]].concat())
}

fn rules(run: &Run) -> Vec<String> {
    let report = run.json();
    let shortfalls = report["evidence"]["shortfalls"].as_array().unwrap();
    shortfalls.iter().map(|it| it["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_end_is_waited_for_by_the_clock_of_the_server() {
    for ahead_s in [0, 20, -20] {
        let collecting = Clocked { ahead_s, until_ms: i64::MAX };
        let run = audit(CONFIG, &["--settle", "6s"], move |request| collecting.answer(request));
        assert_eq!(run.code, 0, "{ahead_s}: {} {}", run.stdout, run.stderr);
        // It stopped some seconds before the command ended.
        let stopped = Clocked { until_ms: now_ms() + (ahead_s - 5) * 1000, ..collecting };
        let run = audit(CONFIG, &["--settle", "3s"], move |request| stopped.answer(request));
        assert_eq!(run.code, 3, "{ahead_s}: {}", run.stdout);
        assert_eq!(rules(&run), ["max_age"], "{ahead_s}: {}", run.stdout);
        let words = "not every target has a sample of active from after the last";
        assert!(run.stdout.contains(words), "{ahead_s}: {}", run.stdout);
        assert!(run.stdout.contains("though it was waited for 3"), "{ahead_s}: {}", run.stdout);
    }
}

/// Part of an answer is one where that is accepted, and else no sign of the end.
#[test]
fn the_end_is_waited_for_in_whole_answers() {
    let partial = |request: &Request| {
        let collecting = Clocked { ahead_s: 0, until_ms: i64::MAX };
        let Response::Dated(_, answer) = collecting.answer(request) else { panic!("a date") };
        let Response::Plain(series) = *answer else { panic!("series") };
        let one = |(mut labels, value): (BTreeMap<String, String>, String)| {
            labels.remove("");
            let time = request.parameters["time"].parse::<f64>().unwrap();
            serde_json::json!({"metric": labels, "value": [time, value]})
        };
        let result: Vec<_> = series.into_iter().map(one).collect();
        let data = serde_json::json!({"resultType": "vector", "result": result});
        let warnings = ["store b is down"];
        let body = serde_json::json!({"status": "success", "warnings": warnings, "data": data});
        Response::new(200, body.to_string())
    };
    let refused = audit(CONFIG, &["--settle", "5s"], partial);
    assert_eq!(refused.code, 3, "{}", refused.stdout);
    assert!(refused.stdout.contains("store b is down"), "{}", refused.stdout);
    let config = format!("{CONFIG}accept_partial: true\n");
    let accepted = audit(&config, &["--settle", "5s"], partial);
    assert_eq!(accepted.code, 0, "{} {}", accepted.stdout, accepted.stderr);
}

/// What the log says of the server, and of the waiting, is said once and without secrets.
#[test]
fn the_log_of_the_waiting_has_no_secrets() {
    let collecting = Clocked { ahead_s: 0, until_ms: i64::MAX };
    let token = "Authorization: Bearer s3cr3t-t0ken";
    let config = CONFIG.replace(": lag", ": 'lag{key=\"s3cr3t-t0ken\"}'");
    let args = ["--settle", "5s", "--header", token, "--verbose"];
    let run = audit(&config, &args, move |request| collecting.answer(request));
    assert_eq!(run.stderr.matches("target: http").count(), 1, "{}", run.stderr);
    assert!(!run.stderr.contains("s3cr3t"), "{}", run.stderr);
}

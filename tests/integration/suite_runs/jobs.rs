//! What is read side by side, and what has the machine to itself.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{SIGNALS, each_of, run, summary};
use crate::support::empty_directory;
use crate::support::fake::{Fake, Request, Response};

/// From the first request of each audit to the answer of its last one.
type Spans = Arc<Mutex<BTreeMap<usize, (Instant, Instant)>>>;

/// A server that takes its time, longest for the first scenario, and notes when it was asked by
/// which one.
fn server(spans: Spans) -> Fake {
    Fake::start(move |request: &Request| {
        let began = Instant::now();
        let scenario = request.headers["x-scenario"].parse().unwrap();
        thread::sleep(Duration::from_millis(10 + 5 * (12 - scenario as u64)));
        let mut spans = spans.lock().unwrap();
        spans.entry(scenario).or_insert((began, began)).1 = Instant::now();
        match request.path.as_str() {
            "/api/v1/query" => Response::value("0"),
            _ => Response::new(200, "Prometheus Server is Healthy.\n"),
        }
    })
}

/// How many of them there were at once, at the most.
fn most_at_once(spans: &Spans) -> usize {
    let spans = spans.lock().unwrap();
    let at = |time| spans.values().filter(|(from, to)| (*from..=*to).contains(time)).count();
    spans.values().map(|(from, _)| at(from)).max().unwrap()
}

#[test]
fn no_more_are_read_at_once_than_jobs_and_their_order_is_that_of_the_suite() {
    for (jobs, expected) in [("4", 2..=4), ("1", 1..=1), ("64", 5..=12)] {
        let spans = Spans::default();
        let server = server(Arc::clone(&spans));
        let directory = empty_directory();
        let scenario =
            |n: usize| json!({"id": format!("s{n}"), "headers": format!("X-Scenario: {n}")});
        let scenarios: Vec<_> = (1..=12).map(scenario).collect();
        let suite = json!({
            "defaults": {"config": "signals.yaml", "target": server.url()}, "scenarios": scenarios
        });
        fs::write(directory.path().join("suite.yaml"), suite.to_string()).unwrap();
        fs::write(directory.path().join("signals.yaml"), SIGNALS).unwrap();
        let run = run(directory.path(), &["--jobs", jobs]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        let most = most_at_once(&spans);
        assert!(expected.contains(&most), "--jobs {jobs}: {most}");
        let ids: Vec<_> = (1..=12).map(|n| format!("s{n}")).collect();
        assert_eq!(each_of(&summary(directory.path()), "id"), ids, "--jobs {jobs}");
        let at: Vec<_> =
            ids.iter().map(|id| run.stdout.find(&format!("PASS          {id} "))).collect();
        assert!(at.is_sorted() && at.iter().all(Option::is_some), "{}", run.stdout);
    }
}

/// A command says that it runs by a file, and fails where it finds such a file of another; the server
/// is asked by nobody else meanwhile.
#[test]
fn what_runs_a_command_has_the_machine_to_itself() {
    let directory = empty_directory();
    let path = directory.path().to_owned();
    let beside = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&beside);
    let server = Fake::start(move |request: &Request| {
        let asking = &request.headers["x-scenario"];
        let names = fs::read_dir(&path).unwrap().map(|it| it.unwrap().file_name());
        let names = names.filter_map(|name| name.into_string().ok());
        let others =
            names.filter(|name| name.starts_with("runs-") && *name != format!("runs-{asking}"));
        noted.lock().unwrap().extend(others.map(|name| format!("{asking} beside {name}")));
        let answer = match request.path.as_str() {
            "/api/v1/query" => Response::value("0"),
            _ => Response::new(200, "Prometheus Server is Healthy.\n"),
        };
        answer.delayed(Duration::from_millis(5))
    });
    let alone = |id: &str| {
        let command = format!("ls runs-* && exit 9; touch runs-{id}; sleep 0.3; rm runs-{id}");
        json!({"id": id, "headers": format!("X-Scenario: {id}"), "settle": "0s", "command": command})
    };
    let reads = |id: &str| json!({"id": id, "headers": format!("X-Scenario: {id}")});
    let scenarios = [
        reads("a"),
        alone("b"),
        alone("c"),
        reads("d"),
        reads("e"),
        alone("f"),
        reads("g"),
        reads("h"),
    ];
    let suite = json!({
        "defaults": {"config": "signals.yaml", "target": server.url()}, "scenarios": scenarios
    });
    fs::write(directory.path().join("suite.yaml"), suite.to_string()).unwrap();
    fs::write(directory.path().join("signals.yaml"), SIGNALS).unwrap();
    let run = run(directory.path(), &["--jobs", "8"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(*beside.lock().unwrap(), [""; 0]);
    let all = ["a", "b", "c", "d", "e", "f", "g", "h"];
    assert_eq!(each_of(&summary(directory.path()), "id"), all);
}

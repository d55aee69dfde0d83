//! Signals in the middle of a suite: what was done is told, the rest is not finished, and no pass.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{SIGNALS, assert_ended, each_of, noted, number, run, summary};
use crate::interruption::{ended, running, send, spawn, wait_for};
use crate::start;
use crate::support::empty_directory;
use crate::support::fake::{Fake, Request, Response};
use crate::support::page::{CONFIG, metrics};

/// An OpenMetrics text in which the loop lags by so many seconds all the time.
fn recording(lag: f64) -> String {
    let each = |name: &str, value: f64| {
        let lines = (0..60).map(|n| format!("{name} {value} {}\n", 1_769_860_800 + n * 15));
        lines.collect::<String>()
    };
    let all = [("latency_seconds", 0.1), ("lag_seconds", lag), ("active", 3.0)];
    all.map(|(name, value)| each(name, value)).concat() + "# EOF\n"
}

/// Four scenarios: the second and the last have a command, which does not end by itself.
fn directory(first: &str, service: &Fake) -> tempfile::TempDir {
    let directory = empty_directory();
    let path = directory.path();
    let load = |id: &str| {
        json!({"id": id, "scrape": service.url(), "every": "50ms",
               "command": noted(id) + "sleep 100 & sleep 100"})
    };
    let read = |id: &str, recording: &str| json!({"id": id, "recording": recording});
    let scenarios =
        [read("first", first), load("second"), read("third", "calm.om"), load("fourth")];
    let suite = json!({"defaults": {"config": "page.yaml"}, "scenarios": scenarios});
    for (name, text) in [
        ("suite.yaml", suite.to_string().as_str()),
        ("page.yaml", CONFIG),
        ("calm.om", &recording(0.01)),
        ("blocked.om", &recording(1.5)),
    ] {
        fs::write(path.join(name), text).unwrap();
    }
    directory
}

const FORMATS: [&str; 7] = ["json", "text", "markdown", "html", "junit", "prometheus", "sarif"];

/// Everything that is written says that the suite did not come to its end.
fn assert_written(path: &Path, words: &str) {
    for format in FORMATS {
        let text = fs::read_to_string(path.join(format!("{format}.out"))).unwrap();
        let words = if format == "prometheus" { "auditor_suite" } else { words };
        assert!(text.contains(words), "{format} lacks {words}:\n{text}");
    }
}

#[test]
fn a_signal_ends_the_command_and_leaves_the_rest_unfinished() {
    for (first, lag, code, statuses, reason) in [
        (
            "calm.om",
            0.01,
            3,
            &["PASS"][..],
            "the suite was interrupted (SIGTERM); 1 of 4 scenarios were finished",
        ),
        ("blocked.om", 0.01, 1, &["FAIL"], "; the suite was interrupted (SIGTERM); 1 of 4 scen"),
        // What the interrupted one has proven stays proven.
        (
            "calm.om",
            1.5,
            1,
            &["PASS", "FAIL"],
            "; the suite was interrupted (SIGTERM); 2 of 4 scen",
        ),
    ] {
        let service = Fake::start(move |_| metrics(lag));
        let directory = directory(first, &service);
        let path = directory.path();
        let reports: Vec<_> =
            FORMATS.iter().map(|format| format!("--report={format}={format}.out")).collect();
        let mut args = vec!["suite", "suite.yaml"];
        args.extend(reports.iter().map(String::as_str));
        let child = spawn(path, &args);
        let group = number(path, "second");
        wait_for("a scrape under load", || (service.requests().len() > 5).then_some(()));
        assert!(running(group).len() >= 2, "sh and sleep");
        send(&child, Signal::TERM);
        let run = ended(child);
        let shown = format!("{first} {lag}: {}{}", run.stdout, run.stderr);
        assert_eq!(run.code, code, "{shown}");
        assert_ended(path, "second");
        assert!(!path.join("fourth.pid").exists(), "{shown}");

        let text = fs::read_to_string(path.join("json.out")).unwrap();
        let summary: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(each_of(&summary, "status"), statuses, "{shown}");
        let all = ["first", "second", "third", "fourth"];
        let (done, left) = all.split_at(statuses.len());
        assert_eq!(
            (each_of(&summary, "id").as_slice(), &summary["not_finished"]),
            (done, &json!(left))
        );
        let told = summary["verdict_reason"].as_str().unwrap();
        assert!(told.contains(reason), "{told}");
        let verdict = if code == 3 { "interrupted" } else { "fail" };
        assert_eq!((&summary["verdict"], &summary["exit_code"]), (&verdict.into(), &code.into()));
        assert_eq!(summary["all_pass"], false);
        assert_eq!(summary["error"] == told, code == 3, "{}", summary["error"]);
        assert!(run.stdout.contains(&format!("Not finished: {}", left.join(", "))), "{shown}");
        assert_written(path, "interrupted (SIGTERM)");
    }
}

/// Twelve scenarios that ask that server.
fn readers(server: &Fake) -> tempfile::TempDir {
    let directory = empty_directory();
    let scenarios: Vec<_> = (1..=12).map(|n| json!({"id": format!("s{n}")})).collect();
    let suite = json!({
        "defaults": {"config": "signals.yaml", "target": server.url()}, "scenarios": scenarios
    });
    fs::write(directory.path().join("suite.yaml"), suite.to_string()).unwrap();
    fs::write(directory.path().join("signals.yaml"), SIGNALS).unwrap();
    directory
}

#[test]
fn readers_beside_each_other_are_all_interrupted() {
    for (delay, waits) in [
        // None of them ends by itself.
        (Duration::from_secs(20), 4),
        // Some have ended.
        (Duration::from_millis(100), 60),
    ] {
        let server = Fake::start(move |request: &Request| {
            let answer = match request.path.as_str() {
                "/api/v1/query" => Response::value("0"),
                _ => Response::new(200, "Prometheus Server is Healthy.\n"),
            };
            answer.delayed(delay)
        });
        let directory = readers(&server);
        let path = directory.path();
        let child = spawn(path, &["suite", "suite.yaml", "--jobs", "4"]);
        wait_for("requests", || (server.requests().len() >= waits).then_some(()));
        let asked = Instant::now();
        send(&child, Signal::INT);
        let run = ended(child);
        assert!(asked.elapsed() < Duration::from_secs(4), "{delay:?}: {:?}", asked.elapsed());
        let summary = summary(path);
        let shown = format!("{delay:?}: {}{}", run.stdout, run.stderr);
        assert_eq!((run.code, &summary["verdict"]), (3, &"interrupted".into()), "{shown}");
        let done = each_of(&summary, "id");
        assert_eq!(done.is_empty(), waits == 4, "{shown}");
        assert!(each_of(&summary, "status").iter().all(|status| *status == "PASS"), "{shown}");
        let left = summary["not_finished"].as_array().unwrap();
        let mut all: Vec<_> =
            done.into_iter().chain(left.iter().filter_map(Value::as_str)).collect();
        assert!(left.len() >= 4, "{shown}");
        all.sort_by_key(|id| id[1..].parse::<u32>().unwrap());
        all.dedup();
        assert_eq!(all.len(), 12, "each is told of once: {shown}");
        let counts = &summary["counts"];
        assert_eq!(counts["pass"].as_u64(), Some(12 - left.len() as u64));
    }
}

/// The summary of the run before says nothing of this one.
#[test]
fn a_second_signal_ends_at_once_and_leaves_no_summary_of_an_earlier_run() {
    let service = Fake::start(|_| metrics(0.01));
    let directory = directory("calm.om", &service);
    let path = directory.path();
    assert_eq!(run(path, &["--only", "first"]).code, 0);
    assert_eq!(summary(path)["all_pass"], true);
    let suite = fs::read_to_string(path.join("suite.yaml")).unwrap();
    let deaf =
        suite.replace("sleep 100 & sleep 100", "trap '' INT TERM; sleep 100 & wait; sleep 100");
    fs::write(path.join("suite.yaml"), deaf).unwrap();
    let child = spawn(path, &["suite", "suite.yaml"]);
    let group = number(path, "second");
    wait_for("both", || (running(group).len() >= 2).then_some(()));
    send(&child, Signal::TERM);
    thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    send(&child, Signal::TERM);
    let run = ended(child);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    wait_for("the end of the command", || running(group).is_empty().then_some(()));
    assert!(!path.join("suite_results.json").exists());
}

#[test]
fn what_never_ends_is_not_read_any_longer() {
    let directory = empty_directory();
    let path = directory.path();
    let made = std::process::Command::new("mkfifo").arg(path.join("pipe")).status().unwrap();
    assert!(made.success());
    for (name, scenario) in [
        ("suite.yaml", json!({"id": "a", "config": "page.yaml", "recording": "none.om"})),
        ("config.yaml", json!({"id": "a", "config": "pipe", "recording": "none.om"})),
        ("recording.yaml", json!({"id": "a", "config": "page.yaml", "recording": "pipe"})),
    ] {
        let suite = json!({"scenarios": [scenario]});
        fs::write(path.join(name), suite.to_string()).unwrap();
    }
    fs::write(path.join("page.yaml"), CONFIG).unwrap();
    for (args, has_summary) in [
        (&["suite", "pipe"][..], false),
        (&["suite", "suite.yaml", "--manifest", "pipe"], false),
        (&["suite", "config.yaml"], false),
        (&["suite", "recording.yaml"], true),
    ] {
        let child = spawn(path, args);
        thread::sleep(Duration::from_millis(400));
        let asked = Instant::now();
        send(&child, Signal::TERM);
        let run = ended(child);
        assert_eq!(run.code, 3, "{args:?}: {}{}", run.stdout, run.stderr);
        assert!(asked.elapsed() < Duration::from_secs(4), "{args:?}: {:?}", asked.elapsed());
        assert!(run.says("interrupted"), "{args:?}: {}", run.stderr);
        assert_eq!(path.join("suite_results.json").exists(), has_summary, "{args:?}");
    }
}

/// A service that was started goes with the suite, too.
#[test]
fn a_started_service_does_not_outlive_an_interrupted_suite() {
    if !start::python("a_started_service_does_not_outlive_an_interrupted_suite") {
        return;
    }
    let directory = start::directory();
    let path = directory.path();
    let address = crate::support::real::free_address();
    let (host, port) = address.split_once(':').unwrap();
    let scenario = json!({
        "id": "served", "probe": format!("http://{address}/"),
        "start": noted("service") + &format!("exec python3 service.py {host} {port}"),
        "command": noted("load") + "sleep 100",
    });
    let suite = json!({"scenarios": [scenario, {"id": "next", "recording": "none.om"}]});
    fs::write(path.join("suite.yaml"), suite.to_string()).unwrap();
    let child = start::spawn(path, &["suite", "suite.yaml"]);
    number(path, "load");
    send(&child, Signal::HUP);
    let run = ended(child);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert_ended(path, "load");
    assert_ended(path, "service");
    assert_eq!(summary(path)["not_finished"], json!(["served", "next"]));
}

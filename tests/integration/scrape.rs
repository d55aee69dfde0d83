//! A service that is audited by itself: its pages scraped while a command runs, or for a while.

mod end;
mod json;
mod rhythm;
mod roll_call;
mod wire;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::fake::{Fake, Request, Response};
use crate::support::page::{CONFIG, metrics, page};
use crate::support::real::free_address;
use crate::support::{Run, auditor, command, directory_with};
use serde_json::Value;

/// A service that answers the n-th scrape, 0 first, as `respond` says.
fn service(respond: impl Fn(usize) -> Response + Send + Sync + 'static) -> Fake {
    let count = AtomicUsize::new(0);
    Fake::start(move |_| respond(count.fetch_add(1, Ordering::Relaxed)))
}

/// Scrapes the service for half a second, ten times a second.
fn scraped(service: &Fake, args: &[&str]) -> Run {
    let directory = directory_with(CONFIG);
    scraped_in(directory.path(), service, args)
}

fn scraped_in(directory: &Path, service: &Fake, args: &[&str]) -> Run {
    let url = format!("{}/metrics", service.url());
    let common = ["--scrape", &url, "--every", "100ms", "--output-format", "json"];
    let length = if args.contains(&"--") { &[][..] } else { &["--for", "500ms"] };
    auditor(directory, &[&common, length, args].concat())
}

fn findings(report: &Value) -> String {
    report["findings"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

#[test]
fn a_calm_service_passes() {
    let run = scraped(&service(|_| metrics(0.01)), &["--fail-on-critical"]);
    let report = run.json();
    assert_eq!(run.code, 0, "{report:#}");
    assert_eq!((&report["source"], &report["status"]), (&"scrape".into(), &"HEALTHY".into()));
    let tried = report["scrapes"][0]["tried"].as_u64().unwrap();
    assert!((4..=8).contains(&tried), "{tried}");
    assert_eq!(report["findings"], serde_json::json!([]));
    let labels = &report["signals"]["event_loop_lag"]["labels"];
    assert_eq!(labels["job"], "auditor");
    assert!(labels["instance"].as_str().unwrap().starts_with("127.0.0.1:"));
}

/// A service may show each reader what happened since its page before.
#[test]
fn each_run_is_a_reader_of_its_own() {
    let service = service(|_| metrics(0.012));
    let readers = [(), ()].map(|()| {
        let seen = service.requests().len();
        scraped(&service, &["--fail-on-critical"]);
        let requests = service.requests();
        let agents = requests[seen..].iter().map(|request| request.headers["user-agent"].clone());
        agents.collect::<BTreeSet<_>>()
    });
    assert!(readers.iter().all(|agents| agents.len() == 1), "{readers:?}");
    assert_ne!(readers[0], readers[1]);
    let name = format!("auditor/{} (run ", env!("CARGO_PKG_VERSION"));
    assert!(readers[0].iter().all(|agent| agent.starts_with(&name)), "{readers:?}");
}

#[test]
fn the_window_is_what_was_watched() {
    let query = |run: &Run| run.json()["signals"]["event_loop_lag"]["query"].clone();
    let run = scraped(&service(|_| metrics(0.01)), &[]);
    let text = query(&run);
    let range = text.as_str().unwrap().split(['[', ']']).nth(1).unwrap();
    let ms: u64 = range.trim_end_matches("ms").parse().unwrap();
    assert!((450..=950).contains(&ms), "{range}");
    let run = scraped(&service(|_| metrics(0.01)), &["--var", "window=5m"]);
    assert_eq!(query(&run), "max_over_time(lag_seconds[5m])");
}

#[test]
fn a_starved_service_fails() {
    // The worst lag is seen between two calm ones.
    let starved = service(|n| metrics(if n == 3 { 1.4 } else { 0.01 }));
    let run = scraped(&starved, &["--fail-on-critical"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert_eq!(run.json()["status"], "CRITICAL");
}

#[test]
fn a_page_that_comes_late_is_evidence() {
    let late = service(|n| match n {
        2 => metrics(0.01).delayed(Duration::from_millis(700)),
        _ => metrics(0.01),
    });
    let run = scraped(&late, &[]);
    let report = run.json();
    let slowest = report["scrapes"][0]["slowest_s"].as_f64().unwrap();
    assert!(slowest >= 0.7, "{slowest}");
    let words = "late to show its metrics: ";
    assert!(findings(&report).contains(words), "{report:#}");
    assert_eq!(report["scrapes"][0]["failed"], 0, "late is not missing");
}

#[test]
fn telemetry_that_is_missing_for_a_part_of_the_time_is_no_pass() {
    let broken = |n: usize, broken: std::ops::RangeInclusive<usize>| {
        if broken.contains(&n) { Response::new(500, "overloaded") } else { metrics(0.01) }
    };
    let holes = [3..=3, 3..=99];
    for hole in holes {
        let shown = format!("{hole:?}");
        let service = service(move |n| broken(n, hole.clone()));
        let run = scraped(&service, &["--fail-on-critical"]);
        let report = run.json();
        assert_eq!((run.code, &report["status"]), (3, &"INCONCLUSIVE".into()), "{shown}");
        assert!(findings(&report).contains("scrapes failed"), "{report:#}");
        let warning = format!("warning: a scrape failed: {}/metrics: HTTP 500\n", service.url());
        assert!(run.stderr.starts_with(&warning), "{}", run.stderr);
        assert_eq!(run.stderr.matches("warning").count(), 1, "{}", run.stderr);
    }
}

#[test]
fn a_breach_is_proven_whatever_is_missing() {
    let service = service(|n| match n {
        3..=4 => Response::Reset,
        _ => metrics(1.4),
    });
    let run = scraped(&service, &["--fail-on-critical"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert_eq!(run.json()["score_is_lower_bound"], true);
}

#[test]
fn a_broken_page_is_named_by_its_line() {
    for (page, words) in [
        ("lag_seconds 0.01\nactive three\n", "the page:2:8: "),
        ("<!doctype html><title>Sign in</title>", "the page:1:1: "),
        ("lag_seconds{a=\"b\" 0.01\n", "the page:1:"),
        ("lag_seconds 0.1\nlag_seconds 0.2\n", "twice with other values"),
    ] {
        // From the first on, and once under the load, where it is a scrape that failed.
        for broken in [0..=99, 4..=4] {
            let service =
                service(
                    move |n| {
                        if broken.contains(&n) { Response::new(200, page) } else { metrics(0.01) }
                    },
                );
            let run = scraped(&service, &["--fail-on-critical"]);
            assert_eq!(run.code, 3, "{page} {}", run.stdout);
            let said = run.json()["error"].as_str().unwrap().to_owned() + &run.stderr;
            assert!(said.contains(words), "{page}: {said}");
        }
    }
}

#[test]
fn a_service_that_is_not_there_is_put_under_no_load() {
    let directory = directory_with(CONFIG);
    let gone = format!("http://{}/metrics", free_address());
    let load = ["--", "touch", "loaded"];
    for url in [gone.as_str(), "http://no.such.host.invalid/metrics"] {
        let args = [&["--scrape", url, "--no-report", "--fail-on-critical"], &load[..]].concat();
        let run = auditor(directory.path(), &args);
        assert_eq!(run.code, 3, "{}", run.stdout);
        assert!(run.stdout.contains("Verdict: ERROR - http://"), "{}", run.stdout);
        assert!(!directory.path().join("loaded").exists());
    }
}

#[test]
fn a_page_that_is_not_there_may_be_elsewhere() {
    let run = scraped(&service(|_| Response::new(404, "")), &["--fail-on-critical"]);
    let error = run.json()["error"].as_str().unwrap().to_owned();
    let words = "HTTP 404; does the service show its metrics at another path?";
    assert!(run.code == 3 && error.ends_with(words), "{error}");
}

#[test]
fn queries_that_cannot_be_evaluated_are_put_under_no_load() {
    let service = service(|_| metrics(0.01));
    let directory = directory_with(&CONFIG.replace("max_over_time(active[", "max_over(active["));
    let run = scraped_in(directory.path(), &service, &["--", "touch", "loaded"]);
    assert_eq!(run.code, 3);
    let error = run.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("the query `peak_active_requests` (metrics.yaml:5) failed"), "{error}");
    assert!(service.requests().is_empty() && !directory.path().join("loaded").exists());
}

#[test]
fn a_service_that_has_only_just_been_started_is_given_a_moment() {
    let service = service(|n| if n < 2 { Response::Reset } else { metrics(0.01) });
    let run = scraped(&service, &["--fail-on-critical"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_command_that_fails_is_a_failure_of_its_own() {
    for (script, exit_code, words) in [
        ("exit 7", Value::from(7), "exited with code 7"),
        ("kill -9 $$", Value::Null, "was ended by signal: 9"),
    ] {
        for gate in [&[][..], &["--fail-on-critical"]] {
            let args = [gate, &["--", "sh", "-c", script]].concat();
            let run = scraped(&service(|_| metrics(0.01)), &args);
            let report = run.json();
            assert_eq!((run.code, &report["verdict"]), (1, &"command_failed".into()));
            assert_eq!(report["status"], "HEALTHY", "the service is not to blame");
            assert_eq!(report["command"]["exit_code"], exit_code);
            assert!(report["verdict_reason"].as_str().unwrap().contains(words), "{report:#}");
        }
    }
}

#[test]
fn what_piles_up_under_the_load_counts_once_it_is_over() {
    let directory = directory_with(&format!(
        "{CONFIG}  threadpool_tasks_started: started\n  threadpool_tasks_completed: done\n"
    ));
    // The backlog is gone when the load is: the marker file ends with the command.
    let marker = directory.path().join("running");
    let service = Fake::start(move |_| {
        let backlog = if marker.exists() { 160 } else { 0 };
        Response::new(200, format!("{}started 200\ndone {}\n", page(0.01), 200 - backlog))
    });
    let load = ["--", "sh", "-c", "touch running; sleep 0.5; rm running"];
    let gate = ["--fail-on-critical", "--record", "rec.om"];
    let live = scraped_in(directory.path(), &service, &[&gate[..], &load].concat());
    assert_eq!(live.code, 1, "{}", live.stdout);
    assert_eq!(live.json()["threadpool_backlog"], 160);
    let args = ["--recording", "rec.om", "--fail-on-critical", "--output-format", "json"];
    let replayed = auditor(directory.path(), &args);
    assert_eq!(replayed.json()["evaluated_at"], live.json()["evaluated_at"]);
    assert_eq!((replayed.code, &replayed.json()["threadpool_backlog"]), (1, &160.into()));
}

#[test]
fn what_is_missing_at_the_end_is_not_made_up_for_by_an_earlier_moment() {
    let config = CONFIG.to_owned() + "  threadpool_backlog: backlog\n";
    let directory = directory_with(&config);
    // A backlog over its limit, under the gate's; and then the service exports nothing of it.
    let service = service(|n| match n {
        0..=3 => Response::new(200, page(0.01) + "backlog 20\n"),
        _ => Response::new(200, page(0.01)),
    });
    let run = scraped_in(directory.path(), &service, &["--fail-on-critical"]);
    assert_eq!((run.code, &run.json()["status"]), (3, &"INCONCLUSIVE".into()), "{}", run.stdout);
}

#[test]
fn what_comes_last_under_the_load_counts_too() {
    let directory = directory_with(CONFIG);
    let marker = directory.path().join("over");
    let service = Fake::start(move |_| metrics(if marker.exists() { 1.4 } else { 0.01 }));
    let load = ["--fail-on-critical", "--", "sh", "-c", "sleep 0.35; touch over"];
    let run = scraped_in(directory.path(), &service, &load);
    assert_eq!(run.code, 1, "{}", run.stdout);
}

#[test]
fn a_breach_is_told_before_a_command_that_failed() {
    let args = ["--fail-on-critical", "--", "false"];
    let report = scraped(&service(|_| metrics(1.4)), &args).json();
    assert_eq!((&report["verdict"], &report["command"]["failed"]), (&"fail".into(), &true.into()));
}

#[test]
fn the_output_of_the_command_goes_through() {
    let directory = directory_with(CONFIG);
    let service = service(|_| metrics(0.01));
    let load = ["--", "sh", "-c", "echo to the user; echo to the log >&2; sleep 0.2"];
    let json = scraped_in(directory.path(), &service, &load);
    json.json();
    assert!(json.stderr.contains("to the user\n") && json.stderr.contains("to the log\n"));
    let url = format!("{}/metrics", service.url());
    let args = [&["--scrape", &url, "--no-report"][..], &load].concat();
    let text = auditor(directory.path(), &args);
    assert!(text.stdout.starts_with("to the user\n") && text.stdout.contains("Verdict: PASS"));
    assert!(text.stdout.contains("exited with code 0"), "{}", text.stdout);
    assert_eq!(text.stderr, "to the log\n");
}

#[test]
fn a_command_that_cannot_be_run_is_a_usage_error() {
    let run = scraped(&service(|_| metrics(0.01)), &["--", "no-such-program-anywhere"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("cannot run the command `no-such-program-anywhere`"));
}

#[test]
fn with_a_server_the_window_is_the_time_of_the_command() {
    let fake = Fake::start(|request: &Request| match request.path.as_str() {
        "/api/v1/query" => Response::value("0.1"),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    });
    let directory = directory_with(CONFIG);
    let args = ["--target", &fake.url(), "--no-report", "--", "sleep", "1.1"];
    let before = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let requests = fake.requests();
    let queries = requests.iter().filter_map(|request| request.parameters.get("query"));
    assert!(queries.clone().any(|query| query == "max_over_time(active[2s])"), "{queries:?}");
    // Whether the server answers at all was asked before the command.
    let is_early = |it: &&Request| it.parameters.get("query").is_some_and(|it| it == "vector(1)");
    let after = requests.iter().filter(|request| !is_early(request));
    for time in after.filter_map(|request| request.parameters.get("time")) {
        assert!(time.parse::<f64>().unwrap() >= before + 1.0, "at the end of the command");
    }
    let args = ["--target", &fake.url(), "--no-report", "--", "false"];
    assert_eq!(auditor(directory.path(), &args).code, 1);
}

#[test]
fn what_was_scraped_can_be_replayed() {
    let directory = directory_with(CONFIG);
    for (name, code, service) in [
        ("calm", 0, service(|_| metrics(0.01))),
        ("starved", 1, service(|n| metrics(if n == 3 { 1.4 } else { 0.01 }))),
        ("holes", 3, service(|n| if n == 3 { Response::new(500, "") } else { metrics(0.01) })),
        ("gone", 3, service(|n| if n > 3 { Response::Reset } else { metrics(0.01) })),
    ] {
        let file = format!("{name}.om");
        let live =
            scraped_in(directory.path(), &service, &["--fail-on-critical", "--record", &file]);
        let args = ["--recording", &file, "--fail-on-critical", "--output-format", "json"];
        let replayed = auditor(directory.path(), &args);
        assert_eq!((live.code, replayed.code), (code, code), "{name}: {}", live.stdout);
        let (live, replayed) = (live.json(), replayed.json());
        for key in ["status", "findings", "failure_modes", "signals", "scrapes", "evaluated_at"] {
            assert_eq!(live[key], replayed[key], "{name}: {key}");
        }
    }
}

#[test]
fn a_recording_that_cannot_be_written_is_no_pass() {
    let args = ["--fail-on-critical", "--record", "no/such/directory/file"];
    let run = scraped(&service(|_| metrics(0.01)), &args);
    assert_eq!(run.code, 3);
    assert!(run.json()["error"].as_str().unwrap().contains("cannot write the recording"));
}

#[test]
fn several_pages_are_told_apart() {
    let service = service(|_| metrics(0.01));
    let directory = directory_with(CONFIG);
    let [one, other] = ["a/metrics", "b/metrics"].map(|path| format!("{}/{path}", service.url()));
    let args = ["--scrape", &one, "--scrape", &other, "--for", "200ms", "--output-format", "json"];
    let report = auditor(directory.path(), &args).json();
    let targets: Vec<_> = report["scrapes"].as_array().unwrap().iter().collect();
    assert_eq!(targets.len(), 2, "{report:#}");
    assert_ne!(targets[0]["target"]["instance"], targets[1]["target"]["instance"]);
    assert_eq!(report["signals"]["peak_active_requests"]["series"], 2);
    let twice = auditor(directory.path(), &["--scrape", &one, "--scrape", &one]);
    assert_eq!(twice.code, 2);
    assert!(twice.stderr.contains("given twice"), "{}", twice.stderr);
}

#[test]
fn one_page_of_several_that_fails_is_no_pass() {
    let (well, ill) = (
        service(|_| metrics(0.01)),
        service(|n| if n < 2 { metrics(0.01) } else { Response::Reset }),
    );
    let directory = directory_with(CONFIG);
    let args = ["--scrape", &well.url(), "--scrape", &ill.url(), "--for", "300ms"];
    let gate = ["--every", "100ms", "--fail-on-critical", "--no-report"];
    let run = auditor(directory.path(), &[&args[..], &gate].concat());
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert_eq!(well.requests()[0].path, "/metrics", "the usual page");
}

#[test]
fn secrets_of_the_server_are_not_sent_to_the_service() {
    let service = service(|_| metrics(0.01));
    let config = format!("http: {{authorization: {{credentials: of-the-file}}}}\n{CONFIG}");
    let directory = directory_with(&config);
    let url = service.url();
    let scrape = |args: &[&str]| {
        let args = [&["--scrape", &url, "--for", "100ms", "--no-report"], args].concat();
        let run = command(directory.path(), &args)
            .env("AUDITOR_BEARER_TOKEN", "of-the-environment")
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(0));
        service.requests().pop().unwrap().headers.get("authorization").cloned()
    };
    assert_eq!(scrape(&[]), None);
    let own = scrape(&["--header", "Authorization: Bearer mine"]);
    assert_eq!(own.as_deref(), Some("Bearer mine"));
    fs::write(directory.path().join("http.yaml"), "authorization: {credentials: own}\n").unwrap();
    let own = scrape(&["--http-config", "http.yaml"]);
    assert_eq!(own.as_deref(), Some("Bearer own"));
    let accept = &service.requests()[0].headers["accept"];
    assert!(accept.starts_with("application/openmetrics-text;version=1.0.0,"), "{accept}");
}

#[test]
fn what_does_not_go_together_is_a_usage_error() {
    let directory = directory_with(CONFIG);
    for args in [
        &["--scrape", "http://h", "--target", "http://h"][..],
        &["--scrape", "http://h", "--recording", "x"],
        &["--scrape", "http://h", "--at", "0"],
        &["--scrape", "localhost:8000"],
        &["--scrape", "http://h", "--every", "1ms"],
        &["--scrape", "http://h", "--for", "0s"],
        &["--scrape", "http://h", "--for", "3s", "--", "true"],
        &["--recording", "x", "--", "true"],
        &["--recording", "x", "--record", "y"],
        &["--every", "2s"],
        &["--for", "2s"],
        &["--job", "x"],
        &["--target", "http://h", "--at", "0", "--", "true"],
    ] {
        let run = auditor(directory.path(), args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
    }
}

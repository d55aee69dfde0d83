//! A service that is looked at from outside: what cannot be asked, or is not seen, is no pass.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::interruption::{ended, report, send};
use crate::schemas;
use crate::start::{
    ON_ANSWERS, SERVICE, assert_error, directory, everything, gist, python, run, serve, spawn,
    was_loaded,
};
use crate::support::fake::{Fake, Request, Response};
use crate::support::real::{Workers, free_address, group};
use crate::support::{Run, auditor, each, empty_directory};

/// An audit under the usual gate of the service, which is started for it; `ADDRESS` stands for where
/// it is.
fn audit(path: &Path, args: &[&str], load: &str) -> (Run, Value) {
    let address = free_address();
    let args: Vec<_> = args.iter().map(|it| it.replace("ADDRESS", &address)).collect();
    let load = load.replace("ADDRESS", &address);
    let start = serve(&address);
    let mut all = vec!["--start", &*start, "--every", "200ms", "--output-format", "json"];
    all.push("--fail-on-critical");
    all.extend(args.iter().map(String::as_str));
    all.extend(["--", "sh", "-c", &*load]);
    let run = run(path, &all);
    let report = run.json();
    schemas::check_report(&run.stdout).unwrap();
    (run, report)
}

fn shown(run: &Run, report: &Value) -> String {
    format!("{}\n{}", gist(report), run.stderr)
}

/// The rules of evidence that a report falls short of, and that are not relaxed.
fn short(report: &Value) -> Vec<&str> {
    let all = report["evidence"]["shortfalls"].as_array().into_iter().flatten();
    let counting = all.filter(|it| it["allowed"] == false);
    counting.filter_map(|it| it["rule"].as_str()).collect()
}

/// Asks for a path from a shell, and waits for the answer.
fn asking(path: &str) -> String {
    format!("python3 -c 'import urllib.request as u; u.urlopen(\"http://ADDRESS{path}\").read()'")
}

/// The service as a process of this test.
fn service(directory: &Path) -> (Workers, String) {
    let address = free_address();
    let (host, port) = address.split_once(':').unwrap();
    let mut command = std::process::Command::new("python3");
    command.current_dir(directory).args(["-c", SERVICE, host, port]);
    (group(command, address.clone()), address)
}

/// `evidence`, with these rules set beside those that every test here relaxes.
fn with_rules(rules: &str) -> String {
    ON_ANSWERS.replace("slow_answers: allow", rules)
}

#[test]
fn a_status_below_500_is_an_answer_and_connections_may_end() {
    if !python("a_status_below_500_is_an_answer_and_connections_may_end") {
        return;
    }
    let paths = ["/", "/status/404", "/status/301", "/close", "/briefly"];
    each(&paths, 3, |path| {
        let directory = directory();
        let url = format!("http://ADDRESS{path}");
        let query = "checks: {answers: {query: 'max_over_time(auditor_probe_requests_total{result=\"answered\"}[$window])', min: 5}}";
        fs::write(directory.path().join("metrics.yaml"), format!("{ON_ANSWERS}{query}\n")).unwrap();
        let (run, report) = audit(directory.path(), &["--probe", &url], "sleep 1");
        assert_eq!(run.code, 0, "{path}: {}", shown(&run, &report));
        assert_eq!(report["checks"][0]["passed"], true, "{path}: {:#}", report["checks"]);
    });
}

/// A service that only ever fails answers in good time, and is not calm.
#[test]
fn a_service_that_only_fails_is_no_pass() {
    if !python("a_service_that_only_fails_is_no_pass") {
        return;
    }
    let directory = directory();
    let (_service, address) = service(directory.path());
    let url = format!("http://{address}/status/503");
    let args = ["--probe", &url, "--fail-on-critical", "--", "sleep", "1"];
    let run = run(directory.path(), &args);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("answered with status 503"), "{}", run.stderr);
}

#[test]
fn what_gives_no_answer_before_the_load_is_not_put_under_it() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let talking = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (still, talker) = (silent.local_addr().unwrap(), talking.local_addr().unwrap());
    thread::spawn(move || {
        for stream in talking.incoming() {
            let _ = stream.unwrap().write_all(b"220 mail ready\r\n");
        }
    });
    each(
        &[
            (format!("http://{}/", free_address()), "refused the connection"),
            (format!("http://{still}/"), "no answer within"),
            (format!("http://{talker}/"), ""),
            ("http://no-such-host.invalid/".to_owned(), "no-such-host.invalid"),
        ],
        4,
        |(url, words)| {
            let directory = directory();
            let args = ["--probe", url, "--report", "report.json", "--fail-on-critical"];
            let load = ["--", "touch", "loaded"];
            let run = run(directory.path(), &[&args[..], &load].concat());
            let words = [url.trim_end_matches('/'), words];
            assert_error(&run, &report(directory.path()), &words);
            assert!(!was_loaded(directory.path()));
        },
    );
}

#[test]
fn what_answers_late_before_the_load_is_not_put_under_it() {
    if !python("what_answers_late_before_the_load_is_not_put_under_it") {
        return;
    }
    let directory = directory();
    let args = ["--probe", "http://ADDRESS/wait?0.8"];
    let (run, report) = audit(directory.path(), &args, "touch loaded");
    assert_error(
        &run,
        &report,
        &["even the fastest answer took", "a URL that is answered at once"],
    );
    assert!(!was_loaded(directory.path()));
}

#[test]
fn a_service_that_stands_or_goes_is_never_a_pass() {
    if !python("a_service_that_stands_or_goes_is_never_a_pass") {
        return;
    }
    let block = asking("/block?1.5");
    each(
        &[
            // In the middle, at the end, and beyond it.
            (format!("sleep 0.3; {block}; sleep 0.3"), &[1][..]),
            (block.clone(), &[1]),
            (format!("({block} &) ; sleep 0.4"), &[1]),
            ("sleep 0.3; kill -STOP PID; sleep 1.5; kill -CONT PID; sleep 0.3".into(), &[1]),
            ("sleep 0.3; kill -STOP PID; (sleep 1.5; kill -CONT PID) &".into(), &[1]),
            ("sleep 0.3; kill -KILL PID; sleep 0.6".into(), &[3, 1]),
            ("sleep 0.3; kill -KILL PID".into(), &[3, 1]),
            ("kill -TERM PID".into(), &[3, 1]),
        ],
        4,
        |(load, codes)| {
            let directory = directory();
            let path = directory.path();
            let (service, address) = service(path);
            let load = load.replace("PID", &service.server.id().to_string());
            let load = load.replace("ADDRESS", &address);
            let url = format!("http://{address}/");
            let args = ["--probe", &url, "--every", "200ms", "--record", "run.om"];
            let common = ["--output-format", "json", "--fail-on-critical"];
            let run = run(path, &[&args[..], &common, &["--", "sh", "-c", &load]].concat());
            let report = run.json();
            assert!(codes.contains(&run.code), "{load}: {}", shown(&run, &report));
            let again = auditor(path, &[&common[..], &["--recording", "run.om"]].concat());
            let told = (again.code, again.json()["verdict_reason"].clone());
            assert_eq!(told, (run.code, report["verdict_reason"].clone()), "{load}");
        },
    );
}

#[test]
fn a_route_that_is_slow_by_itself_is_no_lag_and_no_pass() {
    if !python("a_route_that_is_slow_by_itself_is_no_lag_and_no_pass") {
        return;
    }
    for (rule, code) in [("slow_answers: refuse", 3), ("slow_answers: allow", 0)] {
        let directory = directory();
        fs::write(directory.path().join("metrics.yaml"), with_rules(rule)).unwrap();
        let load = "echo 1 > told; sleep 2; echo 0 > told; sleep 0.2";
        let (run, report) = audit(directory.path(), &["--probe", "http://ADDRESS/told"], load);
        assert_eq!(run.code, code, "{}", shown(&run, &report));
        assert_eq!(short(&report), if code == 3 { vec!["slow_answers"] } else { vec![] });
        let lag = report["signals"]["event_loop_lag"]["value"].as_f64().unwrap();
        assert!(lag < 0.5, "{}", shown(&run, &report));
    }
}

/// Passes on what comes, at once, from either side.
fn forwarder(to: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, service) = (client.unwrap(), TcpStream::connect(&to).unwrap());
            let pairs =
                [(client.try_clone().unwrap(), service.try_clone().unwrap()), (service, client)];
            for (mut from, mut to) in pairs {
                thread::spawn(move || {
                    let mut piece = [0; 4096];
                    while let Ok(read @ 1..) = from.read(&mut piece) {
                        if to.write_all(&piece[..read]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    address
}

#[test]
fn a_service_that_stands_behind_what_reads_at_once_is_no_pass() {
    if !python("a_service_that_stands_behind_what_reads_at_once_is_no_pass") {
        return;
    }
    let directory = directory();
    let rules = with_rules("slow_answers: refuse");
    // A machine that is too busy is no pass either.
    let rules = rules.replace("busy_machine: allow", "busy_machine: refuse");
    fs::write(directory.path().join("metrics.yaml"), rules).unwrap();
    let (_service, address) = service(directory.path());
    let url = format!("http://{}/", forwarder(address.clone()));
    let load = format!("sleep 0.3; {}", asking("/block?1.2")).replace("ADDRESS", &address);
    let args = ["--probe", &url, "--every", "200ms", "--output-format", "json"];
    let args = [&args[..], &["--fail-on-critical", "--", "sh", "-c", &load]].concat();
    let run = run(directory.path(), &args);
    let report = run.json();
    assert_ne!(run.code, 0, "{}", shown(&run, &report));
    let told = short(&report);
    let is_told = told.contains(&"slow_answers") || told.contains(&"busy_machine");
    assert!(run.code == 1 || is_told, "{}", shown(&run, &report));
}

#[test]
fn an_idle_service_is_no_pass_by_the_preset() {
    if !python("an_idle_service_is_no_pass_by_the_preset") {
        return;
    }
    let directory = empty_directory();
    fs::write(directory.path().join("service.py"), SERVICE).unwrap();
    let (run, report) = audit(directory.path(), &["--probe", "http://ADDRESS/"], "sleep 0.6");
    assert_eq!(report["config"], "built-in preset probe");
    assert_eq!(run.code, 3, "{}", shown(&run, &report));
    assert!(short(&report).contains(&"min_requests"), "{}", shown(&run, &report));
}

/// Whoever asks for the latency of the probe's own requests has not put the service under a load.
#[test]
fn what_the_probe_asks_for_is_no_load() {
    if !python("what_the_probe_asks_for_is_no_load") {
        return;
    }
    let directory = directory();
    let config = ON_ANSWERS.replace("min_requests: 0, ", "");
    fs::write(directory.path().join("metrics.yaml"), config).unwrap();
    let args = ["--probe", "http://ADDRESS/", "--record", "run.om"];
    let (run, report) = audit(directory.path(), &args, "sleep 0.6");
    assert_eq!(run.code, 3, "{}", shown(&run, &report));
    assert_eq!(short(&report), ["min_requests"], "{}", shown(&run, &report));
    let again = auditor(directory.path(), &["--recording", "run.om", "--fail-on-critical"]);
    assert_eq!(again.code, 3, "{}", again.stdout);
}

#[test]
fn a_process_that_is_not_there_is_not_looked_at() {
    if !python("a_process_that_is_not_there_is_not_looked_at") {
        return;
    }
    let directory = directory();
    for pid in ["999999999", "4294967295", "0"] {
        let args = ["--probe", "http://ADDRESS/", "--pid", pid];
        let (run, report) = audit(directory.path(), &args, "touch loaded");
        assert_error(&run, &report, &["--pid", pid]);
        assert!(!was_loaded(directory.path()), "{pid}");
    }
}

/// Keys of a report that tell how it was made, and not what came of it.
const OF_THE_RUN: [&str; 2] = ["source", "target"];

fn without_run(report: &Value) -> Value {
    let mut report = report.clone();
    let keys = report.as_object_mut().unwrap();
    OF_THE_RUN.iter().for_each(|key| drop(keys.remove(*key)));
    report
}

#[test]
fn a_recording_says_what_the_run_said() {
    if !python("a_recording_says_what_the_run_said") {
        return;
    }
    let sick = format!("sleep 0.3; {}; sleep 0.2; {}", asking("/block?0.7"), asking("/block?1.3"));
    let short = format!("sleep 0.3; {}; sleep 0.3", asking("/block?0.2"));
    let empty = "";
    each(
        &[
            (ON_ANSWERS, "sleep 0.5", 0),
            (ON_ANSWERS, &short, 0),
            (ON_ANSWERS, &sick, 1),
            (empty, &sick, 1),
        ],
        4,
        |(config, load, code)| {
            let directory = empty_directory();
            let path = directory.path();
            fs::write(path.join("service.py"), SERVICE).unwrap();
            if !config.is_empty() {
                fs::write(path.join("metrics.yaml"), config).unwrap();
            }
            let args = ["--probe", "http://ADDRESS/", "--record", "run.om"];
            let (run, live) = audit(path, &args, load);
            assert_eq!(run.code, *code, "{}", shown(&run, &live));
            let stalls = live["stalls"].as_array().unwrap();
            assert!(!stalls.is_empty() || *load == "sleep 0.5", "{}", shown(&run, &live));
            let mut args = vec!["--recording", "run.om", "--output-format", "json"];
            args.push("--fail-on-critical");
            if config.is_empty() {
                args.extend(["--preset", "probe"]);
            }
            let replayed = auditor(path, &args);
            schemas::check_report(&replayed.stdout).unwrap();
            let (mut live, mut again) = (without_run(&live), without_run(&replayed.json()));
            for report in [&mut live, &mut again] {
                report.as_object_mut().unwrap().remove("config");
            }
            assert_eq!(replayed.code, *code);
            assert_eq!(live, again, "{load}");
        },
    );
}

#[test]
fn a_page_of_the_same_address_is_another_target() {
    if !python("a_page_of_the_same_address_is_another_target") {
        return;
    }
    let config = "
queries:
  p99_latency: \"histogram_quantile(0.99, sum by (le) (rate(auditor_probe_duration_seconds_bucket[$window])))\"
  event_loop_lag: \"max_over_time(calm[$window])\"
  blocking_duration_avg: {query: 'vector(0)'}
  peak_active_requests: \"count(up)\"
evidence: {min_requests: 0, busy_machine: allow, slow_answers: allow}
";
    let directory = directory();
    fs::write(directory.path().join("metrics.yaml"), config).unwrap();
    let args = ["--probe", "http://ADDRESS/metrics", "--scrape", "http://ADDRESS/metrics"];
    let args = [&args[..], &["--record", "run.om"]].concat();
    let (run, report) = audit(directory.path(), &args, "sleep 0.7");
    assert_eq!(run.code, 0, "{}", shown(&run, &report));
    assert_eq!(report["signals"]["event_loop_lag"]["value"], 0.01, "{}", shown(&run, &report));
    assert_eq!(report["signals"]["peak_active_requests"]["value"], 2.0);
    let labels = &report["signals"]["event_loop_lag"]["labels"];
    assert_eq!(labels["job"], "auditor", "{labels}");
    let mut jobs: Vec<_> = report["scrapes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["target"]["job"].as_str().unwrap_or_default().to_owned())
        .collect();
    jobs.sort();
    assert_eq!(jobs, ["auditor", "auditor_probe"], "{:#}", report["scrapes"]);
    let samples = fs::read_to_string(directory.path().join("run.om")).unwrap();
    let mut seen = std::collections::HashSet::new();
    for line in samples.lines().filter(|line| !line.starts_with('#')) {
        let (series, rest) = line.rsplit_once("} ").unwrap_or((line, line));
        let at = rest.rsplit(' ').next().unwrap();
        assert!(seen.insert((series.to_owned(), at.to_owned())), "twice: {line}");
    }
}

/// The page of the service tells of a calm loop whatever happens; the probe knows better.
#[test]
fn a_stall_that_the_own_gauge_does_not_show_is_no_pass() {
    if !python("a_stall_that_the_own_gauge_does_not_show_is_no_pass") {
        return;
    }
    let config = "
queries:
  p99_latency: {query: 'vector(0)'}
  event_loop_lag: \"max_over_time(calm[$window])\"
  blocking_duration_avg: {query: 'vector(0)'}
  peak_active_requests: {query: 'vector(1)'}
evidence: {min_requests: 0, busy_machine: allow, slow_answers: allow, stall_at_end: allow, failed_scrapes: allow, max_gap: 10s}
";
    let directory = directory();
    fs::write(directory.path().join("metrics.yaml"), config).unwrap();
    let args = ["--probe", "http://ADDRESS/metrics", "--scrape", "http://ADDRESS/metrics"];
    let (calm, report) = audit(directory.path(), &args, "sleep 0.7");
    assert_eq!(calm.code, 0, "{}", shown(&calm, &report));
    let load = format!("sleep 0.3; {}; sleep 0.3", asking("/block?1.2"));
    let (sick, report) = audit(directory.path(), &args, &load);
    assert_eq!(sick.code, 3, "{}", shown(&sick, &report));
    assert_eq!(short(&report), ["not_visible"], "{}", shown(&sick, &report));
}

#[test]
fn beside_a_server_each_answers_its_own() {
    if !python("beside_a_server_each_answers_its_own") {
        return;
    }
    let server = Fake::start(|request: &Request| match request.path.as_str() {
        "/api/v1/query" => Response::value("7"),
        _ => Response::new(200, "Prometheus Server is Healthy.\n"),
    });
    let target = server.url();
    let mixed = ON_ANSWERS.replace(
        "{query: \"max_over_time(auditor_requests_active[$window])\", on_no_data: zero}",
        "max(active_of_server)",
    );
    for (config, active) in [(mixed.as_str(), Some(7.0)), (ON_ANSWERS, None)] {
        let directory = directory();
        fs::write(directory.path().join("metrics.yaml"), config).unwrap();
        let args = ["--probe", "http://ADDRESS/", "--target", &target];
        let (run, report) = audit(directory.path(), &args, "sleep 0.6");
        assert_eq!(run.code, 0, "{}", shown(&run, &report));
        let signals = &report["signals"];
        assert!(signals["event_loop_lag"]["value"].as_f64().unwrap() < 0.5, "{signals:#}");
        assert!(signals["p99_latency"]["value"].as_f64().unwrap() > 0.0, "{signals:#}");
        if let Some(active) = active {
            assert_eq!(signals["peak_active_requests"]["value"], active, "{signals:#}");
        }
        let queries = report["evidence"]["queries"].as_array().unwrap();
        assert!(queries.len() >= 3, "{queries:#?}");
    }
    for request in server.requests() {
        let query = request.parameters.get("query").cloned().unwrap_or_default();
        assert!(!query.contains("auditor_probe") && !query.contains("auditor_stall"), "{query}");
    }
    // What holds the loop fails the audit as it does without a server, also where it does so last.
    let block = asking("/block?1.2");
    for load in [format!("sleep 0.3; {block}"), format!("({block} &) ; sleep 0.4")] {
        for config in [&mixed, ON_ANSWERS] {
            let directory = directory();
            fs::write(directory.path().join("metrics.yaml"), config).unwrap();
            let args = ["--probe", "http://ADDRESS/", "--target", &target, "--settle", "0s"];
            let (run, report) = audit(directory.path(), &args, &load);
            assert_eq!(run.code, 1, "{load}: {}", shown(&run, &report));
            // A busy machine may add short ones.
            let mut stalls = report["stalls"].as_array().unwrap().iter();
            let is_long = |it: &Value| it["duration_s"].as_f64().unwrap() > 0.9;
            assert!(stalls.any(is_long), "{:#}", report["stalls"]);
        }
    }
}

#[test]
fn one_expression_is_evaluated_on_what_is_seen() {
    if !python("one_expression_is_evaluated_on_what_is_seen") {
        return;
    }
    let directory = directory();
    let (_service, address) = service(directory.path());
    let url = format!("http://{address}/");
    let expr = "sum(auditor_probe_requests_total{result=\"answered\"})";
    let args = ["query", expr, "--probe", &url, "--for", "600ms", "--output-format", "json"];
    let run = run(directory.path(), &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let value = run.json()["data"]["result"][0]["value"][1].as_str().unwrap().to_owned();
    assert!(value.parse::<f64>().unwrap() >= 2.0, "{value}");
}

#[test]
fn several_urls_are_told_apart() {
    if !python("several_urls_are_told_apart") {
        return;
    }
    let directory = directory();
    let args = ["--probe", "http://ADDRESS/", "--probe", "http://ADDRESS/status/404"];
    let args = [&args[..], &["--record", "run.om"]].concat();
    let load = format!("sleep 0.3; {}", asking("/block?1.2"));
    let (run, report) = audit(directory.path(), &args, &load);
    assert_eq!(run.code, 1, "{}", shown(&run, &report));
    assert_eq!(report["scrapes"].as_array().unwrap().len(), 2, "{:#}", report["scrapes"]);
    let args = ["--recording", "run.om", "--fail-on-critical", "--output-format", "json"];
    let again = auditor(directory.path(), &args);
    assert_eq!(without_run(&again.json()), without_run(&report));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let probe = ["--probe", "http://127.0.0.1:1/"];
    for (args, words) in [
        (&["--probe", "http://127.0.0.1:1"][..], "given twice"),
        (&["--probe", "http://127.0.0.1:1/#top"], "given twice"),
        (&["--recording", "run.om"], "--recording"),
        (&["--at", "2026-01-01T00:00:00Z"], "--at"),
        (&["--probe-every", "9ms"], "--probe-every"),
        (&["--probe-every", "1001ms"], "--probe-every"),
        (&["--probe-every", "0"], "--probe-every"),
        (&["--every", "49ms"], "--every"),
        (&["--scrape", "http://127.0.0.1:1/m", "--job", "auditor_probe"], "--job auditor_probe"),
        (&["--job", "own"], "--scrape"),
        (&["--pid=-1"], "--pid"),
        (&["--pid", "python3"], "--pid"),
        (&["--blame", "maybe"], "--blame"),
        (&["--probe", "ftp://127.0.0.1/"], "--probe"),
        (&["--probe", "127.0.0.1:8000"], "--probe"),
        (&["--probe", ""], "--probe"),
        (&["--settle", "1s"], "COMMAND"),
    ] {
        let directory = directory();
        let run = auditor(directory.path(), &[&probe[..], args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
    for args in [
        &["--probe-every", "50ms"][..],
        &["--pid", "1"],
        &["--blame", "off"],
        &["--blame-after", "100ms"],
        &["--record", "run.om"],
    ] {
        let run = auditor(directory().path(), args);
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains("--probe"), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn secrets_of_the_url_are_in_no_output() {
    if !python("secrets_of_the_url_are_in_no_output") {
        return;
    }
    let directory = directory();
    let path = directory.path();
    let (_service, address) = service(path);
    let nowhere = free_address();
    for (address, code) in [(&address, 0), (&nowhere, 3)] {
        for format in ["text", "json"] {
            let url = format!("http://me:s3cret-word@{address}/x?token=s3cret-token&k=s3c");
            let args = ["--probe", &url, "--for", "400ms", "--verbose", "--record", "run.om"];
            let more = ["--output-format", format, "--report", "report.json"];
            let run = run(path, &[&args[..], &more].concat());
            assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
            let all = everything(path, &run, &["metrics.yaml", "service.py"]);
            assert!(!all.contains("s3c") && !all.contains("bWU6"), "{all}");
            assert!(all.contains("token=***"), "{all}");
        }
    }
}

#[test]
fn a_signal_ends_it_before_the_first_answer_and_under_load() {
    if !python("a_signal_ends_it_before_the_first_answer_and_under_load") {
        return;
    }
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let directory = directory();
    let path = directory.path();
    let (_service, address) = service(path);
    for (address, has_samples) in
        [(silent.local_addr().unwrap().to_string(), false), (address, true)]
    {
        let _ = fs::remove_file(path.join("run.om"));
        let url = format!("http://{address}/");
        let args = ["--probe", &url, "--for", "100s", "--every", "100ms", "--record", "run.om"];
        let child =
            spawn(path, &[&args[..], &["--report", "report.json", "--fail-on-critical"]].concat());
        thread::sleep(Duration::from_millis(1200));
        let asked = Instant::now();
        send(&child, Signal::INT);
        let run = ended(child);
        assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
        let report = report(path);
        assert_eq!(
            (run.code, &report["verdict"]),
            (3, &"interrupted".into()),
            "{}",
            shown(&run, &report)
        );
        assert_eq!(path.join("run.om").exists(), has_samples);
        if has_samples {
            let args = ["--recording", "run.om", "--fail-on-critical", "--output-format", "json"];
            let again = auditor(path, &args);
            assert_eq!((again.code, &again.json()["verdict"]), (3, &"interrupted".into()));
        }
    }
}

//! An audit that is carried out several times: one flake need not stop a train, and nothing that
//! went wrong becomes a pass by being asked again.

mod abort;
mod state;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auditor::render::ReportFormat;
use auditor::report::Report;
use rustix::process::Signal;
use serde_json::Value;

use crate::interruption::{ended, report, send, spawn, wait_for};
use crate::schemas::check_report;
use crate::start;
use crate::support::fake::{Fake, Request, Response};
use crate::support::page::{CONFIG, metrics};
use crate::support::real::{available, free_address, programs, scraping};
use crate::support::{auditor, directory_with, each};

const SIGNALS: &str = "queries: {p99_latency: calm, event_loop_lag: lag, \
                       blocking_duration_avg: calm, peak_active_requests: calm}\n";

/// A server whose answers to the audits are those of the letters, the last one again and again:
/// passes, fails, has no data, is broken.
pub(crate) fn server(audits: &'static str) -> Fake {
    let asked = AtomicUsize::new(0);
    Fake::start(move |request: &Request| {
        let letter = match request.parameters.get("query").map(String::as_str) {
            Some("lag") => audits.chars().nth(asked.fetch_add(1, Ordering::Relaxed)),
            Some(_) => return Response::value("0"),
            None => return Response::new(200, "Prometheus Server is Healthy.\n"),
        };
        match letter.or(audits.chars().last()) {
            Some('P') => Response::value("0.01"),
            Some('F') => Response::value("2"),
            Some('?') => Response::vector(&[]),
            _ => {
                Response::new(400, r#"{"status":"error","errorType":"bad_data","error":"broken"}"#)
            }
        }
    })
}

/// Asks it so often, with these options.
fn audits<'a>(url: &'a str, count: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    let args = ["--target", url, "--output-format", "json", "--samples", count];
    [&args[..], options].concat()
}

const GATE: &str = "--fail-on-critical";

#[test]
fn a_run_comes_to_what_its_audits_do() {
    let two = [GATE, "--failure-threshold", "2"];
    let cases: [(&'static str, &[&str], i32, &str, &str); 12] = [
        ("PPP", &[GATE], 0, "pass", "none of 3 samples failed: the score is 15, below 1200"),
        ("PFP", &[GATE], 1, "fail", "a sample failed, the limit is 1: the score is 3000; CRITICAL"),
        ("PFP", &two, 0, "pass", "1 of 3 samples failed, the limit is 2 in a row: the score is 15"),
        ("FPF", &two, 0, "pass", "2 of 3 samples failed, the limit is 2 in a row: the score is 15"),
        ("PFF", &two, 1, "fail", "2 consecutive samples failed, the limit is 2: the score is 3000"),
        ("F?F", &two, 1, "fail", "2 consecutive samples failed, the limit is 2: the score is 3000"),
        ("FEF", &two, 1, "fail", "2 consecutive samples failed, the limit is 2: the score is 3000"),
        ("F?P", &two, 0, "pass", "the limit is 2 in a row, and 1 has no verdict: the score is 15"),
        ("???", &two, 3, "inconclusive", "none of 3 samples has a verdict: event_loop_lag is not"),
        ("?EE", &[GATE], 3, "error", "none of 3 samples has a verdict: the query `event_loop_lag`"),
        ("???", &[], 3, "inconclusive", "none of 3 samples has a verdict: event_loop_lag is not"),
        ("PFP", &[], 0, "not_gated", "none of 3 samples failed: the status is COLLAPSE_RISK"),
    ];
    each(&cases, 4, |(letters, options, code, verdict, reason)| {
        let server = server(letters);
        let url = server.url();
        let run = auditor(directory_with(SIGNALS).path(), &audits(&url, "3", options));
        assert_eq!(run.code, *code, "{letters}: {}", run.stderr);
        check_report(&run.stdout).unwrap();
        let report = run.json();
        assert_eq!(report["verdict"], *verdict, "{letters}");
        let told = report["verdict_reason"].as_str().unwrap();
        assert!(told.contains(reason), "{letters} {options:?}: {told}");
        let is_told = report["error"].as_str().is_some_and(|it| it == told);
        assert_eq!(is_told, *code == 3, "{letters}: {}", report["error"]);
        assert_eq!(report["samples"]["audits"].as_array().unwrap().len(), 3, "{letters}");
    });
}

/// What the object has, key by key.
#[test]
fn the_report_has_every_audit_and_how_far_they_are_apart() {
    let server = server("PFF?");
    let options = [GATE, "--failure-threshold", "2", "--cooldown", "3", "--interval", "20ms"];
    let url = server.url();
    let run = auditor(directory_with(SIGNALS).path(), &audits(&url, "4", &options));
    let report = run.json();
    assert_eq!(report["runtime_health_score"], 3000.0, "that of the audit that tripped it");
    let samples = &report["samples"];
    let numbers = ["count", "interval_s", "conclusive", "failing"].map(|key| samples[key].as_f64());
    assert_eq!(numbers, [Some(4.0), Some(0.02), Some(3.0), Some(2.0)]);
    let audits = samples["audits"].as_array().unwrap();
    let each: Vec<_> = audits.iter().map(|it| (&it["verdict"], &it["score"])).collect();
    let [pass, fail, open] = ["pass", "fail", "inconclusive"].map(Value::from);
    let [calm, high, none] = [15.0, 3000.0, 0.0].map(Value::from);
    assert_eq!(each, [(&pass, &calm), (&fail, &high), (&fail, &high), (&open, &none)]);
    assert_eq!(audits[3]["status"], "INCONCLUSIVE");
    assert!(audits[3]["reason"].as_str().unwrap().contains("event_loop_lag is not known"));
    assert!(audits[0]["evaluated_at"].as_str() < audits[1]["evaluated_at"].as_str());
    let lag = serde_json::json!(
        {"known": 3, "median": 2.0, "worst": 2.0, "least": 0.01, "spread": 1.99}
    );
    assert_eq!(samples["signals"]["event_loop_lag"], lag);
    assert_eq!(samples["signals"].get("threadpool_backlog"), None, "there is no query for it");
    let breaker = serde_json::json!({
        "failure_threshold": 2, "cooldown": 3, "consecutive_failures": 2, "cooldown_remaining": 3,
        "is_open": true, "retry_after": 3, "tripped": true
    });
    assert_eq!(samples["breaker"], breaker);
}

/// Everything that tells of a verdict tells the run's.
#[test]
fn every_format_has_the_verdict_of_the_run() {
    let directory = directory_with(SIGNALS);
    let (server, formats) = (server("FPF"), ["text", "markdown", "html", "junit", "prometheus"]);
    let reports: Vec<_> = formats.iter().map(|it| format!("--report={it}={it}.out")).collect();
    let url = server.url();
    let mut args = vec!["--target", &url, "--samples", "3", GATE, "--failure-threshold", "2"];
    args.extend(reports.iter().map(String::as_str));
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let row = format!("  {:<26}{:>14}{:>14}{:>14}\n", "event_loop_lag", "2 s", "2 s", "1.99 s");
    for (format, words) in [
        (
            "text",
            &["Samples: 1 passed, 2 failed\n", &row, "  breaker: closed; 1 failure in a row"][..],
        ),
        ("markdown", &["### Samples", "| `event_loop_lag` | 2 s | 2 s | 1.99 s |"]),
        ("html", &["<h2>Samples</h2>", "<td class=\"n\">1.99 s</td>", "Breaker: closed"]),
        ("junit", &["failures=\"0\"", "2 of 3 samples failed"]),
        ("prometheus", &["auditor_"]),
    ] {
        let path = directory.path().join(format).with_extension("out");
        let text = fs::read_to_string(&path).unwrap();
        for words in words {
            assert!(text.contains(words), "{format} lacks {words}:\n{text}");
        }
    }
    assert!(run.stdout.contains("Verdict: PASS - 2 of 3 samples failed"), "{}", run.stdout);
}

/// What one audit saw in part may be the worst of all, and says so wherever there is a table.
#[test]
fn a_lower_bound_is_told_as_one() {
    let server = server("PP?");
    let url = server.url();
    let run = auditor(directory_with(SIGNALS).path(), &audits(&url, "3", &[GATE]));
    let mut report = run.json();
    report["samples"]["signals"]["event_loop_lag"] = serde_json::json!({
        "known": 2, "median": 0.02, "worst": 0.78, "least": 0.01, "spread": 0.77,
        "is_lower_bound": true
    });
    report["samples"]["signals"]["p99_latency"] = serde_json::json!({
        "known": 0, "median": null, "worst": 2.0, "least": null, "spread": null,
        "is_lower_bound": true
    });
    let report = Report::from_json(&report.to_string()).unwrap();
    let row = |name, [median, worst, spread, known]: [&str; 4]| {
        format!("  {name:<26}{median:>14}{worst:>14}{spread:>14}{known:>10}\n")
    };
    let head = row("signal", ["median", "worst", "spread", "known"]);
    let lag = row("event_loop_lag", ["0.02 s", ">= 0.78 s", ">= 0.77 s", "2 of 3"]);
    let latency = row("p99_latency", ["unknown", ">= 2 s", "unknown", "0 of 3"]);
    for (format, words) in [
        ("text", &[head.as_str(), &lag, &latency][..]),
        (
            "markdown",
            &[
                "| spread | known |\n|---|--:|--:|--:|--:|\n",
                "| `event_loop_lag` | 0.02 s | &gt;= 0.78 s | &gt;= 0.77 s | 2 of 3 |",
                "| `peak_active_requests` | 0 req | 0 req | 0 req |  |",
            ],
        ),
        ("html", &[">Known</th>", "&gt;= 0.78 s", "<td class=\"n\">2 of 3</td>"]),
    ] {
        let mut out = Vec::new();
        ReportFormat::from_name(format).unwrap().render(&report, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for words in words {
            assert!(text.contains(words), "{format} lacks {words}:\n{text}");
        }
    }
}

#[test]
fn each_audit_is_a_whole_one() {
    let (server, directory) = (server("P"), directory_with(SIGNALS));
    let url = server.url();
    let began = Instant::now();
    let count =
        ["--", "/bin/sh", "-c", "echo run >> runs; test -e failed || { touch failed; exit 7; }"];
    let options = ["--settle", "0s", "--failure-threshold", "2", "--interval", "700ms"];
    let args = audits(&url, "3", &[&options[..], &count].concat());
    let run = auditor(directory.path(), &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(began.elapsed() > Duration::from_millis(1400), "{:?}", began.elapsed());
    assert_eq!(fs::read_to_string(directory.path().join("runs")).unwrap().lines().count(), 3);
    let report = run.json();
    assert_eq!(report["samples"]["audits"][0]["verdict"], "command_failed");
    assert_eq!(report["verdict"], "not_gated", "a command failed, and nothing else was asked for");
    assert_eq!(report["command"]["exit_code"], 0, "the body is that of an audit that passed");
}

/// It could be started before, so that this is no mistake of usage.
#[test]
fn a_command_that_is_gone_leaves_that_audit_without_a_verdict() {
    let (server, directory) = (server("P"), directory_with(SIGNALS));
    let path = directory.path().join("load");
    fs::write(&path, "#!/bin/sh\n/bin/rm \"$0\"\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
    let url = server.url();
    let args = audits(&url, "3", &["--settle", "0s", GATE, "--", path.to_str().unwrap()]);
    let run = auditor(directory.path(), &args);
    let report = run.json();
    let verdicts = report["samples"]["audits"].as_array().unwrap().iter().map(|it| &it["verdict"]);
    assert_eq!(verdicts.collect::<Vec<_>>(), ["pass", "error", "error"], "{}", run.stderr);
    assert_eq!((run.code, &report["verdict"]), (0, &"pass".into()));
    let reason = report["samples"]["audits"][1]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("cannot run the command `") && reason.contains("No such"),
        "{reason}"
    );
    // At first it is one.
    let missing = auditor(directory.path(), &args);
    assert_eq!(missing.code, 2, "{}", missing.stderr);
}

/// A Prometheus that scrapes a service each second, which is sick while the first audit is under way.
#[test]
fn a_flake_that_a_real_server_saw_is_one() {
    if !available("a_flake_that_a_real_server_saw_is_one") {
        return;
    }
    for (sick_for, code, verdicts) in [(1, 0, ["fail", "pass"]), (2, 1, ["fail", "fail"])] {
        let directory = directory_with(CONFIG);
        let sick = directory.path().join("sick");
        let service = Fake::start(move |_| metrics(if sick.exists() { 2.0 } else { 0.01 }));
        let address = service.address();
        let prometheus = scraping(&[&address]);
        wait_for("a scrape", || (service.requests().len() > 1).then_some(()));
        let load = format!(
            "echo >> runs; if [ $(/usr/bin/wc -l < runs) -le {sick_for} ]; then /bin/touch sick; \
             /bin/sleep 3; /bin/rm sick; fi; /bin/sleep 3"
        );
        let url = format!("http://{}", prometheus.address());
        let options = [GATE, "--failure-threshold", "2", "--", "/bin/sh", "-c", &load];
        let run = auditor(directory.path(), &audits(&url, "2", &options));
        let report = run.json();
        let audits = report["samples"]["audits"].as_array().unwrap();
        let found: Vec<_> = audits.iter().map(|it| &it["verdict"]).collect();
        assert_eq!(found, verdicts, "{audits:#?}");
        assert_eq!(run.code, code, "{}", report["verdict_reason"]);
    }
}

#[test]
fn a_service_is_started_for_each_audit() {
    if !programs("a_service_is_started_for_each_audit", &["python3"]) {
        return;
    }
    let directory = start::directory();
    let address = free_address();
    let command = format!("echo start >> starts; {}", start::serve(&address));
    let url = format!("http://{address}/");
    let args = ["--start", &command, "--probe", &url, "--for", "1s", "--samples", "2", GATE];
    let run = start::run(directory.path(), &[&args[..], &["--output-format", "json"]].concat());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let starts = fs::read_to_string(directory.path().join("starts")).unwrap();
    assert_eq!((starts.lines().count(), &run.json()["samples"]["conclusive"]), (2, &2.into()));
}

/// What was concluded before a signal counts, and it is no pass.
#[test]
fn a_signal_ends_the_run() {
    for (letters, threshold, code, verdict, reason) in [
        (
            "P",
            "1",
            3,
            "interrupted",
            "the audit was interrupted (SIGTERM); none of 1 sample failed",
        ),
        ("F", "2", 3, "interrupted", "1 of 1 sample failed, the limit is 2 in a row"),
        ("F", "1", 1, "fail", "a sample failed, the limit is 1: the score is 3000"),
    ] {
        let (server, directory) = (server(letters), directory_with(SIGNALS));
        let url = server.url();
        let options = ["--samples", "3", "--interval", "1h", "--failure-threshold", threshold];
        let target = ["--target", &url, "--report", "report.json", "--state", "breaker.json"];
        let args = [&target[..], &options, &[GATE, "--verbose"]].concat();
        let child = spawn(directory.path(), &args);
        let asked = || server.requests().iter().any(|it| it.parameters.contains_key("query"));
        wait_for("the first audit", || asked().then_some(()));
        // It is over soon, and the pause is long.
        std::thread::sleep(Duration::from_millis(500));
        send(&child, Signal::TERM);
        let run = ended(child);
        assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("sample 2 of 3 begins in "), "{}", run.stderr);
        let report = report(directory.path());
        assert_eq!((&report["verdict"], &report["exit_code"]), (&verdict.into(), &code.into()));
        let told = report["verdict_reason"].as_str().unwrap();
        assert!(told.contains(reason), "{told}");
        assert_eq!(report["samples"]["audits"].as_array().unwrap().len(), 1);
        let kept = fs::read_to_string(directory.path().join("breaker.json")).unwrap();
        let failures = if letters == "F" { 1 } else { 0 };
        assert!(kept.contains(&format!("\"consecutive_failures\": {failures}")), "{kept}");
    }
}

#[test]
fn what_cannot_be_repeated_or_cannot_fail_is_refused() {
    let server = server("P");
    let url = server.url();
    let target = ["--target", &url];
    let load = ["--", "true"];
    for (args, words) in [
        (
            &["--recording", "a.om", "--samples", "2"][..],
            "--samples cannot be used with --recording",
        ),
        (&["--at", "5", "--samples", "2"], "--samples cannot be used with --at"),
        (
            &["--scrape", &url, "--record", "a.om", "--samples", "2"],
            "--samples cannot be used with --record: a recording is one of a single audit",
        ),
        (&["--samples", "0", GATE], "1 or more and at most 1000"),
        (&["--samples", "1001", GATE], "1 or more and at most 1000"),
        (&["--samples", "-1", GATE], "'-1'"),
        (&["--failure-threshold", "0", GATE], "expected how many, 1 or more"),
        (&["--cooldown", "-1", GATE], "'-1'"),
        (&["--interval", "soon", "--samples", "2"], "expected a duration"),
        (&["--interval", "5s", GATE], "--samples"),
        (
            &["--failure-threshold", "2", "--samples", "3"],
            "--failure-threshold is about audits that fail",
        ),
        (&["--cooldown", "2"], "--cooldown is about audits that fail"),
        (&["--state", "s.json"], "--state is about audits that fail"),
        (
            &["--samples", "2", "--failure-threshold", "3", GATE],
            "2 audits cannot be 3 failures in a row; add --state FILE, or lower --failure-threshold",
        ),
        (&["--failure-threshold", "2", GATE], "1 audit cannot be 2 failures in a row"),
        (&["doctor", "--samples", "2"], "leave --samples out"),
        (&["doctor", "--state", "s.json", GATE], "leave --state out"),
        (&["--init", "--samples", "2"], "--init"),
    ] {
        let directory = directory_with(SIGNALS);
        let is_own = args.iter().any(|it| ["--recording", "--scrape", "--init"].contains(it));
        let args = if is_own { args.to_vec() } else { [args, &target].concat() };
        let run = auditor(directory.path(), &args);
        assert_eq!(run.code, 2, "{args:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
    assert!(server.requests().is_empty());
    // A command is something that can fail.
    let args = [&target[..], &["--state", "s.json", "--settle", "0s"], &load].concat();
    let run = auditor(directory_with(SIGNALS).path(), &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_single_audit_without_these_options_has_no_such_object() {
    let server = server("P");
    let url = server.url();
    for options in [&[GATE][..], &[GATE, "--samples", "1"], &[GATE, "--failure-threshold", "1"]] {
        let args = [&["--target", &url, "--output-format", "json"][..], options].concat();
        let report = auditor(directory_with(SIGNALS).path(), &args).json();
        let has_breaker = options.contains(&"--failure-threshold");
        assert_eq!(report.get("samples").is_some(), has_breaker, "{options:?}");
        let reason = report["verdict_reason"].as_str().unwrap();
        assert!(reason.starts_with("the score is 15, below 1200"), "{reason}");
    }
}

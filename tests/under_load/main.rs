//! The examples at work: a real asyncio service with `asyncio_signals.py`, scraped by a real
//! Prometheus, and the workflow for GitHub Actions step by step. And services that export nothing,
//! seen from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod culprits;
mod json_workers;
mod newcomer;
mod outside;
mod presets;
mod services;
#[path = "../integration/support/mod.rs"]
mod support;
mod watching;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use support::{Run, auditor, directory_with, real};

/// One at a time: what the load of one takes of the machine, the services of the other would lag by.
static ALONE: Mutex<()> = Mutex::new(());

/// Until it is dropped, no other test has a service under load.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long each service is under load, in seconds.
const LOAD: u64 = 10;

/// The command that puts a service under load, as README shows it.
fn load(service: &str, path: &str, clients: &str) -> Vec<String> {
    load_for(service, path, clients, &LOAD.to_string())
}

fn load_for(service: &str, path: &str, clients: &str, seconds: &str) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/load.py");
    let url = format!("http://{service}{path}");
    ["python3", script.to_str().unwrap(), "--seconds", seconds, "--clients", clients, &url]
        .map(str::to_owned)
        .to_vec()
}

/// Audits a service by its own page while the load runs, and then by Prometheus, of the same time.
fn audited(service: &str, prometheus: &str, load: &[String]) -> [Run; 2] {
    let directory = directory_with(auditor::config::DEFAULT_METRICS);
    let gate = ["--fail-on-critical", "--output-format", "json", "--timeout", "60s"];
    let page = format!("http://{service}/metrics/");
    let load: Vec<_> = load.iter().map(String::as_str).collect();
    let scraped =
        auditor(directory.path(), &[&["--scrape", &page], &gate[..], &["--"], &load].concat());
    // The last sample that Prometheus has of that instant comes within a second.
    thread::sleep(Duration::from_secs(2));
    let report = scraped.json();
    let at = report["evaluated_at"].as_str().unwrap();
    let selector = format!("selector=instance=\"{service}\"");
    let window = format!("window={}s", LOAD + 2);
    let args = ["--target", prometheus, "--at", at, "--var", &selector, "--var", &window];
    let asked = auditor(directory.path(), &[&args, &gate[..]].concat());
    [scraped, asked]
}

#[test]
fn a_real_service_is_told_well_from_sick() {
    let _alone = alone();
    if !real::available("the audit of a real service")
        || !real::python("the audit of a real service")
    {
        return;
    }
    let services = [real::service(), real::service(), real::service()];
    let [calm, blocked, saturated] = services.each_ref().map(|service| service.address());
    let prometheus = real::scraping(&[calm, blocked, saturated]);
    let cases = [
        (calm, "/", "2", 0, None),
        (blocked, "/block@1.5", "1", 1, Some("EVENT_LOOP_STARVATION")),
        (saturated, "/pool", "40", 1, Some("THREADPOOL_SATURATION")),
    ];
    for (service, path, clients, code, mode) in cases {
        for run in audited(service, &prometheus.url, &load(service, path, clients)) {
            let report = run.json();
            assert_eq!(run.code, code, "{path} {report:#}");
            let modes = report["failure_modes"].as_array().unwrap();
            assert_eq!(modes.len(), usize::from(mode.is_some()), "{path} {report:#}");
            assert_eq!(report["failure_modes"][0]["type"].as_str(), mode, "{report:#}");
            let expected =
                if code == 0 { &["HEALTHY"][..] } else { &["CRITICAL", "COLLAPSE_RISK"] };
            assert!(expected.contains(&report["status"].as_str().unwrap()), "{report:#}");
            let signals = report["signals"].as_object().unwrap();
            // While the loop hangs for 1.2 s, a Prometheus that waits for 1 s may get no page.
            let hangs = mode == Some("EVENT_LOOP_STARVATION");
            for signal in signals.values().filter(|signal| !signal["query"].is_null()) {
                let state = &signal["state"];
                let is_there = state == "ok" || hangs && state == "partial";
                assert!(is_there, "every metric is there: {report:#}");
            }
        }
    }
}

/// Audits a service by its own page while the load runs.
fn scraped(service: &real::Server, page: &str, path: &str, clients: &str) -> Run {
    scraped_for(service, page, path, clients, &LOAD.to_string())
}

fn scraped_for(
    service: &real::Server,
    page: &str,
    path: &str,
    clients: &str,
    seconds: &str,
) -> Run {
    let directory = directory_with(auditor::config::DEFAULT_METRICS);
    let page = format!("{}{page}", service.url);
    let load = load_for(service.address(), path, clients, seconds);
    let load: Vec<_> = load.iter().map(String::as_str).collect();
    let args = ["--scrape", &page, "--fail-on-critical", "--output-format", "json", "--"];
    auditor(directory.path(), &[&args[..], &load].concat())
}

/// What was sick before, on the same process, is no matter of the run after it.
#[test]
fn a_healthy_run_after_a_sick_one_passes() {
    let _alone = alone();
    if !real::python("a healthy run after a sick one") {
        return;
    }
    let service = real::service();
    for round in 0..2 {
        let sick = scraped(&service, "/metrics/", "/block@1.3", "1").json();
        assert_eq!(sick["exit_code"], 1, "{round} {sick:#}");
        assert_eq!(sick["failure_modes"][0]["type"], "EVENT_LOOP_STARVATION", "{sick:#}");
        // At once: its last stall ended less than a second ago.
        let healthy = scraped(&service, "/metrics/", "/", "2").json();
        assert_eq!(healthy["exit_code"], 0, "{round} {healthy:#}");
        assert_eq!(healthy["status"], "HEALTHY", "{healthy:#}");
    }
}

/// Handlers that are `def` run in the threads of anyio: 100 at once wait for 40 of them.
#[test]
fn a_saturated_pool_of_def_handlers_fails() {
    let _alone = alone();
    if !real::python_with(
        "the saturated `def` handlers",
        &["uvicorn", "fastapi", "prometheus_client"],
    ) {
        return;
    }
    let service = real::served_by_uvicorn("tests/under_load", "def_handlers:app", "/metrics");
    let calm = scraped(&service, "/metrics", "/", "2").json();
    assert_eq!((&calm["exit_code"], &calm["status"]), (&0.into(), &"HEALTHY".into()), "{calm:#}");
    let sick = scraped(&service, "/metrics", "/slow", "100").json();
    assert_eq!(sick["exit_code"], 1, "{sick:#}");
    let modes: Vec<_> = sick["failure_modes"].as_array().unwrap().iter().collect();
    assert!(modes.iter().any(|mode| mode["type"] == "THREADPOOL_SATURATION"), "{sick:#}");
    let value = |signal: &str| sick["signals"][signal]["value"].as_f64().unwrap();
    assert!(value("threadpool_queue_wait") > 1.0, "{sick:#}");
    let backlog = value("threadpool_tasks_started") - value("threadpool_tasks_completed");
    assert!(backlog > 45.0, "{sick:#}");
    // The loop itself has nothing to do, and serves its page in time.
    assert!(value("event_loop_lag") < 0.5, "{sick:#}");
}

/// Once a worker is held up, the others alone show the page, and they are calm.
#[test]
fn several_workers_never_pass_and_one_does() {
    let _alone = alone();
    if !real::python("several workers behind one page") {
        return;
    }
    for (workers, is_sick, starts) in [(2, true, 4), (4, true, 2), (2, false, 2), (1, false, 3)] {
        for start in 0..starts {
            let service = real::workers(workers, is_sick);
            let report = scraped_for(&service.server, "/metrics/", "/", "3", "3").json();
            let shown = format!("{workers} workers, start {start}: {report:#}");
            assert_eq!(report["exit_code"] == 0, workers == 1, "{shown}");
            let rules = report["evidence"]["shortfalls"].as_array().unwrap();
            assert_eq!(rules.iter().any(|it| it["rule"] == "workers"), workers > 1, "{shown}");
        }
    }
}

/// The process after the crash has seen nothing of what the one before did, and every page is there.
#[test]
fn a_crash_and_a_restart_between_two_scrapes_are_told() {
    let _alone = alone();
    if !real::python("a service that crashes") {
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/load.py");
    for every in ["3s", "1s"] {
        let service = real::crashing();
        let url = &service.server.url;
        let (page, quick, crash) =
            (format!("{url}/metrics/"), format!("{url}/"), format!("{url}/crash@4"));
        let directory = directory_with(auditor::config::DEFAULT_METRICS);
        let audit = ["--scrape", &page, "--every", every, "--fail-on-critical"];
        let load = ["python3", script.to_str().unwrap(), "--seconds", "7", &quick, &crash];
        let args = [&audit, &["--output-format", "json", "--"][..], &load].concat();
        let report = auditor(directory.path(), &args).json();
        // A scrape may have had to wait for the new process, which is evidence of its own.
        assert_ne!(report["exit_code"], 0, "every {every}: {report:#}");
        let rules = report["evidence"]["shortfalls"].as_array().unwrap();
        assert!(rules.iter().any(|it| it["rule"] == "restarts"), "every {every}: {report:#}");
    }
}

/// The tests of `asyncio_signals.py`, beside the libraries that it has to get on with.
#[test]
fn asyncio_signals_gets_on_with_others() {
    let _alone = alone();
    let modules = [
        "uvicorn",
        "prometheus_client",
        "fastapi",
        "httpx",
        "anyio",
        "uvloop",
        "gunicorn",
        "prometheus_fastapi_instrumentator",
    ];
    if !real::python_with("the tests of asyncio_signals.py", &modules) {
        return;
    }
    let run = Command::new("python3")
        .arg("tests/python/test_asyncio_signals.py")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// The `run:` scripts of a workflow from the first that starts something to the gate.
fn steps(workflow: &str) -> Vec<String> {
    let workflow: yaml_serde::Value = yaml_serde::from_str(workflow).unwrap();
    let steps = workflow["jobs"]["gate"]["steps"].as_sequence().unwrap();
    let scripts = steps.iter().filter_map(|step| step["run"].as_str());
    scripts.map(str::to_owned).skip_while(|script| script.contains("install")).collect()
}

/// The one that looks from outside has no configuration.
#[test]
fn the_workflows_for_github_actions_gate() {
    let _alone = alone();
    if !real::python("the workflows") {
        return;
    }
    let outside = include_str!("../../examples/github-actions-gating.yml");
    gates(&support::empty_directory(), &steps(outside));
    let scraping = steps(include_str!("../../examples/github-actions-scraping.yml"));
    assert_eq!(scraping.len(), 2, "the service, and the gate with its load: {scraping:#?}");
    gates(&directory_with(auditor::config::DEFAULT_METRICS), &scraping);
}

fn gates(directory: &tempfile::TempDir, steps: &[String]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // As the runner does it: each step in a shell of its own, background processes live on.
    let mut script = String::from("set -e; trap 'jobs -p | xargs -r kill' EXIT\n");
    for step in steps {
        script.push_str(&step.replace("auditor/examples", &format!("{}/examples", root.display())));
        script.push('\n');
    }
    let mut path = OsString::from(Path::new(env!("CARGO_BIN_EXE_auditor")).parent().unwrap());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let run = Command::new("bash")
        .args(["-c", &script])
        .current_dir(directory.path())
        .env("PATH", path)
        .env("SERVICE", real::free_address())
        .env("LOAD_SECONDS", "6")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&run.stdout);
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{stdout}\n{stderr}");
    assert!(stdout.contains("Verdict: PASS"), "{stdout}");
    assert!(directory.path().join("audit_results.json").exists());
    assert!(directory.path().join("runtime.om").exists());
}

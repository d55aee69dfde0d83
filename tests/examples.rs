//! The examples at work: a real asyncio service with `asyncio_signals.py`, scraped by a real
//! Prometheus, and the workflow for GitHub Actions step by step.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use support::{auditor, directory_with, empty_directory, real};

/// How long each service is under load, and how far back the audits look, in seconds.
const LOAD: u64 = 10;

/// Requests for `path` from `clients` at once, with a pause after each, until told to stop.
fn load(
    address: &str,
    path: &'static str,
    clients: usize,
    pause: Duration,
    stop: &Arc<AtomicBool>,
) {
    for _ in 0..clients {
        let (address, stop) = (address.to_owned(), stop.clone());
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                // What becomes of a request is the service's affair.
                let _ = real::status(&address, "GET", path, "");
                thread::sleep(pause);
            }
        });
    }
}

#[test]
fn a_real_service_is_told_well_from_sick() {
    if !real::available("the audit of a real service")
        || !real::python("the audit of a real service")
    {
        return;
    }
    let services = [real::service(), real::service(), real::service()];
    let [calm, blocked, saturated] = services.each_ref().map(|service| service.address());
    let prometheus = real::scraping(&[calm, blocked, saturated]);
    let stop = Arc::new(AtomicBool::new(false));
    load(calm, "/", 4, Duration::from_millis(50), &stop);
    load(blocked, "/block", 1, Duration::from_millis(1500), &stop);
    load(saturated, "/pool", 40, Duration::ZERO, &stop);
    thread::sleep(Duration::from_secs(LOAD));
    let directory = empty_directory();
    assert_eq!(auditor(directory.path(), &["--init"]).code, 0);
    for (service, code, mode) in [
        (calm, 0, None),
        (blocked, 1, Some("EVENT_LOOP_STARVATION")),
        (saturated, 1, Some("THREADPOOL_SATURATION")),
    ] {
        let selector = format!("selector=instance=\"{service}\"");
        let window = format!("window={LOAD}s");
        let args = ["--target", &prometheus.url, "--var", &selector, "--var", &window];
        let gate = ["--fail-on-critical", "--output-format", "json"];
        let run = auditor(directory.path(), &[&args[..], &gate].concat());
        let report = run.json();
        assert_eq!(run.code, code, "{report:#}");
        assert_eq!(report["failure_modes"][0]["type"].as_str(), mode, "{report:#}");
        let signals = report["signals"].as_object().unwrap();
        let asked = signals.values().filter(|signal| !signal["query"].is_null());
        for signal in asked {
            assert_eq!(signal["state"], "ok", "the example exports every metric: {report:#}");
        }
    }
    stop.store(true, Ordering::Relaxed);
}

/// The `run:` scripts of the workflow from the first that starts something to the gate.
fn steps() -> Vec<String> {
    let workflow: serde_yaml::Value =
        serde_yaml::from_str(include_str!("../examples/github-actions-gating.yml")).unwrap();
    let steps = workflow["jobs"]["gate"]["steps"].as_sequence().unwrap();
    let scripts = steps.iter().filter_map(|step| step["run"].as_str());
    scripts.map(str::to_owned).skip_while(|script| script.contains("install")).collect()
}

#[test]
fn the_workflow_for_github_actions_gates() {
    if !real::available("the workflow") || !real::python("the workflow") {
        return;
    }
    let directory = directory_with(auditor::config::DEFAULT_METRICS);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let steps = steps();
    assert_eq!(steps.len(), 4, "service, Prometheus, load and gate: {steps:#?}");
    // As the runner does it: each step in a shell of its own, background processes live on.
    let mut script = String::from("set -e; trap 'kill $(jobs -p)' EXIT\n");
    for step in steps {
        script.push_str(
            &step
                .replace("--app-dir examples", &format!("--app-dir '{}/examples'", root.display())),
        );
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
        .env("PROMETHEUS", real::free_address())
        .env("LOAD_SECONDS", "6")
        .env("RUNNER_TEMP", directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&run.stdout);
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{stdout}\n{stderr}");
    assert!(stdout.contains("Verdict: PASS"), "{stdout}");
    assert!(directory.path().join("audit_results.json").exists());
}

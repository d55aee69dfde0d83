//! Suites as they run: many audits, side by side or alone, with one answer.

mod interrupted;
mod jobs;
mod kept;
mod refused;
mod twelve;
mod vanished;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::interruption::{running, wait_for};
use crate::start;
use crate::support::Run;

/// Signals that a server answers to whatever it is asked for.
const SIGNALS: &str = "queries: {p99_latency: calm, event_loop_lag: lag, \
                       blocking_duration_avg: calm, peak_active_requests: calm}\n";

/// Runs `suite.yaml` with these options.
fn run(directory: &Path, args: &[&str]) -> Run {
    start::run(directory, &[&["suite", "suite.yaml"], args].concat())
}

/// The summary that it has written.
fn summary(directory: &Path) -> Value {
    let text = fs::read_to_string(directory.join("suite_results.json")).expect("a summary");
    serde_json::from_str(&text).unwrap()
}

/// A key of every scenario, in their order.
fn each_of<'a>(summary: &'a Value, key: &str) -> Vec<&'a str> {
    let scenarios = summary["scenarios"].as_array().unwrap();
    scenarios.iter().map(|it| it[key].as_str().unwrap()).collect()
}

/// Words for a shell that write the number of its process to `NAME.pid`.
fn noted(name: &str) -> String {
    format!("echo $$ > {name}.new; mv {name}.new {name}.pid; ")
}

/// That number, once it is there.
fn number(directory: &Path, name: &str) -> u32 {
    let file = directory.join(format!("{name}.pid"));
    let number = wait_for(name, || fs::read_to_string(&file).ok());
    number.trim().parse().unwrap()
}

/// Nothing of the group that has written its number there runs any more.
fn assert_ended(directory: &Path, name: &str) {
    let group = number(directory, name);
    assert_eq!(running(group), [""; 0], "{name}");
}

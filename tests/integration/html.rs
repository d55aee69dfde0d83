//! The report as a page: what it shows, what it makes of hostile words, and the series that it draws.

#[cfg(target_os = "linux")]
mod browser;
mod golden;
mod hostile;
mod recording;
mod server;
mod steps;
mod timeline;

#[cfg(target_os = "linux")]
pub(crate) use browser::{OVERFLOW, nameless};
pub(crate) use golden::check as check_page;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::schemas;
use crate::support::{Run, auditor};

/// Audits with a page; what came of it, and the page.
fn page(directory: &Path, args: &[&str]) -> (Run, String) {
    let run =
        auditor(directory, &[args, &["--report", "html=report.html", "--no-report"]].concat());
    let page = fs::read_to_string(directory.join("report.html"));
    let page = page.unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
    (run, page)
}

/// Audits with a page; the report as JSON, which its schema has to know.
fn report(directory: &Path, args: &[&str]) -> Value {
    let json = ["--output-format", "json"];
    let run = page(directory, &[args, &json].concat()).0;
    schemas::check_report(&run.stdout).unwrap();
    run.json()
}

/// What is drawn of a signal or a check.
fn line<'a>(report: &'a Value, name: &str) -> &'a Value {
    let timeline = &report["timeline"];
    timeline["signals"].get(name).unwrap_or_else(|| &timeline["checks"][name])
}

fn points(report: &Value, name: &str) -> Vec<Option<f64>> {
    line(report, name)["points"].as_array().unwrap().iter().map(Value::as_f64).collect()
}

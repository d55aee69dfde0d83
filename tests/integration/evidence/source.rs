//! Where telemetry comes from: it is written down, or shown by services, and audited.

#![allow(dead_code, reason = "each theme uses a part of this")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::telemetry::{Scrape, Target, Telemetry};
use crate::support::fake::{Fake, Response};
use crate::support::{Run, auditor, directory_with};

/// Where telemetry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A recording with `up`.
    Recording,
    /// A recording that lacks `up`.
    Bare,
    /// A directory of snapshots of a page.
    Snapshots,
    /// Services that are scraped.
    Live,
}

pub(crate) const ALL: &[Source] =
    &[Source::Recording, Source::Bare, Source::Snapshots, Source::Live];
/// Those that tell of each scrape whether it succeeded.
pub(crate) const WITH_UP: &[Source] = &[Source::Recording, Source::Snapshots, Source::Live];
pub(crate) const RECORDINGS: &[Source] = &[Source::Recording, Source::Bare];
/// Those that can have several targets.
pub(crate) const FLEETS: &[Source] = &[Source::Recording, Source::Bare, Source::Live];

/// From one live scrape to the next, milliseconds.
const LIVE_STEP: i64 = 50;

impl Source {
    /// When the first scrape is, and from one to the next, milliseconds.
    pub(crate) fn start_and_step(self) -> (i64, i64) {
        match self {
            Self::Live => (jiff::Timestamp::now().as_millisecond(), LIVE_STEP),
            _ => (1_700_000_000_000, 1000),
        }
    }
}

/// Audits the telemetry by the queries of the template; `more` stands below them.
pub(crate) fn audit(telemetry: &Telemetry, more: &str) -> Run {
    let template = include_str!("../../../default_metrics.yaml");
    let directory = directory_with(&format!("{template}\n{more}"));
    audit_in(directory.path(), telemetry)
}

/// Audits the telemetry by the `metrics.yaml` of the directory, under the usual gate.
pub(crate) fn audit_in(directory: &Path, telemetry: &Telemetry) -> Run {
    let gate = ["--fail-on-critical", "--output-format", "json"];
    match telemetry.source {
        Source::Recording | Source::Bare => {
            fs::write(directory.join("telemetry.om"), telemetry.recording()).unwrap();
            auditor(directory, &[&["--recording", "telemetry.om"], &gate[..]].concat())
        }
        Source::Snapshots => {
            write_snapshots(&directory.join("snapshots"), &telemetry.targets[0]);
            auditor(directory, &[&["--recording", "snapshots"], &gate[..]].concat())
        }
        Source::Live => scrape(directory, telemetry, &gate),
    }
}

fn write_snapshots(directory: &Path, target: &Target) {
    fs::create_dir(directory).unwrap();
    for Scrape { at, up, page } in &target.scrapes {
        let text = match page.text() {
            // A page that could not be had leaves an empty file.
            _ if *up != Some(1.0) => String::new(),
            text => text,
        };
        fs::write(directory.join(format!("{at}.prom")), text).unwrap();
    }
}

/// Scrapes services that show one page of a target after the other, until all were shown; then
/// they show the last one again.
fn scrape(directory: &Path, telemetry: &Telemetry, gate: &[&str]) -> Run {
    let services: Vec<_> =
        telemetry.targets.iter().enumerate().map(|(n, it)| service(directory, n, it)).collect();
    let every = format!("{LIVE_STEP}ms");
    let mut args = vec!["--every".to_owned(), every, "--job".to_owned(), "api".to_owned()];
    for service in &services {
        args.extend(["--scrape".to_owned(), format!("{}/metrics", service.url())]);
    }
    args.extend(gate.iter().map(|&arg| arg.to_owned()));
    let wait = format!(
        "touch loading; until [ $(ls shown | wc -l) = {} ]; do sleep 0.02; done",
        services.len()
    );
    args.extend(["--", "sh", "-c", &wait].map(str::to_owned));
    fs::create_dir(directory.join("shown")).unwrap();
    auditor(directory, &args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A service that makes a note in the directory `shown` once all of its pages were shown.
fn service(directory: &Path, number: usize, target: &Target) -> Fake {
    let answers: Vec<_> = target.scrapes.iter().map(answer).collect();
    let (answers, next) = (Arc::new(answers), AtomicUsize::new(0));
    let note = directory.join("shown").join(number.to_string());
    let loading = directory.join("loading");
    Fake::start(move |_| {
        let last = answers.len() - 1;
        // Before the load the page is asked for more than once, and only the last time counts.
        let is_loaded = loading.exists();
        let n = if is_loaded { next.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
        if n >= last {
            fs::write(&note, "").unwrap();
        }
        answers[n.min(last)].clone()
    })
}

fn answer(scrape: &Scrape) -> Response {
    if scrape.up != Some(1.0) {
        return Response::new(500, "");
    }
    let kind: &dyn std::fmt::Display = &"text/plain; version=0.0.4";
    let text = scrape.page.text();
    // What is blank has no line at all.
    let text = if text == "\n" { "" } else { text.as_str() };
    Response::with_headers(200, &[("Content-Type", kind)], text)
}

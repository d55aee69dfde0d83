//! The integration tests: one crate, so that linking is done once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

mod alerting_rules;
mod alerts;
mod backends;
mod baseline;
mod bounds;
mod cli;
mod discovery;
mod docs;
mod doctor;
mod early;
mod engine_properties;
mod evidence;
mod explain;
mod expositions;
mod faults;
mod hostile_properties;
mod html;
#[cfg(unix)]
mod interruption;
mod logs;
mod mutations;
mod original;
#[cfg(unix)]
mod presets;
mod probe;
mod promql;
mod query;
mod ranges;
#[cfg(unix)]
mod repeats;
mod replay;
mod reports;
mod rules;
mod scenarios;
mod schemas;
mod scrape;
mod secrets;
#[cfg(unix)]
mod serve;
mod serve_http;
#[cfg(unix)]
mod start;
#[cfg(unix)]
mod suite_runs;
mod suites;
mod timestamps;
#[cfg(target_os = "linux")]
mod units;
mod watch_shown;
mod worst_instant;

//! The integration tests: one crate, so that linking is done once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

mod backends;
mod cli;
mod docs;
mod engine_properties;
mod evidence;
mod expositions;
mod faults;
mod hostile_properties;
mod original;
mod promql;
mod query;
mod ranges;
mod rules;
mod scenarios;
mod schemas;
mod scrape;
mod worst_instant;

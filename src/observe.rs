//! The source: takes a plan to where the telemetry is, and comes back with readings.
//!
//! That is a Prometheus-compatible server, the service itself, which is scraped for a while, or
//! a recording of an earlier scrape. First it is watched, for as long as a load runs; then every
//! query is evaluated at the same instant: by the server, or by [`crate::promql`] on the samples.

use crate::collect::{CommandOutcome, Telemetry};
use crate::config::{Plan, Source};
use crate::evaluate::{samples, server};
use crate::model::reading::Readings;
use crate::model::signal::Signal;
use crate::prometheus::{Backend, Log};
use crate::target_health::TargetHealth;

/// What was seen of the backend and of the service behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// A reading for every signal.
    pub readings: Readings,
    /// Which server answered, as far as it says.
    pub backend: Backend,
    /// How the service let itself be scraped, a target each; of a server nothing is known.
    pub scrapes: Vec<TargetHealth>,
    /// How the command ended that ran meanwhile.
    pub command: Option<CommandOutcome>,
    /// What went wrong, if anything did: the audit then has no clean result.
    pub failure: Option<String>,
}

/// What a few signals are at the instant of the plan, of samples at hand.
pub fn peek(plan: &Plan, telemetry: &Telemetry, signals: &[Signal]) -> Readings {
    samples::peek(plan, telemetry, signals)
}

/// Finds an answer to everything that the plan asks, once the watching is over.
///
/// Whatever goes wrong is part of the observation, never a value. No secret is in it.
pub fn observe(plan: &Plan, telemetry: &Telemetry, log: Log<'_>) -> Observation {
    let mut seen = match &plan.spec.source {
        Source::Server(endpoint) => server::observe(plan, endpoint, telemetry.finished, log),
        Source::Scrape(_) | Source::Recording(_) => samples::observe(plan, telemetry),
    };
    seen.command.clone_from(&telemetry.command);
    seen.failure = telemetry.failure.clone().or(seen.failure);
    seen
}

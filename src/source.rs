//! The source: takes a plan to where the telemetry is, and comes back with readings.
//!
//! That is a Prometheus-compatible server, the service itself, which is scraped for a while, or
//! a recording of an earlier scrape. First it is watched, for as long as a load runs; then every
//! query is evaluated at the same instant: by the server, or by [`crate::promql`] on the samples.

mod api;
mod clock;
mod command;
mod coverage;
mod failures;
mod http;
mod local;
mod nan;
mod preflight;
mod query;
mod recording;
mod samples;
mod scrape;
mod server;
mod snapshot;
mod spectator;
mod staleness;
mod watch;
mod wave;
mod wire;
mod words;

pub use command::Ended;
pub use http::{Log, TransportError};
pub use preflight::Backend;
pub use query::{Refusal, query};
pub use spectator::{Moment, Spectator};
pub use watch::{Watch, watch};
pub use wire::reply::Reply;
pub use wire::{Answer, QueryError, decode};

use crate::config::{Plan, Source};
use crate::model::reading::Readings;
use crate::model::signal::Signal;
use crate::scrapes::Scrapes;

/// What was seen of the backend and of the service behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// A reading for every signal.
    pub readings: Readings,
    /// Which server answered, as far as it says.
    pub backend: Backend,
    /// How the service let itself be scraped, a target each; of a server nothing is known.
    pub scrapes: Vec<Scrapes>,
    /// How the command ended that ran meanwhile.
    pub command: Option<Ended>,
    /// What went wrong, if anything did: the audit then has no clean result.
    pub failure: Option<String>,
}

/// What a few signals are at the instant of the plan, of samples at hand.
pub fn peek(plan: &Plan, watch: &Watch, signals: &[Signal]) -> Readings {
    local::peek(plan, watch, signals)
}

/// Finds an answer to everything that the plan asks, once the watching is over.
///
/// Whatever goes wrong is part of the observation, never a value. No secret is in it.
pub fn observe(plan: &Plan, watch: &Watch, log: Log<'_>) -> Observation {
    let mut seen = match &plan.reach.source {
        Source::Server(endpoint) => server::observe(plan, endpoint, watch.over, log),
        Source::Scrape(_) | Source::Recording(_) => local::observe(plan, watch),
    };
    seen.command.clone_from(&watch.command);
    seen.failure = watch.failure.clone().or(seen.failure);
    seen
}

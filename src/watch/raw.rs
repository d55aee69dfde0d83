//! What the watcher alone knows, as raw numbers: the envelope of `GET /metrics.json`.
//!
//! Its shape is that of the collector that it succeeds: a version, a time, the ticks of a second, and four
//! sections, each made by itself, so that one that cannot be made is `null` or empty, and never the whole.
//! What is not known is `null`, never 0. Within a `schema_version` keys are only added.

use serde::Serialize;

/// Version of the envelope.
const SCHEMA_VERSION: u32 = 1;

/// What stands in the place of the whole where it is turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Disabled {
    schema_version: u32,
    enabled: bool,
}

impl Disabled {
    /// The one that there is.
    pub const fn new() -> Self {
        Self { schema_version: SCHEMA_VERSION, enabled: false }
    }
}

impl Default for Disabled {
    fn default() -> Self {
        Self::new()
    }
}

/// The whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Envelope {
    schema_version: u32,
    /// When it was made, UTC, to the second.
    pub generated_at: String,
    /// So many ticks of a CPU are a second; `null` where the system has none.
    pub clk_tck: Option<u64>,
    /// The audits that are under way.
    pub stages: Vec<Stage>,
    /// The audits of the round, and of all rounds.
    pub queue: Option<Queue>,
    /// The processes that are watched, and the watcher.
    pub agents: Vec<Agent>,
    /// What the audits took.
    pub cost: Option<Cost>,
}

impl Envelope {
    /// The whole, of these sections.
    pub fn new(
        generated_at: jiff::Timestamp,
        clk_tck: Option<u64>,
        (stages, queue): (Vec<Stage>, Option<Queue>),
        (agents, cost): (Vec<Agent>, Option<Cost>),
    ) -> Self {
        let generated_at = generated_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let schema_version = SCHEMA_VERSION;
        Self { schema_version, generated_at, clk_tck, stages, queue, agents, cost }
    }
}

/// An audit that is under way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// The service.
    pub service: String,
    /// How far it is: `auditing`.
    pub stage: &'static str,
    /// For how long it has been under way, seconds.
    pub age_in_stage_s: f64,
}

/// The audits that wait, are under way, and have ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Queue {
    /// How many there are of each.
    pub counts: Counts,
    /// How many wait.
    pub depth: usize,
    /// How often one is tried again; a watcher never does, so that nothing is known of it.
    pub retries: Option<u64>,
    /// What holds audits back after failures; there is none.
    pub breaker: Option<()>,
    /// How many are carried out at once, at most.
    pub max_concurrency: usize,
    /// From the start of a round to the start of the next, seconds.
    pub poll_interval: f64,
}

/// How many audits there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Of the round that is under way, those that have not begun.
    pub queued: usize,
    /// Those that are under way.
    pub running: usize,
    /// Those that have ended with a report, since the start.
    pub done: u64,
    /// Those that could not be carried out, since the start.
    pub failed: u64,
}

/// A process that is watched, or the watcher.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agent {
    /// The service, or `auditor`.
    pub agent: String,
    /// Its number.
    pub pid: u32,
    /// Its name, as the system has it.
    pub process: String,
    /// For how long it has been running, seconds.
    pub runtime_s: Option<f64>,
    /// CPU time that it has used, in ticks; `null` where that cannot be read, or it has ended.
    pub cpu_ticks: Option<u64>,
}

/// What audits took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Those that are under way.
    pub running: Vec<RunningCost>,
    /// All that have ended since the start.
    pub aggregate: Option<AggregateCost>,
}

/// What an audit has taken so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunningCost {
    /// The service.
    pub service: String,
    /// Seconds so far.
    pub seconds: f64,
}

/// What all audits took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AggregateCost {
    /// How many there were.
    pub audits: u64,
    /// Their seconds in all.
    pub seconds: f64,
    /// Reports that are kept.
    pub reports: usize,
}

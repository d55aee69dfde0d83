//! The report: the schema that readers of the JSON rely on.
//!
//! Apart from the internal types on purpose. Within a `schema_version` keys are only
//! added. The first eleven after it are those of async-runtime-auditor 0.1, with their
//! names, units and rounding; what is not known is `null`, never 0.

mod build;

use serde::{Serialize, Serializer};

use crate::judgement::{Level, Status, Thresholds, Weights};
use crate::prometheus::Backend;
use crate::readings::Labels;
use crate::signal::{Reduce, Signal};

/// Version of the schema.
pub const SCHEMA_VERSION: u32 = 1;

/// The report of one audit, in the order in which it is serialised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of the schema.
    pub schema_version: u32,
    /// Status of the runtime.
    pub status: Status,
    /// The score, 2 decimals; `null` if no signal of it is known at all.
    pub runtime_health_score: Option<f64>,
    /// p99 latency, ms, 2 decimals.
    pub p99_latency_ms: Option<f64>,
    /// Event loop lag, ms, 2 decimals.
    pub max_event_loop_lag_ms: Option<f64>,
    /// Blocking events, truncated to an integer.
    pub blocking_events: Option<Integer>,
    /// Mean blocking time, s, 2 decimals.
    pub avg_blocking_duration_s: Option<f64>,
    /// Peak of the requests in flight, truncated to an integer.
    pub peak_active_requests: Option<Integer>,
    /// Mean queue wait, s, 2 decimals.
    pub threadpool_queue_wait_s: Option<f64>,
    /// Backlog of the thread pool, truncated to an integer.
    pub threadpool_backlog: Option<Integer>,
    /// Failure modes that are proven.
    pub failure_modes: Vec<FailureModeEntry>,
    /// Findings in words.
    pub findings: Vec<String>,
    /// `pass`, `fail`, `command_failed`, `inconclusive`, `error` or `not_gated`.
    pub verdict: &'static str,
    /// Why, in one sentence.
    pub verdict_reason: String,
    /// The exit code of the process.
    pub exit_code: u8,
    /// The level that fails the gate; `null` without a gate.
    pub gate: Option<Level>,
    /// What went wrong, if anything did; always given with exit code 3.
    pub error: Option<String>,
    /// The evaluation instant, RFC 3339.
    pub evaluated_at: String,
    /// `server`, `scrape` or `recording`.
    pub source: &'static str,
    /// The server asked, the pages scraped or the recording read, a password in it hidden.
    pub target: String,
    /// What the server says it is.
    pub backend: Backend,
    /// The configuration file.
    pub config: String,
    /// Whether the score may be higher, because signals are missing.
    pub score_is_lower_bound: bool,
    /// The terms of the score.
    pub score_breakdown: Vec<TermEntry>,
    /// Failure modes that cannot be told for want of readings.
    pub failure_modes_not_assessable: Vec<NotAssessable>,
    /// Every signal.
    pub signals: Signals,
    /// How the service let itself be scraped, a target each; empty where a server was asked.
    pub scrapes: Vec<ScrapesEntry>,
    /// The command that ran meanwhile; `null` if there was none.
    pub command: Option<CommandEntry>,
    /// The limits judged by.
    pub thresholds: Thresholds,
    /// The weights of the score.
    pub weights: Weights,
}

/// A failure mode with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailureModeEntry {
    /// Its name.
    #[serde(rename = "type")]
    pub mode: &'static str,
    /// `HIGH` or `MEDIUM`.
    pub severity: &'static str,
    /// What it means.
    pub description: String,
    /// `cpu_bound`, `blocked`, `mixed`, or `null` where CPU use does not tell.
    pub cause: Option<&'static str>,
    /// The signals that prove it.
    pub evidence: Vec<EvidenceEntry>,
}

/// A signal over its limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvidenceEntry {
    /// The signal.
    pub signal: &'static str,
    /// Its value, in its unit.
    pub value: f64,
    /// Whether the value may be greater still.
    pub is_lower_bound: bool,
    /// The limit.
    pub limit: f64,
    /// The unit of both.
    pub unit: &'static str,
    /// Labels of the series it comes from.
    pub series: Option<Labels>,
}

/// A failure mode that cannot be told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotAssessable {
    /// Its name.
    #[serde(rename = "type")]
    pub mode: &'static str,
    /// The signals that are missing.
    pub unknown: Vec<&'static str>,
}

/// A term of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TermEntry {
    /// The signal.
    pub signal: &'static str,
    /// Its value, or the least it can be; `null` where nothing was measured.
    pub value: Option<f64>,
    /// Whether the value may be greater.
    pub is_lower_bound: bool,
    /// The limit of the failure modes and findings.
    pub limit: f64,
    /// The unit of both.
    pub unit: &'static str,
    /// Points for one unit.
    pub weight: f64,
    /// Points in the score.
    pub points: f64,
}

/// Every signal under its key, in a fixed order.
#[derive(Debug, Clone, PartialEq)]
pub struct Signals(pub Vec<(Signal, SignalEntry)>);

/// One signal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SignalEntry {
    /// The value, or the least it can be; `null` where nothing was measured.
    pub value: Option<f64>,
    /// The unit of the value.
    pub unit: &'static str,
    /// `ok`, `no_data`, `not_a_number`, `infinite`, `partial`, `failed` or `not_configured`.
    pub state: &'static str,
    /// Why it is not `ok`, or what was assumed.
    pub reason: Option<String>,
    /// Whether the value may be greater.
    pub is_lower_bound: bool,
    /// The query as sent.
    pub query: Option<String>,
    /// How several series became one.
    pub reduce: Option<Reduce>,
    /// How many series there were.
    pub series: usize,
    /// Labels of the series that decided.
    pub labels: Option<Labels>,
}

/// How one target let itself be scraped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScrapesEntry {
    /// Its labels.
    pub target: Labels,
    /// How often it was scraped.
    pub tried: usize,
    /// How often that failed.
    pub failed: usize,
    /// How long the slowest took, seconds; `null` where nothing says.
    pub slowest_s: Option<f64>,
    /// What is missing of the telemetry; `null` if nothing is.
    pub missing: Option<String>,
}

/// The command that ran while the service was watched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommandEntry {
    /// The command as it was given.
    pub line: String,
    /// Its exit code; `null` where a signal ended it.
    pub exit_code: Option<i32>,
    /// Whether it failed.
    pub failed: bool,
    /// How it ended, in words.
    pub status: String,
    /// How long it ran, seconds.
    pub took_s: f64,
}

/// A count, serialised without a decimal point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Integer(f64);

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Beyond the integers that every JSON reader has, the float says the same.
        if self.0 < 1e15 {
            serializer.serialize_u64(self.0 as u64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl Serialize for Signals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(signal, entry)| (signal.key(), entry)))
    }
}

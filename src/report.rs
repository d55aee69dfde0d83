//! The report: the schema that readers of the JSON rely on.
//!
//! Apart from the internal types on purpose. Within a `schema_version` keys are only
//! added. The first eleven after it are those of async-runtime-auditor 0.1, with their
//! names, units and rounding; what is not known is `null`, never 0.

mod baseline;
mod blame;
mod build;
mod checks;
mod evidence;
mod ordered;
mod samples;
mod sentences;
pub mod suite;
mod timeline;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use baseline::BaselineReport;
pub use blame::{CulpritEntry, StallEntry, StalledEntry, TallyEntry};
pub use checks::{
    BaselineEntry, BudgetEntry, CheckEntry, FindingEntry, FindingEvidence, LogEntry, OriginEntry,
    Range, SpikeEntry,
};
pub use evidence::{
    EvidenceReport, QueryEvidenceEntry, RuleEntry, ShortfallEntry, TargetEvidenceEntry,
};
pub use ordered::Ordered;
pub use samples::{BreakerEntry, SampleEntry, SamplesReport, SpreadEntry};
pub use timeline::{LineEntry, TimelineReport};

use crate::engine::Verdict;
use crate::model::level::{Level, Status};
use crate::model::mode::{Cause, ModeSeverity};
use crate::model::signal::Reduce;
use crate::prometheus::Backend;
use crate::storage::Labels;

/// A word of this version, or one that was read.
pub type Word = Cow<'static, str>;

/// Version of the schema.
pub const SCHEMA_VERSION: u32 = 1;

/// The report of one audit, in the order in which it is serialised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of the schema.
    pub schema_version: u32,
    /// Status of the runtime; `INCONCLUSIVE` where no signal is asked for, and checks alone decide.
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
    /// Whether the service may ship.
    pub verdict: Verdict,
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
    /// Where the telemetry came from.
    pub source: SourceKind,
    /// The root of the repository around the working directory; for what annotates files.
    #[serde(skip)]
    pub repository: Option<String>,
    /// The options of the command line that name it and the configuration, without secrets; for text
    /// alone.
    #[serde(skip)]
    pub options: String,
    /// The server asked, the pages scraped, or the recording or the logs read, a password in it hidden.
    pub target: String,
    /// What the server says it is.
    pub backend: Backend,
    /// The configuration file.
    pub config: String,
    /// The same from the root of the repository that it is in, if there is one; for what annotates it.
    #[serde(skip)]
    pub config_in_repository: Option<String>,
    /// Whether the score may be higher, because signals are missing.
    pub score_is_lower_bound: bool,
    /// The terms of the score.
    pub score_breakdown: Vec<TermEntry>,
    /// Failure modes that cannot be told for want of readings.
    pub failure_modes_not_assessable: Vec<NotAssessable>,
    /// Every signal.
    pub signals: Ordered<SignalEntry>,
    /// How the service let itself be scraped, a target each; empty where a server was asked.
    pub scrapes: Vec<ScrapesEntry>,
    /// The command that ran meanwhile; `null` if there was none.
    pub command: Option<CommandEntry>,
    /// The limits judged by, under the keys of `metrics.yaml`.
    pub thresholds: Ordered<f64>,
    /// The weights of the score, by signal.
    pub weights: Ordered<f64>,
    /// Every check: first those that the thresholds are, then the configuration's own.
    #[serde(default)]
    pub checks: Vec<CheckEntry>,
    /// The findings in full, in the order of `findings`.
    #[serde(default)]
    pub finding_details: Vec<FindingEntry>,
    /// What fails the gate: `degraded`, `critical`, `collapse`, `failure-mode`; empty without one.
    #[serde(default)]
    pub fail_on: Vec<Word>,
    /// The profile of the configuration that was chosen.
    #[serde(default)]
    pub profile: Option<String>,
    /// The preset below the configuration file; absent without a file, or without a preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The earlier audit that this one is compared with; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineReport>,
    /// What was seen, and what was not.
    #[serde(default)]
    pub evidence: EvidenceReport,
    /// The longest stalls, in the order of time; absent without a probe, as all that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalls: Option<Vec<StallEntry>>,
    /// The places that held the loop, the worst first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprits: Option<Vec<CulpritEntry>>,
    /// All stalls together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled: Option<StalledEntry>,
    /// Why no culprit could be named, or not every one; `null` where nothing hindered that.
    #[serde(default, deserialize_with = "blame::present", skip_serializing_if = "Option::is_none")]
    pub blame: Option<Option<String>>,
    /// The signals over time; absent unless a report with charts was asked for, and of a single
    /// instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<TimelineReport>,
    /// The audits of a run of several; absent where there is one, and no breaker. All above but the
    /// verdict, its reason, the exit code and the error is of the audit that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<SamplesReport>,
}

/// The JSON Schema of the report.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Report).into()
}

impl Report {
    /// Reads a report that was written as JSON.
    ///
    /// # Errors
    /// If it is none, or of another version of the schema.
    pub fn from_json(json: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let Version { schema_version } = serde_json::from_str(json)?;
        if schema_version != SCHEMA_VERSION {
            return Err(ReadError::Version(schema_version));
        }
        Ok(serde_json::from_str(json)?)
    }
}

impl Report {
    /// Whether no signal is asked for, so that there is no score, and checks alone decide.
    pub fn is_of_checks_alone(&self) -> bool {
        self.source == SourceKind::Log
    }

    /// Whether a text is a report, of this or of any other version, its predecessor's included.
    pub fn is_json_of_one(text: &str) -> bool {
        let json: Result<serde_json::Map<String, serde_json::Value>, _> =
            serde_json::from_str(text);
        json.is_ok_and(|it| it.contains_key("status") && it.contains_key("runtime_health_score"))
    }
}

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not the JSON of a report.
    #[error("this is no report of auditor: {0}")]
    Json(#[from] serde_json::Error),
    /// It has another schema.
    #[error("the report has schema version {0}; this auditor reads version {SCHEMA_VERSION}")]
    Version(u32),
}

/// Where the telemetry of an audit came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A server that speaks the Prometheus HTTP API.
    Server,
    /// The service itself.
    Scrape,
    /// The service, looked at from outside.
    Probe,
    /// What was scraped before.
    Recording,
    /// Logs alone.
    Log,
}

/// Whether a signal is known, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// Every series was read.
    Ok,
    /// The query returned no series.
    NoData,
    /// A series is `NaN`.
    NotANumber,
    /// A series is infinite.
    Infinite,
    /// The answer is incomplete.
    Partial,
    /// There is no answer.
    Failed,
    /// The configuration has no query for it.
    NotConfigured,
}

impl StateName {
    /// Its name in plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoData => "no data",
            Self::NotANumber => "not a number",
            Self::Infinite => "infinite",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::NotConfigured => "not configured",
        }
    }
}

/// A failure mode with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureModeEntry {
    /// Its name.
    #[serde(rename = "type")]
    pub mode: Word,
    /// How bad it is.
    pub severity: ModeSeverity,
    /// What it means.
    pub description: String,
    /// What keeps the loop busy; `null` where CPU use does not tell.
    pub cause: Option<Cause>,
    /// The signals that prove it.
    pub evidence: Vec<EvidenceEntry>,
}

/// A signal over its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceEntry {
    /// The signal.
    pub signal: Word,
    /// Its value, in its unit.
    pub value: f64,
    /// Whether the value may be greater still.
    pub is_lower_bound: bool,
    /// The limit.
    pub limit: f64,
    /// The unit of both.
    pub unit: Word,
    /// Labels of the series it comes from.
    pub series: Option<Labels>,
}

/// A failure mode that cannot be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotAssessable {
    /// Its name.
    #[serde(rename = "type")]
    pub mode: Word,
    /// The signals that are missing.
    pub unknown: Vec<Word>,
}

/// A term of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TermEntry {
    /// The signal.
    pub signal: Word,
    /// Its value, or the least it can be; `null` where nothing was measured.
    pub value: Option<f64>,
    /// Whether the value may be greater.
    pub is_lower_bound: bool,
    /// The limit of the failure modes and findings.
    pub limit: f64,
    /// The unit of both.
    pub unit: Word,
    /// Points for one unit.
    pub weight: f64,
    /// Points in the score.
    pub points: f64,
}

/// One signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignalEntry {
    /// The value, or the least it can be; `null` where nothing was measured.
    pub value: Option<f64>,
    /// The unit of the value.
    pub unit: Word,
    /// Whether it is known, or why not.
    pub state: StateName,
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
    /// What it is of the whole time, where the report is about an earlier instant than its end; absent
    /// unless the configuration compares with a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_end: Option<AtEndEntry>,
    /// Where its query is written; absent where that is in no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginEntry>,
}

/// A signal at the end of what was watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AtEndEntry {
    /// The value, or the least it can be; `null` where nothing was measured.
    pub value: Option<f64>,
    /// Whether the value may be greater.
    pub is_lower_bound: bool,
}

/// How one target let itself be scraped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema)]
#[schemars(with = "u64")]
pub struct Integer(f64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self)
    }
}

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

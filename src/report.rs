//! The report: the schema that readers of the JSON rely on.
//!
//! Apart from the internal types on purpose. Within a `schema_version` keys are only
//! added. The first eleven after it are those of async-runtime-auditor 0.1, with their
//! names, units and rounding; what is not known is `null`, never 0.

use std::path::Path;

use serde::{Serialize, Serializer};

use crate::config::Plan;
use crate::engine::{
    Assessment, Evidence, FailureMode, Score, Term, Unassessable, Verdict, backlog,
};
use crate::exit::Exit;
use crate::judgement::{Level, Status, Thresholds, Weights};
use crate::readings::{Bound, Labels, Reading, State};
use crate::signal::{Reduce, Signal};
use crate::source::{Backend, Observation};

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
    /// `pass`, `fail`, `inconclusive`, `error` or `not_gated`.
    pub verdict: &'static str,
    /// Why, in one sentence.
    pub verdict_reason: String,
    /// The exit code of the process.
    pub exit_code: u8,
    /// The level that fails the gate; `null` without a gate.
    pub gate: Option<Level>,
    /// What went wrong, if anything did.
    pub error: Option<String>,
    /// The evaluation instant, RFC 3339.
    pub evaluated_at: String,
    /// The server asked, a password in it hidden.
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

impl Report {
    /// The report of an audit that ends in `exit`.
    pub fn new(plan: &Plan, seen: &Observation, assessment: &Assessment, exit: Exit) -> Self {
        let known = |signal: Signal| {
            let reading = seen.readings.get(signal);
            reading.bound.exact().filter(|_| reading.measured)
        };
        let score = &assessment.score;
        let backlog = backlog(&seen.readings).exact().filter(|_| {
            score.terms.iter().any(|term| term.signal == Signal::ThreadpoolBacklog && term.measured)
        });
        Self {
            schema_version: SCHEMA_VERSION,
            status: assessment.status,
            runtime_health_score: score.is_measured().then(|| rounded(score.total.least())),
            p99_latency_ms: known(Signal::P99Latency).map(milliseconds),
            max_event_loop_lag_ms: known(Signal::EventLoopLag).map(milliseconds),
            blocking_events: known(Signal::BlockingEventsTotal).map(integer),
            avg_blocking_duration_s: known(Signal::BlockingDurationAvg).map(rounded),
            peak_active_requests: known(Signal::PeakActiveRequests).map(integer),
            threadpool_queue_wait_s: known(Signal::ThreadpoolQueueWait).map(rounded),
            threadpool_backlog: backlog.map(integer),
            failure_modes: assessment.failure_modes.iter().map(Into::into).collect(),
            findings: assessment.findings.clone(),
            verdict: assessment.verdict.name(),
            verdict_reason: assessment.verdict_reason.clone(),
            exit_code: exit.code(),
            gate: plan.gate,
            error: seen.failure.clone(),
            evaluated_at: plan.at.to_string(),
            target: plan.target.to_string(),
            backend: seen.backend.clone(),
            config: plan.config.display().to_string(),
            score_is_lower_bound: score.total.exact().is_none(),
            score_breakdown: breakdown(score, &plan.thresholds),
            failure_modes_not_assessable: assessment
                .not_assessable
                .iter()
                .map(Into::into)
                .collect(),
            signals: Signals(
                seen.readings
                    .iter()
                    .map(|(signal, reading)| (signal, entry(plan, signal, reading)))
                    .collect(),
            ),
            thresholds: plan.thresholds.clone(),
            weights: plan.weights.clone(),
        }
    }

    /// Takes note that the report file could not be written, which changed the exit.
    pub fn not_written(&mut self, path: &Path, reason: &str, exit: Exit) {
        let message = format!("cannot write the report {}: {reason}", path.display());
        if self.exit_code != exit.code() {
            self.verdict = Verdict::Error.name();
            self.verdict_reason.clone_from(&message);
            self.exit_code = exit.code();
        }
        self.error.get_or_insert(message);
    }
}

impl From<&FailureMode> for FailureModeEntry {
    fn from(found: &FailureMode) -> Self {
        let description = found.mode.description();
        Self {
            mode: found.mode.name(),
            severity: found.mode.severity().name(),
            description: match found.cause {
                Some(cause) => format!("{description} {}", cause.description()),
                None => description.to_owned(),
            },
            cause: found.cause.map(|cause| cause.name()),
            evidence: found.evidence.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Evidence> for EvidenceEntry {
    fn from(evidence: &Evidence) -> Self {
        Self {
            signal: evidence.signal.key(),
            value: evidence.value,
            is_lower_bound: evidence.is_lower_bound,
            limit: evidence.limit,
            unit: evidence.signal.unit(),
            series: evidence.labels.clone(),
        }
    }
}

impl From<&Unassessable> for NotAssessable {
    fn from(open: &Unassessable) -> Self {
        let unknown = open.unknown.iter().map(|signal| signal.key()).collect();
        Self { mode: open.mode.name(), unknown }
    }
}

fn breakdown(score: &Score, thresholds: &Thresholds) -> Vec<TermEntry> {
    let entry = |term: &Term| TermEntry {
        signal: term.signal.key(),
        value: term.measured.then(|| term.value.least()),
        is_lower_bound: matches!(term.value, Bound::AtLeast(_)),
        limit: match term.signal {
            Signal::EventLoopLag => thresholds.max_event_loop_lag_s,
            Signal::BlockingDurationAvg => thresholds.max_blocking_duration_s,
            Signal::ThreadpoolQueueWait => thresholds.max_queue_wait_s,
            Signal::ThreadpoolBacklog => thresholds.max_threadpool_backlog,
            _ => thresholds.max_active_requests,
        },
        unit: term.signal.unit(),
        weight: term.weight,
        points: term.points.least(),
    };
    score.terms.iter().map(entry).collect()
}

fn entry(plan: &Plan, signal: Signal, reading: &Reading) -> SignalEntry {
    let query = plan.query(signal);
    let (state, why) = match &reading.state {
        State::Ok => ("ok", None),
        State::NoData => (
            "no_data",
            Some("the query returned no series; check the metric's name, the labels and the time"),
        ),
        State::NotANumber => ("not_a_number", Some("a series is NaN")),
        State::Infinite => ("infinite", Some("a series is infinite")),
        State::Partial(words) => ("partial", Some(words.as_str())),
        State::Failed(cause) => ("failed", Some(cause.as_str())),
        State::NotConfigured => ("not_configured", None),
    };
    let notes = reading.notes.iter().map(|note| note.text());
    let reasons: Vec<_> = why.into_iter().chain(notes).collect();
    SignalEntry {
        value: reading.measured.then(|| reading.bound.least()),
        unit: signal.unit(),
        state,
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        is_lower_bound: matches!(reading.bound, Bound::AtLeast(_)),
        query: query.map(|query| query.expr.clone()),
        reduce: query.map(|query| query.read_as.reduce),
        series: reading.series,
        labels: reading.labels.clone(),
    }
}

fn milliseconds(seconds: f64) -> f64 {
    rounded((seconds * 1000.0).min(f64::MAX))
}

/// Two decimals, correctly rounded from the binary value with ties to even, as Python does.
fn rounded(value: f64) -> f64 {
    format!("{value:.2}").parse().unwrap_or(value)
}

fn integer(value: f64) -> Integer {
    Integer(value.trunc())
}

//! How the report is filled from what was seen and judged.

use super::{
    CommandEntry, EvidenceEntry, FailureModeEntry, Integer, NotAssessable, Report, SCHEMA_VERSION,
    ScrapesEntry, SignalEntry, Signals, TermEntry,
};
use crate::collect::CommandOutcome;
use crate::config::Plan;
use crate::engine::{
    Assessment, Evidence, FailureMode, Score, Term, Unassessable, Verdict, backlog,
};
use crate::exit::Exit;
use crate::judgement::Thresholds;
use crate::observe::Observation;
use crate::readings::{Bound, Reading, State};
use crate::signal::Signal;
use crate::target_health::TargetHealth;

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
            error: match exit {
                Exit::NoVerdict => Some(assessment.verdict_reason.clone()),
                _ => seen.failure.clone(),
            },
            evaluated_at: plan.spec.instant().to_string(),
            source: plan.spec.source.name(),
            target: plan.spec.source.to_string(),
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
            scrapes: seen.scrapes.iter().map(Into::into).collect(),
            command: seen.command.as_ref().map(Into::into),
            thresholds: plan.thresholds.clone(),
            weights: plan.weights.clone(),
        }
    }

    /// Takes note that the report could not be written or printed, which may change the exit.
    pub fn not_delivered(&mut self, message: &str, exit: Exit) {
        if self.exit_code != exit.code() {
            self.verdict = Verdict::Error.name();
            message.clone_into(&mut self.verdict_reason);
            self.exit_code = exit.code();
        }
        self.error.get_or_insert_with(|| message.to_owned());
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

impl From<&TargetHealth> for ScrapesEntry {
    fn from(scrapes: &TargetHealth) -> Self {
        Self {
            target: scrapes.target.clone(),
            tried: scrapes.tried,
            failed: scrapes.failed,
            slowest_s: scrapes.slowest_s.map(thousandths),
            missing: scrapes.missing(),
        }
    }
}

impl From<&CommandOutcome> for CommandEntry {
    fn from(ended: &CommandOutcome) -> Self {
        Self {
            line: ended.line.clone(),
            exit_code: ended.code,
            failed: !ended.is_success,
            status: ended.status.clone(),
            took_s: thousandths(ended.took.as_secs_f64()),
        }
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
    let reasons: Vec<_> = why.into_iter().map(str::to_owned).chain(notes).collect();
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

/// Three decimals: what a clock of milliseconds knows.
fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn integer(value: f64) -> Integer {
    Integer(value.trunc())
}

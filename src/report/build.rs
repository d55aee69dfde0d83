//! How the report is filled from what was seen and judged.

use super::blame::{self, name_places};
use super::checks::{check, detail, words};
use super::{
    AtEndEntry, CommandEntry, EvidenceEntry, FailureModeEntry, Integer, NotAssessable, Ordered,
    Report, SCHEMA_VERSION, SamplesReport, ScrapesEntry, SignalEntry, SourceKind, StateName,
    TermEntry, Word,
};
use crate::audit::Audit;
use crate::breaker::conclusion::Conclusion;
use crate::collect::CommandOutcome;
use crate::config::{Plan, Source, SourceSpec};
use crate::engine::{Score, Term, Verdict, backlog};
use crate::exit::Exit;
use crate::model::built_in::BuiltIn;
use crate::model::check::Criteria;
use crate::model::finding::{Evidence, FailureMode, Unassessable};
use crate::model::level::{Gate, Level};
use crate::model::reading::{Note, Reading, State};
use crate::model::signal::Signal;
use crate::target_health::TargetHealth;

impl Report {
    /// The report of an audit that ends in `exit`.
    pub fn new(plan: &Plan, audit: &Audit, exit: Exit) -> Self {
        let assessment = &audit.assessment;
        let known = |signal: Signal| {
            let reading = audit.readings.get(signal);
            reading.value.exact().filter(|_| reading.measured)
        };
        let score = &assessment.score;
        let backlog = backlog(&audit.readings).exact().filter(|_| {
            score
                .terms
                .iter()
                .any(|term| term.signal == Signal::THREADPOOL_BACKLOG && term.measured)
        });
        let blame = audit.blame.as_ref();
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            status: assessment.status,
            runtime_health_score: score.is_measured().then(|| rounded(score.total.least)),
            p99_latency_ms: known(Signal::P99_LATENCY).map(milliseconds),
            max_event_loop_lag_ms: known(Signal::EVENT_LOOP_LAG).map(milliseconds),
            blocking_events: known(Signal::BLOCKING_EVENTS_TOTAL).map(integer),
            avg_blocking_duration_s: known(Signal::BLOCKING_DURATION_AVG).map(rounded),
            peak_active_requests: known(Signal::PEAK_ACTIVE_REQUESTS).map(integer),
            threadpool_queue_wait_s: known(Signal::THREADPOOL_QUEUE_WAIT).map(rounded),
            threadpool_backlog: backlog.map(integer),
            failure_modes: assessment.failure_modes.iter().map(Into::into).collect(),
            findings: assessment.findings.iter().map(|it| words(it, assessment)).collect(),
            verdict: assessment.verdict,
            verdict_reason: assessment.verdict_reason.clone(),
            exit_code: exit.code(),
            gate: plan.gate.level,
            error: match exit {
                Exit::NoVerdict => Some(assessment.verdict_reason.clone()),
                _ => audit.failure.clone(),
            },
            evaluated_at: audit.at.to_string(),
            source: kind(&plan.spec),
            repository: None,
            options: plan.options(),
            target: plan.spec.to_string(),
            backend: audit.backend.clone(),
            config: plan.config.display().to_string(),
            config_in_repository: None,
            preset: plan.preset.map(str::to_owned),
            score_is_lower_bound: score.total.exact().is_none(),
            score_breakdown: breakdown(score, &plan.criteria),
            failure_modes_not_assessable: assessment
                .not_assessable
                .iter()
                .map(Into::into)
                .collect(),
            signals: audit
                .readings
                .iter()
                .map(|(signal, reading)| (signal.key(), entry(plan, audit, signal, reading)))
                .collect(),
            scrapes: audit.scrapes.iter().map(Into::into).collect(),
            command: audit.command.as_ref().map(Into::into),
            thresholds: thresholds(&plan.criteria),
            weights: plan.criteria.weights.iter().map(|(it, weight)| (it.key(), weight)).collect(),
            checks: assessment.checks.iter().map(|judged| check(plan, audit, judged)).collect(),
            finding_details: assessment.findings.iter().map(|it| detail(it, assessment)).collect(),
            fail_on: fail_on(plan.gate),
            profile: plan.profile.clone(),
            baseline: None,
            evidence: super::evidence::report(plan, audit),
            stalls: blame.map(blame::stalls),
            culprits: blame.map(blame::culprits),
            stalled: blame.map(Into::into),
            blame: blame.map(|it| it.not_blamed.clone()),
            timeline: None,
            samples: None,
        };
        if let Some(blame) = blame {
            name_places(&mut report, blame);
        }
        report
    }

    /// What a run of several audits comes to; all else stays that of the audit that decided.
    #[must_use]
    pub fn of_run(self, conclusion: &Conclusion, exit: Exit, samples: SamplesReport) -> Self {
        let reason = conclusion.reason.clone();
        Self {
            verdict: conclusion.verdict,
            exit_code: exit.code(),
            error: if exit == Exit::NoVerdict { Some(reason.clone()) } else { self.error },
            verdict_reason: reason,
            samples: Some(samples),
            ..self
        }
    }

    /// Takes note that the report could not be written or printed, which may change the exit.
    pub fn not_delivered(&mut self, message: &str, exit: Exit) {
        if self.exit_code != exit.code() {
            self.verdict = Verdict::Error;
            message.clone_into(&mut self.verdict_reason);
            self.exit_code = exit.code();
        }
        self.error.get_or_insert_with(|| message.to_owned());
    }
}

impl From<&FailureMode> for FailureModeEntry {
    fn from(found: &FailureMode) -> Self {
        let description = found.mode.description;
        Self {
            mode: found.mode.name.into(),
            severity: found.mode.severity,
            description: match found.cause {
                Some(cause) => format!("{description} {}", cause.description()),
                None => description.to_owned(),
            },
            cause: found.cause,
            evidence: found.evidence.iter().filter_map(of_signal).collect(),
        }
    }
}

fn of_signal(evidence: &Evidence) -> Option<EvidenceEntry> {
    Some(EvidenceEntry {
        signal: evidence.signal?.key().into(),
        value: evidence.observed.least,
        is_lower_bound: evidence.observed.exact().is_none(),
        limit: evidence.limit,
        unit: evidence.unit.into(),
        series: evidence.series.clone(),
    })
}

impl From<&Unassessable> for NotAssessable {
    fn from(open: &Unassessable) -> Self {
        let unknown = open.unknown.iter().map(|signal| signal.key().into()).collect();
        Self { mode: open.mode.name.into(), unknown }
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

fn kind(spec: &SourceSpec) -> SourceKind {
    match &spec.source {
        Source::Server(_) => SourceKind::Server,
        Source::Scrape(scrape) if scrape.pages.is_empty() => SourceKind::Probe,
        Source::Scrape(_) => SourceKind::Scrape,
        Source::Recording(_) => SourceKind::Recording,
        Source::Logs => SourceKind::Log,
    }
}

fn breakdown(score: &Score, criteria: &Criteria) -> Vec<TermEntry> {
    let entry = |term: &Term| TermEntry {
        signal: term.signal.key().into(),
        value: term.measured.then_some(term.value.least),
        is_lower_bound: term.value.exact().is_none(),
        limit: criteria.limit(term.signal.key()).unwrap_or(f64::MAX),
        unit: term.signal.unit().into(),
        weight: term.weight,
        points: term.points.least,
    };
    score.terms.iter().map(entry).collect()
}

fn thresholds(criteria: &Criteria) -> Ordered<f64> {
    let levels = Level::WORST_FIRST.map(|it| (it.threshold(), criteria.levels.start_of(it)));
    let limits = BuiltIn::all().iter();
    let limits = limits.map(|it| (it.threshold, criteria.limit(it.id).unwrap_or(it.default)));
    levels.into_iter().chain(limits).collect()
}

fn fail_on(gate: Gate) -> Vec<Word> {
    let level = gate.level.map(Level::name);
    let mode = gate.failure_mode.then_some(Gate::FAILURE_MODE);
    level.into_iter().chain(mode).map(Word::from).collect()
}

fn entry(plan: &Plan, audit: &Audit, signal: Signal, reading: &Reading) -> SignalEntry {
    let query = plan.query(signal);
    SignalEntry {
        value: reading.measured.then_some(reading.value.least),
        unit: signal.unit().into(),
        state: (&reading.state).into(),
        reason: reason(reading),
        is_lower_bound: reading.value.exact().is_none(),
        query: audit.expr(plan, |it| it.signal() == Some(signal)).map(str::to_owned),
        reduce: query.map(|query| query.read_as.reduce),
        series: reading.series,
        labels: reading.labels.clone(),
        at_end: at_end(plan, audit, signal),
        origin: query.and_then(|query| query.origin.as_ref()).map(Into::into),
    }
}

/// What a baseline would be without, where the backlog of an earlier instant decided.
fn at_end(plan: &Plan, audit: &Audit, signal: Signal) -> Option<AtEndEntry> {
    let whole = audit.whole.as_ref().filter(|_| !plan.criteria.comparisons.is_empty())?;
    let reading = whole.get(signal);
    Some(AtEndEntry {
        value: reading.measured.then_some(reading.value.least),
        is_lower_bound: reading.value.exact().is_none(),
    })
}

/// Why a reading is not known, or what was assumed.
fn reason(reading: &Reading) -> Option<String> {
    let notes = reading.notes.iter().map(Note::text);
    let why = reading.state.reason().map(str::to_owned);
    let reasons: Vec<_> = why.into_iter().chain(notes).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

impl From<&State> for StateName {
    fn from(state: &State) -> Self {
        match state {
            State::Ok => Self::Ok,
            State::NoData | State::NotLogged(_) => Self::NoData,
            State::NotANumber => Self::NotANumber,
            State::Infinite => Self::Infinite,
            State::Partial(_) => Self::Partial,
            State::Failed(_) => Self::Failed,
            State::NotConfigured => Self::NotConfigured,
        }
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
pub(super) fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn integer(value: f64) -> Integer {
    Integer(value.trunc())
}

//! One audit at one instant: from the questions of the plan to what the engine makes of the
//! answers; and which instant that is.
//!
//! Everything but the thread pool's backlog is about the whole time. The backlog is what it is at
//! one instant; and when a load has run down it is gone, with the evidence. So beside the end
//! there is a second candidate: of all scrapes with a backlog over its limit, the one with the
//! highest score. Either can be asked of a Prometheus, at that instant.

mod before;
mod logs;
mod proof;
mod timeline;
mod worst_instant;

use jiff::Timestamp;

use crate::blame;
use crate::collect::{self, CommandOutcome, Telemetry};
use crate::config::{Asked, ObservedRange, Plan, Query, Source};
use crate::engine::{self, Assessment, Circumstances, Verdict};
use crate::evaluate::{self, Error, Evaluation};
use crate::evidence::{self, Inquiry};
use crate::interrupt;
use crate::model::baseline::Baseline;
use crate::model::blame::Blame;
use crate::model::evidence::Evidence;
use crate::model::question::{Answer, Probe, Question, Values};
use crate::model::reading::{CheckReading, RangeReading, ReadAs, Reading, Readings, State};
use crate::prometheus::{Backend, Log};
use crate::promql;
use crate::target_health::TargetHealth;

pub use before::audit_before;
pub use logs::Logged;
pub use proof::Prover;
pub use timeline::{Line, Timeline, TimelinePoint, timeline};

/// An audit at one instant.
#[derive(Debug)]
pub struct Audit {
    /// The instant.
    pub at: Timestamp,
    /// What was asked, in the order of the plan's queries.
    pub questions: Vec<Question>,
    /// What was read.
    pub readings: Readings,
    /// What was found in logs, in the order of the logs.
    pub logs: Vec<Logged>,
    /// What was read of the whole time, where this is about an earlier instant than its end.
    pub whole: Option<Readings>,
    /// Which server answered, as far as it says.
    pub backend: Backend,
    /// How the service let itself be scraped, a target each; of a server nothing is known.
    pub scrapes: Vec<TargetHealth>,
    /// What was seen, and what was not.
    pub evidence: Evidence,
    /// What held the loop up, and where; `None` without a probe.
    pub blame: Option<Blame>,
    /// How the command ended that ran meanwhile.
    pub command: Option<CommandOutcome>,
    /// That the service that was started ended before the audit did, in words, if so.
    pub service_ended: Option<String>,
    /// That it was interrupted, in words, if it was.
    pub interruption: Option<String>,
    /// What is to be told beside the report.
    pub warnings: Vec<String>,
    /// What went wrong, if anything did: the audit then has no clean result.
    pub failure: Option<String>,
    /// What the engine made of it.
    pub assessment: Assessment,
}

impl Audit {
    /// What was asked for a query of the plan.
    pub fn expr(&self, plan: &Plan, is_it: impl Fn(&Query) -> bool) -> Option<&str> {
        let index = plan.queries.iter().position(is_it)?;
        self.questions.get(index).map(|question| question.expr.as_str())
    }

    /// The same where the command was ended early, once a breach was proven: then this has to find one,
    /// for what would have come later is not known.
    fn of_aborted_command(mut self, plan: &Plan) -> Self {
        let Some(breach) = self.command.as_ref().and_then(|it| it.breach.clone()) else {
            return self;
        };
        if self.assessment.verdict == Verdict::Fail {
            self.assessment.verdict_reason +=
                "; the command was ended early, as a breach was proven by then";
            return self;
        }
        let words = format!(
            "the command was ended early, as a breach was proven by then ({breach}), and this audit \
             finds none; what would have come after is not known"
        );
        self.failed(plan, words)
    }

    /// The same where something went wrong.
    fn failed(self, plan: &Plan, failure: String) -> Self {
        Self { failure: self.failure.or(Some(failure)), ..self }.assessed(plan, None)
    }

    /// The same, compared with an earlier one. At which instant it looks does not depend on that: the
    /// earlier one has chosen its own by itself as well.
    #[must_use]
    pub fn compared(self, plan: &Plan, baseline: &Baseline) -> Self {
        let interruption = self.interruption.or_else(interruption);
        Self { interruption, ..self }.assessed(plan, Some(baseline)).of_aborted_command(plan)
    }

    fn assessed(self, plan: &Plan, baseline: Option<&Baseline>) -> Self {
        let seen = (&self.readings, &self.evidence, self.scrapes.as_slice());
        let compared = (baseline, self.whole.as_ref());
        let command_failure = command_failure(self.command.as_ref(), self.service_ended.as_deref());
        let ended = (command_failure, self.interruption.as_deref(), self.failure.as_deref());
        let assessment = assess(plan, compared, seen, ended);
        Self { assessment, ..self }
    }
}

/// That a signal came that asks for the end, in words, if one did.
fn interruption() -> Option<String> {
    interrupt::received().map(collect::in_words)
}

/// The audit at the instant that tells most against the service.
pub fn audit_at_worst_instant(plan: &Plan, telemetry: &Telemetry, log: Log<'_>) -> Audit {
    let last = audit(plan, &telemetry.observed, telemetry, None, log);
    if plan.spec.at.is_some() || matches!(plan.spec.source, Source::Server(_) | Source::Logs) {
        return last;
    }
    let at = match worst_instant::find(plan, &last, telemetry) {
        Ok(Some(at)) => at,
        Ok(None) => return last,
        Err(error) => {
            let failure = format!("the backlog was not looked at in every scrape: {error}");
            return last.failed(plan, failure);
        }
    };
    let earlier = audit(plan, &telemetry.until(at), telemetry, Some(&last), log);
    if tells_more(&earlier.assessment, &last.assessment) {
        Audit { whole: Some(last.readings), ..earlier }
    } else {
        last
    }
}

/// Whether the earlier assessment stands more against the service, and nothing that the later one
/// found is lost with it.
fn tells_more(then: &Assessment, now: &Assessment) -> bool {
    if then.verdict == Verdict::Fail && now.verdict != Verdict::Fail {
        return true;
    }
    // What is missing at the end stays missing.
    let is_whole = now.score.total.exact().is_some();
    // What is not known at the earlier instant alone says nothing of the end.
    let is_known =
        !matches!(then.verdict, Verdict::Inconclusive | Verdict::Interrupted | Verdict::Error);
    let is_graver = then.verdict >= now.verdict && (is_known || then.verdict == now.verdict);
    let keeps_modes = now
        .failure_modes
        .iter()
        .all(|mode| then.failure_modes.iter().any(|other| other.mode == mode.mode));
    let mut requested =
        now.checks.iter().zip(&then.checks).filter(|(now, _)| now.check.is_requested);
    let keeps_checks = requested.all(|(now, then)| {
        then.found() >= now.found() && (now.passed.is_some() || then.passed != Some(true))
    });
    let is_worse = then.score.total.least > now.score.total.least;
    is_worse && is_whole && is_graver && keeps_modes && keeps_checks
}

/// The audit up to the end of what was observed. Of an earlier instant than `end`, only the signals
/// are read: the checks' own queries are about the whole time, and a rate that has not risen yet
/// would fail a healthy service.
fn audit(
    plan: &Plan,
    observed: &ObservedRange,
    telemetry: &Telemetry,
    end: Option<&Audit>,
    log: Log<'_>,
) -> Audit {
    let at = plan.spec.at.unwrap_or(observed.at);
    let questions = plan.questions(Some(observed));
    let inquiry = Inquiry::new(plan, &questions, telemetry, at);
    let evaluation =
        evaluate::evaluate(&questions, inquiry.probes(), &plan.spec, telemetry, at, log);
    let ask = |probes: &[Probe]| {
        evaluate::probe(probes, plan.accept_partial, &plan.spec, (telemetry, at), log)
    };
    // A server that cannot be relied on says nothing of the evidence either.
    let told = match evaluation.failure {
        None => inquiry.told(&evaluation.answers, &evaluation.probed, &ask),
        Some(_) => Evidence::default(),
    };
    // They are about the whole time, as the checks' own queries are.
    let logs = end.map_or_else(|| logs::read(plan, telemetry), |end| end.logs.clone());
    judge(plan, telemetry, at, (questions, evaluation, told, logs), end)
}

/// The audit of which nothing could be read any more, because it was interrupted.
pub fn unread(plan: &Plan, telemetry: &Telemetry) -> Audit {
    let at = plan.spec.at.unwrap_or(telemetry.observed.at);
    let questions = plan.questions(Some(&telemetry.observed));
    let evaluation = evaluate::unread(&questions, telemetry);
    let told = (questions, evaluation, Evidence::default(), logs::unread(plan));
    judge(plan, telemetry, at, told, None)
}

/// What the answers to the questions say, what a server told of the evidence, and what was found in logs.
fn judge(
    plan: &Plan,
    telemetry: &Telemetry,
    at: Timestamp,
    (mut questions, evaluation, told, logs): (Vec<Question>, Evaluation, Evidence, Vec<Logged>),
    end: Option<&Audit>,
) -> Audit {
    let Evaluation { answers, backend, clock, failure: unfit, .. } = evaluation;
    let is_read = |query: &Query| end.is_none() || query.signal().is_some();
    let failure = telemetry.failure.as_ref().map(ToString::to_string);
    let failure = failure
        .or(unfit.map(|unfit| unfit.to_string()))
        .or_else(|| failed_queries(plan, &answers, is_read));
    let mut readings = read(plan, &questions, answers, at);
    let evidence = match end {
        Some(end) => end.evidence.clone(),
        None => evidence::look(plan, &questions, telemetry, (&readings, clock), at, told),
    };
    bound(plan, &evidence, &mut readings);
    // It explains the whole run, as the evidence does.
    let blame = match end {
        Some(end) => end.blame.clone(),
        None => telemetry.storage().and_then(|it| blame::until(it, at.as_millisecond())),
    };
    if let Some(end) = end {
        take_checks(plan, end, &mut questions, &mut readings);
    }
    for logged in &logs {
        readings.set_check(&logged.check, CheckReading::Value(logged.reading.clone()));
    }
    let command = telemetry.command.clone();
    let scrapes = telemetry.targets().to_vec();
    let interruption = telemetry.interruption.clone().or_else(interruption);
    let seen = (&readings, &evidence, scrapes.as_slice());
    let service_ended = telemetry.service_ended.clone();
    let command_failure = command_failure(command.as_ref(), service_ended.as_deref());
    let ended = (command_failure, interruption.as_deref(), failure.as_deref());
    let assessment = assess(plan, (None, None), seen, ended);
    let warnings = evidence::clock::warning(plan, clock).into_iter().collect();
    let audit = Audit {
        at,
        questions,
        readings,
        logs,
        whole: None,
        backend,
        scrapes,
        evidence,
        blame,
        command,
        service_ended,
        interruption,
        warnings,
        failure,
        assessment,
    };
    audit.of_aborted_command(plan)
}

/// That the service or the command failed, in words, if one did: without the one, the other has none.
fn command_failure(
    command: Option<&CommandOutcome>,
    service_ended: Option<&str>,
) -> Option<String> {
    service_ended.map(str::to_owned).or(command.and_then(CommandOutcome::failure))
}

fn assess(
    plan: &Plan,
    (baseline, whole): (Option<&Baseline>, Option<&Readings>),
    (readings, evidence, scrapes): (&Readings, &Evidence, &[TargetHealth]),
    (command_failure, interruption, failure): (Option<String>, Option<&str>, Option<&str>),
) -> Assessment {
    let circumstances = Circumstances {
        gate: plan.gate,
        scrapes,
        queries: &plan.queries.iter().map(Query::signal).collect::<Vec<_>>(),
        evidence,
        baseline,
        whole,
        command_failure: command_failure.as_deref(),
        interruption,
        failure,
        asks_for_signals: !matches!(plan.spec.source, Source::Logs),
    };
    engine::assess(readings, &plan.criteria, circumstances)
}

/// Takes what was read of the checks' own queries from the audit at the end.
fn take_checks(plan: &Plan, end: &Audit, questions: &mut [Question], readings: &mut Readings) {
    let asked = plan.queries.iter().zip(questions.iter_mut().zip(&end.questions));
    for (query, (question, at_the_end)) in asked.filter(|(query, _)| query.signal().is_none()) {
        question.clone_from(at_the_end);
        if let Some(reading) = end.readings.of_check(query.name()) {
            readings.set_check(query.name(), reading.clone());
        }
    }
}

/// Reads the answers to the plan's queries.
fn read(
    plan: &Plan,
    questions: &[Question],
    answers: Vec<Result<Answer, Error>>,
    at: Timestamp,
) -> Readings {
    let mut readings = Readings::new(|_| None);
    for ((query, question), answer) in plan.queries.iter().zip(questions).zip(answers) {
        let value = |answer| value(query, question, answer);
        match (&query.asked, query.span) {
            (Asked::Signal(signal), _) => readings.set(*signal, value(answer)),
            (Asked::Check(name), None) => {
                readings.set_check(name, CheckReading::Value(value(answer)));
            }
            (Asked::Check(name), Some(span)) => {
                let reading = range(query, answer, span.instants(at));
                readings.set_check(name, CheckReading::Range(reading));
            }
        }
    }
    readings
}

/// Leaves a lower bound of what lacks evidence.
fn bound(plan: &Plan, evidence: &Evidence, readings: &mut Readings) {
    for (index, query) in plan.queries.iter().enumerate() {
        let Some(shortfall) = evidence.bound(index, &plan.criteria.evidence) else { continue };
        let (why, how) = (shortfall.detail.as_str(), query.read_as);
        match &query.asked {
            Asked::Signal(signal) => {
                readings.set(*signal, readings.get(*signal).clone().bounded(why, how));
            }
            Asked::Check(name) => {
                if let Some(reading) = readings.of_check(name).cloned() {
                    readings.set_check(name, reading.bounded(why, how));
                }
            }
        }
    }
}

fn value(query: &Query, question: &Question, answer: Result<Answer, Error>) -> Reading {
    let is_rate = question.expr.parsed().is_ok_and(promql::Query::is_below_zero_by_reset);
    let read_as = ReadAs { is_rate, ..query.read_as };
    match answer {
        Ok(Answer { values: Values::Vector(samples), incomplete, zero_by_zero }) => {
            let zeros = match zero_by_zero {
                Some(Values::Vector(zeros)) => zeros,
                _ => Vec::new(),
            };
            Reading::new(samples, &zeros, incomplete, read_as)
        }
        Ok(_) => Reading::unknown(State::Failed("the answer is a range".to_owned())),
        Err(error) => Reading::unknown(State::Failed(error.to_string())),
    }
}

fn range(query: &Query, answer: Result<Answer, Error>, instants: Vec<i64>) -> RangeReading {
    match answer {
        Ok(Answer { values: Values::Matrix(series), incomplete, zero_by_zero }) => {
            let zeros = match zero_by_zero {
                Some(Values::Matrix(zeros)) => zeros,
                _ => Vec::new(),
            };
            RangeReading::new(series, &zeros, instants, incomplete, query.read_as)
        }
        Ok(_) => RangeReading::unknown(State::Failed("the answer is no range".to_owned())),
        Err(error) => RangeReading::unknown(State::Failed(error.to_string())),
    }
}

/// Names one failed query of those that count, and how many others failed.
fn failed_queries(
    plan: &Plan,
    answers: &[Result<Answer, Error>],
    counts: impl Fn(&Query) -> bool,
) -> Option<String> {
    let failures: Vec<_> = plan
        .queries
        .iter()
        .zip(answers)
        .filter(|(query, _)| counts(query))
        .filter_map(|(query, answer)| Some((query, answer.as_ref().err()?)))
        // Those that can be evaluated are not to blame for those that cannot.
        .filter(|(_, error)| !matches!(error, Error::NotAsked | Error::Interrupted))
        .collect();
    let (query, error) = failures.first()?;
    // Where to mend it, if it can be mended there.
    let origin = query.origin.as_ref().filter(|_| error.is_of_expression());
    let place = origin.map(|it| format!(" ({}:{})", it.path.display(), it.line));
    let (name, place) = (query.name(), place.unwrap_or_default());
    Some(match failures.len() {
        1 => format!("the query `{name}`{place} failed: {error}"),
        count => {
            let total = answers.len();
            format!("{count} of {total} queries failed, `{name}`{place} first: {error}")
        }
    })
}

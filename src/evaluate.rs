//! Evaluation of expressions at an instant or over a range of time: by a server, or by
//! [`crate::promql`] on samples at hand. It knows nothing of signals and checks.

mod beside;
mod query;
mod samples;
mod server;

pub use query::{Refusal, query};

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::collect::Telemetry;
use crate::config::{Endpoint, Source, SourceSpec};
use crate::interrupt;
use crate::model::clock_skew::ClockSkew;
use crate::model::question::{Answer, Probe, Question, Values};
use crate::model::reading::Sample;
use crate::one_line::one_line;
use crate::prometheus::{self, Backend, Failed, Log, QueryError, RETURNS_RANGE, ServerProblem};
use crate::promql::{self, Expression};

/// What came of the questions of an audit.
#[derive(Debug)]
pub struct Evaluation {
    /// An answer to each question, or why there is none.
    pub answers: Vec<Result<Answer, Error>>,
    /// The same for each probe; none where samples are at hand.
    pub probed: Vec<Result<Answer, Error>>,
    /// Which server answered, as far as it says.
    pub backend: Backend,
    /// How far the server's clock is off, as far as it says.
    pub clock: Option<ClockSkew>,
    /// Why the server as a whole cannot be relied on, if so.
    pub failure: Option<Unfit>,
}

/// A server that cannot be relied on, and why. No secret is in it.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{target}: {problem}")]
pub struct Unfit {
    /// Its URL.
    pub target: String,
    /// What is wrong with it.
    pub problem: ServerProblem,
}

/// Why a question has no answer. No secret is in it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The server gave none.
    #[error(transparent)]
    Server(#[from] Failed<QueryError>),
    /// It cannot be evaluated on samples.
    #[error(
        "{}{}",
        one_line(&.0.to_string()),
        if *.0 == promql::Error::Timeout { " (--timeout)" } else { "" }
    )]
    Promql(#[from] promql::Error),
    /// Its value is no numbers.
    #[error("{0}")]
    WrongType(&'static str),
    /// There are no samples; why.
    #[error("{0}")]
    NoSamples(String),
    /// It was not asked any more.
    #[error("the audit was interrupted")]
    Interrupted,
    /// It was not asked, because another question cannot be evaluated.
    #[error("nothing was read: another query cannot be evaluated")]
    NotAsked,
}

impl Error {
    /// Whether the expression itself is at fault: no other answer is to be had by asking again.
    pub fn is_of_expression(&self) -> bool {
        match self {
            Self::Server(failed) => match &failed.error {
                QueryError::Api { error_type, .. } => error_type == "bad_data",
                error => matches!(error, QueryError::WrongType(_)),
            },
            Self::Promql(_) => !self.is_timeout(),
            Self::WrongType(_) => true,
            Self::NoSamples(_) | Self::Interrupted | Self::NotAsked => false,
        }
    }

    /// Whether the time was over.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Promql(promql::Error::Timeout))
    }
}

/// Answers every question at the instant `at`, as far as it can be. A server is asked the probes
/// in the same wave.
pub fn evaluate(
    questions: &[Question],
    probes: &[Probe],
    spec: &SourceSpec,
    telemetry: &Telemetry,
    at: Timestamp,
    log: Log<'_>,
) -> Evaluation {
    match &spec.source {
        Source::Server(_) if telemetry.is_blank() => unread(questions, telemetry),
        Source::Server(endpoint) => {
            let within = (telemetry.finished, spec.timeout);
            // Beside a command it was told before.
            if telemetry.command.is_none() {
                prometheus::describe(endpoint, log);
            }
            let asked = questions.iter().filter(|question| question.is_of_server);
            let asked: Vec<_> = asked.cloned().collect();
            let evaluation = server::evaluate(&asked, probes, endpoint, at, within, log);
            let mut of_server = evaluation.answers.into_iter();
            let answers = questions.iter().map(|question| match question.is_of_server {
                // Proof: there is an answer for each that was asked.
                true => of_server.next().unwrap_or(Err(Error::NotAsked)),
                false => answer_of_samples(question, spec, telemetry, telemetry.at_beside(at)),
            });
            Evaluation { answers: answers.collect(), ..evaluation }
        }
        Source::Scrape(_) | Source::Recording(_) | Source::Logs => {
            let answer = |question| answer_of_samples(question, spec, telemetry, at);
            Evaluation {
                answers: questions.iter().map(answer).collect(),
                probed: Vec::new(),
                backend: Backend::default(),
                clock: None,
                failure: None,
            }
        }
    }
}

/// Answers probes of a server at the instant `at`, in a wave of their own; none where samples are
/// at hand.
pub fn probe(
    probes: &[Probe],
    accept_partial: bool,
    spec: &SourceSpec,
    (telemetry, at): (&Telemetry, Timestamp),
    log: Log<'_>,
) -> Vec<Result<Answer, Error>> {
    match &spec.source {
        Source::Server(endpoint) => {
            let within = (telemetry.finished, spec.timeout);
            server::probe(probes, accept_partial, endpoint, at, within, log)
        }
        Source::Scrape(_) | Source::Recording(_) | Source::Logs => Vec::new(),
    }
}

/// Answers expressions by a server at the instant `at`, while a load runs: in as few requests as can be.
/// The time that there is for it is `within`: from when on, and how long.
///
/// # Errors
/// Why the answers are not known to be of that instant.
pub fn ask_meanwhile(
    exprs: Vec<Expression>,
    accept_partial: bool,
    (endpoint, at): (&Endpoint, Timestamp),
    within: (Instant, Duration),
    log: Log<'_>,
) -> Result<Vec<Result<Answer, Error>>, String> {
    let probes = [beside::time()].into_iter().chain(exprs.into_iter().map(Probe::of_instant));
    let probes: Vec<_> = probes.collect();
    let answers = server::probe(&probes, accept_partial, endpoint, at, within, log);
    let mut answers = answers.into_iter();
    let time = answers.next().unwrap_or(Err(Error::NotAsked)).map_err(|error| error.to_string())?;
    match beside::other_instant(&time, at)? {
        Some(problem) => Err(problem.to_string()),
        None => Ok(answers.collect()),
    }
}

/// Answers questions over their spans up to the instant `at`. A server is asked in a wave of its own,
/// and what was sampled beside it is asked about the same time.
pub fn over_time(
    questions: &[Question],
    spec: &SourceSpec,
    (telemetry, at): (&Telemetry, Timestamp),
    log: Log<'_>,
) -> Vec<Result<Answer, Error>> {
    let of_samples = |question| answer_of_samples(question, spec, telemetry, at);
    let Source::Server(endpoint) = &spec.source else {
        return questions.iter().map(of_samples).collect();
    };
    if telemetry.is_blank() {
        return unread(questions, telemetry).answers;
    }
    let asked: Vec<_> = questions.iter().filter(|it| it.is_of_server).cloned().collect();
    let within = (telemetry.finished, spec.timeout);
    let evaluation = server::evaluate(&asked, &[], endpoint, at, within, log);
    let unfit = evaluation.failure.map(|unfit| Error::NoSamples(unfit.to_string()));
    let mut of_server = evaluation.answers.into_iter();
    let answers = questions.iter().map(|question| match (&unfit, question.is_of_server) {
        (_, false) => of_samples(question),
        (Some(unfit), true) => Err(unfit.clone()),
        // Proof: there is an answer for each that was asked.
        (None, true) => of_server.next().unwrap_or(Err(Error::NotAsked)),
    });
    answers.collect()
}

/// What expressions come to at the instant `at`: of the server, or of the samples at hand.
pub fn ask(
    exprs: Vec<Expression>,
    is_of_server: bool,
    spec: &SourceSpec,
    (telemetry, at): (&Telemetry, Timestamp),
    log: Log<'_>,
) -> Vec<Result<Vec<Sample>, Error>> {
    let samples = |answer: Result<Answer, Error>| match answer?.values {
        Values::Vector(samples) => Ok(samples),
        Values::Matrix(_) => Err(Error::WrongType(RETURNS_RANGE)),
    };
    if is_of_server {
        let probes: Vec<_> = exprs.into_iter().map(Probe::of_instant).collect();
        let answers = probe(&probes, true, spec, (telemetry, at), log);
        return answers.into_iter().map(samples).collect();
    }
    let at = match &spec.source {
        Source::Server(_) => telemetry.at_beside(at),
        Source::Scrape(_) | Source::Recording(_) | Source::Logs => at,
    };
    let question = |expr| Question {
        expr,
        span: None,
        nothing_counts: false,
        zero_by_zero: false,
        accept_partial: true,
        is_of_server,
    };
    let answer = |expr| samples(answer_of_samples(&question(expr), spec, telemetry, at));
    exprs.into_iter().map(answer).collect()
}

/// No answers, because there is nothing to ask, or no time.
pub fn unread(questions: &[Question], telemetry: &Telemetry) -> Evaluation {
    let answers = questions.iter().map(|_| Err(why_nothing(telemetry)));
    Evaluation {
        answers: answers.collect(),
        probed: Vec::new(),
        backend: Backend::default(),
        clock: None,
        failure: None,
    }
}

/// Why there is nothing to ask.
fn why_nothing(telemetry: &Telemetry) -> Error {
    match &telemetry.failure {
        Some(failure) => Error::NoSamples(failure.to_string()),
        None if telemetry.interruption.is_some() || interrupt::received().is_some() => {
            Error::Interrupted
        }
        None => Error::NotAsked,
    }
}

/// Answers a question at the instant `at`, on the samples that were collected.
pub fn answer_of_samples(
    question: &Question,
    spec: &SourceSpec,
    telemetry: &Telemetry,
    at: Timestamp,
) -> Result<Answer, Error> {
    let deadline = telemetry.finished.checked_add(spec.timeout);
    samples::answer(question, telemetry, at, deadline)
}

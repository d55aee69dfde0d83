//! Evaluation of expressions at an instant or over a range of time: by a server, or by
//! [`crate::promql`] on samples at hand. It knows nothing of signals and checks.

mod expression;
mod query;
mod samples;
mod server;

pub use expression::Expression;
pub use query::{Refusal, query};

use jiff::Timestamp;

use crate::collect::Telemetry;
use crate::config::{Source, SourceSpec};
use crate::model::question::{Answer, Question};
use crate::prometheus::{Backend, Log};

/// What came of the questions of an audit.
#[derive(Debug)]
pub struct Evaluation {
    /// An answer to each question, or why there is none, in words.
    pub answers: Vec<Result<Answer, Unanswered>>,
    /// Which server answered, as far as it says.
    pub backend: Backend,
    /// Why the server as a whole cannot be relied on, if so.
    pub failure: Option<String>,
}

/// Why a question has no answer. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It was asked, and went wrong.
    #[error("{0}")]
    Failed(String),
    /// It was not asked, because another question cannot be evaluated.
    #[error("nothing was read: another query cannot be evaluated")]
    NotAsked,
}

/// Answers every question at the instant `at`, as far as it can be.
pub fn evaluate(
    questions: &[Question],
    spec: &SourceSpec,
    telemetry: &Telemetry,
    at: Timestamp,
    log: Log<'_>,
) -> Evaluation {
    match &spec.source {
        Source::Server(endpoint) => {
            let within = (telemetry.finished, spec.timeout);
            server::evaluate(questions, endpoint, at, within, log)
        }
        Source::Scrape(_) | Source::Recording(_) => {
            let until = telemetry.finished.checked_add(spec.timeout);
            let answer = |question: &Question| {
                samples::answer(question, &Expression::new(&question.expr), telemetry, at, until)
            };
            Evaluation {
                answers: questions.iter().map(answer).collect(),
                backend: Backend::default(),
                failure: None,
            }
        }
    }
}

/// What an expression comes to on samples at hand, at another instant than the audit's.
pub fn peek(
    expression: &Expression,
    spec: &SourceSpec,
    telemetry: &Telemetry,
    at: Timestamp,
) -> Result<Answer, Unanswered> {
    let question =
        Question { expr: String::new(), span: None, nothing_counts: false, accept_partial: true };
    let until = telemetry.finished.checked_add(spec.timeout);
    samples::answer(&question, expression, telemetry, at, until)
}

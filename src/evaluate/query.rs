//! One expression, evaluated by a server or on samples, and answered in the words of the API.

use std::time::Instant;

use crate::collect::Telemetry;
use crate::config::{Source, SourceSpec};
use crate::one_line::one_line;
use crate::prometheus::{Log, QueryError, Reply, Server, decode_reply};
use crate::promql::{self, Expression};
use crate::target_health::TargetHealth;

/// No answer, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Prometheus' `errorType`.
    pub error_type: String,
    /// The reason.
    pub error: String,
}

impl Refusal {
    /// The query was interrupted.
    pub fn interrupted(words: &str) -> Self {
        Self { error_type: "canceled".to_owned(), error: words.to_owned() }
    }
}

/// Evaluates an expression at the instant of `spec`.
///
/// # Errors
/// Why there is no answer.
pub fn query(
    spec: &SourceSpec,
    telemetry: &Telemetry,
    expr: &Expression,
    log: Log<'_>,
) -> Result<Reply, Refusal> {
    match &spec.source {
        Source::Server(endpoint) => {
            let http = &endpoint.http;
            let log = |line: &str| log(&http.redact(line));
            let within = (Instant::now(), spec.timeout);
            let server = Server::new(endpoint, spec.instant(), false, within, &log);
            server.query(expr.as_str(), decode_reply).map_err(|failed| Refusal {
                error_type: error_type(&failed.error),
                error: http.redact(&format!("{}: {failed}", endpoint.target)),
            })
        }
        Source::Scrape(_) | Source::Recording(_) | Source::Logs => local(spec, telemetry, expr),
    }
}

fn error_type(error: &QueryError) -> String {
    match error {
        QueryError::Api { error_type, .. } => error_type.clone(),
        QueryError::Transport(_) | QueryError::Status { .. } => "unavailable".to_owned(),
        QueryError::NotApi(_) | QueryError::WrongType(_) | QueryError::OtherInstant { .. } => {
            "internal".to_owned()
        }
    }
}

fn local(spec: &SourceSpec, telemetry: &Telemetry, expr: &Expression) -> Result<Reply, Refusal> {
    let refused = |error: promql::Error| Refusal {
        error_type: error.error_type().to_owned(),
        error: one_line(&error.to_string()),
    };
    let query = expr.parsed().map_err(refused)?;
    let Some(samples) = telemetry.samples.as_ref().filter(|_| telemetry.failure.is_none()) else {
        let failure = telemetry.failure.as_ref().map(ToString::to_string);
        let error = failure.unwrap_or_else(|| "nothing was scraped".to_owned());
        return Err(Refusal { error_type: "unavailable".to_owned(), error });
    };
    let deadline = telemetry.finished.checked_add(spec.timeout);
    let at = spec.instant().as_millisecond();
    let value = query.evaluate(&samples.storage, at, deadline).map_err(refused)?;
    // A pause in the samples is no fault of an expression's answer, as it is of an audit's.
    let failed = samples.targets.iter().filter(|target| target.failed > 0);
    Ok(Reply { value, warnings: failed.filter_map(TargetHealth::missing).collect() })
}

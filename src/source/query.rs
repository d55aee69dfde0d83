//! One expression, asked of whatever the source is, and answered in the words of the API.

use std::time::Instant;

use super::api::Server;
use super::http::Log;
use super::watch::Watch;
use super::wire::QueryError;
use super::wire::reply::{self, Reply};
use super::words::words;
use crate::config::{Reach, Source};
use crate::promql;
use crate::scrapes::Scrapes;

/// No answer, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Prometheus' `errorType`.
    pub error_type: String,
    /// The reason.
    pub error: String,
}

/// Evaluates `expr` at the instant of `reach`.
///
/// # Errors
/// Why there is no answer.
pub fn query(reach: &Reach, watch: &Watch, expr: &str, log: Log<'_>) -> Result<Reply, Refusal> {
    match &reach.source {
        Source::Server(endpoint) => {
            let http = &endpoint.http;
            let log = |line: &str| log(&http.redact(line));
            let within = (Instant::now(), reach.timeout);
            let server = Server::new(endpoint, reach.instant(), false, within, &log);
            server.query(expr, reply::decode).map_err(|failed| Refusal {
                error_type: error_type(&failed.error),
                error: http.redact(&format!("{}: {failed}", endpoint.target)),
            })
        }
        Source::Scrape(_) | Source::Recording(_) => local(reach, watch, expr),
    }
}

fn error_type(error: &QueryError) -> String {
    match error {
        QueryError::Api { error_type, .. } => error_type.clone(),
        QueryError::Transport(_) | QueryError::Status { .. } => "unavailable".to_owned(),
        QueryError::NotApi(_) | QueryError::WrongType(_) => "internal".to_owned(),
    }
}

fn local(reach: &Reach, watch: &Watch, expr: &str) -> Result<Reply, Refusal> {
    let refused = |error: promql::Error| Refusal {
        error_type: error.error_type().to_owned(),
        error: words(&error.to_string()),
    };
    let query = promql::parse(expr).map_err(refused)?;
    let Some(samples) = watch.samples.as_ref().filter(|_| watch.failure.is_none()) else {
        let error = watch.failure.clone().unwrap_or_else(|| "nothing was scraped".to_owned());
        return Err(Refusal { error_type: "unavailable".to_owned(), error });
    };
    let deadline = watch.over.checked_add(reach.timeout);
    let at = reach.instant().as_millisecond();
    let value = query.evaluate(&samples.storage, at, deadline).map_err(refused)?;
    // A pause in the samples is no fault of an expression's answer, as it is of an audit's.
    let failed = samples.scrapes.iter().filter(|scrapes| scrapes.failed > 0);
    Ok(Reply { value, warnings: failed.filter_map(Scrapes::missing).collect() })
}

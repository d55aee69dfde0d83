//! The source: takes a plan to a Prometheus-compatible server and comes back with readings.
//!
//! The pre-flight and all queries go out as one concurrent wave, so that an audit costs
//! about one answer's delay; VictoriaMetrics is asked a second time, for `NaN`. Every query
//! is evaluated at the same instant.

mod api;
mod http;
mod nan;
mod preflight;
mod wave;
mod wire;

use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

pub use http::TransportError;
pub use preflight::Backend;
pub use wire::{Answer, QueryError, decode};

use crate::config::{Plan, Query};
use crate::readings::{Reading, Readings, State};
use api::Server;
use wave::Wave;

type Answered = Result<Answer, QueryError>;

/// What was seen of the backend and of the service behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// A reading for every signal.
    pub readings: Readings,
    /// Which server answered, as far as it says.
    pub backend: Backend,
    /// What went wrong, if anything did: the audit then has no clean result.
    pub failure: Option<String>,
}

/// Asks the backend everything that the plan holds. `started` is when the audit began.
///
/// Whatever goes wrong is part of the observation, never a value.
pub fn observe(plan: &Plan, started: Instant) -> Observation {
    let server = match Server::new(&plan.target, started, plan.timeout) {
        Ok(server) => server,
        Err(error) => return unobserved(plan, &error.to_string()),
    };
    let wave = Wave::default();
    let (healthy, build_info, mut answers) = thread::scope(|scope| {
        wave.pace();
        let healthy = scope.spawn(|| wave.send(|| server.healthy()));
        let answers: Vec<_> = plan
            .queries
            .iter()
            .map(|query| {
                wave.pace();
                scope.spawn(|| wave.send(|| server.query(&query.expr, plan.at)))
            })
            .collect();
        wave.pace();
        let build_info = scope.spawn(|| wave.send(|| server.build_info()));
        let answers: Vec<_> = answers.into_iter().map(join).collect();
        (join(healthy), join(build_info), answers)
    });
    let from_api = |answer: &Answered| matches!(answer, Ok(_) | Err(QueryError::Api { .. }));
    let answered = answers.iter().any(from_api);
    let preflight = preflight::judge(&server, plan.at, healthy, answered);
    if let Ok(product) = preflight {
        nan::restore(&server, product, plan, &mut answers);
    }
    let backend = Backend::new(preflight.as_ref().ok().copied(), build_info.ok().as_ref());
    let mut failures = Vec::new();
    let mut readings = Readings::new(|_| None);
    for (query, answer) in plan.queries.iter().zip(answers) {
        let reading = match answer {
            Ok(answer) => Reading::new(answer.samples, answer.incomplete, query.read_as),
            Err(error) => {
                failures.push((query, error.to_string()));
                Reading::unknown(State::Failed(error.to_string()))
            }
        };
        readings.set(query.signal, reading);
    }
    let failure = match preflight {
        Err(error) => Some(format!("{}: {error}", plan.target)),
        Ok(_) => failed_queries(&failures, plan.queries.len()),
    };
    Observation { readings, backend, failure }
}

/// The observation of a backend that could not be asked at all.
fn unobserved(plan: &Plan, cause: &str) -> Observation {
    let readings = Readings::new(|signal| {
        plan.query(signal).map(|_| Reading::unknown(State::Failed(cause.to_owned())))
    });
    Observation {
        readings,
        backend: Backend::default(),
        failure: Some(format!("{}: {cause}", plan.target)),
    }
}

/// Names one failed query and counts the others.
fn failed_queries(failures: &[(&Query, String)], total: usize) -> Option<String> {
    let (query, error) = failures.first()?;
    let signal = query.signal.key();
    Some(match failures.len() {
        1 => format!("the query `{signal}` failed: {error}"),
        count => format!("{count} of {total} queries failed, `{signal}` first: {error}"),
    })
}

fn join<T, E: From<TransportError>>(handle: ScopedJoinHandle<'_, Result<T, E>>) -> Result<T, E> {
    handle.join().unwrap_or_else(|_| Err(TransportError::Panicked.into()))
}

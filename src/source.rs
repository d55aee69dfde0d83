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
mod words;

use std::thread;
use std::time::Instant;

pub use http::{Log, TransportError};
pub use preflight::Backend;
pub use wire::{Answer, QueryError, decode};

use crate::config::{Plan, Query};
use crate::readings::{Reading, Readings, State};
use api::Server;
use http::{Failed, Journey};
use preflight::{BuildInfo, Product};
use wave::{Spawned, Wave};

type Answered = Result<Answer, Failed<QueryError>>;

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

/// Asks the backend everything that the plan holds. `started` is when the audit began; `log`
/// is told of every request.
///
/// Whatever goes wrong is part of the observation, never a value. No secret is in it.
pub fn observe(plan: &Plan, started: Instant, log: Log<'_>) -> Observation {
    let log = |line: &str| log(&plan.http.redact(line));
    describe(plan, &log);
    let server = Server::new(plan, started, &log);
    let wave = Wave::default();
    let (healthy, build_info, mut answers) = thread::scope(|scope| {
        let healthy = wave.spawn(scope, || server.healthy());
        let answers: Vec<_> = plan
            .queries
            .iter()
            .map(|query| wave.spawn(scope, || server.query(&query.expr)))
            .collect();
        let build_info = wave.spawn(scope, || server.build_info());
        let answers: Vec<_> = answers.into_iter().map(join).collect();
        (join(healthy), join(build_info), answers)
    });
    let build_info = build_info.map(|page| BuildInfo::decode(&page)).unwrap_or_default();
    let preflight = preflight::judge(healthy, &answers, plan.http.credential.as_ref())
        .and_then(|product| preflight::look_closer(&server, product, &build_info));
    if matches!(preflight, Ok(Product::VictoriaMetrics)) {
        nan::restore(&server, plan, &mut answers);
    }
    let backend = Backend::new(preflight.as_ref().ok().copied(), build_info)
        .map(|words| plan.http.redact(words));
    let mut failures = Vec::new();
    let mut readings = Readings::new(|_| None);
    for (query, answer) in plan.queries.iter().zip(answers) {
        let reading = match answer {
            Ok(answer) => {
                let incomplete =
                    answer.incomplete.map(|it| it.map(|words| plan.http.redact(words)));
                let mut reading = Reading::new(answer.samples, incomplete, query.read_as);
                for value in reading.labels.iter_mut().flat_map(|labels| labels.values_mut()) {
                    *value = plan.http.redact(value);
                }
                reading
            }
            Err(error) => {
                let error = plan.http.redact(&error.to_string());
                failures.push((query, error.clone()));
                Reading::unknown(State::Failed(error))
            }
        };
        readings.set(query.signal, reading);
    }
    let failure = match preflight {
        Err(fault) => Some(plan.http.redact(&format!("{}: {fault}", plan.target))),
        Ok(_) => failed_queries(&failures, plan.queries.len()),
    };
    Observation { readings, backend, failure }
}

/// Tells the log how the server is reached.
fn describe(plan: &Plan, log: Log<'_>) {
    let http = &plan.http;
    log(&format!("target: {}", plan.target));
    if let Some(credential) = &http.credential {
        log(&format!("credentials: {}", credential.origin));
    }
    for name in http.headers.keys() {
        log(&format!("header: {name}"));
    }
    if let Some(proxy) = &http.proxy {
        log(&format!("proxy: {proxy}"));
    }
    if http.tls.insecure_skip_verify {
        log("TLS: the server's certificate is not verified (insecure_skip_verify)");
    }
    if let Some(name) = &http.tls.server_name {
        log(&format!(
            "TLS: the server's name has to be {name}; no proxy of the environment is used"
        ));
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

/// The result of a request, whatever became of its thread.
fn join<T, E>(handle: Spawned<'_, Result<T, Failed<E>>>) -> Result<T, Failed<E>>
where
    E: std::error::Error + From<TransportError>,
{
    let lost = |error: TransportError| Failed { error: error.into(), journey: Journey::default() };
    let handle = handle.map_err(|error| lost(TransportError::Setup(error.to_string())))?;
    handle.join().unwrap_or_else(|_| Err(lost(TransportError::Panicked)))
}

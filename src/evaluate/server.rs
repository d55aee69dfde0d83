//! A server that speaks the Prometheus HTTP API: asked everything in one concurrent wave.
//!
//! An audit so costs about one answer's delay; VictoriaMetrics is asked a second time, for `NaN`.

use std::thread;
use std::time::Instant;

use super::failures::failed_queries;
use crate::config::{Endpoint, Plan};
use crate::model::reading::{CheckReading, Reading, Readings, State};
use crate::observe::Observation;
use crate::prometheus::{
    self, Backend, BuildInfo, Log, Product, Server, Wave, decode, describe, join,
};

/// Asks the server everything that the plan holds, from `started` on; `log` is told of every
/// request.
///
/// Whatever goes wrong is part of the observation, never a value. No secret is in it.
pub(crate) fn observe(
    plan: &Plan,
    endpoint: &Endpoint,
    started: Instant,
    log: Log<'_>,
) -> Observation {
    let http = &endpoint.http;
    let log = |line: &str| log(&http.redact(line));
    describe(endpoint, &log);
    let within = (started, plan.spec.timeout);
    let server = Server::new(endpoint, plan.spec.instant(), plan.accept_partial, within, &log);
    let wave = Wave::default();
    let (healthy, build_info, mut answers) = thread::scope(|scope| {
        let healthy = wave.spawn(scope, || server.healthy());
        let answers: Vec<_> = plan
            .queries
            .iter()
            .map(|query| wave.spawn(scope, || server.query(&query.expr, decode)))
            .collect();
        let build_info = wave.spawn(scope, || server.build_info());
        let answers: Vec<_> = answers.into_iter().map(join).collect();
        (join(healthy), join(build_info), answers)
    });
    let build_info = build_info.map(|page| BuildInfo::decode(&page)).unwrap_or_default();
    let preflight = prometheus::judge(healthy, &answers, http.credential.as_ref())
        .and_then(|product| prometheus::look_closer(&server, product, &build_info));
    if matches!(preflight, Ok(Product::VictoriaMetrics)) {
        prometheus::restore_nan(&server, plan, &mut answers);
    }
    let backend =
        Backend::new(preflight.as_ref().ok().copied(), build_info).map(|words| http.redact(words));
    let mut failures = Vec::new();
    let mut readings = Readings::new(|_| None);
    for (query, answer) in plan.queries.iter().zip(answers) {
        let reading = match answer {
            Ok(answer) => {
                let incomplete = answer.incomplete.map(|it| it.map(|words| http.redact(words)));
                let mut reading = Reading::new(answer.samples, incomplete, query.read_as);
                for value in reading.labels.iter_mut().flat_map(|labels| labels.values_mut()) {
                    *value = http.redact(value);
                }
                reading
            }
            Err(error) => {
                let error = http.redact(&error.to_string());
                failures.push((query, error.clone()));
                Reading::unknown(State::Failed(error))
            }
        };
        if let Some(signal) = query.signal() {
            readings.set(signal, reading);
        } else {
            readings.set_check(query.name(), CheckReading::Value(reading));
        }
    }
    let failure = match preflight {
        Err(fault) => Some(http.redact(&format!("{}: {fault}", endpoint.target))),
        Ok(_) => failed_queries(&failures, plan.queries.len()),
    };
    Observation { readings, backend, scrapes: Vec::new(), command: None, failure }
}

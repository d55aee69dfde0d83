//! A server that speaks the Prometheus HTTP API: asked everything in one concurrent wave.
//!
//! An audit so costs about one answer's delay; VictoriaMetrics is asked a second time, for `NaN`.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Error, Evaluation, Unfit};
use crate::config::{Endpoint, HttpConfig};
use crate::model::question::{Answer, Question, Values};
use crate::prometheus::{
    self, Backend, BuildInfo, Log, Product, Server, Wave, describe, join, restore_nan,
};
use crate::storage::Labels;

/// Asks the server every question, by `timeout` after `started`; `log` is told of every request.
pub(super) fn evaluate(
    questions: &[Question],
    endpoint: &Endpoint,
    at: Timestamp,
    (started, timeout): (Instant, Duration),
    log: Log<'_>,
) -> Evaluation {
    let http = &endpoint.http;
    let log = |line: &str| log(&http.redact(line));
    describe(endpoint, &log);
    let accept_partial = questions.iter().any(|question| question.accept_partial);
    let server = Server::new(endpoint, at, accept_partial, (started, timeout), &log);
    let wave = Wave::default();
    let (healthy, build_info, mut answers) = thread::scope(|scope| {
        let healthy = wave.spawn(scope, || server.healthy());
        let answers: Vec<_> = questions
            .iter()
            .map(|question| {
                wave.spawn(scope, || server.answer(question.expr.as_str(), question.span))
            })
            .collect();
        let build_info = wave.spawn(scope, || server.build_info());
        let answers: Vec<_> = answers.into_iter().map(join).collect();
        (join(healthy), join(build_info), answers)
    });
    let build_info = build_info.map(|page| BuildInfo::decode(&page)).unwrap_or_default();
    let preflight = prometheus::judge(healthy, &answers, http.credential.as_ref())
        .and_then(|product| prometheus::look_closer(&server, product, &build_info));
    if matches!(preflight, Ok(Product::VictoriaMetrics)) {
        restore_nan(&server, questions, &mut answers);
    }
    let backend =
        Backend::new(preflight.as_ref().ok().copied(), build_info).map(|words| http.redact(words));
    let answers = answers.into_iter().map(|answer| match answer {
        Ok(answer) => Ok(redacted(answer, http)),
        Err(error) => Err(Error::Server(error)),
    });
    let target = || http.redact(&endpoint.target.to_string());
    let failure = preflight.err().map(|problem| Unfit { target: target(), problem });
    Evaluation { answers: answers.collect(), backend, failure }
}

/// The answer without the secrets that the server may have repeated.
fn redacted(answer: Answer, http: &HttpConfig) -> Answer {
    let Answer { mut values, incomplete } = answer;
    let hide = |labels: &mut Labels| {
        if http.has_secrets() {
            *labels = labels.iter().map(|(name, value)| (name, http.redact(value))).collect();
        }
    };
    match &mut values {
        Values::Vector(samples) => samples.iter_mut().for_each(|it| hide(&mut it.labels)),
        Values::Matrix(series) => series.iter_mut().for_each(|it| hide(&mut it.labels)),
    }
    Answer { values, incomplete: incomplete.map(|it| it.map(|words| http.redact(words))) }
}

//! A server that speaks the Prometheus HTTP API: asked everything in one concurrent wave.
//!
//! An audit so costs about one answer's delay; one that leaves `NaN` out of its answers, as
//! VictoriaMetrics does, is asked a second time.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::beside::Beside;
use super::{Error, Evaluation, Unfit};
use crate::config::{Endpoint, HttpConfig};
use crate::model::question::{Answer, Probe, Question, Values};
use crate::model::reading::Incomplete;
use crate::prometheus::http::Page;
use crate::prometheus::{
    self, Answered, Backend, BuildInfo, Failed, Log, Server, TransportError, Wave,
    add_zero_by_zero, hide_nan, join, probe, restore_nan,
};
use crate::storage::Labels;

/// Asks the server every question and the probes, by `timeout` after `started`; `log` is told of
/// every request.
pub(super) fn evaluate(
    questions: &[Question],
    probes: &[Probe],
    endpoint: &Endpoint,
    at: Timestamp,
    (started, timeout): (Instant, Duration),
    log: Log<'_>,
) -> Evaluation {
    let http = &endpoint.http;
    let log = |line: &str| log(&http.redact(line));
    let accept_partial = questions.iter().any(|question| question.accept_partial);
    let server = Server::new(endpoint, at, accept_partial, (started, timeout), &log);
    let beside = Beside::new(questions, probes);
    let Answers { healthy, build_info, mut answers, probed } = ask(&server, questions, &beside);
    let said = beside.said(probed, at);
    let preflight = prometheus::judge(healthy, &answers, http.credential.as_ref());
    let (other, of_which_time) = match said.other {
        Ok(other) => (other, None),
        Err(error) => (None, Some(error)),
    };
    let mut preflight = other.map_or(preflight, Err);
    if let Ok(product) = &mut preflight {
        match &said.keeps_nan {
            Ok(true) => {}
            Ok(false) if restore_nan(&server, questions, &mut answers) => {
                *product = product.speaks_metricsql();
            }
            Ok(false) => {}
            Err(error) => hide_nan(questions, &mut answers, error),
        }
    }
    if let Some(error) = of_which_time {
        of_unknown_time(&mut answers, &error);
    }
    for (number, zeros) in said.zero_by_zero {
        let Some(Ok(answer)) = answers.get_mut(number) else { continue };
        if said.keeps_nan == Ok(false) {
            add_zero_by_zero(answer, &zeros);
        }
        answer.zero_by_zero = Some(zeros);
    }
    let backend =
        Backend::new(preflight.as_ref().ok().copied(), build_info).map(|words| http.redact(words));
    let harmless = |answer| harmless(answer, http);
    let target = || http.redact(&endpoint.target.to_string());
    let failure = preflight.err().map(|problem| Unfit { target: target(), problem });
    Evaluation {
        answers: answers.into_iter().map(harmless).collect(),
        probed: said.foreign.into_iter().map(|(_, answer)| harmless(answer)).collect(),
        backend,
        clock: server.clock(),
        failure,
    }
}

/// Marks the answers of a server that does not say of which time they are.
fn of_unknown_time(answers: &mut [Answered], error: &str) {
    let why = format!(
        "it cannot be told of which time the answer is, as `vector(time())` shows: {error}"
    );
    for answer in answers.iter_mut().flatten() {
        answer.incomplete.get_or_insert_with(|| Incomplete::Unanswered(why.clone()));
    }
}

/// Asks the server the probes alone.
pub(super) fn probe(
    probes: &[Probe],
    accept_partial: bool,
    endpoint: &Endpoint,
    at: Timestamp,
    (started, timeout): (Instant, Duration),
    log: Log<'_>,
) -> Vec<Result<Answer, Error>> {
    let http = &endpoint.http;
    let log = |line: &str| log(&http.redact(line));
    let server = Server::new(endpoint, at, accept_partial, (started, timeout), &log);
    let answers = probe::ask_all(&server, probes).into_iter();
    answers.map(|answer| harmless(answer, http)).collect()
}

/// What came of one wave of requests.
struct Answers {
    healthy: Result<Page, Failed<TransportError>>,
    build_info: BuildInfo,
    /// To the questions, in their order.
    answers: Vec<Answered>,
    /// To the probes, with their numbers.
    probed: Vec<(usize, Answered)>,
}

/// Asks everything at once.
fn ask(server: &Server<'_>, questions: &[Question], beside: &Beside) -> Answers {
    let (wave, probes) = (Wave::default(), &beside.probes);
    let groups = probe::groups(probes);
    thread::scope(|scope| {
        // They take the longest, so they go out first.
        let probed: Vec<_> = groups
            .iter()
            .map(|group| wave.spawn(scope, move || Ok(probe::ask(server, probes, group))))
            .collect();
        let healthy = wave.spawn(scope, || server.healthy());
        let answers: Vec<_> = questions
            .iter()
            .map(|question| {
                wave.spawn(scope, || server.answer(question.expr.as_str(), question.span))
            })
            .collect();
        let build_info = wave.spawn(scope, || server.build_info());
        let probed = groups.iter().zip(probed).flat_map(|(group, it)| probe::joined(group, it));
        Answers {
            answers: answers.into_iter().map(join).collect(),
            probed: probed.collect(),
            healthy: join(healthy),
            build_info: join(build_info).map(|page| BuildInfo::decode(&page)).unwrap_or_default(),
        }
    })
}

/// What came of a question, without secrets.
fn harmless(answer: Answered, http: &HttpConfig) -> Result<Answer, Error> {
    match answer {
        Ok(answer) => Ok(redacted(answer, http)),
        Err(error) => Err(Error::Server(error)),
    }
}

/// The answer without the secrets that the server may have repeated.
fn redacted(answer: Answer, http: &HttpConfig) -> Answer {
    let Answer { mut values, incomplete, mut zero_by_zero } = answer;
    let hide = |labels: &mut Labels| {
        if http.has_secrets() {
            *labels = labels.iter().map(|(name, value)| (name, http.redact(value))).collect();
        }
    };
    for values in [&mut values].into_iter().chain(&mut zero_by_zero) {
        match values {
            Values::Vector(samples) => samples.iter_mut().for_each(|it| hide(&mut it.labels)),
            Values::Matrix(series) => series.iter_mut().for_each(|it| hide(&mut it.labels)),
        }
    }
    let incomplete = incomplete.map(|it| it.map(|words| http.redact(words)));
    Answer { values, incomplete, zero_by_zero }
}

//! `NaN` from a backend that leaves it out of its answers, as VictoriaMetrics does.
//!
//! Prometheus answers 0/0 with a series whose value is `NaN`, VictoriaMetrics with no series. An
//! instance whose signal is not a number would be overlooked beside others, and one in
//! which nothing happened would look like one without telemetry. So it is asked again in
//! MetricsQL, where `default` fills a `NaN` and keeps its labels.

use std::collections::HashSet;
use std::thread;

use super::api::{Answered, Server};
use super::wave::{Wave, join};
use crate::model::question::{Answer, Question, Values};
use crate::model::reading::{Incomplete, Sample, Series};
use crate::storage::Labels;

/// The label that tells a series of the query from the 0 that stands for none.
const MARK: &str = "auditor_nan";

/// Targets that were scraped a short time ago and are not up.
const GONE: &str = "(count_over_time(up[30m]) unless on (job, instance) (up == 1))";

/// Puts the series that are `NaN` into the answers of a backend that leaves them out. Whether it
/// could be asked for them: only MetricsQL can.
pub(crate) fn restore(
    server: &Server<'_>,
    questions: &[Question],
    answers: &mut [Answered],
) -> bool {
    let wave = Wave::default();
    thread::scope(|scope| {
        let asked: Vec<_> = hiding(questions, answers)
            .map(|(question, answer)| {
                let again = || server.answer(&marked(question.expr.as_str()), question.span);
                (answer, wave.spawn(scope, again))
            })
            .collect();
        let mut is_understood = false;
        for (answer, again) in asked {
            match join(again) {
                Ok(again) => {
                    is_understood = true;
                    add(answer, again);
                }
                Err(error) => {
                    let why = format!(
                        "the server leaves out series that are NaN, and cannot be asked for them \
                         in MetricsQL: {error}"
                    );
                    answer.incomplete = Some(Incomplete::Unanswered(why));
                }
            }
        }
        is_understood
    })
}

/// Marks the answers in which a backend may have left out series that are `NaN`, of which it is not
/// known whether it does so; `error` says why not.
pub(crate) fn hide(questions: &[Question], answers: &mut [Answered], error: &str) {
    for (_, answer) in hiding(questions, answers) {
        let why = format!(
            "it cannot be told whether the server leaves out series that are NaN, as \
             `vector(0) / 0` would show: {error}"
        );
        answer.incomplete = Some(Incomplete::Unanswered(why));
    }
}

/// The answers from which a `NaN` may be missing, with their questions.
fn hiding<'a>(
    questions: &'a [Question],
    answers: &'a mut [Answered],
) -> impl Iterator<Item = (&'a Question, &'a mut Answer)> {
    questions
        .iter()
        .zip(answers)
        .filter_map(|(question, answer)| Some((question, answer.as_mut().ok()?)))
        .filter(|(question, answer)| may_hide_nan(question, answer))
}

/// Whether a `NaN` that is missing would change what is made of the answer.
fn may_hide_nan(question: &Question, answer: &Answer) -> bool {
    let may_count = answer.incomplete.is_none() || question.accept_partial;
    may_count && (question.nothing_counts || !answer.values.is_empty())
}

/// `expr` with its `NaN` filled with 0 and its series marked; the line feed ends a comment.
///
/// The series of a target that is gone are filled, too, for some minutes: VictoriaMetrics has marked
/// their end by a `NaN`. That it is gone is told as such.
fn marked(expr: &str) -> String {
    format!("(label_set(({expr}\n), \"{MARK}\", \"1\") default 0) unless on (job, instance) {GONE}")
}

/// Adds the marked series that `answer` lacks.
fn add(answer: &mut Answer, again: Answer) {
    match (&mut answer.values, again.values) {
        (Values::Vector(samples), Values::Vector(again)) => add_samples(samples, again),
        (Values::Matrix(series), Values::Matrix(again)) => add_series(series, again),
        // The same question has an answer of the same kind.
        _ => {}
    }
    answer.incomplete = answer.incomplete.take().or(again.incomplete);
}

fn add_samples(samples: &mut Vec<Sample>, again: Vec<Sample>) {
    let known: HashSet<_> = samples.iter().map(|sample| sample.labels.without_name()).collect();
    for Sample { mut labels, value } in again {
        if take_mark(&mut labels) && !known.contains(&labels.without_name()) {
            // A value other than the 0 that fills has come in since the first answer.
            let value = if value == 0.0 { f64::NAN } else { value };
            samples.push(Sample { labels, value });
        }
    }
}

/// A series that is `NaN` all the time is not in the answer at all; of one that is `NaN` at times,
/// the points that are missing show it.
fn add_series(series: &mut Vec<Series>, again: Vec<Series>) {
    let known: HashSet<_> = series.iter().map(|series| series.labels.without_name()).collect();
    for Series { mut labels, points } in again {
        if take_mark(&mut labels) && !known.contains(&labels.without_name()) {
            let points = points.into_iter().map(|(at, _)| (at, f64::NAN)).collect();
            series.push(Series { labels, points });
        }
    }
}

/// Adds what is known to be 0/0, and so `NaN`, to an answer from which `NaN` is left out.
pub(crate) fn add_zero_by_zero(answer: &mut Answer, zeros: &Values) {
    match (&mut answer.values, zeros) {
        (Values::Vector(samples), Values::Vector(zeros)) => {
            let known: HashSet<_> = samples.iter().map(|it| it.labels.without_name()).collect();
            let missing = zeros.iter().filter(|it| !known.contains(&it.labels.without_name()));
            let nan = |it: &Sample| Sample { labels: it.labels.clone(), value: f64::NAN };
            samples.extend(missing.map(nan));
        }
        (Values::Matrix(series), Values::Matrix(zeros)) => {
            for Series { labels, points } in zeros {
                let is_same = |it: &Series| it.labels.without_name() == labels.without_name();
                let mut all = match series.iter().position(is_same) {
                    Some(index) => series.swap_remove(index),
                    None => Series { labels: labels.clone(), points: Vec::new() },
                };
                let known: HashSet<_> = all.points.iter().map(|(at, _)| *at).collect();
                let missing = points.iter().filter(|(at, _)| !known.contains(at));
                all.points.extend(missing.map(|(at, _)| (*at, f64::NAN)));
                all.points.sort_unstable_by_key(|(at, _)| *at);
                series.push(all);
            }
        }
        _ => {}
    }
}

/// Whether the mark was there.
fn take_mark(labels: &mut Labels) -> bool {
    let is_marked = !labels.get(MARK).is_empty();
    labels.set(MARK, "");
    is_marked
}

//! `NaN` from a backend that leaves it out of its answers, as VictoriaMetrics does.
//!
//! Prometheus answers 0/0 with a series whose value is `NaN`, VictoriaMetrics with no series.
//! An instance whose signal is not a number would be overlooked beside others, and one in
//! which nothing happened would look like one without telemetry. So it is asked again in
//! MetricsQL, where `default` fills a `NaN` and keeps its labels.

use std::collections::HashSet;
use std::thread;

use super::api::{Answered, Server};
use super::wave::{Wave, join};
use crate::model::question::{Answer, Question, Values};
use crate::model::reading::{Incomplete, Sample, Series};
use crate::storage::{Labels, METRIC_NAME};

/// The label that tells a series of the query from the 0 that stands for none.
const MARK: &str = "auditor_nan";

/// Puts the series that are `NaN` into the answers of a backend that may leave them out.
pub(crate) fn restore(server: &Server<'_>, questions: &[Question], answers: &mut [Answered]) {
    let wave = Wave::default();
    thread::scope(|scope| {
        let asked: Vec<_> = questions
            .iter()
            .zip(answers)
            .filter_map(|(question, answer)| Some((question, answer.as_mut().ok()?)))
            .filter(|(question, answer)| may_hide_nan(question, answer))
            .map(|(question, answer)| {
                let again = || server.answer(&marked(question.expr.as_str()), question.span);
                (answer, wave.spawn(scope, again))
            })
            .collect();
        for (answer, again) in asked {
            match join(again) {
                Ok(again) => add(answer, again),
                Err(error) => {
                    let why = format!("cannot ask for series that are NaN: {error}");
                    answer.incomplete = Some(Incomplete::Unanswered(why));
                }
            }
        }
    });
}

/// Whether a `NaN` that is missing would change what is made of the answer.
fn may_hide_nan(question: &Question, answer: &Answer) -> bool {
    let is_empty = match &answer.values {
        Values::Vector(samples) => samples.is_empty(),
        Values::Matrix(series) => series.is_empty(),
    };
    let may_count = answer.incomplete.is_none() || question.accept_partial;
    may_count && (question.nothing_counts || !is_empty)
}

/// `expr` with its `NaN` filled with 0 and its series marked; the line feed ends a comment.
fn marked(expr: &str) -> String {
    format!("label_set(({expr}\n), \"{MARK}\", \"1\") default 0")
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
    let known: HashSet<_> = samples.iter().map(|sample| nameless(&sample.labels)).collect();
    for Sample { mut labels, value } in again {
        if take_mark(&mut labels) && !known.contains(&nameless(&labels)) {
            // A value other than the 0 that fills has come in since the first answer.
            let value = if value == 0.0 { f64::NAN } else { value };
            samples.push(Sample { labels, value });
        }
    }
}

/// A series that is `NaN` all the time is not in the answer at all; of one that is `NaN` at times,
/// the points that are missing show it.
fn add_series(series: &mut Vec<Series>, again: Vec<Series>) {
    let known: HashSet<_> = series.iter().map(|series| nameless(&series.labels)).collect();
    for Series { mut labels, points } in again {
        if take_mark(&mut labels) && !known.contains(&nameless(&labels)) {
            let points = points.into_iter().map(|(at, _)| (at, f64::NAN)).collect();
            series.push(Series { labels, points });
        }
    }
}

/// Whether the mark was there.
fn take_mark(labels: &mut Labels) -> bool {
    let is_marked = !labels.get(MARK).is_empty();
    labels.set(MARK, "");
    is_marked
}

/// The labels without the metric's name, which `default` drops.
fn nameless(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.set(METRIC_NAME, "");
    labels
}

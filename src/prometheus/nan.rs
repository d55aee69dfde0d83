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
use super::wire::{Answer, decode};
use crate::config::{Plan, Query};
use crate::model::reading::{Incomplete, Labels, Sample};
use crate::model::signal::OnMissing;

/// The label that tells a series of the query from the 0 that stands for none.
const MARK: &str = "auditor_nan";

/// Puts the series that are `NaN` into the answers of a backend that may leave them out.
pub(crate) fn restore(server: &Server<'_>, plan: &Plan, answers: &mut [Answered]) {
    let wave = Wave::default();
    thread::scope(|scope| {
        let asked: Vec<_> = plan
            .queries
            .iter()
            .zip(answers)
            .filter_map(|(query, answer)| Some((query, answer.as_mut().ok()?)))
            .filter(|(query, answer)| may_hide_nan(query, answer))
            .map(|(query, answer)| {
                (answer, wave.spawn(scope, || server.query(&marked(&query.expr), decode)))
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
fn may_hide_nan(query: &Query, answer: &Answer) -> bool {
    let read_as = query.read_as;
    let nothing_is_zero =
        read_as.on_nan == OnMissing::Zero || read_as.on_no_data == OnMissing::Zero;
    let may_count = answer.incomplete.is_none() || read_as.accept_partial;
    may_count && (nothing_is_zero || !answer.samples.is_empty())
}

/// `expr` with its `NaN` filled with 0 and its series marked; the line feed ends a comment.
fn marked(expr: &str) -> String {
    format!("label_set(({expr}\n), \"{MARK}\", \"1\") default 0")
}

/// Adds the marked series that `answer` lacks.
fn add(answer: &mut Answer, again: Answer) {
    let known: HashSet<_> = answer.samples.iter().map(|sample| nameless(&sample.labels)).collect();
    for Sample { mut labels, value } in again.samples {
        if labels.remove(MARK).is_some() && !known.contains(&nameless(&labels)) {
            // A value other than the 0 that fills has come in since the first answer.
            let value = if value == 0.0 { f64::NAN } else { value };
            answer.samples.push(Sample { labels, value });
        }
    }
    answer.incomplete = answer.incomplete.take().or(again.incomplete);
}

/// The labels without the metric's name, which `default` drops.
fn nameless(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.remove("__name__");
    labels
}

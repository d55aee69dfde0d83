//! Whether there are samples from after the end of a command: what its last seconds did to the
//! service is in them.

use std::collections::BTreeMap;

use super::looks::Look;
use super::{Inquiry, age};
use crate::collect::Settling;
use crate::config::Query;
use crate::model::evidence::{Rule, Shortfall};
use crate::model::quantity::number;
use crate::model::question::Probe;
use crate::prometheus::samples;
use crate::promql::Expression;

/// Up to when there are samples of each target that is up, milliseconds since the Unix epoch, by
/// the number of the look; or why that cannot be told.
pub(super) type Ends = BTreeMap<usize, age::Newest>;

/// Asks up to when there are samples of every target that is up.
pub(super) fn probe(look: &Look) -> Probe {
    Probe { expr: Expression::new(samples::newest_of_each(&look.latest())), span: None }
}

/// The same, with the newest sample of all where no target has any at the instant.
pub(super) fn whatever_is_up(ends: Ends, newest: &[age::Newest]) -> Ends {
    let of_look = |(look, end): (usize, age::Newest)| {
        let newest = newest.get(look).cloned().unwrap_or(Ok(None));
        (look, if end == Ok(None) { newest } else { end })
    };
    ends.into_iter().map(of_look).collect()
}

/// The looks of required signals, by their numbers; none where no command ended.
pub(super) fn looks(inquiry: &Inquiry<'_>) -> Vec<usize> {
    let is_required = |query: &usize| {
        let signal = inquiry.plan.queries.get(*query).and_then(Query::signal);
        signal.is_some_and(|signal| signal.def().has_to_be_there)
    };
    let all = inquiry.looks.iter().enumerate().filter(|_| inquiry.telemetry.settling.is_some());
    all.filter(|(_, look)| look.queries.iter().any(is_required)).map(|(number, _)| number).collect()
}

/// What a required signal looks at, and ends before the command did; but for what is too `old`
/// anyway.
pub(super) fn shortfalls(inquiry: &Inquiry<'_>, ends: &Ends, old: &[usize]) -> Vec<Shortfall> {
    let Some(settling) = &inquiry.telemetry.settling else { return Vec::new() };
    let ended = settling.ended().as_millisecond();
    let ends = || ends.iter().filter(|(look, _)| !old.contains(look));
    let short = ends().filter_map(|(look, end)| Some((*look, (*end.as_ref().ok()?)?)));
    let short: Vec<_> = short.filter(|(_, end)| *end < ended).collect();
    let unknown: Vec<_> =
        ends().filter_map(|(look, end)| Some((*look, end.as_ref().err()?))).collect();
    let told = short.iter().min_by_key(|(_, end)| *end).map(|(first, end)| {
        let text = &inquiry.looks[*first].text;
        let (early, waited) = (number((ended - end) as f64 / 1000.0), waited(settling));
        let others = match short.len() {
            1 => String::new(),
            2 => "; nor one of another selector".to_owned(),
            count => format!("; nor some of {} other selectors", count - 1),
        };
        let detail = format!(
            "not every target has a sample of {text} from after the last {early} s of the command, \
             {waited}{others}"
        );
        inquiry.shortfall(Rule::MaxAge, short.iter().map(|(look, _)| *look), detail)
    });
    let not_known = unknown.first().map(|(first, error)| {
        let text = &inquiry.looks[*first].text;
        let detail = format!(
            "it cannot be told whether there are samples of {text} from after the end of the \
             command: {error}"
        );
        inquiry.shortfall(Rule::MaxAge, unknown.iter().map(|(look, _)| *look), detail)
    });
    told.into_iter().chain(not_known).collect()
}

fn waited(settling: &Settling) -> String {
    let error = settling.error.as_ref().map(|error| format!("; the server said then: {error}"));
    let error = error.unwrap_or_default();
    if settling.waited.is_zero() {
        return "and it was not waited for (--settle 0s)".to_owned();
    }
    let waited = number(settling.waited.as_secs_f64());
    format!("though it was waited for {waited} s (--settle){error}")
}

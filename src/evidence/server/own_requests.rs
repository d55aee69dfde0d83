//! Requests for the page of metrics itself, behind a server: a counter that has one more at each
//! sample.

use super::Inquiry;
use super::looks::Look;
use crate::evidence::own_requests::query;
use crate::model::evidence::OwnRequests;
use crate::model::question::Probe;
use crate::model::reading::Sample;
use crate::promql::Expression;

/// The label that says what a number is.
const WHAT: &str = "auditor_what";

/// What tells of requests, by the numbers of the looks.
pub(super) fn looks(inquiry: &Inquiry<'_>) -> Vec<usize> {
    let Some(query) = query(inquiry.plan) else { return Vec::new() };
    let looks = inquiry.looks.iter().enumerate();
    looks.filter(|(_, look)| look.queries.contains(&query)).map(|(number, _)| number).collect()
}

/// By how much the counters rose that have one more at each sample, and by how much all did.
pub(super) fn probe(look: &Look) -> Probe {
    let look = if look.quantiles.is_empty() { look.clone() } else { look.with("le=\"+Inf\"") };
    let samples = look.over(look.range);
    let risen = format!("(max_over_time({samples}) - min_over_time({samples}))");
    let own = format!("{risen} == (count_over_time({samples}) - 1) > 0");
    let marked = [("own", own), ("all", risen)].map(|(what, expr)| {
        format!("label_replace(sum({expr}), \"{WHAT}\", \"{what}\", \"\", \"\")")
    });
    Probe { expr: Expression::new(marked.join(" or ")), span: None }
}

/// Adds what a look tells.
pub(super) fn add(samples: &[Sample], told: &mut OwnRequests) {
    let of =
        |what| samples.iter().find(|it| it.labels.get(WHAT) == what).map_or(0.0, |it| it.value);
    let (own, all) = (of("own"), of("all"));
    told.own += own;
    told.others += (all - own).max(0.0);
}

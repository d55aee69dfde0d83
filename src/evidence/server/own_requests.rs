//! Requests for the page of metrics itself, behind a server: a counter that has one more at each
//! sample.

use super::Inquiry;
use super::covered::WHAT;
use super::looks::Look;
use crate::evidence::own_requests::query;
use crate::model::evidence::OwnRequests;
use crate::model::question::Probe;
use crate::model::reading::Sample;
use crate::promql::Expression;

/// What tells of requests, by the numbers of the looks.
pub(super) fn looks(inquiry: &Inquiry<'_>) -> Vec<usize> {
    let Some((query, counts)) = query(inquiry.plan) else { return Vec::new() };
    let tells = |look: &Look| if counts { &look.queries } else { &look.quantiles }.contains(&query);
    let looks = inquiry.looks.iter().enumerate();
    looks.filter(|(_, look)| tells(look)).map(|(number, _)| number).collect()
}

/// By how much the counters rose that have one more at each sample; and by how much all did, where
/// nothing else counts them.
pub(super) fn probe(look: &Look) -> Probe {
    let is_quantile = !look.quantiles.is_empty();
    let look = if is_quantile { look.with("le=\"+Inf\"") } else { look.clone() };
    let samples = look.over(look.range);
    let risen = format!("(max_over_time({samples}) - min_over_time({samples}))");
    // Those for the page are of one series of a target: several cannot all be.
    let own = format!("{risen} == (count_over_time({samples}) - 1) > 0");
    let own = format!("sum(max by (job, instance) ({own}))");
    let all = format!(" or label_replace(sum({risen}), \"{WHAT}\", \"all\", \"\", \"\")");
    let expr = if is_quantile { own + &all } else { own };
    Probe { expr: Expression::new(expr), span: None }
}

/// Adds what a look tells.
pub(super) fn add(samples: &[Sample], told: &mut OwnRequests) {
    let of =
        |what| samples.iter().find(|it| it.labels.get(WHAT) == what).map_or(0.0, |it| it.value);
    let (own, all) = (of(""), of("all"));
    told.own += own;
    told.others += (all - own).max(0.0);
}

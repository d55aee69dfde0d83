//! Quantiles in the highest bucket: what lies beyond its end is told as that end.

use super::looks::Look;
use super::{Inquiry, Probed};
use crate::evidence::top_bucket::reached;
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::question::{Probe, Values};
use crate::model::reading::Sample;
use crate::promql::Expression;

/// The end of a bucket, the label of a histogram's series.
const END: &str = "le";

/// How many series there are of each bucket.
pub(super) fn probe(look: &Look) -> Probe {
    let expr = format!("count by ({END}) (count_over_time({}))", look.over(look.range));
    Probe { expr: Expression::new(expr), span: None }
}

/// Queries that are as high as a histogram of theirs reaches; of each look with quantiles its
/// buckets.
pub(super) fn shortfalls(
    inquiry: &Inquiry<'_>,
    buckets: &[(&Look, Result<Vec<Sample>, String>)],
    answers: &[Probed],
) -> Vec<Shortfall> {
    let of_look = |(look, buckets): &(&Look, Result<Vec<Sample>, String>)| {
        let ends = buckets.as_ref().map(|buckets| ends(buckets)).map_err(Clone::clone);
        let short = |query: &usize| {
            let (number, query) = (*query, inquiry.plan.queries.get(*query)?);
            let detail = match &ends {
                Ok(ends) => {
                    let end = ends.iter().find(|end| has_value(answers.get(number), **end))?;
                    reached(query, *end)
                }
                Err(error) => format!(
                    "it cannot be told whether `{}` is as high as its buckets reach: {error}",
                    query.name()
                ),
            };
            let scope = Scope::Queries(vec![number]);
            Some(Shortfall { rule: Rule::TopBucket, scope, target: None, detail })
        };
        look.quantiles.iter().filter_map(short).collect::<Vec<_>>()
    };
    buckets.iter().flat_map(of_look).collect()
}

/// The ends of the highest finite buckets: more histograms have them than the next higher ones.
fn ends(buckets: &[Sample]) -> Vec<f64> {
    let end = |it: &Sample| Some((it.labels.get(END).parse::<f64>().ok()?, it.value));
    let mut all: Vec<_> = buckets.iter().filter_map(end).filter(|it| it.0.is_finite()).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let higher = all.iter().skip(1).map(|(_, count)| *count).chain([0.0]);
    let ends = all.iter().zip(higher).filter(|((_, count), higher)| count > higher);
    ends.map(|((end, _), _)| *end).collect()
}

fn has_value(answer: Option<&Probed>, end: f64) -> bool {
    match answer.and_then(|answer| answer.as_ref().ok()).map(|answer| &answer.values) {
        Some(Values::Vector(samples)) => samples.iter().any(|sample| sample.value == end),
        Some(Values::Matrix(series)) => {
            series.iter().flat_map(|it| &it.points).any(|(_, value)| *value == end)
        }
        None => false,
    }
}

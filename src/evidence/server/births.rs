//! Counters that appeared later than their target: their first value came before their first
//! sample, and `rate` does not see it.

use std::time::Duration;

use super::Inquiry;
use super::looks::{Group, LOOK, Look, milliseconds};
use crate::evaluate::Error;
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::series;
use crate::model::question::{Answer, Probe, Values};
use crate::model::reading::Sample;
use crate::promql::Expression;
use crate::storage::Labels;

/// The labels of a target.
const TARGET: [&str; 2] = ["job", "instance"];

/// So small a part of what is counted does not matter.
const NEGLIGIBLE: f64 = 0.01;

/// What the series of each look and target counted that have one value above 0 all the time, and
/// fewer samples than there were good scrapes: all that they counted is in their first value. It is
/// told where it is a part worth mentioning of what the others counted. `before` is how much earlier
/// than the window a series may have appeared whose first sample is in it.
pub(super) fn probe(looks: &[Look], group: &Group, before: Option<Duration>) -> Probe {
    let range = group.range.saturating_add(before.map_or(0, milliseconds));
    let each = |expr: fn(&str) -> String| group.each(looks, |look| expr(&look.over(range)));
    let still = each(|of| format!("max_over_time({of}) == min_over_time({of}) > 0"));
    let samples = each(|of| format!("count_over_time({of})"));
    let moved = each(|of| format!("max_over_time({of}) - min_over_time({of})"));
    let scrapes = format!("sum_over_time({})", group.over("up", range));
    let sum = format!("sum by ({LOOK}, job, instance)");
    let expr = format!(
        "{sum} (({still}) and (({samples}) < on (job, instance) group_left () \
         max by (job, instance) ({scrapes}))) > {NEGLIGIBLE} * {sum} ({moved})"
    );
    Probe { expr: Expression::new(expr), span: None }
}

/// Queries of series that were born meanwhile, whatever others did; of a quantile, only if it says
/// that nothing happened, for a single observation is none of its matter.
pub(super) fn shortfalls(
    inquiry: &Inquiry<'_>,
    probed: Vec<(&Group, Result<Vec<Sample>, String>)>,
    answers: &[Result<Answer, Error>],
) -> Vec<Shortfall> {
    let mut found: Vec<Shortfall> = Vec::new();
    for (group, samples) in probed {
        let error = samples.as_ref().err().cloned();
        let born: Vec<_> = match samples {
            Ok(samples) => {
                samples.iter().filter_map(|sample| look_and_target(&sample.labels)).collect()
            }
            Err(_) => group.looks.iter().map(|look| (*look, Labels::new())).collect(),
        };
        for (number, target) in born {
            let Some(look) = inquiry.looks.get(number) else { continue };
            let is_told = |query: &usize| found.iter().any(|it| it.scope.holds(*query));
            let is_short = |query: &usize| {
                !look.quantiles.contains(query) || says_nothing(inquiry, answers, *query, &target)
            };
            let queries = look.queries.iter().filter(|it| !is_told(it) && is_short(it));
            let queries: Vec<_> = queries.copied().collect();
            if !queries.is_empty() {
                let detail = detail(look, &target, error.as_deref());
                let (rule, scope) = (Rule::Holes, Scope::Queries(queries));
                found.push(Shortfall { rule, scope, target: None, detail });
            }
        }
    }
    found
}

fn detail(look: &Look, target: &Labels, error: Option<&str>) -> String {
    let text = &look.text;
    match error {
        Some(error) => format!("it cannot be told whether a counter of {text} is new: {error}"),
        None => format!(
            "a counter of {text} appeared later than its target, with a value above 0: what it \
             counted before is in no rate{}",
            series(target)
        ),
    }
}

fn look_and_target(labels: &Labels) -> Option<(usize, Labels)> {
    let look = labels.get(LOOK).parse().ok()?;
    let of_target = TARGET.into_iter().map(|name| (name, labels.get(name)));
    Some((look, of_target.filter(|(_, value)| !value.is_empty()).collect()))
}

/// Whether the answer says of the target that nothing happened: by 0, or by nothing where that
/// stands for 0. A series without the labels of targets is about all of them.
fn says_nothing(
    inquiry: &Inquiry<'_>,
    answers: &[Result<Answer, Error>],
    query: usize,
    target: &Labels,
) -> bool {
    let Some(Ok(answer)) = answers.get(query) else { return false };
    let counts = inquiry.questions.get(query).is_some_and(|question| question.nothing_counts);
    let is_about = |labels: &Labels| {
        TARGET.iter().all(|name| {
            let (found, own) = (labels.get(name), target.get(name));
            found.is_empty() || own.is_empty() || found == own
        })
    };
    let values: Vec<f64> = match &answer.values {
        Values::Vector(samples) => {
            samples.iter().filter(|it| is_about(&it.labels)).map(|it| it.value).collect()
        }
        Values::Matrix(series) => {
            let about = series.iter().filter(|it| is_about(&it.labels));
            about.flat_map(|it| it.points.iter().map(|(_, value)| *value)).collect()
        }
    };
    let is_zero = |value: &f64| *value == 0.0;
    let is_nothing = |value: &f64| is_zero(value) || (counts && value.is_nan());
    values.iter().all(is_nothing) && (counts || values.iter().any(is_zero))
}

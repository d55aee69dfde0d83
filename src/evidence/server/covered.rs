//! What was seen of each target and of what each query looks at: for the report alone, it falls
//! short of nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Inquiry;
use super::looks::{Group, LOOK, Look};
use super::targets::{OfGroup, STARTED, of_several_processes};
use crate::model::evidence::{Evidence, TargetEvidence};
use crate::model::question::Probe;
use crate::model::reading::Sample;
use crate::promql::Expression;
use crate::storage::Labels;
use crate::target_health::instance_and_job;

/// The label that says what a number is.
pub(super) const WHAT: &str = "auditor_what";
/// Of so many targets of a kind the report tells; of more, only what falls short.
const MOST: usize = 100;

/// What part of its scrapes brought a target, how old its last scrape is, and how often it was
/// started anew; and of each look, what part of the scrapes brought it.
pub(super) fn probe(looks: &[Look], group: &Group) -> Probe {
    let over = |metric| group.over(metric, group.range);
    let (up, started) = (over("up"), over(STARTED));
    let instant = group.looks.first().and_then(|it| looks.get(*it)).map_or(0, |it| it.instant);
    let (instant, latest) = (instant as f64 / 1000.0, group.latest("up"));
    let moved = format!("(max_over_time({started}) - min_over_time({started}) > bool 1.5)");
    let told = [
        ("covered", format!("avg_over_time({up})")),
        ("age", format!("{instant} - timestamp({latest})")),
        ("restarts", format!("changes({started}) * {moved}")),
    ];
    let told = told
        .map(|(what, expr)| format!("label_replace({expr}, \"{WHAT}\", \"{what}\", \"\", \"\")"));
    let told = told.join(" or ");
    let of_looks = group.looks.iter().filter_map(|number| looks.get(*number));
    let targets = of_looks.map(|look| format!("count_over_time({})", look.over(group.range)));
    let targets = targets.collect::<Vec<_>>().join(" or ");
    let brought = group.each(looks, |look| {
        format!("max by (job, instance) (count_over_time({}))", look.over(group.range))
    });
    let expr = format!(
        "topk by ({WHAT}) ({}, max by ({WHAT}, job, instance) ({told}) \
         and on (job, instance) ({targets})) or min by ({LOOK}) (({brought}) \
         / on (job, instance) group_left () max by (job, instance) (sum_over_time({up})) < +Inf)",
        MOST + 1
    );
    Probe { expr: Expression::new(expr), span: None }
}

/// What is told of a target, of each range that is looked at.
#[derive(Default)]
struct Told {
    covered: Vec<f64>,
    ages: Vec<f64>,
    restarts: Vec<f64>,
}

impl Told {
    /// The worst of it. Of several processes nobody knows which was started anew.
    fn of(self, target: Labels, has_several: bool) -> TargetEvidence {
        let restarts = self.restarts.into_iter().filter(|_| !has_several).reduce(f64::max);
        let restarts = restarts.map(|count| count as usize);
        TargetEvidence {
            target,
            covered: self.covered.into_iter().reduce(f64::min),
            newest_sample_age_s: self.ages.into_iter().reduce(f64::max).map(|age| age.max(0.0)),
            processes: restarts.map(|count| count + 1),
            restarts,
        }
    }
}

/// Adds what the server tells; what it does not is not known. `faulty` are the targets of which
/// something is wrong.
pub(super) fn add(
    inquiry: &Inquiry<'_>,
    told: &[Vec<Sample>],
    faulty: &[OfGroup<'_>],
    evidence: &mut Evidence,
) {
    let mut targets: BTreeMap<Labels, Told> = BTreeMap::new();
    for sample in told.iter().flatten().filter(|sample| sample.value.is_finite()) {
        if let Some(look) = sample.labels.get(LOOK).parse().ok().and_then(|it| look(inquiry, it)) {
            cover(look, sample.value.min(1.0), evidence);
            continue;
        }
        let target = targets.entry(instance_and_job(&sample.labels)).or_default();
        match sample.labels.get(WHAT) {
            "covered" => target.covered.push(sample.value),
            "age" => target.ages.push(sample.value),
            "restarts" => target.restarts.push(sample.value),
            _ => {}
        }
    }
    if targets.len() <= MOST {
        let several: BTreeSet<Labels> = of_several_processes(faulty).collect();
        let targets = targets.into_iter().map(|(target, told)| {
            let has_several = several.contains(&target);
            told.of(target, has_several)
        });
        evidence.targets.extend(targets);
    }
}

fn look<'i>(inquiry: &'i Inquiry<'_>, number: usize) -> Option<&'i Look> {
    inquiry.looks.get(number)
}

/// A query is covered as far as the least of what it looks at.
fn cover(look: &Look, part: f64, evidence: &mut Evidence) {
    for query in evidence.queries.iter_mut().filter(|it| look.queries.contains(&it.query)) {
        query.covered = Some(query.covered.map_or(part, |covered| covered.min(part)));
    }
}

//! What was seen of each target and of what each query looks at: for the report alone, it falls
//! short of nothing.

use std::collections::BTreeMap;

use super::Inquiry;
use super::looks::{Group, LOOK, Look};
use super::targets::{STARTED, has_moved, seen};
use crate::model::evidence::{Evidence, TargetEvidence};
use crate::model::question::Probe;
use crate::model::reading::Sample;
use crate::promql::Expression;
use crate::storage::Labels;
use crate::target_health::instance_and_job;

/// The label that says what a number is.
const WHAT: &str = "auditor_what";
/// Of so many targets of a kind the report tells; of more, only what falls short.
const MOST: usize = 100;
/// It stands for restarts where several processes take turns: nobody knows which was started anew.
const NOBODY_KNOWS: f64 = -1.0;

/// What part of its scrapes brought a target, how old its last scrape is, and how often it was
/// started anew; and of each look, what part of the scrapes brought it.
pub(super) fn probe(looks: &[Look], group: &Group) -> Probe {
    let over = |metric| group.over(metric, group.range);
    let (up, started, seen) = (over("up"), over(STARTED), seen(looks, group));
    let instant = group.looks.first().and_then(|it| looks.get(*it)).map_or(0, |it| it.instant);
    let (instant, latest) = (instant as f64 / 1000.0, group.latest("up"));
    let moved = has_moved(&started);
    let restarts = format!(
        "changes({started}) * 0 + {NOBODY_KNOWS} and resets({started}) > 0 and {moved} \
         or changes({started}) and {moved} or changes({started}) * 0"
    );
    let told = [
        ("covered", format!("avg_over_time({up})")),
        ("age", format!("{instant} - timestamp({latest})")),
        ("restarts", restarts),
    ];
    let told = told.map(|(what, expr)| {
        format!(
            "label_replace(max by (job, instance) ({expr}), \"{WHAT}\", \"{what}\", \"\", \"\")"
        )
    });
    let told = told.join(" or ");
    let targets = format!("count by (job, instance) ({seen})");
    let brought = group.each(looks, |look| {
        let brought = format!("count_over_time({})", look.over(group.range));
        format!(
            "min(max by (job, instance) ({brought}) / max by (job, instance) \
             (sum_over_time({up})) < +Inf)"
        )
    });
    let expr = format!(
        "(({told}) and on (job, instance) ({targets}) and on () (count({targets}) <= {MOST})) \
         or {brought}"
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
    /// The worst of it.
    fn of(self, target: Labels) -> TargetEvidence {
        let is_known = !self.restarts.contains(&NOBODY_KNOWS);
        let restarts = self.restarts.into_iter().filter(|_| is_known).reduce(f64::max);
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

/// Adds what the server tells; what it does not is not known.
pub(super) fn add(inquiry: &Inquiry<'_>, told: &[Vec<Sample>], evidence: &mut Evidence) {
    let mut targets: BTreeMap<Labels, Told> = BTreeMap::new();
    for sample in told.iter().flatten().filter(|sample| sample.value.is_finite()) {
        if let Some(look) = sample.labels.get(LOOK).parse().ok().and_then(|it| look(inquiry, it)) {
            cover(look, sample.value.min(1.0), evidence);
            continue;
        }
        let target = targets.entry(instance_and_job(&sample.labels)).or_default();
        let known = match sample.labels.get(WHAT) {
            "covered" => &mut target.covered,
            "age" => &mut target.ages,
            _ => &mut target.restarts,
        };
        known.push(sample.value);
    }
    evidence.targets.extend(targets.into_iter().map(|(target, told)| told.of(target)));
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

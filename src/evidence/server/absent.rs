//! Targets that are up and lack what others of their job have, or have no numbers for it: without a
//! lag of the loop, a worker's loop is not calm, but unseen.

use std::collections::BTreeSet;

use super::Inquiry;
use super::looks::{Group, LOOK, Look};
use super::targets::OfGroup;
use crate::config::Query;
use crate::model::evidence::{Rule, Shortfall};
use crate::model::quantity::series;
use crate::model::question::Probe;
use crate::promql::Expression;
use crate::storage::Labels;
use crate::target_health::instance_and_job;

/// The label of a target that its replicas share.
const JOB: &str = "job";

/// Whether a target that is up has to have what a look selects: a required signal uses it, and it is
/// no counter, which may count nothing yet.
pub(super) fn is_needed(inquiry: &Inquiry<'_>, look: &Look) -> bool {
    let is_required = |query: &usize| {
        let signal = inquiry.plan.queries.get(*query).and_then(Query::signal);
        signal.is_some_and(|signal| signal.def().has_to_be_there)
    };
    !look.is_counter && look.queries.iter().any(is_required)
}

/// That a target is up, as a bit of what is told of it.
const IS_UP: u64 = 1 << 48;
/// So many looks have a bit each in what is told of a target: that it has a number at the instant and
/// had no `NaN` within the time, and behind those that it had any sample at all.
const MOST: usize = 24;

/// That `up` tells of it within the time.
const HAD_UP: u64 = 1 << 49;

fn has(place: usize) -> u64 {
    1 << place
}

fn had(place: usize) -> u64 {
    1 << (place + MOST)
}

/// The sum of the bits of each target.
pub(super) fn probe(looks: &[Look], group: &Group) -> Probe {
    let numbered = group.looks.iter().take(MOST).enumerate();
    let marked = numbered.filter_map(|(place, number)| {
        let look = looks.get(*number)?;
        let (now, time) = (look.latest(), look.over(group.range));
        let numbers =
            format!("{now} == {now} unless sum_over_time({time}) != sum_over_time({time})");
        let samples = format!("count_over_time({time})");
        let marked = [(numbers, has(place)), (samples, had(place))].map(|(expr, bit)| {
            format!(
                "label_replace(count by (job, instance) ({expr}) * 0 + {bit}, \"{LOOK}\", \
                 \"{}\", \"\", \"\")",
                bit.trailing_zeros()
            )
        });
        Some(marked.join(" or "))
    });
    let marked = marked.collect::<Vec<_>>().join(" or ");
    let (up, ups) = (group.latest("up"), group.over("up", group.range));
    let known = [(format!("{up} == 1"), IS_UP), (format!("count_over_time({ups})"), HAD_UP)];
    let known = known.map(|(expr, bit)| {
        format!(
            "label_replace(count by (job, instance) ({expr}) * 0 + {bit}, \"{LOOK}\", \"{}\", \
             \"\", \"\")",
            bit.trailing_zeros()
        )
    });
    let expr = format!("sum by (job, instance) ({marked} or {})", known.join(" or "));
    Probe { expr: Expression::new(expr), span: None }
}

/// One shortfall for each look; but for what is too `old` anyway.
pub(super) fn shortfalls(
    inquiry: &Inquiry<'_>,
    answers: &[OfGroup<'_>],
    old: &[usize],
) -> Vec<Shortfall> {
    let mut found = Vec::new();
    for (group, samples) in answers {
        match samples {
            Ok(samples) => {
                let targets: Vec<_> = samples
                    .iter()
                    .map(|it| (instance_and_job(&it.labels), it.value as u64))
                    .collect();
                let looks = group.looks.iter().take(MOST).enumerate();
                let looks = looks.filter(|(_, look)| !old.contains(look));
                let looks: Vec<_> = looks.collect();
                found.extend(looks.iter().filter_map(|(place, look)| {
                    lacking(inquiry, **look, &of_look(&targets, *place))
                }));
                found.extend(looks.iter().find_map(|(place, look)| {
                    ended(inquiry, **look, &without_up(&targets, *place))
                }));
            }
            Err(error) => {
                let detail =
                    format!("it cannot be told whether every target has what others have: {error}");
                found.push(inquiry.shortfall(Rule::Holes, group.looks.iter().copied(), detail));
            }
        }
    }
    found
}

/// The targets that are up and lack a look, in jobs of which a target that is up had it. Where none
/// is known by the labels of the series, `up` does not tell of them.
fn of_look(targets: &[(Labels, u64)], place: usize) -> Vec<&Labels> {
    let is = |bits: u64, bit: u64| bits & bit != 0;
    let up = || targets.iter().filter(|(_, bits)| is(*bits, IS_UP));
    let had = up().filter(|(_, bits)| is(*bits, had(place))).map(|(target, _)| target.get(JOB));
    let jobs: BTreeSet<_> = had.collect();
    let lacking = up().filter(|(_, bits)| !is(*bits, has(place))).map(|(target, _)| target);
    lacking.filter(|target| jobs.contains(target.get(JOB))).collect()
}

/// The targets of which `up` does not tell, and that have ended what others have.
fn without_up(targets: &[(Labels, u64)], place: usize) -> Vec<&Labels> {
    let is = |bits: u64, bit: u64| bits & bit != 0;
    let unknown = targets.iter().filter(|(_, bits)| !is(*bits, HAD_UP | IS_UP));
    let ended = unknown.filter(|(_, bits)| is(*bits, had(place)) && !is(*bits, has(place)));
    ended.map(|(target, _)| target).collect()
}

fn ended(inquiry: &Inquiry<'_>, look: usize, targets: &[&Labels]) -> Option<Shortfall> {
    let (first, text) = (targets.first()?, &inquiry.looks.get(look)?.text);
    let others = match targets.len() - 1 {
        0 => String::new(),
        count => format!(" (and {count} more)"),
    };
    let detail = format!(
        "an instance that no `up` tells of has no number for {text} any more{others}{}",
        series(first)
    );
    let target = Some((*first).clone());
    Some(Shortfall { target, ..inquiry.shortfall(Rule::GoneTargets, [look], detail) })
}

fn lacking(inquiry: &Inquiry<'_>, look: usize, targets: &[&Labels]) -> Option<Shortfall> {
    let (first, text) = (targets.first()?, &inquiry.looks.get(look)?.text);
    let others = match targets.len() - 1 {
        0 => String::new(),
        count => format!(" (and {count} more)"),
    };
    let detail =
        format!("a target that is up lacks {text}, or had NaN for it{others}{}", series(first));
    let target = Some((*first).clone());
    Some(Shortfall { target, ..inquiry.shortfall(Rule::Holes, [look], detail) })
}

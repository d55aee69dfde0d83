//! Targets that lack what the others of their job have: without a lag of the loop, a worker's loop
//! is not calm, but unseen.

use std::collections::BTreeSet;

use super::Seen;
use super::pages::Pages;
use crate::config::{Asked, Plan};
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::series;
use crate::storage::Series;

/// The label of a target that its replicas share.
const JOB: &str = "job";

/// Targets with nothing that is used, and required signals of which a target has no series at all,
/// while another one of its job has. A counter may be missing: what has not happened yet need not
/// be counted. And a page that checks alone use is another service's.
pub(super) fn shortfalls(plan: &Plan, seen: &Seen<'_>) -> Vec<Shortfall> {
    let required = plan
        .queries
        .iter()
        .enumerate()
        .filter(|(_, query)| query.signal().is_some_and(|signal| signal.def().has_to_be_there));
    let lacking = required.flat_map(|(number, query)| of_query(plan, seen, number, query.name()));
    unused(seen).into_iter().chain(lacking).collect()
}

fn unused(seen: &Seen<'_>) -> Vec<Shortfall> {
    let jobs = jobs(seen, |target| !seen.used[target].is_empty());
    let is_lacking = |target: &usize| {
        // Without `up`, what has no job may be anything.
        let is_target = seen.up(*target).is_some() || !job(seen, *target).is_empty();
        let showed_pages = || seen.up(*target).is_none_or(|up| has_pages(up, seen.end));
        seen.used[*target].is_empty()
            && is_target
            && jobs.contains(job(seen, *target))
            && showed_pages()
    };
    let lacking = (0..seen.targets.len()).filter(is_lacking);
    let words = |target: &str| {
        format!("no query uses anything of its pages, unlike those of other targets{target}")
    };
    lacking.map(|target| shortfall(seen, target, Scope::Everything, words)).collect()
}

fn of_query(plan: &Plan, seen: &Seen<'_>, query: usize, name: &str) -> Vec<Shortfall> {
    let is_gauge_of = |target: usize| {
        let used = seen.used[target].iter().filter(|used| !used.is_counter);
        used.flat_map(|used| &used.by).any(|by| by.query == query)
    };
    let is_signal = |query: usize| matches!(plan.queries[query].asked, Asked::Signal(_));
    let has_signals = |target: usize| {
        let mut uses = seen.used[target].iter().flat_map(|used| &used.by);
        uses.any(|by| is_signal(by.query))
    };
    let jobs = jobs(seen, is_gauge_of);
    (0..seen.targets.len())
        .filter(|target| has_signals(*target) && !is_gauge_of(*target))
        .filter(|target| jobs.contains(job(seen, *target)))
        .map(|target| {
            let words = |target: &str| {
                format!("there is no `{name}`, which other targets of the job have{target}")
            };
            shortfall(seen, target, Scope::Queries(vec![query]), words)
        })
        .collect()
}

fn job<'s>(seen: &'s Seen<'_>, target: usize) -> &'s str {
    seen.targets[target].target.get(JOB)
}

/// The jobs of which a target is like that.
fn jobs<'s>(seen: &'s Seen<'_>, is_it: impl Fn(usize) -> bool) -> BTreeSet<&'s str> {
    (0..seen.targets.len()).filter(|it| is_it(*it)).map(|it| job(seen, it)).collect()
}

fn shortfall(
    seen: &Seen<'_>,
    target: usize,
    scope: Scope,
    words: impl Fn(&str) -> String,
) -> Shortfall {
    let target = &seen.targets[target].target;
    let detail = words(&series(target));
    Shortfall { rule: Rule::Holes, scope, target: Some(target.clone()), detail }
}

fn has_pages(up: &Series, end: i64) -> bool {
    !Pages::of_up(&up.points, end).instants.is_empty()
}

//! Targets that lack what the others of their job have: without a lag of the loop, a worker's loop
//! is not calm, but unseen.

use std::collections::BTreeSet;

use super::Seen;
use crate::config::Plan;
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::series;
use crate::target_health::TargetHealth;

/// The label of a target that its replicas share.
const JOB: &str = "job";

/// Required signals of which a target has no series at all, while another of its job has. A counter
/// may be missing: what has not happened yet need not be counted. And a page of which no query uses
/// anything is another service's.
pub(super) fn shortfalls(plan: &Plan, seen: &Seen<'_>) -> Vec<Shortfall> {
    let required = plan
        .queries
        .iter()
        .enumerate()
        .filter(|(_, query)| query.signal().is_some_and(|signal| signal.def().is_required));
    required.flat_map(|(number, query)| of_query(seen, number, query.name())).collect()
}

fn of_query(seen: &Seen<'_>, query: usize, name: &str) -> Vec<Shortfall> {
    let is_gauge_of = |target: usize| {
        let used = seen.used[target].iter().filter(|used| !used.is_counter);
        used.flat_map(|used| &used.by).any(|by| by.query == query)
    };
    let job = |health: &TargetHealth| health.target.get(JOB).to_owned();
    let all = || seen.targets.iter().enumerate();
    let jobs: BTreeSet<_> =
        all().filter(|(number, _)| is_gauge_of(*number)).map(|(_, health)| job(health)).collect();
    all()
        .filter(|(number, _)| !seen.used[*number].is_empty())
        .filter(|(number, health)| jobs.contains(&job(health)) && !is_gauge_of(*number))
        .map(|(_, health)| Shortfall {
            rule: Rule::Holes,
            scope: Scope::Queries(vec![query]),
            target: Some(health.target.clone()),
            detail: format!(
                "there is no `{name}`, which other targets of the job have{}",
                series(&health.target)
            ),
        })
        .collect()
}

//! Targets that end before the time is over.

use super::Seen;
use crate::model::evidence::{Rule, Shortfall};

/// Whatever a query uses of a target that is gone says nothing of the time since then.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    let gone = seen.targets.iter().enumerate().filter_map(|(index, health)| {
        let (detail, scope) = (health.gone()?, seen.scope(index)?);
        let target = Some(health.target.clone());
        Some(Shortfall { rule: Rule::GoneTargets, scope, target, detail })
    });
    gone.collect()
}

//! Answers that are of no series: `max(lag) or vector(0)` has a value where the name is misspelt.

use super::Seen;
use crate::config::{Plan, Query};
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::reading::Readings;

/// Required signals that have a value though nothing was there that they select, on samples.
pub(super) fn shortfalls(plan: &Plan, seen: &Seen<'_>, readings: &Readings) -> Vec<Shortfall> {
    let unmatched = seen.unmatched.iter().filter_map(|number| {
        let query = plan.queries.get(*number)?;
        let signal = query.signal().filter(|signal| signal.def().has_to_be_there)?;
        // Counters may count nothing yet.
        let is_needed = seen.uses.get(*number)?.iter().any(|selector| !selector.is_counter);
        (is_needed && readings.get(signal).series > 0).then(|| shortfall(*number, query))
    });
    unmatched.collect()
}

pub(super) fn shortfall(number: usize, query: &Query) -> Shortfall {
    let name = query.name();
    let detail = format!(
        "`{name}` has a value though there was nothing that its query selects; are the names of \
         its metric and labels right?"
    );
    Shortfall { rule: Rule::Holes, scope: Scope::Queries(vec![number]), target: None, detail }
}

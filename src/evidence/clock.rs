//! The clock of the server: an instant that is now here may be one that has no samples yet there, or
//! one at which the load has not begun.

use crate::config::Plan;
use crate::model::clock_skew::{ClockSkew, words};
use crate::model::evidence::{Rule, Scope, Shortfall};

/// What the clock of a server leaves in doubt. An instant that is named is none of this machine's.
pub(super) fn shortfall(plan: &Plan, clock: Option<ClockSkew>) -> Option<Shortfall> {
    let detail = off(plan, clock).filter(|_| plan.spec.at.is_none())?;
    let (rule, scope) = (Rule::MaxClockSkew, Scope::Everything);
    Some(Shortfall { rule, scope, target: None, detail })
}

/// What is told of it, where nothing is in doubt.
pub(crate) fn warning(plan: &Plan, clock: Option<ClockSkew>) -> Option<String> {
    off(plan, clock).filter(|_| plan.spec.at.is_some())
}

fn off(plan: &Plan, clock: Option<ClockSkew>) -> Option<String> {
    let limit_s = plan.criteria.evidence.max_clock_skew.as_secs_f64();
    Some(words("the server", clock?.beyond(limit_s)?, limit_s))
}

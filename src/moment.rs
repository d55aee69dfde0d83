//! The moment at which a service that was watched is judged.
//!
//! Everything but the thread pool's backlog is about the whole time. The backlog is what it is at
//! one instant; and when a load has run down it is gone, with the evidence. So beside the end
//! there is a second candidate: when the backlog was at its height. The one with the higher score
//! counts. Either can be asked of a Prometheus, at that instant.

use jiff::Timestamp;

use crate::collect::{CommandOutcome, Telemetry};
use crate::config::Plan;
use crate::engine::{self, Assessment, Circumstances, Verdict};
use crate::model::signal::Signal;
use crate::observe::{self, Observation};
use crate::prometheus::Log;

/// At so many instants, spread over the time, the backlog is looked at.
const MOST_INSTANTS: usize = 120;
/// The height is where the backlog is above this part of its peak: the averages of the window
/// say more at its end than at its beginning.
const HEIGHT: f64 = 0.75;

/// An audit at one instant.
#[derive(Debug)]
pub struct Audit {
    /// The plan, as it was carried out.
    pub plan: Plan,
    /// What was seen.
    pub seen: Observation,
    /// What the engine made of it.
    pub assessment: Assessment,
}

/// The audit at the moment that tells most against the service.
pub fn audit_at_worst_instant(plan: &Plan, telemetry: &Telemetry, log: Log<'_>) -> Audit {
    let last = judge(plan.clone().after(&telemetry.observed), telemetry, log);
    let Some(at) = height_of_backlog(&last.plan, telemetry).filter(|_| plan.spec.at.is_none())
    else {
        return last;
    };
    let earlier = judge(plan.clone().after(&telemetry.until(at)), telemetry, log);
    let (then, now) = (&earlier.assessment, &last.assessment);
    // What is missing at the end stays missing, unless the breach is proven without it.
    let may_replace = now.score.total.exact().is_some() || then.verdict == Verdict::Fail;
    if may_replace && then.score.total.least > now.score.total.least { earlier } else { last }
}

fn judge(plan: Plan, telemetry: &Telemetry, log: Log<'_>) -> Audit {
    let seen = observe::observe(&plan, telemetry, log);
    let command_failure = seen.command.as_ref().and_then(CommandOutcome::failure);
    let circumstances = Circumstances {
        gate: plan.gate,
        scrapes: &seen.scrapes,
        command_failure: command_failure.as_deref(),
        failure: seen.failure.as_deref(),
    };
    let assessment = engine::assess(&seen.readings, &plan.criteria, circumstances);
    Audit { plan, seen, assessment }
}

/// The last instant at which the backlog was at its height, if that is over its limit.
fn height_of_backlog(plan: &Plan, telemetry: &Telemetry) -> Option<Timestamp> {
    let instants = telemetry.instants();
    let stride = instants.len().div_ceil(MOST_INSTANTS).max(1);
    let backlogs: Vec<_> = instants
        .into_iter()
        .step_by(stride)
        .map(|at| {
            let plan = plan.clone().at(at);
            let readings = observe::peek(&plan, telemetry, &engine::BACKLOG);
            (at, engine::backlog(&readings).least)
        })
        .collect();
    let peak = backlogs.iter().map(|(_, backlog)| *backlog).reduce(f64::max)?;
    let is_high = |backlog: f64| backlog >= HEIGHT * peak;
    let last = backlogs.iter().rev().find(|(_, backlog)| is_high(*backlog));
    last.filter(|_| {
        plan.criteria.limit(Signal::THREADPOOL_BACKLOG.key()).is_some_and(|limit| peak > limit)
    })
    .map(|(at, _)| *at)
}

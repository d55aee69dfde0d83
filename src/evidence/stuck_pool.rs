//! A thread pool that takes no task while many are in it: that none was taken is no short wait.

use crate::config::Plan;
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::number;
use crate::model::reading::{Note, Readings};
use crate::model::signal::Signal;

/// What the detail of such a shortfall begins with; those who tell it from other holes look for it.
pub(crate) const BEGINNING: &str = "the thread pool took no task while ";

/// The wait for a thread was read as 0 as no task was taken, while the backlog is over its limit.
pub(super) fn shortfall(plan: &Plan, readings: &Readings) -> Option<Shortfall> {
    let wait = Signal::THREADPOOL_QUEUE_WAIT;
    let query = plan.queries.iter().position(|query| query.signal() == Some(wait))?;
    let notes = &readings.get(wait).notes;
    let is_put_in = notes.iter().any(|it| matches!(it, Note::NanAsZero | Note::NoDataAsZero));
    let limit = plan.criteria.limit(Signal::THREADPOOL_BACKLOG.key())?;
    let backlog = backlog(readings);
    (is_put_in && backlog > limit).then(|| {
        let (backlog, limit) = (number(backlog), number(limit));
        Shortfall {
            rule: Rule::Holes,
            scope: Scope::Queries(vec![query]),
            target: None,
            detail: format!(
                "{BEGINNING}{backlog} were in it, more than {limit}, so that nobody knows how long \
                 they wait; what do its threads do?"
            ),
        }
    })
}

/// The tasks that are in the pool for certain.
fn backlog(readings: &Readings) -> f64 {
    let value = |signal| readings.get(signal).value;
    let started = value(Signal::THREADPOOL_TASKS_STARTED).least;
    let completed = value(Signal::THREADPOOL_TASKS_COMPLETED).most;
    value(Signal::THREADPOOL_BACKLOG).least.max(started - completed)
}

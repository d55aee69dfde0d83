//! What the score and the checks are made of: a signal's reading, or the backlog, which may be
//! the difference of two.

use crate::model::interval::Interval;
use crate::model::reading::{Reading, Readings, State};
use crate::model::signal::Signal;

/// The signals that the backlog may be made of.
pub const BACKLOG: [Signal; 3] = [
    Signal::THREADPOOL_TASKS_STARTED,
    Signal::THREADPOOL_TASKS_COMPLETED,
    Signal::THREADPOOL_BACKLOG,
];

/// The value of a signal, as far as it is known.
pub(super) struct Quantity<'a> {
    /// In the signal's unit.
    pub(super) value: Interval,
    /// Whether any measured value stands behind it.
    pub(super) measured: bool,
    /// The signal's own reading.
    pub(super) reading: &'a Reading,
    /// The signals that it is made of.
    pub(super) inputs: &'static [Signal],
}

/// The value of `signal`.
pub(super) fn quantity(readings: &Readings, signal: Signal) -> Quantity<'_> {
    let reading = readings.get(signal);
    if signal != Signal::THREADPOOL_BACKLOG || reading.state != State::NotConfigured {
        return Quantity { value: reading.value, measured: reading.measured, reading, inputs: &[] };
    }
    let [inputs @ .., _] = &BACKLOG;
    let measured = inputs.iter().all(|signal| readings.get(*signal).measured);
    Quantity { value: difference(readings), measured, reading, inputs }
}

/// The thread pool's backlog, tasks: its own query, else max(0, started − completed).
pub fn backlog(readings: &Readings) -> Interval {
    quantity(readings, Signal::THREADPOOL_BACKLOG).value
}

fn difference(readings: &Readings) -> Interval {
    let started = readings.get(Signal::THREADPOOL_TASKS_STARTED).value;
    backlog_of(started, readings.get(Signal::THREADPOOL_TASKS_COMPLETED).value)
}

/// How many of the tasks that were started are not completed.
pub fn backlog_of(started: Interval, completed: Interval) -> Interval {
    match completed.exact() {
        Some(completed) => started.map(|started| (started - completed).max(0.0)),
        // Any number of tasks may have been completed: nothing is proven.
        None => Interval::NOT_NEGATIVE,
    }
}

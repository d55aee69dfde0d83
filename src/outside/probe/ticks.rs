//! When the requests of a probe are due: as often as was asked for, and in step with nothing.
//!
//! A service that stalls twenty times a second is met by none of twenty requests a second that fall
//! between its stalls. So each slot of the interval's length has one request, and its place in the
//! slot wanders to and fro by a part of the interval that shares no measure with it.

use std::time::Duration;

/// How far the place in the slot moves from one request to the next, in intervals: the third power
/// of the golden ratio's fraction. Two requests are between 0.76 and 1.24 intervals apart.
const STEP: f64 = 0.236_067_977_499_789_7;
/// No interval is shorter than this; the runtime's timers count in milliseconds.
const SHORTEST: Duration = Duration::from_millis(1);

/// The instants at which requests are due, counted from the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticks {
    every: Duration,
}

impl Ticks {
    /// One in each slot of the length `every`.
    pub(super) fn new(every: Duration) -> Self {
        Self { every: every.max(SHORTEST) }
    }

    /// The usual time from one to the next.
    pub(super) const fn every(self) -> Duration {
        self.every
    }

    /// When the one of that number is due; the first is number 0, at once.
    pub(super) fn due(self, number: u32) -> Duration {
        let way = (f64::from(number) * STEP).rem_euclid(2.0);
        let place = way.min(2.0 - way);
        let due = (f64::from(number) + place) * self.every.as_secs_f64();
        Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(50);

    #[test]
    fn there_is_one_in_each_slot_and_none_are_close() {
        let ticks = Ticks::new(EVERY);
        for number in 0..2000 {
            let (slot, due) = (EVERY * number, ticks.due(number));
            assert!((slot..=slot + EVERY).contains(&due), "{number}: {due:?}");
            let apart = (ticks.due(number + 1) - due).div_duration_f64(EVERY);
            assert!((0.75..=1.25).contains(&apart), "{number}: {apart}");
        }
    }

    /// A stall of 10 ms that comes back every 50 ms is met, wherever in the interval it is.
    #[test]
    fn they_are_in_step_with_nothing() {
        let ticks = Ticks::new(EVERY);
        for phase in 0..50 {
            let within = |number: &u32| (ticks.due(*number).as_millis() + 50 - phase) % 50 < 10;
            let met = (0..200).filter(within).count();
            assert!(met >= 20, "{met} of 200 at {phase} ms");
        }
    }

    #[test]
    fn an_interval_of_nothing_is_no_burst() {
        assert_eq!(Ticks::new(Duration::ZERO).every(), Duration::from_millis(1));
    }
}

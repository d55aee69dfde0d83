//! When a page is scraped: as often as was asked for, and in step with nothing.
//!
//! A service that stalls once a second is never met by scrapes that are whole seconds apart. So
//! each slot of the interval's length has one scrape, and its place in the slot wanders from one
//! end to the other and back, by a part of the interval that shares no measure with it.

use std::time::Duration;

/// How far the place in the slot moves from one scrape to the next, in intervals: the third power
/// of the golden ratio's fraction. Two scrapes are between 0.76 and 1.24 intervals apart.
const STEP: f64 = 0.236_067_977_499_789_7;
/// The golden ratio's fraction: its multiples are spread evenly, however many there are.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// The starts of the scrapes of one page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    interval: Duration,
    /// The start of the first one, in intervals.
    first: f64,
    /// Where in its way to and fro it begins; from 0 to 2.
    origin: f64,
}

impl Rhythm {
    /// The rhythm of the page of that number; each page has its own.
    pub(super) fn new(interval: Duration, page: usize) -> Self {
        let spread = |number: usize| (number as f64 * GOLDEN).fract();
        let first = 1.0 + STEP * (2.0 * spread(page + 1) - 1.0);
        Self { interval, first, origin: 2.0 * spread(page + 2) }
    }

    /// The usual time from one scrape to the next.
    pub(super) const fn interval(self) -> Duration {
        self.interval
    }

    /// The first start that is later than this, both counted from the beginning of the load. Those
    /// that went by meanwhile are left out.
    pub(super) fn next(self, passed: Duration) -> Duration {
        let slots = passed.as_nanos() / self.interval.as_nanos().max(1);
        // A place in the slot is less than a slot, so that one before this one is early enough.
        let mut slot = u32::try_from(slots).unwrap_or(u32::MAX).saturating_sub(2);
        while self.start(slot) <= passed && slot < u32::MAX {
            slot += 1;
        }
        self.start(slot)
    }

    /// The start of the scrape in a slot.
    fn start(self, slot: u32) -> Duration {
        let moved = place(self.origin + f64::from(slot) * STEP) - place(self.origin);
        let start = (self.first + f64::from(slot) + moved) * self.interval.as_secs_f64();
        Duration::try_from_secs_f64(start).unwrap_or(Duration::MAX)
    }
}

/// To and fro between 0 and 1.
fn place(way: f64) -> f64 {
    let way = way.rem_euclid(2.0);
    way.min(2.0 - way)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The starts of so many scrapes, the one before the load first.
    fn starts(rhythm: Rhythm, count: usize) -> Vec<Duration> {
        let next = |start: &Duration| Some(rhythm.next(*start));
        std::iter::successors(Some(Duration::ZERO), next).take(count).collect()
    }

    #[test]
    fn there_are_as_many_scrapes_as_intervals_and_none_are_close() {
        for (page, interval) in [(0, SECOND), (1, SECOND / 10), (2, SECOND * 7), (99, SECOND)] {
            let starts = starts(Rhythm::new(interval, page), 1001);
            let parts =
                starts.windows(2).map(|pair| (pair[1] - pair[0]).div_duration_f64(interval));
            let parts: Vec<_> = parts.collect();
            assert!(parts.iter().all(|part| (0.76..=1.24).contains(part)), "{parts:?}");
            let whole = starts[1000].div_duration_f64(interval);
            assert!((999.0..=1001.0).contains(&whole), "{whole}");
        }
    }

    /// The gap rule: three usual intervals without a scrape. However short the run is, and however
    /// late its last scrape comes, the rhythm itself leaves a whole interval to spare.
    #[test]
    fn the_longest_pause_is_far_from_a_gap() {
        for page in 0..20 {
            for count in 2..40 {
                let mut starts = starts(Rhythm::new(SECOND, page), count);
                starts.push(starts[count - 1] + Duration::from_millis(1));
                let mut pauses: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
                pauses.sort();
                let usual = pauses[pauses.len() / 2];
                let longest = pauses[pauses.len() - 1];
                assert!(usual * 3 > longest + SECOND, "page {page}, {count} scrapes: {pauses:?}");
            }
        }
    }

    /// Stalls of 0.3 s at every phase of their period: over 30 scrapes at `--every 1s` some scrapes
    /// begin within one.
    #[test]
    fn no_stall_that_comes_back_is_missed() {
        for (period_ms, at_least) in [(500, 12), (1000, 6), (1500, 2), (2000, 2)] {
            for page in 0..5 {
                let starts = starts(Rhythm::new(SECOND, page), 31);
                let within = |phase: u128| {
                    let met = |start: &&Duration| {
                        (start.as_millis() + period_ms - phase) % period_ms < 300
                    };
                    // The one before the load is no part of it.
                    starts[1..].iter().filter(met).count()
                };
                let fewest = (0..period_ms).map(within).min().unwrap();
                assert!(fewest >= at_least, "every {period_ms} ms, page {page}: {fewest}");
            }
        }
    }

    #[test]
    fn pages_are_not_scraped_all_at_once() {
        let first: Vec<_> =
            (0..10).map(|page| starts(Rhythm::new(SECOND, page), 4)[3].as_millis()).collect();
        for (index, one) in first.iter().enumerate() {
            assert!(!first[..index].contains(one), "{first:?}");
        }
    }

    #[test]
    fn what_went_by_is_left_out() {
        let rhythm = Rhythm::new(SECOND, 0);
        let late = Duration::from_millis(7_123);
        let next = rhythm.next(late);
        assert!(next > late && next - late < Duration::from_millis(1_240), "{next:?}");
        assert!(rhythm.next(Duration::MAX) >= Duration::from_secs(u32::MAX.into()));
    }
}

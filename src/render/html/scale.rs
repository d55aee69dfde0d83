//! From instants and values to places in a chart.

use super::words::{clock, date, instant};
use crate::report::TimelineReport;

/// How wide and high a chart is in its own units; the page stretches it.
pub(super) const WIDTH: f64 = 1000.0;
pub(in crate::render) const HEIGHT: f64 = 100.0;
/// The distances of marks on the axis of time that people can add up, seconds.
const NICE: [i64; 20] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800,
];
/// Milliseconds.
const DAY: i64 = 86_400_000;
/// No more marks than this.
const MARKS: i64 = 6;
/// A limit that is more times as high as the highest value would leave the values a flat line.
const FAR: f64 = 10.0;
/// What is kept free above the highest value.
const ROOM: f64 = 1.08;

/// The time that all charts share, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::render) struct Time {
    pub(in crate::render) from: i64,
    pub(in crate::render) to: i64,
    /// Milliseconds.
    pub(in crate::render) step: f64,
}

impl Time {
    pub(super) fn of(timeline: &TimelineReport) -> Option<Self> {
        let (from, to) = (instant(&timeline.from)?, instant(&timeline.to)?);
        (from < to).then_some(Self { from, to, step: timeline.step_s * 1000.0 })
    }

    /// The beginning of a step, by its number.
    pub(super) fn start_of(self, point: usize) -> i64 {
        self.from.saturating_add((point as f64 * self.step).round() as i64)
    }

    /// The end of a step, by its number.
    pub(super) fn end_of(self, point: usize) -> i64 {
        self.from.saturating_add(((point as f64 + 1.0) * self.step).round() as i64)
    }

    /// How far an instant is into the time, 0 to 1.
    pub(in crate::render) fn part(self, at: i64) -> f64 {
        let length = self.to.saturating_sub(self.from) as f64;
        (at.saturating_sub(self.from) as f64 / length).clamp(0.0, 1.0)
    }

    /// The beginning of a step, in units of the chart.
    pub(in crate::render) fn x(self, point: usize) -> f64 {
        let length = self.to.saturating_sub(self.from) as f64;
        (point as f64 * self.step / length * WIDTH).min(WIDTH)
    }

    /// Marks of the axis: how far each is into the time, 0 to 1, and what stands there.
    pub(super) fn marks(self) -> Vec<(f64, String)> {
        let length = self.to.saturating_sub(self.from);
        let fits = |seconds: &i64| length / (seconds * 1000) < MARKS;
        let apart = NICE.into_iter().find(fits).unwrap_or(length / 1000 / MARKS + 1) * 1000;
        let first = self.from.div_euclid(apart) + 1;
        let last = self.to.div_euclid(apart);
        let words = |at: i64| match apart % DAY {
            0 => date(at),
            _ if length >= DAY => {
                let time: String = clock(at).chars().take(5).collect();
                format!("{} {time}", date(at))
            }
            _ => clock(at),
        };
        (first..=last).map(|it| it * apart).map(|at| (self.part(at), words(at))).collect()
    }
}

/// From which value to which a chart goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::render) struct Height {
    pub(in crate::render) least: f64,
    pub(in crate::render) most: f64,
    /// Whether the limit is in the chart.
    pub(in crate::render) has_limit: bool,
}

impl Height {
    pub(super) fn of(values: impl Iterator<Item = f64> + Clone, limit: Option<f64>) -> Self {
        let highest = values.clone().fold(0.0, f64::max);
        let lowest = values.fold(0.0, f64::min);
        let is_near = |limit: &f64| highest == 0.0 || *limit <= highest * FAR;
        let limit = limit.filter(|it| it.is_finite()).filter(is_near);
        let most = limit.map_or(highest, |limit| limit.max(highest));
        let least = limit.map_or(lowest, |limit| limit.min(lowest));
        let span = (most - least).min(f64::MAX / 2.0);
        let most = if span > 0.0 { least + span * ROOM } else { least + 1.0 };
        Self { least, most, has_limit: limit.is_some() }
    }

    /// From 0 to a value, with some room above it.
    pub(in crate::render) fn up_to(value: f64) -> Self {
        Self::of(std::iter::once(value), None)
    }

    /// How far a value is below the upper edge, 0 to 1.
    pub(in crate::render) fn part(self, value: f64) -> f64 {
        let (span, below) = (self.most - self.least, self.most - value);
        (below / span).clamp(0.0, 1.0)
    }

    /// The same in units of the chart.
    pub(in crate::render) fn y(self, value: f64) -> f64 {
        self.part(value) * HEIGHT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Time = Time { from: 1_700_000_003_000, to: 1_700_000_063_000, step: 2000.0 };

    #[test]
    fn marks_are_at_round_times_and_few() {
        let marks = MINUTE.marks();
        let words: Vec<_> = marks.iter().map(|(_, words)| words.as_str()).collect();
        assert_eq!(words, ["22:13:30", "22:13:45", "22:14:00", "22:14:15"]);
        assert!(marks.iter().all(|(part, _)| (0.0..=1.0).contains(part)));
        let days = Time { to: MINUTE.from + 40 * 86_400_000, ..MINUTE };
        assert!(days.marks().len() <= 7);
        assert_eq!(days.marks()[0].1, "11-16", "of days, the time of day says nothing");
        let day = Time { to: MINUTE.from + 26 * 3_600_000, ..MINUTE };
        assert_eq!(day.marks()[0].1, "11-15 00:00", "beyond a day, the time alone is not enough");
    }

    #[test]
    fn the_first_step_begins_and_the_last_ends_with_the_time() {
        assert_eq!((MINUTE.x(0), MINUTE.x(30)), (0.0, WIDTH));
        assert_eq!(MINUTE.end_of(29), MINUTE.to);
    }

    #[test]
    fn a_limit_that_is_far_above_leaves_the_values_visible() {
        let of = |limit| Height::of([2.0, 6.0].into_iter(), Some(limit));
        assert!(of(8.0).has_limit && of(60.0).has_limit && !of(61.0).has_limit);
        assert!(of(8.0).y(8.0) > 0.0 && of(8.0).y(8.0) < of(8.0).y(6.0));
        let idle = Height::of([0.0].into_iter(), Some(150.0));
        assert!(idle.has_limit && idle.y(0.0) == HEIGHT);
        let huge = Height::of([f64::MAX, f64::MIN].into_iter(), None);
        assert!(huge.y(f64::MAX).is_finite() && huge.y(f64::MIN).is_finite());
    }
}

//! The baseline: what an earlier audit found, and how far a value may move away from that.

use std::collections::BTreeMap;

use super::interval::Interval;
use super::quantity::number;

/// The section of `metrics.yaml` that says what is compared, and the word for all of it.
pub const SECTION: &str = "baseline";
/// What the name of a comparison begins with; behind it stands the name of what is compared.
pub const PREFIX: &str = "baseline.";
/// The name under which the score is compared.
pub const SCORE: &str = "score";

/// How far a value may move away from its baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// In which direction it may not move further.
    pub direction: Direction,
    /// How far.
    pub allowance: Allowance,
    /// The baseline counts as at least this, in the unit of the value; not negative. Of a decrease
    /// there is none.
    pub floor: Option<f64>,
}

/// In which direction a value gets worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Upwards, as a lag.
    Increase,
    /// Downwards, as a throughput.
    Decrease,
}

impl Direction {
    /// Each with the key that allows it.
    pub const ALL: [(&'static str, Self); 2] =
        [("max_increase", Self::Increase), ("max_decrease", Self::Decrease)];
}

/// How much is allowed, finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Allowance {
    /// A part of the baseline: 0.1 is 10%.
    Ratio(f64),
    /// In the unit of the value.
    Absolute(f64),
}

/// Why a comparison comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// There is no percentage of what is below 0.
    #[error(
        "the baseline may be below 0, and a percentage of that says nothing; give the allowance as \
         a number in the unit"
    )]
    Negative,
    /// The value was measured, and may be worse than that.
    #[error("the value now is not known well enough: it may lie on either side of the limit")]
    Now,
    /// The baseline is a bound.
    #[error("the baseline is no more than a bound, because not everything was seen then")]
    Then,
}

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftJudged {
    /// Whether it holds; or why that cannot be told.
    pub passed: Result<bool, Incomparable>,
    /// What the value is held to; `None` where the baseline gives no such number.
    pub expected: Option<f64>,
}

impl Drift {
    /// Judges a value by what it was. It holds only if it does wherever the two lie within what is
    /// known of them, and is broken only if it is broken wherever they lie.
    pub fn judge(&self, now: Interval, then: Interval) -> DriftJudged {
        let base = self.base(then);
        let is_ratio = matches!(self.allowance, Allowance::Ratio(_));
        if is_ratio && base.least < 0.0 {
            return DriftJudged { passed: Err(Incomparable::Negative), expected: None };
        }
        let (low, high) = (self.limit(base.least), self.limit(base.most));
        let (holds, broken) = match self.direction {
            Direction::Increase => (now.most <= low, now.least > high),
            Direction::Decrease => (now.least >= high, now.most < low),
        };
        // What it is held to is the end of the baseline that decides.
        let decisive = match (self.direction, holds) {
            (Direction::Increase, _) if broken => high,
            (Direction::Decrease, true) => high,
            _ => low,
        };
        let passed = match (holds, broken) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ if base.exact().is_none() => Err(Incomparable::Then),
            _ => Err(Incomparable::Now),
        };
        DriftJudged { passed, expected: Some(decisive).filter(|it| it.is_finite()) }
    }

    /// What the baseline counts as.
    pub fn base(&self, then: Interval) -> Interval {
        let floor = self.floor.unwrap_or(f64::NEG_INFINITY);
        Interval { least: then.least.max(floor), most: then.most.max(floor) }
    }

    /// baseline·(1 + p) or baseline + a; of a decrease baseline·(1 − p) or baseline − a. It never
    /// falls as the baseline rises, and is finite where that is.
    fn limit(&self, base: f64) -> f64 {
        if base.is_infinite() {
            return base;
        }
        let limit = match (self.direction, self.allowance) {
            (Direction::Increase, Allowance::Ratio(part)) => base * (1.0 + part),
            (Direction::Increase, Allowance::Absolute(by)) => base + by,
            (Direction::Decrease, Allowance::Ratio(part)) => base * (1.0 - part),
            (Direction::Decrease, Allowance::Absolute(by)) => base - by,
        };
        limit.clamp(f64::MIN, f64::MAX)
    }

    /// How the limit came about, `0.05 + 20%`; "floor" before a baseline that counts as more than it was.
    pub fn in_words(&self, then: Interval) -> String {
        let base = self.base(then).least;
        let floor = if base > then.least { "floor " } else { "" };
        let sign = match self.direction {
            Direction::Increase => '+',
            Direction::Decrease => '-',
        };
        format!("{floor}{} {sign} {}", number(base), self.allowance.in_words())
    }
}

impl Allowance {
    /// As the configuration writes it.
    pub fn in_words(self) -> String {
        match self {
            Self::Ratio(part) => format!("{}%", number(part * 100.0)),
            Self::Absolute(by) => number(by),
        }
    }
}

/// What was, by the name of the comparison: the value, or why there is none to compare with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Baseline(BTreeMap<String, Result<Interval, String>>);

impl Baseline {
    /// What the comparison of that name is held against.
    ///
    /// # Errors
    /// Why there is nothing to compare with.
    pub fn get(&self, id: &str) -> Result<Interval, &str> {
        match self.0.get(id) {
            Some(value) => value.as_ref().copied().map_err(String::as_str),
            None => Err("there is no baseline to compare with"),
        }
    }
}

impl FromIterator<(String, Result<Interval, String>)> for Baseline {
    fn from_iter<I: IntoIterator<Item = (String, Result<Interval, String>)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Allowance::{Absolute, Ratio};
    use super::Direction::{Decrease, Increase};
    use super::*;

    const fn drift(direction: Direction, allowance: Allowance, floor: Option<f64>) -> Drift {
        Drift { direction, allowance, floor }
    }

    fn exactly(value: f64) -> Interval {
        Interval::exactly(value)
    }

    #[test]
    fn the_limit_follows_from_the_baseline() {
        for (drift, then, limit) in [
            (drift(Increase, Ratio(0.5), None), 2.0, 3.0),
            (drift(Increase, Absolute(0.5), None), 2.0, 2.5),
            (drift(Increase, Ratio(0.5), Some(4.0)), 2.0, 6.0),
            (drift(Increase, Absolute(0.5), Some(4.0)), 2.0, 4.5),
            (drift(Increase, Ratio(0.5), Some(1.0)), 2.0, 3.0),
            (drift(Increase, Ratio(0.5), Some(4.0)), -2.0, 6.0),
            (drift(Increase, Ratio(0.5), None), 0.0, 0.0),
            (drift(Increase, Absolute(0.5), None), -2.0, -1.5),
            (drift(Decrease, Ratio(0.25), None), 2.0, 1.5),
            (drift(Decrease, Absolute(0.5), None), 2.0, 1.5),
            (drift(Decrease, Absolute(0.5), None), -2.0, -2.5),
            (drift(Increase, Ratio(1.0), None), f64::MAX, f64::MAX),
            (drift(Decrease, Absolute(f64::MAX), None), f64::MIN, f64::MIN),
        ] {
            let judged = drift.judge(exactly(limit), exactly(then));
            assert_eq!(judged.expected, Some(limit), "{drift:?} {then}");
            assert_eq!(judged.passed, Ok(true), "the limit itself is allowed: {drift:?} {then}");
        }
    }

    #[test]
    fn what_moves_further_than_allowed_is_broken_in_its_direction_alone() {
        for (drift, now, passed) in [
            (drift(Increase, Ratio(0.25), None), 4.0, true),
            (drift(Increase, Ratio(0.25), None), 5.0, true),
            (drift(Increase, Ratio(0.25), None), 5.01, false),
            (drift(Increase, Ratio(0.25), None), 0.0, true),
            (drift(Increase, Absolute(0.0), None), 4.01, false),
            (drift(Decrease, Ratio(0.25), None), 3.0, true),
            (drift(Decrease, Ratio(0.25), None), 2.99, false),
            (drift(Decrease, Absolute(1.0), None), 100.0, true),
        ] {
            assert_eq!(
                drift.judge(exactly(now), exactly(4.0)).passed,
                Ok(passed),
                "{drift:?} {now}"
            );
        }
    }

    #[test]
    fn a_bound_decides_only_what_is_certain() {
        let (more, less) = (drift(Increase, Ratio(0.5), None), drift(Decrease, Ratio(0.5), None));
        let floored = drift(Increase, Ratio(0.5), Some(4.0));
        let between = |least, most| Interval { least, most };
        let at_least = Interval::at_least;
        for (drift, now, then, passed) in [
            (&more, exactly(3.0), at_least(2.0), Some(true)),
            (&more, exactly(3.1), at_least(2.0), None),
            (&more, at_least(1.0), exactly(2.0), None),
            (&more, at_least(3.1), exactly(2.0), Some(false)),
            (&more, at_least(3.1), at_least(2.0), None),
            (&more, between(1.0, 3.0), exactly(2.0), Some(true)),
            (&more, between(7.0, 9.0), between(2.0, 4.0), Some(false)),
            (&more, between(5.0, 9.0), between(2.0, 4.0), None),
            (&less, exactly(1.0), at_least(2.0), None),
            (&less, exactly(0.9), at_least(2.0), Some(false)),
            (&less, exactly(1e9), at_least(2.0), None),
            (&less, at_least(1.0), exactly(2.0), Some(true)),
            (&less, at_least(0.9), exactly(2.0), None),
            (&less, between(0.0, 0.9), between(2.0, 4.0), Some(false)),
            (&floored, exactly(6.0), at_least(1.0), Some(true)),
            (&floored, exactly(6.0), between(1.0, 2.0), Some(true)),
            (&more, Interval::ANY, Interval::NOT_NEGATIVE, None),
            (&more, exactly(f64::MAX), exactly(f64::MAX), Some(true)),
        ] {
            assert_eq!(drift.judge(now, then).passed.ok(), passed, "{drift:?} {now:?} {then:?}");
        }
    }

    #[test]
    fn there_is_no_percentage_of_what_is_below_zero() {
        for direction in [Increase, Decrease] {
            let relative = drift(direction, Ratio(0.5), None);
            for then in [exactly(-1.0), Interval::ANY, Interval { least: -1.0, most: 1.0 }] {
                let judged = relative.judge(exactly(-1.0), then);
                assert_eq!(judged.passed, Err(Incomparable::Negative), "{then:?}");
                assert_eq!(judged.expected, None);
            }
        }
    }

    #[test]
    fn the_limit_is_told_by_what_made_it() {
        for (drift, then, words) in [
            (drift(Increase, Ratio(0.2), None), 0.05, "0.05 + 20%"),
            (drift(Increase, Ratio(0.125), Some(0.1)), 0.05, "floor 0.1 + 12.5%"),
            (drift(Increase, Absolute(0.01), Some(0.01)), 0.02, "0.02 + 0.01"),
            (drift(Decrease, Ratio(0.1), None), 120.0, "120 - 10%"),
        ] {
            assert_eq!(drift.in_words(exactly(then)), words);
        }
    }
}

//! What is known of a quantity: the least and the most that it can be.

use serde::{Deserialize, Serialize};

/// The least and the most that a quantity can be, both included; equal where it is known.
///
/// `NaN` is in no interval: what is not a number is a state of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The least that it can be.
    pub least: f64,
    /// The most that it can be.
    pub most: f64,
}

impl Interval {
    /// A quantity of which nothing is known but that it is not negative.
    pub const NOT_NEGATIVE: Self = Self::at_least(0.0);
    /// A quantity of which nothing is known.
    pub const ANY: Self = Self { least: f64::NEG_INFINITY, most: f64::INFINITY };

    /// A known value.
    pub const fn exactly(value: f64) -> Self {
        Self { least: value, most: value }
    }

    /// This value or a greater one.
    pub const fn at_least(least: f64) -> Self {
        Self { least, most: f64::INFINITY }
    }

    /// The value, where it is known.
    pub fn exact(self) -> Option<f64> {
        (self.least == self.most).then_some(self.least)
    }

    /// Whether it is above `limit`; `None` where that cannot be told.
    pub fn exceeds(self, limit: f64) -> Option<bool> {
        if self.least > limit {
            Some(true)
        } else if self.most <= limit {
            Some(false)
        } else {
            None
        }
    }

    /// Whether it is `limit` or above; `None` where that cannot be told.
    pub fn reaches(self, limit: f64) -> Option<bool> {
        if self.least >= limit {
            Some(true)
        } else if self.most < limit {
            Some(false)
        } else {
            None
        }
    }

    /// The interval of `f(self)` for an `f` that never falls.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        match self.exact() {
            Some(value) => Self::exactly(f(value)),
            // What is unbounded stays so: `f` may be bounded for the sake of finite numbers.
            None if self.most == f64::INFINITY => Self::at_least(f(self.least)),
            None => Self { least: f(self.least), most: f(self.most) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_told_is_neither_above_nor_below() {
        let between = Interval { least: 1.0, most: 3.0 };
        for (interval, limit, exceeds, reaches) in [
            (Interval::exactly(2.0), 2.0, Some(false), Some(true)),
            (Interval::exactly(2.1), 2.0, Some(true), Some(true)),
            (Interval::exactly(1.9), 2.0, Some(false), Some(false)),
            (Interval::at_least(2.0), 2.0, None, Some(true)),
            (Interval::at_least(1.0), 2.0, None, None),
            (between, 0.5, Some(true), Some(true)),
            (between, 2.0, None, None),
            (between, 3.0, Some(false), None),
            (between, 3.5, Some(false), Some(false)),
            (Interval::ANY, 0.0, None, None),
        ] {
            let told = (interval.exceeds(limit), interval.reaches(limit));
            assert_eq!(told, (exceeds, reaches), "{interval:?} and {limit}");
        }
    }

    #[test]
    fn a_bound_stays_a_bound() {
        let twice = |value: f64| (2.0 * value).min(f64::MAX);
        assert_eq!(Interval::exactly(2.0).map(twice), Interval::exactly(4.0));
        assert_eq!(Interval::at_least(2.0).map(twice), Interval::at_least(4.0));
        assert_eq!(Interval::exactly(f64::MAX).map(twice).exact(), Some(f64::MAX));
    }
}

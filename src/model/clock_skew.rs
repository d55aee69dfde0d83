//! How far another machine's clock is off, as far as that can be told.

use super::quantity::number;

/// How far another clock is ahead of this machine's, seconds; below 0 it is behind.
///
/// A date counts whole seconds, and an answer takes its time: so it is known within bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockSkew {
    /// At least so far.
    pub least_s: f64,
    /// At most so far.
    pub most_s: f64,
}

impl ClockSkew {
    /// How far it is off at least, if that is more than `limit_s` for certain; below 0 it is behind.
    pub fn beyond(self, limit_s: f64) -> Option<f64> {
        match self {
            Self { least_s, .. } if least_s > limit_s => Some(least_s),
            Self { most_s, .. } if most_s < -limit_s => Some(most_s),
            _ => None,
        }
    }

    /// How much of it is not known, seconds.
    pub fn doubt_s(self) -> f64 {
        self.most_s - self.least_s
    }

    /// The better known of two.
    #[must_use]
    pub fn narrower(self, other: Option<Self>) -> Self {
        other.filter(|other| other.doubt_s() < self.doubt_s()).unwrap_or(self)
    }
}

/// That a clock is so far off, in words.
pub fn words(whose: &str, off_s: f64, limit_s: f64) -> String {
    let way = if off_s < 0.0 { "behind" } else { "ahead of" };
    let (off, limit) = (number(off_s.abs()), number(limit_s));
    format!("the clock of {whose} is {off} s {way} this machine's, over {limit} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_off() {
        for (least_s, most_s, beyond) in [
            (-0.5, 0.6, None),
            (29.0, 31.0, None),
            (30.0, 31.1, None),
            (30.5, 31.6, Some(30.5)),
            (-31.0, -30.0, None),
            (-601.0, -599.9, Some(-599.9)),
            (-100.0, 100.0, None),
        ] {
            assert_eq!(ClockSkew { least_s, most_s }.beyond(30.0), beyond, "{least_s} {most_s}");
        }
    }

    #[test]
    fn the_quicker_answer_says_more() {
        let (quick, slow) = ([1.0, 2.1], [0.0, 9.0]);
        let [quick, slow] = [quick, slow].map(|[least_s, most_s]| ClockSkew { least_s, most_s });
        assert_eq!(slow.narrower(Some(quick)), quick);
        assert_eq!(quick.narrower(Some(slow)), quick);
        assert_eq!(slow.narrower(None), slow);
    }
}

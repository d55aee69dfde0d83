//! The audits of a service over time, as few as a page can show: of each stretch the worst.

use crate::watch::{Entry, View};

/// So many stretches are shown at most.
pub(super) const MOST: usize = 300;

/// What an audit ended in, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Passed,
    Open,
    Failed,
}

impl Outcome {
    fn of(entry: &Entry) -> Self {
        match (entry.has_failed(), entry.has_verdict()) {
            (true, _) => Self::Failed,
            (false, true) => Self::Passed,
            (false, false) => Self::Open,
        }
    }
}

/// The audits of a stretch: the worst outcome, and the highest score.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Stretch {
    /// `None` where nothing was audited.
    pub(super) outcome: Option<Outcome>,
    /// `None` where none is known.
    pub(super) score: Option<f64>,
    /// Whether one of the scores may be higher.
    pub(super) is_bound: bool,
}

impl Stretch {
    fn add(&mut self, entry: &Entry) {
        self.outcome = self.outcome.max(Some(Outcome::of(entry)));
        // `None` is less than every number, and a score is never NaN.
        let is_higher = entry.score.is_some_and(|it| self.score.is_none_or(|before| it > before));
        if is_higher {
            self.score = entry.score;
        }
        self.is_bound |= entry.score_is_lower_bound;
    }
}

/// A time, in stretches of the same length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    /// Milliseconds since the Unix epoch.
    pub(super) from: i64,
    /// The same.
    pub(super) to: i64,
    pub(super) stretches: Vec<Stretch>,
}

impl Course {
    /// From the first audit to the newest, or to now where another should have been there since.
    pub(super) fn of(view: &View<'_>, entries: &[Entry]) -> Option<Self> {
        let (first, newest) = (entries.first()?, entries.last()?);
        let millis = |it: std::time::Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX);
        let every = millis(view.every).max(1);
        let late = millis(view.late_after());
        let now = view.now.as_millisecond();
        let from = first.at.as_millisecond().saturating_sub(every);
        let end = newest.at.as_millisecond();
        let to = if now.saturating_sub(end) > late { now } else { end };
        let mut course = Self { from, to, stretches: vec![Stretch::default(); MOST] };
        let mut before = None;
        for entry in entries {
            let at = entry.at.as_millisecond();
            // An audit speaks of the time since the one before, unless one is missing between them.
            let start = before.filter(|before| at.saturating_sub(*before) <= late);
            course.add(entry, start.unwrap_or_else(|| at.saturating_sub(every)), at);
            before = Some(at);
        }
        Some(course)
    }

    fn add(&mut self, entry: &Entry, start: i64, end: i64) {
        let length = self.to.saturating_sub(self.from).max(1) as f64;
        let place = |at: i64| at.saturating_sub(self.from) as f64 / length * MOST as f64;
        // As often as not a bound is that of a stretch, and rounding must not reach over it.
        let first = (place(start) + 1e-6).floor().max(0.0) as usize;
        let first = first.min(MOST - 1);
        let past = (place(end) - 1e-6).ceil().max(0.0) as usize;
        for stretch in self.stretches.iter_mut().take(past.max(first + 1)).skip(first) {
            stretch.add(entry);
        }
    }

    /// The stretches that follow one another and are such, from which to before which.
    pub(super) fn runs(&self, is_such: impl Fn(&Stretch) -> bool) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (number, _) in self.stretches.iter().enumerate().filter(|(_, it)| is_such(it)) {
            match runs.last_mut() {
                Some((_, end)) if *end == number => *end += 1,
                _ => runs.push((number, number + 1)),
            }
        }
        runs
    }

    /// The highest score.
    pub(super) fn highest(&self) -> Option<f64> {
        self.stretches.iter().filter_map(|it| it.score).reduce(f64::max)
    }
}

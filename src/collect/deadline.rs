//! Until when samples have to be read and prepared.

use std::time::{Duration, Instant};

use super::error::SamplesError;

/// Loops look at the clock once in so many rounds, because it takes longer than a round.
const ROUNDS: u32 = 64;

/// An instant by which something has to be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    /// None where it is too far away for the clock.
    at: Option<Instant>,
    timeout: Duration,
    rounds: u32,
}

impl Deadline {
    /// So long after an instant.
    pub(super) fn new(start: Instant, timeout: Duration) -> Self {
        Self { at: start.checked_add(timeout), timeout, rounds: 0 }
    }

    /// How much time there is.
    pub(super) fn left(&self) -> Duration {
        self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }

    /// How much time there was.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Looks at the clock.
    ///
    /// # Errors
    /// It is too late.
    pub(super) fn check(&self) -> Result<(), SamplesError> {
        if self.left().is_zero() { Err(SamplesError::Slow(self.timeout)) } else { Ok(()) }
    }

    /// Looks at the clock now and then.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub(super) fn tick(&mut self) -> Result<(), SamplesError> {
        self.rounds = self.rounds.wrapping_add(1);
        if self.rounds.is_multiple_of(ROUNDS) { self.check() } else { Ok(()) }
    }
}

//! The time of an audit.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// A clock that never goes back, from the instant on at which the audit began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    origin: Instant,
    began: Timestamp,
}

impl Clock {
    /// A clock that began at an instant.
    pub(super) const fn new(origin: Instant, began: Timestamp) -> Self {
        Self { origin, began }
    }

    /// The instant.
    pub(super) fn now(self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The same as a timestamp.
    pub(super) fn at(self, instant: Instant) -> Timestamp {
        let passed = SignedDuration::try_from(instant.saturating_duration_since(self.origin));
        let now = passed.ok().and_then(|passed| self.began.checked_add(passed).ok());
        now.and_then(|now| Timestamp::from_millisecond(now.as_millisecond()).ok())
            .unwrap_or(self.began)
    }
}

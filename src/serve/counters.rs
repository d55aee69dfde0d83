//! What the server counts, for whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};

/// The classes of statuses that are answered with.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// What the server counts, from its start on.
#[derive(Debug, Default)]
pub struct Counters {
    requests: [AtomicU64; CLASSES.len()],
    open: AtomicU64,
    refused: AtomicU64,
    slow: AtomicU64,
}

impl Counters {
    /// The requests that were answered, by the class of their status: `2xx` to `5xx`.
    pub fn requests(&self) -> [(&'static str, u64); CLASSES.len()] {
        let mut counts = CLASSES.map(|class| (class, 0));
        for ((_, count), counted) in counts.iter_mut().zip(&self.requests) {
            *count = counted.load(Ordering::Relaxed);
        }
        counts
    }

    /// The connections that are open now.
    pub fn connections_open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// The connections that were turned away, because there were too many.
    pub fn connections_refused_total(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The connections that were closed because their client was too slow: to send a request, or to
    /// read its answer.
    pub fn slow_connections_closed_total(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
    }

    /// A request was answered.
    pub(super) fn answered(&self, status: u16) {
        let class = usize::from(status / 100).checked_sub(2);
        if let Some(count) = class.and_then(|it| self.requests.get(it)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn was_slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_the_class_of_their_status() {
        let counters = Counters::default();
        for status in [200, 204, 302, 404, 431, 499, 500, 100, 600, 0] {
            counters.answered(status);
        }
        assert_eq!(counters.requests(), [("2xx", 2), ("3xx", 1), ("4xx", 3), ("5xx", 1)]);
    }
}

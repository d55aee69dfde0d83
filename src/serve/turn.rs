//! Whose turn it is on a connection, and until when: a client that has its turn and does not use it is
//! not waited for.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use super::Settings;
use super::watched::Traffic;

/// What was seen of a connection, by all who move it.
#[derive(Debug)]
pub(super) struct Progress {
    traffic: Rc<Traffic>,
    /// Requests that came whole.
    requests: Cell<u64>,
    is_answering: Cell<bool>,
    /// Since when a request is waited for; `None` while one is under way.
    waits_since: Cell<Option<Instant>>,
}

impl Progress {
    pub(super) fn new(traffic: Rc<Traffic>, now: Instant) -> Self {
        let waits_since = Cell::new(Some(now));
        Self { traffic, requests: Cell::new(0), is_answering: Cell::new(false), waits_since }
    }

    /// A request came.
    pub(super) fn begins(&self) {
        self.requests.set(self.requests.get() + 1);
        self.is_answering.set(true);
    }

    /// The answer to it is known.
    pub(super) fn is_answered(&self) {
        self.is_answering.set(false);
    }

    /// Since when a request is waited for; `None` while one is under way.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.waits_since.get()
    }

    fn phase(&self) -> Phase {
        if self.is_answering.get() {
            Phase::Answering
        } else if self.traffic.is_blocked() {
            Phase::Sending
        } else {
            Phase::Waiting
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// For a request.
    Waiting,
    Answering,
    /// An answer that the client does not take.
    Sending,
}

/// Whose turn it is on a connection.
#[derive(Debug)]
pub(super) struct Turn {
    phase: Phase,
    requests: u64,
    since: Instant,
    /// How many bytes had come by then.
    received: u64,
    /// How many bytes were sent, and since when no more.
    sent: u64,
    sent_at: Instant,
}

impl Turn {
    /// The turn as it is now.
    pub(super) fn new(progress: &Progress, now: Instant) -> Self {
        let (phase, requests) = (progress.phase(), progress.requests.get());
        progress.waits_since.set((phase == Phase::Waiting).then_some(now));
        Self {
            phase,
            requests,
            since: now,
            received: progress.traffic.received(),
            sent: progress.traffic.sent(),
            sent_at: now,
        }
    }

    /// Looks at what has become of it.
    pub(super) fn follow(&mut self, progress: &Progress, now: Instant) {
        if (self.phase, self.requests) != (progress.phase(), progress.requests.get()) {
            *self = Self::new(progress, now);
        } else if self.sent != progress.traffic.sent() {
            self.sent = progress.traffic.sent();
            self.sent_at = now;
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_clients(&self) -> bool {
        self.phase == Phase::Waiting
    }

    /// Until when the client is waited for; `None` where it waits itself.
    pub(super) fn deadline(&self, settings: &Settings) -> Option<Instant> {
        match self.phase {
            Phase::Waiting => Some(self.since + settings.patience),
            Phase::Answering => None,
            Phase::Sending => {
                Some((self.sent_at + settings.patience).min(self.since + settings.reading))
            }
        }
    }

    /// Whether a client has begun what it did not bring to its end.
    pub(super) fn is_half_done(&self, progress: &Progress) -> bool {
        self.phase != Phase::Waiting || progress.traffic.received() > self.received
    }
}

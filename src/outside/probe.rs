//! The probe: asks a service again and again over connections that it keeps.
//!
//! It is open loop: a request is sent when it is due, whether or not the one before was answered,
//! so that a service that stands is not asked less often than one that runs. What is sent over
//! which connection is decided by lanes: the caller finds out which process holds which connection,
//! and a lane for each sees to it that none of them is passed over. Once a second it asks over a
//! connection that is opened for it, too: as whoever comes new does.

mod asking;
mod connect;
mod error;
mod lateness;
mod plan;
mod room;
mod shared;
mod ticks;
mod watched;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::config::Endpoint;
pub(crate) use error::ProbeError;
use plan::{Plan, VISIT_EVERY};
use shared::Shared;
use ticks::Ticks;

/// How many connections are kept at first: enough to meet the few workers of a usual service.
const FIRST_CONNECTIONS: usize = 4;
/// More are never kept, however many workers are to be met.
pub(crate) const MOST_CONNECTIONS: usize = 64;

/// A connection of a probe. One that was lost and opened anew has another number.
pub(crate) type ConnectionId = u64;

/// A connection that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    /// Our end.
    pub(crate) local: SocketAddr,
    /// The service's end.
    pub(crate) peer: SocketAddr,
}

/// A request that was sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sent {
    /// The connection; `None` where none could be opened.
    pub(crate) connection: Option<ConnectionId>,
    /// When it was sent, or when its connection was begun.
    pub(crate) at: Instant,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    /// With an answer of that status, whichever it is.
    Answered(u16),
    /// Without one; why.
    Failed(String),
}

/// A request that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Done {
    pub(crate) sent: Sent,
    /// When the head of its answer came, or when it failed.
    pub(crate) at: Instant,
    /// How long the probe itself waited for a CPU, or woke too late, where that may have held up the
    /// sending or the noticing of the end. It is the most that may have: what the service took lies
    /// between the whole time and the whole time without this.
    pub(crate) own_delay: Duration,
    pub(crate) end: End,
}

impl Done {
    /// How long it took until the answer came; `None` where none came.
    pub(crate) fn took(&self) -> Option<Duration> {
        let is_answered = matches!(self.end, End::Answered(_));
        let took = self.at.saturating_duration_since(self.sent.at);
        is_answered.then(|| took.saturating_sub(self.own_delay))
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> Option<u16> {
        match self.end {
            End::Answered(status) => Some(status),
            End::Failed(_) => None,
        }
    }

    /// Why no answer came.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.end {
            End::Failed(why) => Some(why),
            End::Answered(_) => None,
        }
    }
}

/// What the probe has seen since it was looked at before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    pub(crate) connections: Vec<Connection>,
    /// Those that were opened since for one request each; one of them may be open yet.
    pub(crate) visitors: Vec<ConnectionId>,
    /// Requests that wait for an answer now.
    pub(crate) waiting: Vec<Sent>,
    /// Requests that have ended since, in the order of their ends.
    pub(crate) done: Vec<Done>,
    /// Requests that were due since and could not be sent, because every connection waited for an
    /// answer, or because the probe was late by more than an interval.
    pub(crate) left_out: usize,
}

/// Asks one service again and again, from a thread of its own. The thread ends with this.
pub(crate) struct Prober {
    shared: Arc<Shared>,
    /// `None` once it is being waited for.
    thread: Option<JoinHandle<()>>,
}

impl Prober {
    /// Begins to ask: one request per lane each time `every` has passed, and one over a new connection
    /// each second; each is waited for as
    /// long as `patience`. The service need not be up yet.
    ///
    /// # Errors
    /// If the endpoint cannot be asked whatever the service does, or no thread can be started.
    pub(crate) fn start(
        endpoint: &Endpoint,
        every: Duration,
        patience: Duration,
    ) -> Result<Self, ProbeError> {
        Self::start_visiting(endpoint, every, patience, VISIT_EVERY)
    }

    /// The same, with the time from one new connection to the next.
    fn start_visiting(
        endpoint: &Endpoint,
        every: Duration,
        patience: Duration,
        visit_every: Duration,
    ) -> Result<Self, ProbeError> {
        let start = Instant::now();
        let shared = Arc::new(Shared::new(start));
        let mut plan = Plan::new(endpoint, Ticks::new(every), patience, start)?;
        plan.visit_every = visit_every;
        let (sender, receiver) = mpsc::channel();
        let theirs = Arc::clone(&shared);
        let thread = Builder::new()
            .name("auditor-probe".to_owned())
            .spawn(move || room::run(plan, theirs, &sender))
            .map_err(ProbeError::Thread)?;
        let prober = Self { shared, thread: Some(thread) };
        match receiver.recv() {
            Ok(Ok(())) => Ok(prober),
            Ok(Err(error)) => Err(ProbeError::Runtime(error)),
            Err(_) => Err(ProbeError::Runtime(io::Error::other("its thread ended"))),
        }
    }

    /// What was seen since this was asked before. `done` is handed out once.
    pub(crate) fn look(&self) -> Look {
        self.shared.look()
    }

    /// The requests that wait for an answer now. Cheap enough for every 10 ms.
    pub(crate) fn waiting(&self) -> Vec<Sent> {
        self.shared.waiting()
    }

    /// The ports that it connects from, or did so of late; each is named before it is used.
    pub(crate) fn ports(&self) -> HashSet<u16> {
        self.shared.ports()
    }

    /// Says which lane each connection is in, in place of what was said before. One that is not
    /// named is in lane 0.
    pub(crate) fn lanes(&self, lanes: HashMap<ConnectionId, usize>) {
        self.shared.set_lanes(lanes);
    }

    /// Asks over a new connection too when the next request is due, unless one waits already.
    pub(crate) fn visit(&self) {
        self.shared.visit();
    }

    /// Whether it does so, or is about to.
    pub(crate) fn is_visiting(&self) -> bool {
        self.shared.is_visiting()
    }

    /// Sends so many requests in each lane when one is due, each over another connection.
    pub(crate) fn at_once(&self, requests: usize) {
        self.shared.set_at_once(requests);
    }

    /// Sees to it that there are so many connections, up to a bound ([`MOST_CONNECTIONS`]). They are
    /// never less than before; each is opened by the first request that it carries.
    pub(crate) fn connections(&self, at_least: usize) {
        self.shared.grow(at_least.min(MOST_CONNECTIONS));
    }

    /// Whether it still asks. Where it does not, there is nothing to see, which is not calm.
    pub(crate) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(thread) = self.thread.take() {
            // It hears of it within a wake-up. What it panicked with, if it did, was printed.
            let _ = thread.join();
        }
    }
}

//! The probe: asks a service again and again over connections that it keeps.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

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
    /// How long the probe itself waited for a CPU, or woke too late, in that time.
    pub(crate) own_delay: Duration,
    pub(crate) end: End,
}

/// What the probe has seen since it was looked at before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    pub(crate) connections: Vec<Connection>,
    /// Requests that wait for an answer now.
    pub(crate) waiting: Vec<Sent>,
    /// Requests that have ended since, in the order of their ends.
    pub(crate) done: Vec<Done>,
    /// Requests that were due since and could not be sent, because every connection waited for an
    /// answer, or because the probe was late by more than an interval.
    pub(crate) left_out: usize,
}

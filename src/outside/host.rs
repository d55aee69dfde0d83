//! The processes behind a port, their threads and their sockets.

use std::net::SocketAddr;
use std::time::Duration;

/// A process that serves, as it is found by the connections that it has accepted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Its name, as `ps` shows it.
    pub(crate) name: String,
    /// When it was started, in seconds since the Unix epoch.
    pub(crate) started_s: f64,
}

/// A thread at one instant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thread {
    pub(crate) tid: u32,
    pub(crate) name: String,
    /// `R` runs or waits for a CPU, `S` sleeps, `D` waits for a disk, …
    pub(crate) state: char,
    /// In which function of the kernel it waits; `None` where that is hidden.
    pub(crate) waits_in: Option<String>,
    /// How long it has been on a CPU since it began, and how long it has waited for one; `None`
    /// where the kernel does not count it.
    pub(crate) on_cpu: Option<Duration>,
    pub(crate) run_queue: Option<Duration>,
}

/// A connection to the port, seen from the service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Accepted {
    /// The client's end.
    pub(crate) remote: SocketAddr,
    /// Bytes that have come and were not read by the service.
    pub(crate) unread: u32,
    /// Whether a request waits for its answer; `None` where nothing tells.
    pub(crate) is_active: Option<bool>,
    /// How many requests came since this connection was looked at before, at least.
    pub(crate) requests: u64,
}

/// The sockets of a port at one instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Sockets {
    pub(crate) accepted: Vec<Accepted>,
    /// Connections that wait to be accepted; `None` where nothing tells.
    pub(crate) accept_queue: Option<u32>,
}

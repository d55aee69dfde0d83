//! The processes behind a port, their threads and their sockets.
//!
//! What cannot be read is a [`Reason`], never a number. Everything here can be had on Linux only;
//! elsewhere each question is answered by the reason that says so.
//!
//! - `find` leads from a connection to the process that has accepted it, `workers` to all that serve.
//! - `watch` looks at the threads and the sockets again and again; `connections` judges which of
//!   them wait for an answer, and `closed` counts what came and went in between.
//! - `pool` judges a pool of threads by a sequence of looks.
//! - `reason` says why something cannot be read, and what would allow it.
//! - `usage` says what processes use of the machine.
//! - `rows` and `diag` read tables of sockets, `processes` reads `/proc`.

use std::fmt;
#[cfg(target_os = "linux")]
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

#[cfg(target_os = "linux")]
mod closed;
#[cfg(target_os = "linux")]
mod connections;
#[cfg(target_os = "linux")]
mod diag;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod find;
pub(crate) mod pool;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
pub(crate) mod reason;
#[cfg(target_os = "linux")]
mod rows;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod threads;
#[cfg(target_os = "linux")]
mod usage;
#[cfg(target_os = "linux")]
mod watch;
#[cfg(target_os = "linux")]
mod workers;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{
    Watch, cpu_ticks, doing, find, listens, newest_start, own, process, reason, running_since,
    serving_at, ticks_per_second, workers,
};
#[cfg(target_os = "linux")]
pub(crate) use find::{find, listens};
#[cfg(target_os = "linux")]
pub(crate) use processes::{newest_start, process, running_since};
#[cfg(target_os = "linux")]
pub(crate) use threads::doing;
#[cfg(target_os = "linux")]
pub(crate) use usage::{cpu_ticks, own, serving_at, ticks_per_second};
#[cfg(target_os = "linux")]
pub(crate) use watch::Watch;
#[cfg(target_os = "linux")]
pub(crate) use workers::workers;

/// Why something cannot be seen, and what would allow it: one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Reason(String);

impl Reason {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who has accepted a connection.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Owner {
    /// This process. A proxy hands requests on to the service, which is another process.
    Process { process: Process, is_proxy: bool },
    /// Nobody yet: it waits in the queue. To be asked again.
    NotAccepted,
    /// A process of this machine that cannot be looked at, of the user with that number.
    Hidden { uid: u32, why: Reason },
    /// No process of this machine, as far as it can be seen.
    Elsewhere(Reason),
}

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

/// What a thread does at one instant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Doing {
    /// In which function of the kernel it waits; `None` where it runs, or that is hidden.
    pub(crate) waits_in: Option<String>,
    /// How long it has been on a CPU since it began, and how often it was put on one; `None` where
    /// the kernel does not count it.
    pub(crate) on_cpu: Option<Duration>,
    pub(crate) runs: Option<u64>,
}

/// A connection to the port, seen from the service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Accepted {
    /// The client's end.
    pub(crate) remote: SocketAddr,
    /// Whether it is one of the probe's.
    pub(crate) is_ours: bool,
    /// Whether the service has accepted it; before that it waits in the accept queue.
    pub(crate) is_accepted: bool,
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
    /// How many sockets listen at one address: several where several loops do (`SO_REUSEPORT`).
    pub(crate) listeners: usize,
    /// Connections that came and went since the look before and were never met open: each brought
    /// a request, as a rule. Without the probe's.
    pub(crate) came_and_went: u64,
    /// Why it cannot be told which requests wait for an answer; `None` where it can.
    pub(crate) why_little: Option<Reason>,
}

impl Sockets {
    /// How many requests wait for an answer, at least, without the probe's; `None` where that
    /// cannot be told.
    pub(crate) fn requests_active(&self) -> Option<u64> {
        let others = self.accepted.iter().filter(|connection| !connection.is_ours);
        let active = others.filter(|connection| connection.is_active == Some(true)).count();
        self.why_little.is_none().then_some(active as u64)
    }

    /// How many requests came since the look before, at least, without the probe's.
    pub(crate) fn requests_seen(&self) -> u64 {
        let others = self.accepted.iter().filter(|connection| !connection.is_ours);
        self.came_and_went + others.map(|connection| connection.requests).sum::<u64>()
    }
}

/// The same address in the one form in which both ends have it: IPv4 within IPv6 as IPv4, without
/// a scope.
#[cfg(target_os = "linux")]
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(plain_ip(address.ip()), address.port())
}

#[cfg(target_os = "linux")]
fn plain_ip(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

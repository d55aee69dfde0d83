//! What takes the place of all this where there is no `/proc` of Linux.

use std::collections::HashSet;
use std::net::SocketAddr;

use super::{Doing, Owner, Process, Reason, Sockets, Thread};

fn only_on_linux() -> Reason {
    Reason::new("the process behind the port is looked at only on Linux")
}

/// Who has accepted each of these connections: not known here.
pub(crate) fn find(connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    connections.iter().map(|_| Owner::Elsewhere(only_on_linux())).collect()
}

/// The process with that number: not known here.
pub(crate) fn process(_pid: u32) -> Result<Process, Reason> {
    Err(only_on_linux())
}

/// What a thread does now: not known here.
pub(crate) fn doing(_pid: u32, _tid: u32) -> Option<Doing> {
    None
}

/// When that process was started: not known here.
pub(crate) fn running_since(_pid: u32) -> Result<Option<u64>, Reason> {
    Err(only_on_linux())
}

/// When the newest process was started: not known here.
pub(crate) fn newest_start() -> u64 {
    0
}

/// All processes that serve at that port: none is known here.
pub(crate) fn workers(_pids: &[u32], _port: u16) -> Vec<Process> {
    Vec::new()
}

/// Where else that process listens: not known here.
pub(crate) fn listens(_pid: u32) -> Vec<SocketAddr> {
    Vec::new()
}

/// The processes that serve at an address of this machine: none is known here.
pub(crate) fn serving_at(_address: SocketAddr) -> Vec<Process> {
    Vec::new()
}

/// So many ticks of a CPU are a second: not known here.
pub(crate) fn ticks_per_second() -> Option<u64> {
    None
}

/// The CPU time of a process: not known here.
pub(crate) fn cpu_ticks(_pid: u32, _since: u64) -> Option<u64> {
    None
}

/// What this process uses: not known here.
pub(crate) fn own() -> Option<(f64, u64)> {
    None
}

/// Watches nothing.
pub(crate) struct Watch;

impl Watch {
    pub(crate) fn new(_pids: &[u32], _address: SocketAddr) -> Self {
        Self
    }

    pub(crate) fn threads(&mut self, _pid: u32) -> Result<Vec<Thread>, Reason> {
        Err(only_on_linux())
    }

    pub(crate) fn sockets(&mut self, _ours: impl Fn() -> HashSet<u16>) -> Result<Sockets, Reason> {
        Err(only_on_linux())
    }
}

/// Why something of a process cannot be read.
pub(crate) mod reason {
    use super::super::Reason;

    /// Whether the memory of that process may be read: not here.
    pub(crate) fn memory(_pid: u32) -> Result<(), Reason> {
        Err(Reason::new("the memory of a process is read only on Linux"))
    }
}

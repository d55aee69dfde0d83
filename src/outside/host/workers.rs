//! All processes that serve at a port.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::SocketAddr;

use super::Process;
use super::find::here;
use super::processes::{Files, all, awaited, descendants, files, network, open, process};
use super::rows::{Row, State, of_text};

/// All processes that serve at that port together with these: what listens there as well, and the
/// children that have connections of it. What only supervises is left out. Where the files of none
/// of them can be read, it is these and all that they have started.
pub(crate) fn workers(pids: &[u32], port: u16) -> Vec<Process> {
    let mut family = pids.to_vec();
    family.extend(descendants(pids));
    let all = all();
    let files: BTreeMap<u32, Files> =
        all.into_iter().filter_map(|pid| Some((pid, files(pid).ok()?))).collect();
    let found = if family.iter().any(|pid| files.contains_key(pid)) {
        let holding = holding(&family, &rows_near(pids, port), &files);
        let waiting = holding.iter().map(|holder| {
            files.get(&holder.pid).map_or(Waiting::No, |files| holder.waiting(files))
        });
        without_supervisors(holding.iter().map(|holder| holder.pid).zip(waiting).collect())
    } else {
        family
    };
    // Where nobody is found to serve, what was given is what is looked at.
    let serving = if found.is_empty() { pids.to_vec() } else { found };
    let distinct: BTreeSet<u32> = serving.into_iter().collect();
    distinct.into_iter().filter_map(|pid| process(pid).ok()).collect()
}

/// The sockets with that port in the network that the first of these is in.
fn rows_near(pids: &[u32], port: u16) -> Vec<Row> {
    let own = network(std::process::id());
    let other = pids.first().filter(|pid| network(**pid) != own);
    let there = other.and_then(|pid| of_text(&open(*pid).ok()?, port).ok());
    there.unwrap_or_else(|| here(port))
}

/// A process that holds sockets of the port.
#[derive(Debug, PartialEq)]
struct Holder {
    pid: u32,
    sockets: HashSet<u64>,
}

/// Whether a process waits for requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waiting {
    No,
    /// It waits for events, of which it is not known.
    Perhaps,
    /// It waits for events of sockets of the port.
    Yes,
}

impl Holder {
    fn waiting(&self, files: &Files) -> Waiting {
        if !awaited(self.pid, files).is_disjoint(&self.sockets) {
            Waiting::Yes
        } else if files.event_queues.is_empty() {
            Waiting::No
        } else {
            Waiting::Perhaps
        }
    }
}

/// Which processes hold sockets of the service, of those whose files are known.
fn holding(family: &[u32], rows: &[Row], files: &BTreeMap<u32, Files>) -> Vec<Holder> {
    let held: HashSet<u64> =
        family.iter().filter_map(|pid| files.get(pid)).flat_map(|of| of.sockets.clone()).collect();
    let is_held = |row: &&Row| row.inode != 0 && held.contains(&row.inode);
    let addresses: HashSet<SocketAddr> =
        listeners(rows).filter(is_held).map(|row| row.local).collect();
    // Each worker may have a socket of its own that listens at the same address.
    let listening: HashSet<u64> =
        listeners(rows).filter(|row| addresses.contains(&row.local)).map(|row| row.inode).collect();
    let of_family: HashSet<u64> = rows.iter().filter(is_held).map(|row| row.inode).collect();
    let holder = |(pid, files): (&u32, &Files)| {
        let relevant = if family.contains(pid) { &of_family } else { &listening };
        let sockets: HashSet<u64> = files.sockets.intersection(relevant).copied().collect();
        (!sockets.is_empty()).then_some(Holder { pid: *pid, sockets })
    };
    files.iter().filter_map(holder).collect()
}

/// A supervisor holds the socket for its workers, and waits for something else.
fn without_supervisors(holders: Vec<(u32, Waiting)>) -> Vec<u32> {
    let most = holders.iter().map(|(_, waiting)| *waiting).max();
    let serving = holders.into_iter().filter(|(_, waiting)| Some(*waiting) == most);
    serving.map(|(pid, _)| pid).collect()
}

fn listeners(rows: &[Row]) -> impl Iterator<Item = &Row> {
    rows.iter().filter(|row| row.state == State::Listening)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(local: &str, state: State, inode: u64) -> Row {
        let local = local.parse().unwrap();
        let remote = "0.0.0.0:0".parse().unwrap();
        Row { local, remote, state, inode, uid: 0, unread: 0, counts: None }
    }

    fn holds(sockets: &[u64]) -> Files {
        Files { sockets: sockets.iter().copied().collect(), event_queues: Vec::new() }
    }

    fn pids(family: &[u32], rows: &[Row], files: impl Into<BTreeMap<u32, Files>>) -> Vec<u32> {
        holding(family, rows, &files.into()).iter().map(|holder| holder.pid).collect()
    }

    #[test]
    fn workers_share_a_socket_with_a_supervisor_that_serves_nothing() {
        let rows = [row("0.0.0.0:80", State::Listening, 7)];
        let files = [(10, holds(&[7])), (11, holds(&[7])), (12, holds(&[7, 9])), (13, holds(&[9]))];
        assert_eq!(pids(&[11], &rows, files), [10, 11, 12]);
        let (no, perhaps, yes) = (Waiting::No, Waiting::Perhaps, Waiting::Yes);
        assert_eq!(without_supervisors(vec![(10, perhaps), (11, yes), (12, yes)]), [11, 12]);
        assert_eq!(without_supervisors(vec![(10, no), (11, perhaps), (12, perhaps)]), [11, 12]);
        assert_eq!(without_supervisors(vec![(10, no), (11, no)]), [10, 11]);
    }

    #[test]
    fn workers_with_a_socket_each_are_known_by_the_address() {
        let rows = [
            row("0.0.0.0:80", State::Listening, 7),
            row("0.0.0.0:80", State::Listening, 8),
            row("127.0.0.2:80", State::Listening, 9),
        ];
        assert_eq!(
            pids(&[11], &rows, [(11, holds(&[7])), (12, holds(&[8])), (13, holds(&[9]))]),
            [11, 12]
        );
    }

    #[test]
    fn a_child_that_is_handed_connections_serves_and_one_with_none_does_not() {
        let rows = [row("0.0.0.0:80", State::Listening, 7), row("127.0.0.1:80", State::Open, 8)];
        let files = [(10, holds(&[7])), (11, holds(&[8])), (12, holds(&[1]))];
        assert_eq!(pids(&[10, 11, 12], &rows, files), [10, 11]);
    }
}

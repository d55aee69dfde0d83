//! All processes that serve at a port.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use super::Process;
use super::find::here;
use super::processes::{Files, all, descendants, files, network, open, process};
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
    let rows = rows_near(pids, port);
    let serving = match family.iter().any(|pid| files.contains_key(pid)) {
        true => serving(&family, &rows, &files),
        false => family,
    };
    // Where nobody is found to serve, what was given is what is looked at.
    let serving = if serving.is_empty() { pids.to_vec() } else { serving };
    let distinct: std::collections::BTreeSet<u32> = serving.into_iter().collect();
    distinct.into_iter().filter_map(|pid| process(pid).ok()).collect()
}

/// The sockets with that port in the network that the first of these is in.
fn rows_near(pids: &[u32], port: u16) -> Vec<Row> {
    let own = network(std::process::id());
    let other = pids.first().filter(|pid| network(**pid) != own);
    let there = other.and_then(|pid| of_text(&open(*pid).ok()?, port).ok());
    there.unwrap_or_else(|| here(port))
}

/// Which processes serve, of those whose files are known.
fn serving(family: &[u32], rows: &[Row], files: &BTreeMap<u32, Files>) -> Vec<u32> {
    let held: HashSet<u64> =
        family.iter().filter_map(|pid| files.get(pid)).flat_map(|of| of.sockets.clone()).collect();
    let is_held = |row: &&Row| row.inode != 0 && held.contains(&row.inode);
    let addresses: HashSet<SocketAddr> =
        listeners(rows).filter(is_held).map(|row| row.local).collect();
    // Each worker may have a socket of its own that listens at the same address.
    let listening: HashSet<u64> =
        listeners(rows).filter(|row| addresses.contains(&row.local)).map(|row| row.inode).collect();
    let of_port: HashSet<u64> = rows.iter().filter(is_held).map(|row| row.inode).collect();
    let candidates: Vec<(u32, &Files)> = files
        .iter()
        .filter(|(pid, files)| {
            !files.sockets.is_disjoint(&listening)
                || family.contains(pid) && !files.sockets.is_disjoint(&of_port)
        })
        .map(|(pid, files)| (*pid, files))
        .collect();
    // A supervisor holds the socket for its workers, and waits for signals.
    let some_wait_for_events = candidates.iter().any(|(_, files)| files.has_event_queue);
    candidates
        .into_iter()
        .filter(|(_, files)| files.has_event_queue || !some_wait_for_events)
        .map(|(pid, _)| pid)
        .collect()
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

    fn holds(sockets: &[u64], has_event_queue: bool) -> Files {
        Files { sockets: sockets.iter().copied().collect(), has_event_queue }
    }

    #[test]
    fn workers_share_a_socket_with_a_supervisor_that_serves_nothing() {
        let rows = [row("0.0.0.0:80", State::Listening, 7)];
        let files = [(10, holds(&[7], false)), (11, holds(&[7], true)), (12, holds(&[7, 9], true))];
        assert_eq!(serving(&[11], &rows, &files.clone().into()), [11, 12]);
        let none_has_a_queue = files.map(|(pid, of)| (pid, holds(&[7], of.sockets.is_empty())));
        assert_eq!(serving(&[11], &rows, &none_has_a_queue.into()), [10, 11, 12]);
    }

    #[test]
    fn workers_with_a_socket_each_are_known_by_the_address() {
        let rows = [
            row("0.0.0.0:80", State::Listening, 7),
            row("0.0.0.0:80", State::Listening, 8),
            row("127.0.0.2:80", State::Listening, 9),
        ];
        let files = [(11, holds(&[7], true)), (12, holds(&[8], true)), (13, holds(&[9], true))];
        assert_eq!(serving(&[11], &rows, &files.into()), [11, 12]);
    }

    #[test]
    fn a_child_that_is_handed_connections_serves_and_one_with_none_does_not() {
        let rows = [row("0.0.0.0:80", State::Listening, 7), row("127.0.0.1:80", State::Open, 8)];
        let files = [(10, holds(&[7], true)), (11, holds(&[8], true)), (12, holds(&[1], true))];
        assert_eq!(serving(&[10, 11, 12], &rows, &files.into()), [10, 11]);
    }
}

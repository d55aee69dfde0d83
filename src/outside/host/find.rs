//! From a connection to the process that has accepted it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;

use procfs::net::TcpState;
use procfs::process::Process;

use super::connections::Ends;
use super::diag::Diag;
use super::processes::{self, all, holders, network};
use super::rows::{Row, State, of_text};
use super::{Owner, plain, reason};

/// So many networks beside this process's own are looked into at most.
const MOST_NETWORKS: usize = 256;

/// What hands requests on to services and serves none itself, by name; the kernel keeps the first
/// 15 letters.
const PROXIES: [&str; 25] = [
    "angie",
    "apache2",
    "caddy",
    "cloudflared",
    "docker-proxy",
    "envoy",
    "gvproxy",
    "h2o",
    "haproxy",
    "httpd",
    "kubectl",
    "lighttpd",
    "linkerd2-proxy",
    "nginx",
    "ngrok",
    "pasta",
    "pingora",
    "pound",
    "rootlessport",
    "slirp4netns",
    "socat",
    "squid",
    "ssh",
    "sshd",
    "traefik",
];

/// Who has accepted each of these connections of this process, given as its own end and the other.
pub(crate) fn find(connections: &[(SocketAddr, SocketAddr)]) -> Vec<Owner> {
    let wanted: Vec<Ends> =
        connections.iter().map(|(local, peer)| (plain(*peer), plain(*local))).collect();
    let (rows, some_are_hidden) = rows_of(&wanted);
    let inodes = rows.values().map(|row| row.inode).filter(|inode| *inode != 0).collect();
    let holders = holders(&inodes);
    let accepted_by = |ends: &Ends| match rows.get(ends) {
        Some(row) => owner(row, &holders),
        None => Owner::Elsewhere(reason::not_here(ends.0, some_are_hidden)),
    };
    let owner_or_listener = |ends: &Ends| match accepted_by(ends) {
        found @ (Owner::Process { .. } | Owner::NotAccepted) => found,
        // Meanwhile it may have come to its end.
        other @ Owner::Hidden { .. } => listener(ends.0).unwrap_or(other),
        other if is_over(*ends) => listener(ends.0).unwrap_or(other),
        other => other,
    };
    wanted.iter().map(owner_or_listener).collect()
}

/// Whether a connection that is not there is one within this machine: then it is over already, as
/// those of a server that closes each after its answer.
fn is_over((service, client): Ends) -> bool {
    service.ip().is_loopback() || service.ip() == client.ip()
}

/// Who listens at that address, as far as that is seen: one that waits for events, if there are
/// several.
pub(super) fn listener(service: SocketAddr) -> Option<Owner> {
    let listens = |row: &Row| {
        let is_any = row.local.ip().is_unspecified();
        row.state == State::Listening && (is_any || row.local.ip() == service.ip())
    };
    let rows = here(service.port()).into_iter().filter(listens);
    let inodes: HashSet<u64> = rows.map(|row| row.inode).filter(|inode| *inode != 0).collect();
    let holders = holders(&inodes);
    let pid = *holders.values().flatten().min()?;
    let first = super::workers(&[pid], service.port()).into_iter().next();
    let process = first.or_else(|| processes::process(pid).ok())?;
    Some(Owner::Process { is_proxy: is_proxy(&process.name), process })
}

fn owner(row: &Row, holders: &HashMap<u64, Vec<u32>>) -> Owner {
    if row.inode == 0 && matches!(row.state, State::Open | State::Opening) {
        return Owner::NotAccepted;
    }
    let process = holders.get(&row.inode).and_then(|pids| pids.first());
    match process.map(|pid| processes::process(*pid)) {
        Some(Ok(process)) => Owner::Process { is_proxy: is_proxy(&process.name), process },
        Some(Err(why)) => Owner::Hidden { uid: row.uid, why },
        None => Owner::Hidden { uid: row.uid, why: reason::hidden(row.uid) },
    }
}

fn is_proxy(name: &str) -> bool {
    // The older docker-proxy shows its path.
    let name = name.rsplit('/').next().unwrap_or(name);
    PROXIES.contains(&name)
}

/// The service's side of each of these connections, by its end and the client's: in the network of
/// this process, or else in the others that can be read; whether some of those cannot be.
fn rows_of(wanted: &[Ends]) -> (HashMap<Ends, Row>, bool) {
    let mut found = HashMap::new();
    let mut missing: HashSet<Ends> = wanted.iter().copied().collect();
    take(&mut found, &mut missing, here);
    if missing.is_empty() {
        return (found, false);
    }
    let (others, some_are_hidden) = others();
    for pid in others {
        take(&mut found, &mut missing, |port| {
            processes::open(pid).and_then(|process| of_text(&process, port)).unwrap_or_default()
        });
    }
    (found, some_are_hidden)
}

/// Moves what is missing and is among the rows to what is found.
fn take(
    found: &mut HashMap<Ends, Row>,
    missing: &mut HashSet<Ends>,
    rows: impl Fn(u16) -> Vec<Row>,
) {
    let ports: HashSet<u16> = missing.iter().map(|(service, _)| service.port()).collect();
    for row in ports.into_iter().flat_map(rows) {
        let ends = (row.local, row.remote);
        if row.state != State::Listening && missing.remove(&ends) {
            found.insert(ends, row);
        }
    }
}

/// The sockets with that port in the network of this process.
pub(super) fn here(port: u16) -> Vec<Row> {
    Diag::open().and_then(|mut diag| diag.rows(port)).unwrap_or_else(|_| {
        // Some sandboxes have no `sock_diag`.
        let text = Process::myself().and_then(|this| of_text(&this, port));
        text.unwrap_or_default()
    })
}

/// Where that process listens, as far as it is in the network of this one and its sockets can be seen.
pub(crate) fn listens(pid: u32) -> Vec<SocketAddr> {
    if network(pid).is_none() || network(pid) != network(std::process::id()) {
        return Vec::new();
    }
    let (Ok(files), Ok(process)) = (processes::files(pid), processes::open(pid)) else {
        return Vec::new();
    };
    let entries = [process.tcp(), process.tcp6()].into_iter().flatten().flatten();
    let own = entries
        .filter(|it| it.state == TcpState::Listen && files.sockets.contains(&it.inode))
        .map(|it| plain(it.local_address));
    let mut found: Vec<_> = own.collect();
    found.sort();
    found.dedup();
    found
}

/// A process of each network other than that of this process, and whether there may be more.
fn others() -> (Vec<u32>, bool) {
    let own = network(std::process::id());
    let mut others = BTreeMap::new();
    let mut some_are_hidden = false;
    for pid in all() {
        match network(pid) {
            None => some_are_hidden = true,
            Some(network) if Some(network) != own => drop(others.entry(network).or_insert(pid)),
            Some(_) => {}
        }
    }
    some_are_hidden |= others.len() > MOST_NETWORKS;
    (others.into_values().take(MOST_NETWORKS).collect(), some_are_hidden)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn ends(client: &TcpStream) -> (SocketAddr, SocketAddr) {
        (client.local_addr().unwrap(), client.peer_addr().unwrap())
    }

    #[test]
    fn who_accepts_is_found_and_who_has_not_yet_is_asked_again() {
        for address in ["127.0.0.1:0", "[::]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let port = listener.local_addr().unwrap().port();
            let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            assert_eq!(find(&[ends(&client)]), [Owner::NotAccepted], "{address}");
            let _service = listener.accept().unwrap();
            let found = find(&[ends(&client)]);
            let Owner::Process { process, is_proxy: false } = &found[0] else {
                panic!("{address}: {found:?}")
            };
            assert_eq!(process.pid, std::process::id());
        }
    }

    #[test]
    fn of_a_connection_that_is_over_the_listener_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        drop(listener.accept().unwrap());
        let ends = ends(&client);
        for is_left in [true, false] {
            let found = find(&[ends]);
            let Owner::Process { process, is_proxy: false } = &found[0] else {
                panic!("{is_left}: {found:?}")
            };
            assert_eq!(process.pid, std::process::id());
            if is_left {
                let _ = client.shutdown(std::net::Shutdown::Both);
            }
        }
    }

    #[test]
    fn a_connection_that_nobody_has_is_elsewhere() {
        let own = "192.0.2.1:40000".parse().unwrap();
        let found = find(&[(own, "192.0.2.2:9".parse().unwrap())]);
        let [Owner::Elsewhere(why)] = found.as_slice() else { panic!("{found:?}") };
        assert!(why.to_string().contains("192.0.2.2:9"), "{why}");
    }

    #[test]
    fn every_port_of_a_process_is_found() {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let found = listens(std::process::id());
        let expected = listeners.iter().map(|it| it.local_addr().unwrap());
        assert!(expected.into_iter().all(|it| found.contains(&it)), "{found:?}");
    }

    #[test]
    fn proxies_are_known_by_their_names() {
        assert!(is_proxy("nginx") && is_proxy("docker-proxy") && is_proxy("/usr/bin/docker-proxy"));
        assert!(!is_proxy("python3") && !is_proxy("node"));
        assert!(PROXIES.iter().all(|name| name.len() <= 15));
    }
}

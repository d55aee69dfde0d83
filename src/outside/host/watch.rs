//! Looks at the threads and the sockets of a service again and again.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use procfs::ProcError;

use super::closed::Closed;
use super::connections::{Connections, Ends};
use super::diag::{Diag, End};
use super::find::here;
use super::processes::{network, open, why_not};
use super::reason::{self, What};
use super::rows::{Row, State, of_text};
use super::threads::Threads;
use super::{Reason, Sockets, Thread, plain, plain_ip};

/// How often it is looked at what is closed: the kernel keeps it for a minute, and it may be much.
const CLOSED_EVERY: Duration = Duration::from_secs(1);

/// What is watched of a service.
pub(crate) struct Watch {
    address: SocketAddr,
    table: Table,
    threads: Threads,
    connections: Connections,
    closed: Closed,
    closed_at: Option<Instant>,
    /// Addresses of the service that connections were met at.
    met_at: HashSet<IpAddr>,
}

/// Where the sockets are listed.
enum Table {
    /// The network of this process.
    Here(Diag),
    /// The network that this process is in, entered.
    There(Diag, u32),
    /// Text, of the network that this process is in: it says little. Why it must do.
    Text(u32, Reason),
}

impl Watch {
    /// Watches the processes that serve at that address, in the network that the first is in.
    pub(crate) fn new(pids: &[u32], address: SocketAddr) -> Self {
        Self {
            address: plain(address),
            table: Table::of(pids.first().copied(), address.port()),
            threads: Threads::default(),
            connections: Connections::default(),
            closed: Closed::default(),
            closed_at: None,
            met_at: HashSet::new(),
        }
    }

    /// The threads of that process; the reason why they cannot be read, or that it has ended.
    pub(crate) fn threads(&mut self, pid: u32) -> Result<Vec<Thread>, Reason> {
        self.threads.of(pid)
    }

    /// The sockets of the service; `ours` tells the ports that the probe connects from, and is asked
    /// after the sockets. The reason why they cannot be read, or that nobody listens at the port
    /// where the service is.
    pub(crate) fn sockets(&mut self, ours: impl Fn() -> HashSet<u16>) -> Result<Sockets, Reason> {
        let rows = self.table.rows(self.address.port())?;
        let rows = of_service(rows, self.address.ip());
        // What a process leaves behind belongs to none.
        if !rows.iter().any(|row| row.state == State::Listening || row.inode != 0) {
            let port = self.address.port();
            return Err(Reason::new(format!(
                "nobody listens at port {port} in the network of the service: it has ended, or \
                 the port is forwarded to another"
            )));
        }
        let listeners: Vec<u32> =
            rows.iter().filter(|row| row.state == State::Listening).map(|row| row.unread).collect();
        let mut at_one: HashMap<SocketAddr, usize> = HashMap::new();
        for row in rows.iter().filter(|row| row.state == State::Listening) {
            *at_one.entry(row.local).or_default() += 1;
        }
        let open = rows.iter().filter(|row| row.state != State::Listening);
        self.met_at.extend(open.map(|row| row.local.ip()));
        let mut connections = rows.iter().filter(|row| row.state == State::Open);
        let tells = connections.all(|row| row.counts.is_some());
        let (accepted, gone) = self.connections.look(&rows, &ours());
        self.closed.went(gone);
        let accept_queue = (!listeners.is_empty()).then(|| listeners.iter().sum());
        let came_and_went = self.came_and_went(ours);
        let why_little = match &self.table {
            Table::Text(_, why) => Some(why.clone()),
            _ if tells => None,
            _ => Some(Reason::new(
                "this kernel does not count what goes out (it is older than 4.19)",
            )),
        };
        let listeners = at_one.into_values().max().unwrap_or_default();
        Ok(Sockets { accepted, accept_queue, listeners, came_and_went, why_little })
    }

    /// Connections that came and went since it was looked at that; they come in a batch a second.
    fn came_and_went(&mut self, ours: impl Fn() -> HashSet<u16>) -> u64 {
        if self.closed_at.is_some_and(|at| at.elapsed() < CLOSED_EVERY) {
            return 0;
        }
        self.closed_at = Some(Instant::now());
        let Some(closed) = self.table.closed(self.address.port()) else { return 0 };
        let ours = ours();
        // A client of this machine may be connected with the same port of another one. What is no
        // connection of the service as far as is known may be one yet, so it is remembered as well.
        let is_of_service = |(service, client): &Ends| {
            self.met_at.contains(&service.ip()) && !ours.contains(&client.port())
        };
        self.closed.look(closed, |ends| is_of_service(ends) && !self.connections.knows(ends))
    }
}

impl Table {
    fn of(pid: Option<u32>, port: u16) -> Self {
        let Some(pid) = pid else { return Self::here(std::process::id()) };
        let is_here = match network(pid) {
            Some(there) => Some(there) == network(std::process::id()),
            // It is not said which network it is in: in this one, if somebody has the port here.
            None => !here(port).is_empty(),
        };
        if is_here {
            return Self::here(pid);
        }
        match Diag::open_in_network_of(pid) {
            Ok(diag) => Self::There(diag, pid),
            Err(error) => Self::Text(pid, reason::why_not(pid, What::Network, error.kind())),
        }
    }

    fn here(pid: u32) -> Self {
        Diag::open().map_or_else(|error| Self::Text(pid, no_diag(&error)), Self::Here)
    }

    /// The sockets with that port that are not closed.
    fn rows(&mut self, port: u16) -> Result<Vec<Row>, Reason> {
        let (rows, pid) = match self {
            Self::Here(diag) => (diag.rows(port), std::process::id()),
            Self::There(diag, pid) => (diag.rows(port), *pid),
            Self::Text(pid, _) => return of_process(*pid, port),
        };
        rows.or_else(|error| {
            // A line that has failed has the rest of an answer in it. Some sandboxes open one and
            // answer nothing.
            let opened = match self {
                Self::There(..) => Diag::open_in_network_of(pid),
                _ => Diag::open(),
            };
            let again = opened.and_then(|mut opened| Ok((opened.rows(port)?, opened)));
            let Ok((rows, opened)) = again else {
                *self = Self::Text(pid, no_diag(&error));
                return of_process(pid, port);
            };
            if let Self::Here(diag) | Self::There(diag, _) = self {
                *diag = opened;
            }
            Ok(rows)
        })
    }

    /// The connections that are closed; `None` where nothing tells.
    fn closed(&mut self, port: u16) -> Option<HashSet<Ends>> {
        let of = |row: Row, end| match end {
            End::Local => (row.local, row.remote),
            End::Remote => (row.remote, row.local),
        };
        // Who closes first keeps it. The clients are in this network too, where they are here.
        let (diag, ends): (&mut Diag, &[End]) = match self {
            Self::Here(diag) => (diag, &[End::Local, End::Remote]),
            Self::There(diag, _) => (diag, &[End::Local]),
            Self::Text(..) => return None,
        };
        let mut closed = HashSet::new();
        for end in ends {
            let rows: io::Result<Vec<Row>> = diag.closed(port, *end);
            closed.extend(rows.ok()?.into_iter().map(|row| of(row, *end)));
        }
        Some(closed)
    }
}

fn no_diag(error: &io::Error) -> Reason {
    Reason::new(format!(
        "the kernel does not say which requests wait for an answer (sock_diag: {error}); run \
         auditor outside of the sandbox, or load the module: sudo modprobe tcp_diag"
    ))
}

fn of_process(pid: u32, port: u16) -> Result<Vec<Row>, Reason> {
    let rows = open(pid).and_then(|process| of_text(&process, port));
    let rows = rows.map_err(|error: ProcError| why_not(pid, What::Network, &error))?;
    Ok(rows.into_iter().filter(|row| row.state != State::Closed).collect())
}

/// The rows of the service that is reached at that address: others may listen at the same port of
/// other addresses.
fn of_service(rows: Vec<Row>, address: IpAddr) -> Vec<Row> {
    let listens_at = |row: &&Row| row.state == State::Listening && !row.local.ip().is_unspecified();
    let others: HashSet<IpAddr> =
        rows.iter().filter(listens_at).map(|row| row.local.ip()).collect();
    let is_own = |row: &Row| match others.contains(&plain_ip(address)) {
        true => row.local.ip() == address,
        false => !others.contains(&row.local.ip()),
    };
    rows.into_iter().filter(is_own).collect()
}

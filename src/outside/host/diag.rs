//! The sockets of a port by `sock_diag`: with what TCP counts of each, and without reading text.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::thread;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{
    AF_INET, AF_INET6, IPPROTO_TCP, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED,
    TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_LAST_ACK, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT,
    TCP_TIME_WAIT,
};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags,
};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::plain;
use super::rows::{Counts, Row, State};

/// The kernel hands rows out in parts of at most this size.
const PART_BYTES: usize = 64 * 1024;

/// An open line to the kernel. It shows the network of the thread that opened it, whichever
/// thread asks.
pub(super) struct Diag {
    socket: Socket,
    part: Vec<u8>,
}

/// Which end of a connection has the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Local,
    Remote,
}

impl Diag {
    /// One for the network that this process is in.
    pub(super) fn open() -> io::Result<Self> {
        let socket = Socket::new(NETLINK_SOCK_DIAG)?;
        // The kernel answers while it is asked: where there is nothing, nothing comes any more.
        socket.set_non_blocking(true)?;
        Ok(Self { socket, part: Vec::with_capacity(PART_BYTES) })
    }

    /// One for the network that the process is in. It takes CAP_SYS_ADMIN, also there.
    pub(super) fn open_in_network_of(pid: u32) -> io::Result<Self> {
        let network = File::open(format!("/proc/{pid}/ns/net"))?;
        // The thread stays in the other network until its end, so it does nothing else.
        let opened = thread::Builder::new().name("network".to_owned()).spawn(move || {
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
            Self::open()
        })?;
        opened.join().map_err(|_| io::Error::other("the thread that opens it has ended"))?
    }

    /// The sockets with that port that are not closed.
    pub(super) fn rows(&mut self, port: u16) -> io::Result<Vec<Row>> {
        let closed = StateFlags::TIME_WAIT | StateFlags::CLOSE;
        self.dump(port, End::Local, StateFlags::all() - closed, ExtensionFlags::INFO)
    }

    /// The connections that are closed and kept for stragglers, with that port at that end.
    pub(super) fn closed(&mut self, port: u16, end: End) -> io::Result<Vec<Row>> {
        self.dump(port, end, StateFlags::TIME_WAIT, ExtensionFlags::empty())
    }

    /// After an error, what is left of the answer is still on its way: this line must be closed.
    fn dump(
        &mut self,
        port: u16,
        end: End,
        states: StateFlags,
        extensions: ExtensionFlags,
    ) -> io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for family in [AF_INET, AF_INET6] {
            self.ask(request(family, port, end, states.clone(), extensions.clone()))?;
            while self.take_part(&mut rows)? {}
        }
        Ok(rows)
    }

    fn ask(&self, request: InetRequest) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let payload = SockDiagMessage::InetRequest(request).into();
        let mut message = NetlinkMessage::new(header, payload);
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map(drop)
    }

    /// Takes a part of the answer; whether more come.
    fn take_part(&mut self, rows: &mut Vec<Row>) -> io::Result<bool> {
        self.part.clear();
        self.socket.recv(&mut self.part, 0)?;
        let mut rest = self.part.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                    rows.extend(row(&response));
                }
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                NetlinkPayload::Done(_) => return Ok(false),
                _ => {}
            }
            // Messages begin at multiples of four bytes.
            let length = (message.header.length as usize).next_multiple_of(4).max(4);
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(true)
    }
}

fn request(
    family: u8,
    port: u16,
    end: End,
    states: StateFlags,
    extensions: ExtensionFlags,
) -> InetRequest {
    let mut socket_id = if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() };
    match end {
        End::Local => socket_id.source_port = port,
        End::Remote => socket_id.destination_port = port,
    }
    InetRequest { family, protocol: IPPROTO_TCP, extensions, states, socket_id }
}

/// The row; `None` of a state that is none of a connection.
fn row(response: &InetResponse) -> Option<Row> {
    let header = &response.header;
    let id = &header.socket_id;
    let state = match header.state {
        TCP_LISTEN => State::Listening,
        TCP_SYN_SENT | TCP_SYN_RECV => State::Opening,
        TCP_ESTABLISHED => State::Open,
        TCP_CLOSE_WAIT => State::HalfClosed,
        TCP_TIME_WAIT | TCP_CLOSE => State::Closed,
        TCP_FIN_WAIT1 | TCP_FIN_WAIT2 | TCP_LAST_ACK | TCP_CLOSING => State::Closing,
        _ => return None,
    };
    let counts = response.nlas.iter().find_map(|nla| match nla {
        Nla::TcpInfo(info) => Counts::read(info),
        _ => None,
    });
    Some(Row {
        local: plain(SocketAddr::new(id.source_address, id.source_port)),
        remote: plain(SocketAddr::new(id.destination_address, id.destination_port)),
        state,
        inode: u64::from(header.inode),
        uid: header.uid,
        unread: header.recv_queue,
        counts,
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// The service's end of the connection.
    fn seen(diag: &mut Diag, listener: &TcpListener, client: &TcpStream) -> Row {
        let port = listener.local_addr().unwrap().port();
        let client = client.local_addr().unwrap();
        let rows = diag.rows(port).unwrap();
        rows.into_iter().find(|row| row.remote == client).unwrap()
    }

    #[test]
    fn a_real_connection_shows_its_counts() {
        let mut diag = Diag::open().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nodelay(true).unwrap();
        assert_eq!(seen(&mut diag, &listener, &client).inode, 0, "nobody has accepted it");
        let (mut service, _) = listener.accept().unwrap();
        service.set_nodelay(true).unwrap();
        assert_ne!(seen(&mut diag, &listener, &client).inode, 0);
        for _ in 0..3 {
            client.write_all(b"question").unwrap();
            service.read_exact(&mut [0; 8]).unwrap();
            for _ in 0..2 {
                service.write_all(b"answer").unwrap();
                client.read_exact(&mut [0; 6]).unwrap();
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(60));
        client.write_all(b"question").unwrap();
        let row = seen(&mut diag, &listener, &client);
        let counts = row.counts.unwrap();
        assert_eq!((row.unread, counts.segments_in, counts.segments_out), (8, 4, 6));
        assert_eq!(counts.bytes_out, 3 * 2 * 6);
        assert!(counts.received_ago_ms < counts.sent_ago_ms, "{counts:?}");
        assert!(counts.sent_ago_ms >= 50, "{counts:?}");
        drop(client);
        let row = diag.rows(listener.local_addr().unwrap().port()).unwrap().pop().unwrap();
        assert_eq!((row.state, row.unread, row.unread_bytes()), (State::HalfClosed, 9, 8));
    }

    #[test]
    fn an_ipv4_client_of_an_ipv6_listener_has_its_ipv4_address() {
        let Ok(listener) = TcpListener::bind("[::]:0") else { return };
        let port = listener.local_addr().unwrap().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let row = seen(&mut Diag::open().unwrap(), &listener, &client);
        assert_eq!(row.local, client.peer_addr().unwrap());
    }

    #[test]
    fn both_tables_show_the_same_sockets() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"unread").unwrap();
        let order = |mut rows: Vec<Row>| {
            rows.sort_by_key(|row| row.remote);
            rows.iter().map(|row| Row { counts: None, ..row.clone() }).collect::<Vec<_>>()
        };
        let diag = order(Diag::open().unwrap().rows(port).unwrap());
        let this = procfs::process::Process::myself().unwrap();
        assert_eq!(diag, order(super::super::rows::of_text(&this, port).unwrap()));
        assert_eq!(diag.len(), 2);
        let listening = diag.iter().find(|row| row.state == State::Listening).unwrap();
        assert_eq!(listening.unread, 1, "one waits to be accepted");
    }
}

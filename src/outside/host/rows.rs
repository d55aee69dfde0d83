//! The sockets of a port, as the kernel lists them: by `sock_diag`, or as text in `/proc`.

use std::net::SocketAddr;

use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::Process;

use super::plain;

/// A socket.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) state: State,
    /// 0 where it belongs to no process: not accepted yet, or closed already.
    pub(super) inode: u64,
    pub(super) uid: u32,
    /// Bytes that were not read; of a listener: connections that were not accepted.
    pub(super) unread: u32,
    /// What TCP counts; `None` in `/proc`, and of what is closed.
    pub(super) counts: Option<Counts>,
}

/// The states that make a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Listening,
    /// Its opening is under way.
    Opening,
    Open,
    /// The client has ended its direction, the service has not.
    HalfClosed,
    /// The service has ended its direction, or both have.
    Closing,
    /// Closed, and kept for stragglers.
    Closed,
}

/// What TCP counts of a connection, seen from the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// How long ago the last data came and went, in milliseconds, in steps of the kernel's clock.
    pub(super) received_ago_ms: u32,
    pub(super) sent_ago_ms: u32,
    /// Segments with data.
    pub(super) segments_in: u32,
    pub(super) segments_out: u32,
    /// Bytes of data that went, without what was sent again.
    pub(super) bytes_out: u64,
}

impl Counts {
    /// Reads them out of `struct tcp_info` of `linux/tcp.h`, which only ever grows at its end.
    /// `None` where the kernel is older than these fields (4.19).
    pub(super) fn read(info: &[u8]) -> Option<Self> {
        Some(Self {
            sent_ago_ms: u32_at(info, 44)?,
            received_ago_ms: u32_at(info, 52)?,
            segments_in: u32_at(info, 152)?,
            segments_out: u32_at(info, 156)?,
            bytes_out: u64_at(info, 200)?.saturating_sub(u64_at(info, 208)?),
        })
    }
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let field = bytes.get(offset..offset + 4)?;
    Some(u32::from_ne_bytes(field.try_into().ok()?))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    let field = bytes.get(offset..offset + 8)?;
    Some(u64::from_ne_bytes(field.try_into().ok()?))
}

impl Row {
    /// The bytes that were not read: the end of the client's direction counts as one, and is none.
    pub(super) fn unread_bytes(&self) -> u32 {
        match self.state {
            State::HalfClosed => self.unread.saturating_sub(1),
            _ => self.unread,
        }
    }
}

/// The sockets with that port at their own end, as `/proc/PID/net/tcp` and `tcp6` have them. It
/// fails where the process is gone.
pub(super) fn of_text(process: &Process, port: u16) -> Result<Vec<Row>, procfs::ProcError> {
    // Without IPv6 there is no second file.
    let rows = process.tcp()?.into_iter().chain(process.tcp6().unwrap_or_default());
    Ok(rows.filter(|row| row.local_address.port() == port).map(|row| of_entry(&row)).collect())
}

fn of_entry(entry: &TcpNetEntry) -> Row {
    let state = match entry.state {
        TcpState::Listen => State::Listening,
        TcpState::SynSent | TcpState::SynRecv | TcpState::NewSynRecv => State::Opening,
        TcpState::Established => State::Open,
        TcpState::CloseWait => State::HalfClosed,
        TcpState::TimeWait | TcpState::Close => State::Closed,
        _ => State::Closing,
    };
    Row {
        local: plain(entry.local_address),
        remote: plain(entry.remote_address),
        state,
        inode: entry.inode,
        uid: entry.uid,
        unread: entry.rx_queue,
        counts: None,
    }
}

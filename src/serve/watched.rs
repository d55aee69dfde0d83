//! The bytes of a connection, watched: whether its client takes what it is sent, and sends anything.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What was seen of a connection so far.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    received: Cell<u64>,
    sent: Cell<u64>,
    is_blocked: Cell<bool>,
}

impl Traffic {
    /// The bytes that came.
    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }

    /// The bytes that the system took over.
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Whether there are bytes that the system does not take over yet.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.get()
    }

    fn wrote(&self, result: &Poll<io::Result<usize>>) {
        self.is_blocked.set(result.is_pending());
        if let Poll::Ready(Ok(count)) = result {
            self.sent.set(self.sent.get() + *count as u64);
        }
    }
}

/// A connection whose traffic is watched.
pub(super) struct Watched {
    pub(super) stream: TcpStream,
    traffic: Rc<Traffic>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream) -> (Self, Rc<Traffic>) {
        let traffic = Rc::<Traffic>::default();
        (Self { stream, traffic: Rc::clone(&traffic) }, traffic)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        let came = buffer.filled().len().saturating_sub(before) as u64;
        self.traffic.received.set(self.traffic.received.get() + came);
        result
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.traffic.wrote(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.traffic.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

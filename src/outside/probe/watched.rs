//! The bytes of a connection, watched: when the last were sent, and how many came.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What was seen of a connection so far.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// When bytes were handed to the system last.
    sent_at: Cell<Option<Instant>>,
    /// How many bytes came, those of TLS itself left out.
    received: Cell<u64>,
}

impl Traffic {
    pub(super) fn sent_at(&self) -> Option<Instant> {
        self.sent_at.get()
    }

    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }
}

/// A connection that is open, with or without TLS.
pub(super) enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

/// One whose traffic is watched.
pub(super) struct Watched {
    stream: Stream,
    traffic: Rc<Traffic>,
}

impl Watched {
    pub(super) fn new(stream: Stream) -> (Self, Rc<Traffic>) {
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
        let result = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Secure(stream) => Pin::new(stream).poll_read(context, buffer),
        };
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
        let result = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Secure(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        if matches!(result, Poll::Ready(Ok(_))) {
            self.traffic.sent_at.set(Some(Instant::now()));
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Secure(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Secure(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

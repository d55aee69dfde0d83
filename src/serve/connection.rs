//! One connection, from the moment on that it is let in to its end.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use hyper::server::conn::http1::{Builder, Parts};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use super::answering::answer;
use super::room::Room;
use super::turn::{Progress, Turn};
use super::watched::Watched;

/// hyper has no buffer that is smaller.
const SMALLEST_BUFFER: usize = 8 * 1024;
/// How much of what nobody reads is thrown away, so that the client gets to its answer.
const MOST_LEFTOVERS: usize = 256 * 1024;

/// How a connection came to its end.
enum End {
    /// Each request was answered.
    Complete,
    /// What came is no request.
    Malformed,
    /// The client was too slow.
    Late,
    /// Nothing is under way any more, and no other request is to come.
    Closing,
    /// The client is gone.
    Gone,
}

/// Answers what comes over a connection, to its end.
pub(super) async fn serve(room: &Rc<Room>, watched: Watched, progress: &Rc<Progress>) {
    let service = {
        let (room, progress) = (Rc::clone(room), Rc::clone(progress));
        service_fn(move |request| {
            progress.begins();
            let (room, progress) = (Rc::clone(&room), Rc::clone(&progress));
            Box::pin(async move {
                let response = answer(&room, request).await;
                progress.is_answered();
                Ok::<_, Infallible>(response)
            })
        })
    };
    let head_bytes = room.settings.head_bytes;
    let mut connection = Builder::new()
        .max_header_size(head_bytes)
        .max_buf_size(head_bytes.max(SMALLEST_BUFFER))
        // The turns have a time of their own, of which this would be a part.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(watched), service);
    let mut turn = Turn::new(progress, Instant::now());
    let mut alarm = pin!(sleep_until(Instant::now().into()));
    let end = poll_fn(|context| {
        if let Poll::Ready(result) = connection.poll_without_shutdown(context) {
            return Poll::Ready(match result {
                Ok(()) => End::Complete,
                Err(error) if error.is_parse() => End::Malformed,
                Err(_) => End::Gone,
            });
        }
        turn.follow(progress, Instant::now());
        if turn.is_clients() && room.is_closing() {
            return Poll::Ready(End::Closing);
        }
        let Some(deadline) = turn.deadline(&room.settings) else { return Poll::Pending };
        if alarm.deadline() != deadline.into() {
            alarm.as_mut().reset(deadline.into());
        }
        alarm.as_mut().poll(context).map(|()| End::Late)
    })
    .await;
    let Parts { io, .. } = connection.into_parts();
    leave(room, io.into_inner().stream, &end, turn.is_half_done(progress)).await;
}

async fn leave(room: &Room, stream: TcpStream, end: &End, is_half_done: bool) {
    match end {
        End::Gone => {}
        End::Complete | End::Closing => let_read(room, stream).await,
        End::Malformed => {
            // With a status of this class, by whoever found that out.
            room.counters.answered(400);
            let_read(room, stream).await;
        }
        End::Late => {
            if is_half_done {
                room.counters.was_slow();
            }
            // What the system has still to send would be kept for as long as the client likes.
            let _ = stream.set_zero_linger();
        }
    }
}

/// Ends a connection so that the client can read what it was sent: where bytes of it are left unread,
/// the system would take the answer back.
pub(super) async fn let_read(room: &Room, mut stream: TcpStream) {
    let leftovers = async {
        poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context)).await.ok()?;
        let mut bytes = vec![0; SMALLEST_BUFFER];
        let mut count = 0;
        while count < MOST_LEFTOVERS {
            stream.readable().await.ok()?;
            match stream.try_read(&mut bytes) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        Some(())
    };
    let _ = timeout(room.settings.moment(), leftovers).await;
}

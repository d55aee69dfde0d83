//! Who is let in: connections, up to so many, until the end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::{AbortHandle, LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use super::connection::{let_read, serve};
use super::turn::Progress;
use super::watched::Watched;
use super::work::Work;
use super::{Counters, Handler, Settings};
use crate::output;

/// How often it is looked whether it shall end.
const GLANCE: Duration = Duration::from_millis(50);
/// So many that are turned away get to read why; others are cut off.
const MOST_FAREWELLS: usize = 32;
/// What is said to those who are turned away.
const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    cache-control: no-store\r\nx-content-type-options: nosniff\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 41\r\n\r\n{\"error\":\"too many connections are open\"}";
/// What hinders all connections from being let in is told no oftener than this.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// The pause after a connection could not be let in, and the longest of them.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

/// What all connections share.
pub(super) struct Room {
    pub(super) settings: Settings,
    pub(super) handler: Arc<Handler>,
    pub(super) counters: Arc<Counters>,
    pub(super) work: Work,
    is_closing: Cell<bool>,
    /// Those that are in, by number.
    open: RefCell<HashMap<u64, Open>>,
    next: Cell<u64>,
    farewells: Cell<usize>,
}

/// A connection that was let in.
struct Open {
    progress: Rc<Progress>,
    task: AbortHandle,
}

/// Serves until it shall end.
pub(super) fn run(
    listener: net::TcpListener,
    settings: Settings,
    handler: Arc<Handler>,
    counters: Arc<Counters>,
    stop: &dyn Fn() -> bool,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let most = settings.connections + settings.answers_of_a_path;
    let mut builder = Builder::new_current_thread();
    builder.enable_io().enable_time().thread_name("answer").max_blocking_threads(most.max(1));
    let runtime = builder.build()?;
    let room = Rc::new(Room {
        work: Work::new(most, settings.answers_of_a_path),
        settings,
        handler,
        counters,
        is_closing: Cell::new(false),
        open: RefCell::default(),
        next: Cell::new(0),
        farewells: Cell::new(0),
    });
    let tasks = LocalSet::new();
    let result = tasks.block_on(&runtime, async {
        let listener = TcpListener::from_std(listener)?;
        room.let_in(&listener, stop).await;
        drop(listener);
        room.close().await;
        Ok(())
    });
    // Connections end with their tasks; what still answers cannot be ended, and is left alone.
    drop(tasks);
    runtime.shutdown_background();
    result
}

impl Room {
    /// Whether nobody is let in any more.
    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    async fn let_in(self: &Rc<Self>, listener: &TcpListener, stop: &dyn Fn() -> bool) {
        let mut hindrance = Hindrance::default();
        while !stop() {
            match timeout(GLANCE, listener.accept()).await {
                Err(_) => {}
                Ok(Ok((stream, _))) => {
                    hindrance.has_gone();
                    self.welcome(stream);
                }
                Ok(Err(error)) => {
                    let pause = hindrance.comes(&error, Instant::now());
                    // It may be for want of files, of which this is one.
                    self.close_longest_waiting();
                    sleep(pause).await;
                }
            }
        }
    }

    /// Lets a connection in, if need be in place of another that carries no request.
    fn welcome(self: &Rc<Self>, stream: TcpStream) {
        let is_full = self.open.borrow().len() >= self.settings.connections;
        if is_full && !self.close_longest_waiting() {
            return self.turn_away(stream);
        }
        // What is sent is whole, and need not wait for more; without it, it is slower.
        let _ = stream.set_nodelay(true);
        let (watched, traffic) = Watched::new(stream);
        let progress = Rc::new(Progress::new(traffic, Instant::now()));
        let number = self.next.get();
        self.next.set(number + 1);
        let seat = Seat::new(self, number);
        let theirs = Rc::clone(&progress);
        let task = spawn_local(async move { serve(&seat.room, watched, &theirs).await });
        let open = Open { progress, task: task.abort_handle() };
        self.open.borrow_mut().insert(number, open);
    }

    /// Closes the connection on which a request is waited for the longest; whether there is one.
    fn close_longest_waiting(&self) -> bool {
        let mut open = self.open.borrow_mut();
        let waits = |(number, it): (&u64, &Open)| Some((it.progress.waits_since()?, *number));
        let longest = open.iter().filter_map(waits).min();
        let longest = longest.filter(|(since, _)| since.elapsed() >= self.settings.moment());
        let closed = longest.and_then(|(_, number)| open.remove(&number));
        closed.inspect(|it| it.task.abort()).is_some()
    }

    fn turn_away(self: &Rc<Self>, stream: TcpStream) {
        self.counters.refused();
        if self.farewells.get() >= MOST_FAREWELLS {
            return;
        }
        self.farewells.set(self.farewells.get() + 1);
        let room = Rc::clone(self);
        drop(spawn_local(async move {
            if stream.writable().await.is_ok() && stream.try_write(REFUSAL.as_bytes()).is_ok() {
                let_read(&room, stream).await;
            }
            room.farewells.set(room.farewells.get() - 1);
        }));
    }

    /// Waits until nothing is under way any more, for a while.
    async fn close(&self) {
        self.is_closing.set(true);
        let until = Instant::now() + self.settings.grace;
        for open in self.open.borrow().values() {
            if open.progress.waits_since().is_some() {
                open.task.abort();
            }
        }
        while !self.open.borrow().is_empty() && Instant::now() < until {
            sleep(FIRST_PAUSE).await;
        }
    }
}

/// The place of a connection in the room, for as long as it lasts.
struct Seat {
    room: Rc<Room>,
    number: u64,
}

impl Seat {
    fn new(room: &Rc<Room>, number: u64) -> Self {
        room.counters.opened();
        Self { room: Rc::clone(room), number }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.counters.closed();
        self.room.open.borrow_mut().remove(&self.number);
    }
}

/// What hinders connections from being let in, such as a want of files.
#[derive(Debug, Default)]
struct Hindrance {
    pause: Option<Duration>,
    told_at: Option<Instant>,
}

impl Hindrance {
    fn has_gone(&mut self) {
        self.pause = None;
    }

    /// How long to wait before the next try: it may well fail too, and the server is to spend its time
    /// with those who are in.
    fn comes(&mut self, error: &io::Error, now: Instant) -> Duration {
        let is_clients = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted
        );
        if is_clients {
            return Duration::ZERO;
        }
        if self.told_at.is_none_or(|at| now - at >= TELL_EVERY) {
            self.told_at = Some(now);
            output::message(&format!(
                "warning: cannot accept connections: {error}; it is tried again. Where files are \
                 short, raise their number (ulimit -n)"
            ));
        }
        let pause = self.pause.map_or(FIRST_PAUSE, |it| (it * 2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_as_long_as_it_says() {
        let (head, body) = REFUSAL.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }

    #[test]
    fn a_want_of_files_is_waited_for_longer_and_longer_up_to_a_limit() {
        let (mut hindrance, now) = (Hindrance::default(), Instant::now());
        let want = io::Error::from_raw_os_error(24);
        let pauses: Vec<_> = (0..20).map(|_| hindrance.comes(&want, now)).collect();
        assert_eq!(pauses[..2], [FIRST_PAUSE, FIRST_PAUSE * 2]);
        assert!(pauses.is_sorted() && pauses.last() == Some(&LONGEST_PAUSE), "{pauses:?}");
        hindrance.has_gone();
        assert_eq!(hindrance.comes(&want, now), FIRST_PAUSE);
    }

    #[test]
    fn a_client_that_left_early_hinders_nobody() {
        let left = io::Error::from(io::ErrorKind::ConnectionAborted);
        assert_eq!(Hindrance::default().comes(&left, Instant::now()), Duration::ZERO);
    }
}

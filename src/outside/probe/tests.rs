//! The probe against servers that are real, and as odd as servers are.

mod protocol;
mod reach;
#[cfg(unix)]
mod truth;
mod visits;

use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Connection, ConnectionId, Done, End, Look, Prober, Sent};
use crate::config::{Endpoint, HttpConfig, Target};

const EVERY: Duration = Duration::from_millis(10);
/// More than anything takes that these tests wait for, on whichever machine.
const LONG: Duration = Duration::from_secs(30);

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A service that hands each of its connections to a thread of its own.
struct Service {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Service {
    /// One that deals with its connections so; they are numbered from 0.
    fn new(deal: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", deal)
    }

    fn at(address: &str, deal: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (deal, accepted) = (Arc::new(deal), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&accepted);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (number, deal) = (count.fetch_add(1, Ordering::SeqCst), Arc::clone(&deal));
                thread::spawn(move || deal(number, stream));
            }
        });
        Self { address, accepted }
    }

    /// One that gives the same answer to every request, and keeps its connections.
    fn keeping(answer: &'static str) -> Self {
        Self::new(move |_, mut stream| while reply(&mut stream, answer) {})
    }

    /// One that gives the same bytes to the first request of a connection, and closes it.
    fn closing(answer: &'static str) -> Self {
        Self::new(move |_, mut stream| {
            reply(&mut stream, answer);
        })
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Reads a request and answers it; `false` where none came.
fn reply(stream: &mut TcpStream, answer: &str) -> bool {
    request(stream).is_some() && stream.write_all(answer.as_bytes()).is_ok()
}

/// The head of the next request.
fn request(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}

/// A probe of a URL, and all that it has seen.
struct Seen {
    prober: Prober,
    done: Vec<Done>,
    left_out: usize,
    last: Look,
}

impl Seen {
    fn of(address: SocketAddr) -> Self {
        Self::patient(&format!("http://{address}/"), EVERY, LONG)
    }

    fn patient(url: &str, every: Duration, patience: Duration) -> Self {
        Self::with(url, HttpConfig::default(), every, patience)
    }

    fn with(url: &str, http: HttpConfig, every: Duration, patience: Duration) -> Self {
        // Whoever counts connections wants those that are kept.
        Self::visiting(url, http, every, patience, 10 * LONG)
    }

    fn visiting(
        url: &str,
        http: HttpConfig,
        every: Duration,
        patience: Duration,
        visit_every: Duration,
    ) -> Self {
        let endpoint = Endpoint { target: Target::parse_page(url).unwrap(), http };
        let prober = Prober::start_visiting(&endpoint, every, patience, visit_every).unwrap();
        Self { prober, done: Vec::new(), left_out: 0, last: Look::default() }
    }

    fn look(&mut self) {
        let look = self.prober.look();
        self.left_out += look.left_out;
        self.done.extend(look.done.clone());
        self.last = look;
    }

    /// Looks until it has seen that.
    fn until(&mut self, mut is_seen: impl FnMut(&Self) -> bool) -> &mut Self {
        let began = Instant::now();
        loop {
            self.look();
            if is_seen(self) {
                return self;
            }
            let (done, waiting) = (&self.done, &self.last.waiting);
            assert!(began.elapsed() < LONG, "never seen: {done:?}, {waiting:?}");
            thread::sleep(Duration::from_millis(3));
        }
    }

    /// Looks until so many requests have ended.
    fn ended(&mut self, count: usize) -> &mut Self {
        self.until(|seen| seen.done.len() >= count)
    }

    /// The statuses of the answers; fails where there is none.
    fn statuses(&self) -> HashSet<u16> {
        let status = |done: &Done| match &done.end {
            End::Answered(status) => *status,
            End::Failed(why) => panic!("{why}"),
        };
        self.done.iter().map(status).collect()
    }

    /// Why there was no answer; fails where there is one.
    fn failures(&self) -> HashSet<&str> {
        let why = |done: &'_ Done| match &done.end {
            End::Answered(status) => panic!("{status}"),
            End::Failed(_) => (),
        };
        self.done.iter().for_each(why);
        self.done.iter().filter_map(|done| failure(done)).collect()
    }

    fn connections(&self) -> HashSet<ConnectionId> {
        self.done.iter().filter_map(|done| done.sent.connection).collect()
    }
}

fn failure(done: &Done) -> Option<&str> {
    match &done.end {
        End::Answered(_) => None,
        End::Failed(why) => Some(why),
    }
}

fn took(done: &Done) -> Duration {
    done.at - done.sent.at
}

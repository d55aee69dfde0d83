//! The HTTP server, by real connections: what it answers, what it bounds, and how it ends.

mod answers;
mod bounds;
mod client;
mod crowd;
mod ending;
mod gate;
mod token;
#[cfg(unix)]
mod want;

use std::io;
use std::net::SocketAddr;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use auditor::serve::{Answer, Counters, Request, Settings, bind, run};

/// How long something may take until it is taken for granted that it never comes.
const NEVER: Duration = Duration::from_secs(30);

/// A server on a port of its own, until it is dropped.
struct Server {
    address: SocketAddr,
    counters: Arc<Counters>,
    shall_end: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Server {
    fn start(
        settings: Settings,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (listener, address) = bind("127.0.0.1:0").unwrap();
        let (counters, shall_end) = (Arc::<Counters>::default(), Arc::<AtomicBool>::default());
        let (theirs, stop) = (Arc::clone(&counters), Arc::clone(&shall_end));
        let serve = move || {
            let stop = || stop.load(Ordering::Relaxed);
            run(listener, settings, Arc::new(handler), theirs, stop)
        };
        Self { address, counters, shall_end, thread: Some(thread::spawn(serve)) }
    }

    /// One that answers with what it was asked.
    fn echo(settings: Settings) -> Self {
        Self::start(settings, |request| text(&format!("{} {:?}", request.path, request.query)))
    }

    fn asks_to_end(&self) {
        self.shall_end.store(true, Ordering::Relaxed);
    }

    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.asks_to_end();
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap_or_else(|why| panic::resume_unwind(why)).unwrap();
        }
    }
}

fn text(words: &str) -> Answer {
    let body = words.as_bytes().to_vec();
    Answer { status: 200, content_type: "text/plain", headers: Vec::new(), body }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < NEVER, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

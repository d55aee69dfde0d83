//! What is seen of a service from outside while a load runs: a probe asks it again and again, and the
//! process behind the port is looked at beside. A thread for each URL puts these together and
//! writes samples of them.

mod blamer;
mod census;
mod lock;
mod page;
mod sight;
mod watcher;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::error::Failure;
use super::own_requests::OwnRequests;
use super::service::printed_url;
use crate::config::Outside;
use crate::interrupt;
use crate::outside::host;
use crate::prometheus::Log;
use crate::storage::Storage;
use watcher::Watcher;

/// How long the first answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether what was waited for has come.
const GLANCE: Duration = Duration::from_millis(10);

/// The threads that look at the service.
pub(super) struct Watchers {
    all: Vec<Watching>,
}

/// One thread, and what it looks at.
struct Watching {
    url: String,
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

/// What a thread is told, and tells.
#[derive(Default)]
pub(super) struct Control {
    phase: Mutex<Phase>,
    changed: Condvar,
}

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// Answers so far, and the fastest of them.
    pub(super) answered: usize,
    pub(super) fastest: Option<Duration>,
    /// Why the last request failed that did.
    pub(super) failed: Option<String>,
    /// Whether it is known how far the process behind the port can be seen.
    pub(super) is_explored: bool,
    /// What is missing where it has to be seen, if anything is.
    pub(super) lacks: Option<String>,
    /// From now on what is seen counts.
    pub(super) counts: bool,
    /// Whether the first samples are written.
    pub(super) has_begun: bool,
    /// When it has to be over at the latest, once the load is.
    pub(super) ends_by: Option<Instant>,
    /// Why it ended by itself, if it did.
    pub(super) broken: Option<String>,
    /// What is to be told.
    pub(super) remarks: Vec<String>,
    /// What became of the requests that count.
    pub(super) requests: Requests,
}

/// What became of requests, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Requests {
    pub(super) made: u64,
    /// Of those, without an answer, or with one that tells of a failure.
    pub(super) failed: u64,
    /// Due, and not made, because too many others waited for an answer.
    pub(super) left_out: u64,
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests, {} failed", self.made, self.failed)?;
        match self.left_out {
            0 => Ok(()),
            left_out => write!(f, ", {left_out} left out while all others waited for an answer"),
        }
    }
}

impl Control {
    /// A panic of another thread leaves nothing half done.
    pub(super) fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long, unless something is told.
    pub(super) fn wait(&self, at_most: Duration) {
        let waited = self.changed.wait_timeout(self.phase(), at_most);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn tell(&self, change: impl FnOnce(&mut Phase)) {
        change(&mut self.phase());
        self.changed.notify_all();
    }
}

impl Watchers {
    /// How long it is waited for a service that stands, once the load is over.
    pub(super) const PATIENCE: Duration = Duration::from_secs(10);

    /// Begins to look. `started` is the process that was started for it, if one was.
    ///
    /// # Errors
    /// There is no thread for it, or a URL cannot be asked whatever the service does.
    pub(super) fn start(
        outside: &Outside,
        started: Option<u32>,
        clock: Clock,
        (storage, own): (&Arc<Mutex<Storage>>, &OwnRequests),
        log: Log<'_>,
    ) -> Result<Self, Failure> {
        if let Some((pid, why)) = unseen(&outside.pids) {
            return Err(Failure::Pid { pid, why });
        }
        let mut all = Vec::new();
        for page in &outside.probes {
            let control = Arc::new(Control::default());
            let url = printed_url(&page.endpoint);
            let watcher = Watcher::new(page, outside, started, clock, (storage, own), &control)
                .map_err(|why| Failure::Probe { url: url.clone(), why })?;
            let spawned = Builder::new().name("auditor-watch".to_owned()).spawn(|| watcher.run());
            let thread = Some(spawned.map_err(Failure::Thread)?);
            let every = outside.probe_every;
            log(&format!("probe {url}: GET every {every:?}, over a new connection once a second"));
            all.push(Watching { url, control, thread });
        }
        Ok(Self { all })
    }

    /// Waits until every URL is answered, and it is known how far the processes can be seen; from then
    /// on what is seen counts.
    ///
    /// # Errors
    /// No answer comes, or only after longer than `lag_limit`; or what has to be seen cannot be.
    pub(super) fn await_calm(&self, lag_limit: Duration) -> Result<(), Failure> {
        for it in &self.all {
            let failed = |why: String| Failure::Probe { url: it.url.clone(), why };
            it.wait(PATIENCE, |phase| phase.is_explored);
            let phase = it.control.phase();
            if interrupt::received().is_some() {
                return Ok(());
            }
            let Some(fastest) = phase.fastest.filter(|_| phase.is_explored) else {
                let why = phase.failed.clone();
                return Err(failed(
                    why.unwrap_or_else(|| format!("there was no answer within {PATIENCE:?}")),
                ));
            };
            if fastest > lag_limit {
                return Err(failed(format!(
                    "even the fastest answer took {fastest:.2?} before the load, over the limit of \
                     the loop's lag ({lag_limit:?}): give --probe a URL that is answered at once; if \
                     this one should be, the service is held up already"
                )));
            }
            if let Some(lacks) = &phase.lacks {
                return Err(failed(lacks.clone()));
            }
        }
        for it in &self.all {
            it.control.tell(|phase| phase.counts = true);
        }
        for it in &self.all {
            it.wait(PATIENCE, |phase| phase.has_begun);
        }
        Ok(())
    }

    /// Looks until nothing waits for an answer any more, and at most so long. What is to be told, and
    /// what went wrong.
    pub(super) fn finish(
        mut self,
        at_most: Duration,
        log: Log<'_>,
    ) -> (Vec<String>, Option<Failure>) {
        let at_most = if interrupt::received().is_some() { Duration::ZERO } else { at_most };
        let ends_by = Instant::now() + at_most;
        let ended = self.end(ends_by);
        for it in &self.all {
            log(&format!("probe {}: {}", it.url, it.control.phase().requests));
        }
        ended
    }

    fn end(&mut self, ends_by: Instant) -> (Vec<String>, Option<Failure>) {
        let (mut remarks, mut failure) = (Vec::new(), None);
        for it in &self.all {
            it.control.tell(|phase| phase.ends_by = Some(ends_by));
        }
        for it in &mut self.all {
            let Some(thread) = it.thread.take() else { continue };
            while !thread.is_finished() {
                if interrupt::received().is_some() {
                    it.control.tell(|phase| phase.ends_by = Some(Instant::now()));
                }
                std::thread::sleep(GLANCE);
            }
            let panicked = || "what looks at it panicked; this is a bug of auditor".to_owned();
            let broken = thread.join().map_err(|_| panicked()).err();
            if let Some(why) = broken.or_else(|| it.control.phase().broken.take()) {
                failure.get_or_insert(Failure::Probe { url: it.url.clone(), why });
            }
            let said = std::mem::take(&mut it.control.phase().remarks);
            remarks.extend(said.into_iter().map(|remark| format!("{}: {remark}", it.url)));
        }
        (remarks, failure)
    }
}

/// The first of these processes that cannot be seen, and why.
fn unseen(pids: &[u32]) -> Option<(u32, String)> {
    pids.iter().find_map(|pid| Some((*pid, host::process(*pid).err()?.to_string())))
}

impl Drop for Watchers {
    fn drop(&mut self) {
        // Whoever ends it in order has heard all that it has to say.
        let _ = self.end(Instant::now());
    }
}

impl Watching {
    /// Waits until that is so, a signal comes, the thread is gone, or the time is over.
    fn wait(&self, at_most: Duration, is_so: impl Fn(&Phase) -> bool) {
        let began = Instant::now();
        let is_alive = || self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        while !is_so(&self.control.phase())
            && interrupt::received().is_none()
            && is_alive()
            && began.elapsed() < at_most
        {
            std::thread::sleep(GLANCE);
        }
    }
}

//! Reads where the loop is while a request of the probe waits.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::lock::{Lock, Waits};
use crate::outside::host;
use crate::outside::inspector::{Inspector, Profile};
use crate::outside::place::{Judge, Roots};
use crate::outside::probe::Prober;
use crate::outside::stacks::{Python, Stack, Unreadable};

/// How often the stacks of a loop that stands are read.
const EVERY: Duration = Duration::from_millis(20);
/// How often the stacks of a pool are read.
const EVERY_OF_POOL: Duration = Duration::from_millis(50);
/// How often it is asked how much work waits in executors.
const EVERY_OF_QUEUES: Duration = Duration::from_millis(250);
/// How often it is looked whether a request waits.
const GLANCE: Duration = Duration::from_millis(10);
/// Stacks are kept for so long.
const MEMORY: Duration = Duration::from_secs(60);
/// At least so many times in a row nothing could be read: the process is given up.
const TRIES: usize = 20;

/// What held the loop of a process.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pid: u32,
    at: Instant,
    pub(super) stack: Stack,
    /// Whether it is another thread, which keeps the lock of the interpreter from the loop; and whether
    /// that one computes, and does not wait itself.
    pub(super) other: Option<IsComputing>,
    /// Whether the loop's thread takes turns with others that compute.
    pub(super) takes_turns: bool,
}

/// Whether a thread computes.
pub(super) type IsComputing = bool;

/// Reads stacks in a thread of its own, which ends with this.
pub(super) struct Blamer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    prober: Arc<Prober>,
    after: Duration,
    /// Whether the inspector of a Node process is opened.
    opens_inspector: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_over: bool,
    /// The processes to be read.
    wanted: Vec<u32>,
    wants_pools: bool,
    taken: Vec<Taken>,
    /// The stacks of all threads of a process, as they were read last.
    latest: HashMap<u32, (Instant, Vec<Stack>)>,
    /// How much work waited in the executors of a process, as it was read last: `None` where it has
    /// no executor with threads.
    queued: HashMap<u32, (Instant, Option<u64>)>,
    /// The thread of the loop of each process.
    loops: HashMap<u32, u32>,
    /// How each process can be read; those that were not tried yet are not in it.
    readable: HashMap<u32, Result<(), String>>,
    inspectors: HashMap<u32, Inspector>,
}

/// A process that is read.
struct Attached {
    python: Python,
    judge: Judge,
    lock: Lock,
    failed: usize,
}

impl Blamer {
    /// Begins to read processes, once they are named, whenever a request has waited for `after`.
    pub(super) fn start(prober: Arc<Prober>, after: Duration, opens_inspector: bool) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { prober, after, opens_inspector, state, changed });
        let theirs = Arc::clone(&shared);
        let thread = Builder::new().name("auditor-blame".to_owned()).spawn(move || theirs.run());
        if let Err(error) = &thread {
            // Whoever is named is then told to be unreadable.
            shared.state().readable.insert(0, Err(error.to_string()));
        }
        Self { shared, thread: thread.ok() }
    }

    /// Names the processes to be read, and says whether their pools are of interest.
    pub(super) fn want(&self, pids: &[u32], wants_pools: bool) {
        let mut state = self.shared.state();
        state.wants_pools = wants_pools;
        if state.wanted != pids {
            state.wanted = pids.to_vec();
            self.shared.changed.notify_all();
        }
    }

    /// Whether a process can be read, or why not; `None` as long as that was not tried.
    pub(super) fn readable(&self, pid: u32) -> Option<Result<(), String>> {
        let state = self.shared.state();
        let of_all = state.readable.get(&0);
        state.readable.get(&pid).or(of_all).cloned()
    }

    /// The thread of the loop of a process, as its stacks tell.
    pub(super) fn loop_of(&self, pid: u32) -> Option<u32> {
        self.shared.state().loops.get(&pid).copied()
    }

    /// The stacks of a process that are not older than this.
    pub(super) fn latest(&self, pid: u32, not_older: Duration) -> Option<Vec<Stack>> {
        let state = self.shared.state();
        let (at, stacks) = state.latest.get(&pid)?;
        (at.elapsed() <= not_older).then(|| stacks.clone())
    }

    /// How much work waits in the executor of a process of which most waits, if that was read of late:
    /// `None` within where it has none.
    pub(super) fn queued(&self, pid: u32, not_older: Duration) -> Option<Option<u64>> {
        let state = self.shared.state();
        let (at, queued) = state.queued.get(&pid)?;
        (at.elapsed() <= not_older).then_some(*queued)
    }

    /// What held the loop of a process in that time.
    pub(super) fn between(&self, pid: u32, from: Instant, to: Instant) -> Vec<Taken> {
        let state = self.shared.state();
        let is_it = |it: &&Taken| it.pid == pid && (from..=to).contains(&it.at);
        state.taken.iter().filter(is_it).cloned().collect()
    }

    /// Whether the inspector of a process is open, so that its stacks come at the end.
    pub(super) fn is_inspected(&self, pid: u32) -> bool {
        self.shared.state().inspectors.contains_key(&pid)
    }

    /// Closes the inspectors, and what they have seen.
    pub(super) fn profiles(&self) -> HashMap<u32, Result<Profile, String>> {
        let inspectors = std::mem::take(&mut self.shared.state().inspectors);
        inspectors.into_iter().map(|(pid, it)| (pid, it.stop())).collect()
    }
}

impl Drop for Blamer {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it panicked with, if it did, was printed.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// A panic of another thread leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut attached = HashMap::new();
        let (mut of_pools, mut of_queues) = (Instant::now(), Instant::now());
        loop {
            let began = Instant::now();
            let (wanted, wants_pools) = {
                let state = self.state();
                if state.is_over {
                    return;
                }
                (state.wanted.clone(), state.wants_pools)
            };
            self.attach(&wanted, &mut attached);
            let oldest = self.prober.waiting().iter().map(|it| it.at).min();
            let is_held = oldest.is_some_and(|at| at.elapsed() >= self.after);
            // What the loop's thread waits for is told by two looks.
            let is_near = oldest.is_some_and(|at| at.elapsed() >= self.after / 2);
            if is_near && !is_held {
                attached.iter_mut().for_each(|(pid, it)| self.look(*pid, it));
            }
            let is_due = wants_pools && of_pools.elapsed() >= EVERY_OF_POOL;
            if is_held || is_due {
                of_pools = Instant::now();
                attached.iter_mut().for_each(|(pid, it)| self.read(*pid, it, is_held));
            }
            if wants_pools && !is_held && of_queues.elapsed() >= EVERY_OF_QUEUES {
                of_queues = Instant::now();
                attached.iter_mut().for_each(|(pid, it)| self.read_queues(*pid, it));
            }
            let pause = if is_held { EVERY } else { GLANCE };
            self.sleep(pause.saturating_sub(began.elapsed()));
        }
    }

    fn sleep(&self, pause: Duration) {
        let waited = self.changed.wait_timeout_while(self.state(), pause, |state| !state.is_over);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Opens the processes that are new, and forgets those that are no longer named.
    fn attach(&self, wanted: &[u32], attached: &mut HashMap<u32, Attached>) {
        attached.retain(|pid, _| wanted.contains(pid));
        for pid in wanted {
            if self.state().readable.contains_key(pid) {
                continue;
            }
            let opened = match Python::attach(*pid) {
                Ok(python) => {
                    let judge = Judge::new(Roots::of(*pid));
                    let mut new = Attached { python, judge, lock: Lock::default(), failed: 0 };
                    self.read(*pid, &mut new, false);
                    attached.insert(*pid, new);
                    Ok(())
                }
                Err(Unreadable::NotPython(program)) => self.inspect(*pid, &program),
                Err(error) => Err(error.to_string()),
            };
            self.state().readable.insert(*pid, opened);
        }
    }

    /// Opens the inspector of a process of Node.
    fn inspect(&self, pid: u32, program: &str) -> Result<(), String> {
        let is_node =
            ["node", "nodejs"].iter().any(|name| program.rsplit('/').next() == Some(name));
        match (is_node, self.opens_inspector) {
            (true, true) => {
                let inspector = Inspector::start(pid)?;
                self.state().inspectors.insert(pid, inspector);
                Ok(())
            }
            (true, false) => Err("the service runs on Node, whose inspector is opened with \
                                  --blame node alone"
                .to_owned()),
            (false, _) => Err(format!(
                "stacks of {program} are not supported yet; those of Python \
                                       and Node are"
            )),
        }
    }

    /// What cannot be read is not known, and tried again.
    fn read_queues(&self, pid: u32, it: &mut Attached) {
        let at = Instant::now();
        if let Ok(queued) = it.python.queued() {
            self.state().queued.insert(pid, (at, queued));
        }
    }

    /// Looks at the loop's thread, without its stack.
    fn look(&self, pid: u32, it: &mut Attached) {
        let doing = self.state().loops.get(&pid).and_then(|tid| host::doing(pid, *tid));
        let _ = it.lock.look(Instant::now(), doing);
    }

    fn read(&self, pid: u32, it: &mut Attached, is_held: bool) {
        // It takes a moment, and what holds for the middle of it is as good as for its ends.
        let at = Instant::now();
        let stacks = match it.python.stacks() {
            Ok(stacks) => stacks,
            Err(error) => {
                it.failed += 1;
                if it.failed >= TRIES {
                    self.state().readable.insert(pid, Err(error));
                }
                return;
            }
        };
        it.failed = 0;
        let of_loop = it.judge.loop_thread(&stacks).and_then(|stack| stack.tid);
        let doing = of_loop.and_then(|tid| host::doing(pid, tid));
        let waits = it.lock.look(Instant::now(), doing);
        let for_lock = waits.filter(|it| *it != Waits::ForTurn).map(|it| it == Waits::ForLock);
        let takes_turns = waits == Some(Waits::ForTurn);
        let holder = if is_held { it.judge.holder(&stacks, for_lock).cloned() } else { None };
        let is_other =
            |holder: &Stack| of_loop.is_some() && holder.tid != of_loop && holder.has_lock;
        let holder = holder.map(|stack| {
            let other = is_other(&stack).then(|| {
                let doing = stack.tid.and_then(|tid| host::doing(pid, tid));
                doing.is_none_or(|it| it.waits_in.is_none())
            });
            (stack, other)
        });
        let mut state = self.state();
        if let Some(tid) = of_loop {
            state.loops.insert(pid, tid);
        }
        if let Some((stack, other)) = holder {
            state.taken.retain(|it| it.at.elapsed() < MEMORY);
            state.taken.push(Taken { pid, at, stack, other, takes_turns });
        }
        state.latest.insert(pid, (at, stacks));
    }
}

//! Whether the pool of threads of a process is exhausted, judged from a sequence of looks.
//!
//! Which threads are of a pool is said by their names and stacks (Python, Node), or else by what
//! they do: they were born under load, or were seen idle. A false alarm is worse than a missed one
//! here, so whatever is in doubt counts against a backlog.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::Thread;
use crate::outside::stacks::{Frame, Stack};

/// Fewer busy threads are no exhausted pool.
const FEWEST: usize = 4;
/// All of them must be busy for so long.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// What is seen of a process at one instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) at: Instant,
    pub(crate) threads: &'a [Thread],
    /// The threads that run an event loop.
    pub(crate) loops: &'a [u32],
    /// The stacks of the threads, where they are read.
    pub(crate) stacks: Option<&'a [Stack]>,
    /// Requests of this process that wait for an answer, without the probe's; `None` where that
    /// is not known.
    pub(crate) requests_active: Option<u64>,
}

/// The pool over an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pool {
    /// Its threads at the busiest look.
    pub(crate) busy: usize,
    pub(crate) idle: usize,
    /// Requests that waited for a thread, at least; 0 where threads were idle; `None` where the
    /// requests are not known.
    pub(crate) backlog: Option<u64>,
    /// How long a request waited for a thread, by Little's law.
    pub(crate) wait: Option<Duration>,
}

/// Judges the pool of a process.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    known: HashMap<u32, Known>,
    looks_before: Option<Vec<Times>>,
    /// Since when all threads of the pool are busy, and how many they are.
    exhausted: Option<(Instant, usize)>,
    interval: Interval,
}

/// What is known of a thread.
#[derive(Debug, Default, Clone, Copy)]
struct Known {
    /// Its name or its stack says so.
    is_named: bool,
    was_idle: bool,
    was_born_under_load: bool,
}

/// How long a thread has waited for a CPU.
type Times = (u32, Option<Duration>);

/// What was seen since the interval began.
#[derive(Debug, Default)]
struct Interval {
    began: Option<Instant>,
    ended: Option<Instant>,
    busiest: Option<(usize, usize)>,
    /// The fewest requests beyond the busy threads, over looks at which all were busy.
    beyond: Option<Option<u64>>,
    /// At one of the looks not all were busy, or that could not be said.
    had_room: bool,
}

/// What a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Work,
    /// It would work, and waits for a CPU: that is the machine's fault.
    WaitForCpu,
    Nothing,
    /// Where it waits is hidden.
    Unknown,
}

impl Judge {
    /// Takes in a look.
    pub(crate) fn look(&mut self, look: &Look<'_>) {
        let does: HashMap<u32, Does> =
            look.threads.iter().map(|thread| (thread.tid, self.does(thread, look))).collect();
        self.learn(look, &does);
        let pool: Vec<Does> =
            self.members(look).iter().filter_map(|tid| does.get(tid)).copied().collect();
        let times = look.threads.iter().map(|thread| (thread.tid, thread.run_queue));
        self.looks_before = Some(times.collect());
        let interval = &mut self.interval;
        interval.began.get_or_insert(look.at);
        interval.ended = Some(look.at);
        if pool.contains(&Does::Unknown) {
            self.exhausted = None;
            interval.had_room = true;
            return;
        }
        let idle = pool.iter().filter(|does| **does == Does::Nothing).count();
        let busy = pool.len() - idle;
        if interval.busiest.is_none_or(|(most, _)| busy > most) {
            interval.busiest = Some((busy, idle));
        }
        let is_full = busy >= FEWEST && pool.iter().all(|does| *does == Does::Work);
        self.exhausted = is_full.then(|| match self.exhausted {
            Some((since, threads)) if threads == busy => (since, threads),
            _ => (look.at, busy),
        });
        let has_grown = self.exhausted.is_some_and(|(since, _)| since == look.at);
        if !is_full || has_grown && interval.beyond.is_some() {
            interval.had_room = true;
        }
        let beyond = look.requests_active.map(|active| active.saturating_sub(busy as u64));
        interval.beyond = Some(match interval.beyond {
            None => beyond,
            Some(fewest) => fewest.zip(beyond).map(|(fewest, beyond)| fewest.min(beyond)),
        });
    }

    /// Ends an interval, in which so many requests were answered; what it showed. `None` where no
    /// look told what the threads do.
    pub(crate) fn end_interval(&mut self, answered: Option<u64>) -> Option<Pool> {
        let interval = std::mem::take(&mut self.interval);
        let (busy, idle) = interval.busiest?;
        let long_enough = self.exhausted.zip(interval.ended).is_some_and(|((since, _), ended)| {
            ended.saturating_duration_since(since) >= LONG_ENOUGH
        });
        let backlog = match interval.had_room || !long_enough {
            true => Some(0),
            false => interval.beyond.flatten(),
        };
        let lasted = interval.ended?.saturating_duration_since(interval.began?);
        let wait = backlog.and_then(|backlog| wait(backlog, answered, lasted));
        Some(Pool { busy, idle, backlog, wait })
    }

    /// Takes in what the threads show of whether they are of a pool.
    fn learn(&mut self, look: &Look<'_>, does: &HashMap<u32, Does>) {
        let is_first = self.looks_before.is_none();
        let alive: HashSet<u32> = look.threads.iter().map(|thread| thread.tid).collect();
        self.known.retain(|tid, _| alive.contains(tid));
        let born = self.known.values().filter(|known| known.was_born_under_load).count();
        let new =
            look.threads.iter().filter(|thread| !self.known.contains_key(&thread.tid)).count();
        // A pool grows by a thread for a request. What is born at rest is there for something else.
        let is_under_load =
            !is_first && look.requests_active.is_some_and(|active| active >= (born + new) as u64);
        for thread in look.threads {
            let known = self
                .known
                .entry(thread.tid)
                .or_insert(Known { was_born_under_load: is_under_load, ..Known::default() });
            known.is_named |= is_named(thread, stack_of(thread.tid, look.stacks));
            known.was_idle |= does.get(&thread.tid) == Some(&Does::Nothing);
        }
    }

    /// The threads of the pool: those that are named so, if any is.
    fn members(&self, look: &Look<'_>) -> Vec<u32> {
        let others = self.known.iter().filter(|(tid, _)| !look.loops.contains(tid));
        let (named, rest): (Vec<_>, Vec<_>) = others.partition(|(_, known)| known.is_named);
        let by_deed =
            rest.into_iter().filter(|(_, known)| known.was_idle || known.was_born_under_load);
        match named.is_empty() {
            true => by_deed.map(|(tid, _)| *tid).collect(),
            false => named.into_iter().map(|(tid, _)| *tid).collect(),
        }
    }

    fn does(&self, thread: &Thread, look: &Look<'_>) -> Does {
        let by_stack = stack_of(thread.tid, look.stacks).and_then(is_idle_by_stack);
        let does = by_kernel(thread);
        match by_stack {
            Some(true) => Does::Nothing,
            _ if does == Does::Work && self.waited_for_cpu(thread, look.at) => Does::WaitForCpu,
            Some(false) => Does::Work,
            None => does,
        }
    }

    /// Whether it waited for a CPU most of the time since the look before.
    fn waited_for_cpu(&self, thread: &Thread, at: Instant) -> bool {
        let before = self.looks_before.iter().flatten().find(|(tid, _)| *tid == thread.tid);
        let waited = before.and_then(|(_, before)| thread.run_queue?.checked_sub((*before)?));
        let since = self.interval.ended.map(|ended| at.saturating_duration_since(ended));
        waited.zip(since).is_some_and(|(waited, since)| waited > since / 2)
    }
}

/// By Little's law; where nothing was answered, as long as it was looked.
fn wait(backlog: u64, answered: Option<u64>, lasted: Duration) -> Option<Duration> {
    match answered {
        _ if backlog == 0 => Some(Duration::ZERO),
        None => None,
        Some(0) => Some(lasted),
        Some(answered) => Some(lasted.mul_f64(backlog as f64 / answered as f64)),
    }
}

fn stack_of(tid: u32, stacks: Option<&[Stack]>) -> Option<&Stack> {
    stacks?.iter().find(|stack| stack.tid == Some(tid))
}

/// Whether the names say that it is of a pool.
fn is_named(thread: &Thread, stack: Option<&Stack>) -> bool {
    let by_name = |name: &str| {
        let is_default =
            name.strip_prefix("asyncio_").is_some_and(|number| number.parse::<u32>().is_ok());
        // The kernel keeps the first 15 letters.
        is_default
            || ["ThreadPoolExecu", "AnyIO worker th", "libuv-worker"]
                .iter()
                .any(|pool| name.starts_with(pool))
    };
    let is_worker = |frame: &Frame| is_executor(frame) || is_anyio(frame);
    by_name(&thread.name)
        || stack
            .is_some_and(|stack| by_name(&stack.thread_name) || stack.frames.iter().any(is_worker))
}

fn is_executor(frame: &Frame) -> bool {
    frame.function == "_worker" && ends_with(&frame.file, "concurrent/futures/thread.py")
}

fn is_anyio(frame: &Frame) -> bool {
    frame.function == "run" && ends_with(&frame.file, "anyio/_backends/_asyncio.py")
}

fn ends_with(file: &str, end: &str) -> bool {
    file.replace('\\', "/").ends_with(end)
}

/// Whether a worker waits for work: nothing but its queue is within the worker's own function.
/// `None` where the stack shows no worker.
fn is_idle_by_stack(stack: &Stack) -> Option<bool> {
    let worker = stack.frames.iter().position(|frame| is_executor(frame) || is_anyio(frame))?;
    let within = stack.frames.get(..worker)?;
    let is_queue =
        |frame: &Frame| frame.file.ends_with("queue.py") || frame.file.ends_with("threading.py");
    let is_in_queue =
        within.last().is_some_and(|frame| frame.function == "get") && within.iter().all(is_queue);
    // The executor's queue is written in C and leaves no frame; a call of AnyIO's worker may be of
    // a function in C and leaves none either.
    let waits = within.is_empty() && stack.frames.get(worker).is_some_and(is_executor);
    Some(is_in_queue || waits)
}

/// What the kernel says of it: work is taken from a queue, which is waited for by a futex, or by
/// files.
fn by_kernel(thread: &Thread) -> Does {
    const QUEUES: [&str; 7] =
        ["futex", "ep_poll", "do_epoll", "do_poll", "do_sys_poll", "poll_schedule", "do_select"];
    match (thread.state, thread.waits_in.as_deref()) {
        ('Z' | 'X' | 'T' | 't', _) => Does::Nothing,
        ('R' | 'D', _) => Does::Work,
        (_, None) => Does::Unknown,
        (_, Some(function)) if QUEUES.iter().any(|queue| function.contains(queue)) => Does::Nothing,
        _ => Does::Work,
    }
}

#[cfg(test)]
mod tests;

//! Whether the pool of threads of a process is exhausted, judged from a sequence of looks.
//!
//! Which threads are of a pool is said by their names and stacks (Python, Node), or else by what
//! they do: they were born under load, or were seen idle. Threads of one name are one pool: beside
//! Python's own there are those of libuv, and each can be exhausted alone.
//!
//! How much work waits is read from the queues of Python's executors. Elsewhere it is what is in
//! flight beyond the busy threads, where all that a pool may have are busy; what is in flight may wait
//! for something else, so where the limit of the pool is not known, neither is its backlog.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::Thread;
use crate::outside::stacks::Stack;

mod signs;

use signs::{
    Does, by_kernel, is_idle_by_stack, is_named, is_of_anyio, is_of_executor, is_of_libuv,
    named_pool, node_pool, pool_of, stack_of, without_threads,
};

/// Fewer busy threads are no exhausted pool.
const FEWEST: usize = 4;
/// All of them must be busy for so long.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// Answers are counted for so long.
const MEMORY: Duration = Duration::from_secs(30);

/// Room at one look of so many may be for a moment only, between two pieces of work.
const FEW_OF: u32 = 4;

/// What is seen of a process at one instant, or of all workers of a service together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) at: Instant,
    pub(crate) threads: &'a [Thread],
    /// The threads that run an event loop.
    pub(crate) loops: &'a [u32],
    /// The stacks of the threads, where they are read.
    pub(crate) stacks: Option<&'a [Stack]>,
    /// How much work waits in the executor of Python of which most waits: `None` within where none
    /// has threads; `None` where that was not read.
    pub(crate) queued: Option<Option<u64>>,
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
    /// requests are not known, or where `unsure` says why.
    pub(crate) backlog: Option<u64>,
    /// Why it is not known whether requests waited for a thread, though none was idle.
    pub(crate) unsure: Option<Unsure>,
    /// How long a request waited for a thread, by Little's law.
    pub(crate) wait: Option<Duration>,
}

/// Why a pool without an idle thread says nothing of a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsure {
    /// It is not known whether it may have more threads.
    Limit,
    /// Its threads waited for a CPU: with more of them they might have been done.
    Cpu,
}

/// Judges the pools of a process.
#[derive(Debug)]
pub(crate) struct Judge {
    /// How many threads a pool may have, where that was said.
    given: Option<usize>,
    /// The least that waited in executors in this interval.
    queued: Option<u64>,
    /// How many event loops there are: each worker has a pool of its own, of the same size.
    loops: usize,
    known: HashMap<u32, Known>,
    /// When the look before was, and how long each thread had waited for a CPU until then.
    before: Option<(Instant, HashMap<u32, Option<Duration>>)>,
    /// By the name of their threads.
    pools: HashMap<String, Course>,
    /// When the latest intervals began, and how many requests were answered in each.
    answered: Vec<(Instant, Option<u64>)>,
    /// Whether it was ever shown where a thread waits.
    is_shown: bool,
    /// In this interval a thread was seen of which nothing tells what it does.
    has_hidden: bool,
    /// When the first and the last look of this interval were.
    began: Option<Instant>,
    ended: Option<Instant>,
}

/// What is known of a thread.
#[derive(Debug, Clone)]
struct Known {
    /// Of which pool it is, if it is of one.
    pool: String,
    /// Its name or its stack says so.
    is_named: bool,
    was_idle: bool,
    was_born_under_load: bool,
}

/// What was seen of a pool.
#[derive(Debug, Default)]
struct Course {
    /// In this interval: the threads that were busy and idle at the busiest look.
    busiest: Option<(usize, usize)>,
    /// The fewest requests beyond the busy threads; `None` within where a look did not tell.
    beyond: Option<Option<u64>>,
    /// Looks in this interval.
    looks: u32,
    /// Whether all of its threads work; and the same if those that wait for a CPU count as if
    /// they worked.
    works: Fullness,
    works_or_waits: Fullness,
}

/// Since when a pool is full.
#[derive(Debug, Default)]
struct Fullness {
    /// Since when all of its threads are busy, and how many they are.
    exhausted: Option<(Instant, usize)>,
    /// The looks of this interval at which not all were busy, or that could not be said; and how
    /// many of these were in a row at last.
    with_room: u32,
    in_a_row: u32,
    /// It had room for too long, or it has grown.
    had_room: bool,
}

/// What an interval showed of a pool.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    /// The threads at the busiest look.
    busy: usize,
    idle: usize,
    backlog: Option<u64>,
    unsure: Option<Unsure>,
    /// Since when all of its threads work, if they do.
    since: Option<Instant>,
}

impl Course {
    /// Takes in what the threads of the pool do.
    fn look(&mut self, at: Instant, threads: &[Does], requests_active: Option<u64>) {
        self.looks += 1;
        if threads.contains(&Does::Unknown) {
            self.works.has_room(false);
            return self.works_or_waits.has_room(false);
        }
        let idle = threads.iter().filter(|does| **does == Does::Nothing).count();
        let busy = threads.len() - idle;
        if self.busiest.is_none_or(|(most, _)| busy > most) {
            self.busiest = Some((busy, idle));
        }
        let beyond = requests_active.map(|active| active.saturating_sub(busy as u64));
        self.beyond = Some(match self.beyond {
            None => beyond,
            Some(fewest) => fewest.zip(beyond).map(|(fewest, beyond)| fewest.min(beyond)),
        });
        let waits_for_cpu = threads.contains(&Does::WaitForCpu);
        let is_first = self.looks == 1;
        self.works.look(at, (busy, idle), !waits_for_cpu, is_first);
        self.works_or_waits.look(at, (busy, idle), true, is_first);
    }

    /// Ends an interval: the threads at its busiest look, and the backlog.
    fn end_interval(&mut self, ended: Instant, limit: Option<usize>) -> Option<Shown> {
        let over = std::mem::take(self);
        let (works, works_or_waits) = (over.works, over.works_or_waits);
        let is_exhausted = works.is_exhausted(ended, over.looks);
        let is_unless_starved = works_or_waits.is_exhausted(ended, over.looks);
        let threads = works_or_waits.exhausted.map(|(_, threads)| threads);
        let is_at_limit = threads.is_some() && limit == threads;
        // It would start another thread.
        let may_grow = threads.zip(limit).is_some_and(|(threads, limit)| threads < limit);
        let since = works.exhausted.map(|(since, _)| since);
        self.works = works.goes_on();
        self.works_or_waits = works_or_waits.goes_on();
        let (busy, idle) = over.busiest?;
        let shown = |backlog, unsure| Some(Shown { busy, idle, backlog, unsure, since });
        match over.beyond.flatten() {
            _ if !is_exhausted && !is_unless_starved => shown(Some(0), None),
            Some(0) => shown(Some(0), None),
            _ if may_grow => shown(Some(0), None),
            None if is_exhausted => shown(None, Some(Unsure::Limit)),
            Some(_) if !is_at_limit => shown(None, Some(Unsure::Limit)),
            Some(beyond) if is_exhausted => shown(Some(beyond), None),
            _ => shown(None, Some(Unsure::Cpu)),
        }
    }
}

impl Fullness {
    /// Takes in how many threads are busy, and idle; and whether those that are busy work.
    fn look(&mut self, at: Instant, (busy, idle): (usize, usize), work: bool, is_first: bool) {
        let same = self.exhausted.filter(|(_, before)| *before == busy + idle);
        // Of another number of threads than before: it grows still.
        self.had_room |= same.is_none() && !is_first;
        if busy >= FEWEST && idle == 0 && work {
            self.in_a_row = 0;
            self.exhausted = Some(same.unwrap_or((at, busy)));
        } else {
            // Threads that were done with their work wait for a moment until they are given more.
            self.exhausted = same;
            self.has_room(idle <= busy && work);
        }
    }

    /// At this look there was room; perhaps only for a moment.
    fn has_room(&mut self, for_a_moment: bool) {
        self.with_room += 1;
        self.in_a_row += 1;
        if !for_a_moment || self.in_a_row > 1 {
            self.had_room = true;
            self.exhausted = None;
        }
    }

    /// Whether it was full for long enough, over an interval of so many looks.
    fn is_exhausted(&self, ended: Instant, looks: u32) -> bool {
        let had_room = self.had_room || self.with_room * FEW_OF > looks;
        let lasted = self.exhausted.map(|(since, _)| ended.saturating_duration_since(since));
        !had_room && lasted.is_some_and(|lasted| lasted >= LONG_ENOUGH)
    }

    /// What the next interval begins with.
    fn goes_on(self) -> Self {
        let Self { exhausted, in_a_row, .. } = self;
        Self { exhausted, in_a_row, ..Self::default() }
    }
}

impl Judge {
    /// One for pools of at most so many threads, where that was said. A pool starts a thread wherever
    /// none is free, up to its limit: below it, busy threads are no sign that requests wait.
    pub(crate) fn new(given: Option<usize>) -> Self {
        Self {
            given,
            queued: None,
            loops: 1,
            known: HashMap::new(),
            before: None,
            pools: HashMap::new(),
            answered: Vec::new(),
            is_shown: false,
            has_hidden: false,
            began: None,
            ended: None,
        }
    }

    /// Takes in a look.
    pub(crate) fn look(&mut self, look: &Look<'_>) {
        self.loops = look.loops.len().max(1);
        self.is_shown |= look.threads.iter().any(|thread| thread.waits_in.is_some());
        let does: HashMap<u32, Does> =
            look.threads.iter().map(|thread| (thread.tid, self.does(thread, look))).collect();
        self.has_hidden |=
            does.iter().any(|(tid, does)| *does == Does::Unknown && !look.loops.contains(tid));
        self.learn(look, &does);
        let members = self.members(look, &does);
        // A pool that has no threads any more is none.
        self.pools.retain(|name, _| members.contains_key(name));
        for (name, threads) in members {
            self.pools.entry(name).or_default().look(look.at, &threads, look.requests_active);
        }
        if let Some(queued) = look.queued {
            let queued = queued.unwrap_or_default();
            self.queued = Some(self.queued.map_or(queued, |least| least.min(queued)));
        }
        let waited = look.threads.iter().map(|thread| (thread.tid, thread.run_queue));
        self.before = Some((look.at, waited.collect()));
        self.began.get_or_insert(look.at);
        self.ended = Some(look.at);
    }

    /// Ends an interval, in which so many requests were answered; what it showed of the pool that
    /// was exhausted, or else of the busiest. `None` where no look told what the threads do.
    pub(crate) fn end_interval(&mut self, answered: Option<u64>) -> Option<Pool> {
        let (began, ended) = self.began.take().zip(self.ended)?;
        let has_hidden = std::mem::take(&mut self.has_hidden);
        let queued = self.queued.take();
        let (given, loops) = (self.given, self.loops);
        let seen = self.pools.iter_mut().map(|(name, pool)| {
            let limit = given.or_else(|| usual_limit(name)).map(|limit| limit * loops);
            let shown = pool.end_interval(ended, limit)?;
            // Of an executor the queue itself tells.
            let told = queued.filter(|_| is_of_executor(name));
            let told = told.map(|queued| Shown { backlog: Some(queued), unsure: None, ..shown });
            Some(told.unwrap_or(shown))
        });
        let seen: Vec<Option<Shown>> = seen.collect();
        // Which of the hidden threads are of a pool is not known either.
        if has_hidden && seen.iter().all(Option::is_none) {
            return None;
        }
        // A backlog that is not known comes before one that is none.
        let worst = seen.into_iter().flatten().max_by_key(|it| {
            (it.backlog != Some(0), it.backlog.unwrap_or_default(), it.busy, it.idle)
        });
        let none = Shown { backlog: Some(0), ..Shown::default() };
        let Shown { busy, idle, backlog, unsure, since } = worst.unwrap_or(none);
        self.answered.push((began, answered));
        self.answered.retain(|(began, _)| ended.saturating_duration_since(*began) < MEMORY);
        // Work of more than a second ends in some intervals only: it is counted since the pool is
        // full, too.
        let is_full = |at: &Instant| since.is_some_and(|since| *at >= since);
        let counted = || self.answered.iter().filter(|(at, _)| is_full(at));
        let in_all = counted().map(|(_, answered)| *answered).sum();
        let from = counted().map(|(at, _)| *at).min().unwrap_or(began);
        let wait = |answered, from| {
            let lasted = ended.saturating_duration_since(from);
            backlog.and_then(|backlog| wait(backlog, answered, lasted))
        };
        let wait = wait(answered, began).max(wait(in_all, from).filter(|_| from < began));
        Some(Pool { busy, idle, backlog, unsure, wait })
    }

    /// Takes in what the threads show of whether they are of a pool.
    fn learn(&mut self, look: &Look<'_>, does: &HashMap<u32, Does>) {
        let is_first = self.before.is_none();
        let alive: HashSet<u32> = look.threads.iter().map(|thread| thread.tid).collect();
        self.known.retain(|tid, _| alive.contains(tid));
        let born = self.known.values().filter(|known| known.was_born_under_load).count();
        let new =
            look.threads.iter().filter(|thread| !self.known.contains_key(&thread.tid)).count();
        // A pool grows by a thread for a request. What is born at rest is there for something else.
        let is_under_load =
            !is_first && look.requests_active.is_some_and(|active| active >= (born + new) as u64);
        let of_node = if is_first { node_pool(look.threads, look.loops) } else { Vec::new() };
        for thread in look.threads {
            let is_late = !is_first || of_node.contains(&thread.tid);
            let known = self.known.entry(thread.tid).or_insert_with(|| Known {
                pool: pool_of(&thread.name, is_late),
                is_named: false,
                was_idle: false,
                was_born_under_load: is_under_load,
            });
            let stack = stack_of(thread.tid, look.stacks);
            if !known.is_named && is_named(thread, stack) {
                known.is_named = true;
                // Python's own name of the thread says more than the kernel's.
                let name = stack.map(|stack| stack.thread_name.as_str());
                let name = name.filter(|name| !name.is_empty()).unwrap_or(&thread.name);
                known.pool = named_pool(name, stack);
            }
            known.was_idle |= does.get(&thread.tid) == Some(&Does::Nothing);
        }
    }

    /// What the threads of each pool do.
    fn members(&self, look: &Look<'_>, does: &HashMap<u32, Does>) -> HashMap<String, Vec<Does>> {
        let mut members: HashMap<String, Vec<Does>> = HashMap::new();
        for (tid, known) in &self.known {
            // Where stacks are read, they say which threads are of a pool.
            let is_like_one = known.was_idle || known.was_born_under_load;
            let is_member = known.is_named || look.stacks.is_none() && is_like_one;
            if let Some(does) = does.get(tid).filter(|_| is_member && !look.loops.contains(tid)) {
                members.entry(known.pool.clone()).or_default().push(*does);
            }
        }
        let is_starved =
            |(tid, does): &(&u32, &Does)| **does == Does::WaitForCpu && !look.loops.contains(tid);
        let starved = does.iter().filter(is_starved).count();
        members.extend(without_threads(look.stacks.unwrap_or_default(), starved));
        members
    }

    fn does(&self, thread: &Thread, look: &Look<'_>) -> Does {
        let by_stack = stack_of(thread.tid, look.stacks).and_then(is_idle_by_stack);
        let does = by_kernel(thread);
        match by_stack {
            Some(true) => Does::Nothing,
            _ if does == Does::Work && self.waited_for_cpu(thread, look.at) => Does::WaitForCpu,
            Some(false) => Does::Work,
            // It has woken up between the two questions of what it does and where it waits.
            None if does == Does::Unknown && self.is_shown => Does::Work,
            None => does,
        }
    }

    /// Whether it waited for a CPU most of the time since the look before.
    fn waited_for_cpu(&self, thread: &Thread, at: Instant) -> bool {
        let waited = |(then, before): &(Instant, HashMap<u32, Option<Duration>>)| {
            let before = before.get(&thread.tid).copied().flatten()?;
            let waited = thread.run_queue?.saturating_sub(before);
            Some(waited > at.saturating_duration_since(*then) / 2)
        };
        self.before.as_ref().and_then(waited).unwrap_or(false)
    }
}

/// How many threads a pool of that name has at most where nobody has set another limit; `None` where
/// that is not known.
fn usual_limit(name: &str) -> Option<usize> {
    match name {
        _ if is_of_libuv(name) => Some(4),
        _ if is_of_anyio(name) => Some(40),
        _ => None,
    }
}

/// By Little's law; where nothing was answered, as long as it was looked, at least.
fn wait(backlog: u64, answered: Option<u64>, lasted: Duration) -> Option<Duration> {
    match answered {
        _ if backlog == 0 => Some(Duration::ZERO),
        None => None,
        Some(0) => Some(lasted),
        Some(answered) => Some(lasted.mul_f64(backlog as f64 / answered as f64)),
    }
}

#[cfg(test)]
mod tests;

//! What the name, the stack and the kernel say of a single thread.

use std::collections::HashMap;

use super::Thread;
use crate::outside::stacks::{Frame, Stack, last_name};

/// Where the kernel lets a runtime wait for events.
const EVENTS: [&str; 2] = ["ep_poll", "do_epoll"];

/// The beginning of the names of AnyIO's threads; the kernel keeps the first 15 letters.
const ANYIO: &str = "AnyIO worker th";
/// What the pools of Python's executors are called here.
const EXECUTOR: &str = "executor";

/// What a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Work,
    /// It would work, and waits for a CPU: that is the machine's fault.
    WaitForCpu,
    Nothing,
    /// Where it waits is hidden.
    Unknown,
}

/// The pool of a thread, by its name: without the number at its end. Node's threads have one name:
/// those of the engine are there from the start, those of libuv's pool come with the first work.
pub(super) fn pool_of(name: &str, is_late: bool) -> String {
    match name {
        "node" if is_late => "node, later".to_owned(),
        _ => name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_#:.".contains(c)).to_owned(),
    }
}

/// The pool of a thread that a name or a stack tells of.
pub(super) fn named_pool(name: &str, stack: Option<&Stack>) -> String {
    let is_in = |is_it: fn(&Frame) -> bool| stack.is_some_and(|it| it.frames.iter().any(is_it));
    if name.starts_with(ANYIO) || is_in(is_anyio) {
        ANYIO.to_owned()
    } else if is_in(is_executor) {
        EXECUTOR.to_owned()
    } else {
        pool_of(name, true)
    }
}

/// Whether a pool of that name is AnyIO's.
pub(super) fn is_of_anyio(pool: &str) -> bool {
    pool.starts_with(ANYIO)
}

/// Whether a pool of that name is of an executor of Python.
pub(super) fn is_of_executor(pool: &str) -> bool {
    [EXECUTOR, "asyncio", "ThreadPoolExecu"].iter().any(|name| pool.starts_with(name))
}

/// Of threads that are there from the start, those of libuv's pool where it had work before: they
/// come after the engine's, which are five without the one that waits for events.
pub(super) fn node_pool(threads: &[Thread], loops: &[u32]) -> Vec<u32> {
    const OF_ENGINE: usize = 5;
    let is_loop = |thread: &Thread| {
        let waits_in = thread.waits_in.as_deref().unwrap_or_default();
        loops.contains(&thread.tid) || EVENTS.iter().any(|events| waits_in.contains(events))
    };
    let mut late: Vec<u32> = threads
        .iter()
        .filter(|thread| thread.name == "node" && !is_loop(thread))
        .map(|thread| thread.tid)
        .collect();
    late.sort_unstable();
    late.split_off(late.len().min(OF_ENGINE))
}

/// Whether a pool of that name is libuv's.
pub(super) fn is_of_libuv(pool: &str) -> bool {
    pool.starts_with("node") || pool.starts_with("libuv")
}

/// The stack of that thread, where it was read.
pub(super) fn stack_of(tid: u32, stacks: Option<&[Stack]>) -> Option<&Stack> {
    stacks?.iter().find(|stack| stack.tid == Some(tid))
}

/// Whether the names say that it is of a pool.
pub(super) fn is_named(thread: &Thread, stack: Option<&Stack>) -> bool {
    let by_name = |name: &str| {
        let is_default =
            name.strip_prefix("asyncio_").is_some_and(|number| number.parse::<u32>().is_ok());
        // The kernel keeps the first 15 letters.
        is_default
            || ["ThreadPoolExecu", ANYIO, "libuv-worker"].iter().any(|pool| name.starts_with(pool))
    };
    let is_worker = |frame: &Frame| is_executor(frame) || is_anyio(frame);
    by_name(&thread.name)
        || stack
            .is_some_and(|stack| by_name(&stack.thread_name) || stack.frames.iter().any(is_worker))
}

// From CPython 3.11 on a name has that of its class before it.

fn is_executor(frame: &Frame) -> bool {
    last_name(&frame.function) == "_worker"
        && ends_with(&frame.file, "concurrent/futures/thread.py")
}

fn is_anyio(frame: &Frame) -> bool {
    matches!(frame.function.as_str(), "run" | "WorkerThread.run")
        && ends_with(&frame.file, "anyio/_backends/_asyncio.py")
}

fn ends_with(file: &str, end: &str) -> bool {
    file.replace('\\', "/").ends_with(end)
}

/// Whether a worker waits for work: nothing but its queue is within the worker's own function.
/// `None` where the stack shows no worker.
pub(super) fn is_idle_by_stack(stack: &Stack) -> Option<bool> {
    let worker = stack.frames.iter().position(|frame| is_executor(frame) || is_anyio(frame))?;
    let within = stack.frames.get(..worker)?;
    let is_queue = |frame: &Frame| {
        ends_with(&frame.file, "/queue.py") || ends_with(&frame.file, "/threading.py")
    };
    let is_get = |frame: &Frame| last_name(&frame.function) == "get";
    let is_in_queue = within.last().is_some_and(is_get) && within.iter().all(is_queue);
    // The executor's queue is written in C and leaves no frame; a call of AnyIO's worker may be of
    // a function in C and leaves none either.
    let waits = within.is_empty() && stack.frames.get(worker).is_some_and(is_executor);
    Some(is_in_queue || waits)
}

/// The pools of workers whose stacks do not say of which thread they are, as before CPython 3.11.
/// So many of all threads wait for a CPU: of these pools, as many may.
pub(super) fn without_threads(stacks: &[Stack], starved: usize) -> HashMap<String, Vec<Does>> {
    let mut pools: HashMap<String, Vec<Does>> = HashMap::new();
    for stack in stacks.iter().filter(|stack| stack.tid.is_none()) {
        let Some(is_idle) = is_idle_by_stack(stack) else { continue };
        let does = if is_idle { Does::Nothing } else { Does::Work };
        let name = format!("{} by stacks", named_pool(&stack.thread_name, Some(stack)));
        pools.entry(name).or_default().push(does);
    }
    for pool in pools.values_mut() {
        let at_work = pool.iter_mut().filter(|does| **does == Does::Work);
        at_work.take(starved).for_each(|does| *does = Does::WaitForCpu);
    }
    pools
}

/// What the kernel says of it: work is taken from a queue, which is waited for by a futex, or by the
/// epoll of a runtime. A thread in `poll` or `select` waits for a file of its own, as for an answer
/// with a timeout.
pub(super) fn by_kernel(thread: &Thread) -> Does {
    let waits_for_work = |function: &str| {
        function.contains("futex") || EVENTS.iter().any(|events| function.contains(events))
    };
    match (thread.state, thread.waits_in.as_deref()) {
        ('Z' | 'X' | 'T' | 't', _) => Does::Nothing,
        ('R' | 'D', _) => Does::Work,
        (_, None) => Does::Unknown,
        (_, Some(function)) if waits_for_work(function) => Does::Nothing,
        _ => Does::Work,
    }
}

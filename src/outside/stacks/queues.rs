//! How much work waits in the executors of a Python process: each worker thread of
//! `concurrent.futures` holds the queue that it takes its work from.

use remoteprocess::{Process, ProcessMemory as _};

/// The file and the function in which a worker waits for work, and does it.
const WORKER: (&str, &str) = ("concurrent/futures/thread.py", "_worker");
/// The queue there.
const QUEUE: &str = "work_queue";
/// What it has to be.
const TYPE: &str = "SimpleQueue";
/// More than any queue would hold: memory that changed meanwhile.
const MOST: u64 = 100_000_000;

/// The queues of the executors whose workers are among these frames, by their addresses, each once.
pub(super) fn queues<'a>(frames: impl Iterator<Item = &'a py_spy::Frame>) -> Vec<usize> {
    let is_worker = |frame: &&py_spy::Frame| {
        let name = frame.name.rsplit('.').next();
        frame.filename.ends_with(WORKER.0) && name == Some(WORKER.1)
    };
    let locals = frames.filter(is_worker).flat_map(|frame| frame.locals.iter().flatten());
    let is_queue = |local: &&py_spy::stack_trace::LocalVariable| {
        let shown = local.repr.as_deref().unwrap_or_default();
        local.name == QUEUE && shown.contains(TYPE)
    };
    let mut found: Vec<_> = locals.filter(is_queue).map(|local| local.addr).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// How many pieces of work are in the queue at that address; `None` where that is not known of this
/// version, 3.`minor`, or the memory changed meanwhile.
pub(super) fn length(process: &Process, minor: u64, queue: usize) -> Option<u64> {
    length_of(minor, queue, |address| process.copy_struct::<u64>(address).ok())
}

/// As `Modules/_queuemodule.c` has it on machines of 64 bits: until 3.12 a list, and the place in it
/// from which on it is in use; from 3.13 on a ring with a count.
fn length_of(minor: u64, queue: usize, word: impl Fn(usize) -> Option<u64>) -> Option<u64> {
    let length = match minor {
        7..=12 => {
            let list = usize::try_from(word(queue + 32)?).ok()?;
            let taken = word(queue + 40)?;
            word(list.checked_add(16)?)?.checked_sub(taken)?
        }
        13.. => word(queue + 56)?,
        _ => return None,
    };
    (length <= MOST).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a queue of which 13 pieces were put and 4 taken, as CPython has them.
    #[test]
    fn a_queue_is_as_long_as_what_is_left_in_it() {
        let old = |address| match address {
            132 => Some(1000),
            140 => Some(4),
            1016 => Some(13),
            _ => None,
        };
        let new = |address| (address == 156).then_some(9);
        for minor in [7, 8, 11, 12] {
            assert_eq!(length_of(minor, 100, old), Some(9), "{minor}");
        }
        assert_eq!(length_of(13, 100, new), Some(9));
        assert_eq!(length_of(6, 100, old), None);
        assert_eq!(length_of(11, 100, |_| Some(5)), Some(0));
        assert_eq!(length_of(13, 100, |_| Some(u64::MAX)), None, "memory that changed");
        assert_eq!(length_of(11, 100, |address| old(address).or(Some(0))), Some(9));
    }
}

//! Whether the loop's thread waits for the lock of the interpreter, which another thread keeps.

use std::time::{Duration, Instant};

use crate::outside::host::Doing;

/// What was seen longer ago says nothing of now.
const MEMORY: Duration = Duration::from_millis(200);
/// A thread that had more than one part in so many of a CPU has had the lock in between.
const KEPT_OUT: u32 = 10;

/// What a thread that does not run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// The lock, which it did not have meanwhile.
    ForLock,
    /// Its turn: it had the lock meanwhile, too, and worked.
    ForTurn,
    /// Something that is not the lock.
    Elsewhere,
}

/// Tells one wait from another by what the kernel says of a thread again and again.
#[derive(Debug, Default)]
pub(super) struct Lock {
    before: Option<(Instant, Doing)>,
}

impl Lock {
    /// What the loop's thread waits for at the instant `at`; `None` where that is not clear: it runs,
    /// what it waits for is hidden, or it may be a lock of the application.
    pub(super) fn look(&mut self, at: Instant, doing: Option<Doing>) -> Option<Waits> {
        let before = self.before.take();
        let before = before.filter(|(then, _)| at.saturating_duration_since(*then) < MEMORY);
        let doing = doing?;
        let waits = match (doing.waits_in.as_deref(), &before) {
            (Some(function), _) if !function.contains("futex") => Some(Waits::Elsewhere),
            (Some(_), Some((then, before))) => {
                since(at.saturating_duration_since(*then), before, &doing)
            }
            _ => None,
        };
        self.before = Some((at, doing));
        waits
    }
}

/// What a thread waits for that did so much since a look before. One that waits for the lock asks
/// for it again every 5 ms, which what waits for a lock of the application or a queue does not; and
/// threads that take turns have a part of a CPU each.
fn since(whole: Duration, before: &Doing, now: &Doing) -> Option<Waits> {
    let has_woken = now.runs? > before.runs?;
    let on_cpu = now.on_cpu?.saturating_sub(before.on_cpu?);
    has_woken.then_some(if on_cpu * KEPT_OUT <= whole { Waits::ForLock } else { Waits::ForTurn })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doing(waits_in: &str, on_cpu: u64, runs: u64) -> Option<Doing> {
        let waits_in = (!waits_in.is_empty()).then(|| waits_in.to_owned());
        Some(Doing { waits_in, on_cpu: Some(Duration::from_millis(on_cpu)), runs: Some(runs) })
    }

    /// What is told of looks, each 20 ms after the one before.
    fn told(looks: &[Option<Doing>]) -> Vec<Option<Waits>> {
        let (mut lock, begin) = (Lock::default(), Instant::now());
        let looks = (0..).step_by(20).zip(looks);
        looks.map(|(at, it)| lock.look(begin + Duration::from_millis(at), it.clone())).collect()
    }

    #[test]
    fn a_thread_that_asks_for_the_lock_again_and_again_waits_for_it() {
        let for_lock = Some(Waits::ForLock);
        let asks = |n: u64| doing("futex_wait_queue", 7, 10 + 4 * n);
        assert_eq!(told(&[asks(0), asks(1), asks(2)]), [None, for_lock, for_lock]);
        // Threads that take turns each have some of the time.
        let turns = |n: u64| doing("futex_wait_queue", 7 + 10 * n, 10 + 4 * n);
        assert_eq!(
            told(&[turns(0), turns(1), turns(2)]),
            [None, Some(Waits::ForTurn), Some(Waits::ForTurn)]
        );
    }

    #[test]
    fn a_call_that_waits_for_something_else_does_not_wait_for_the_lock() {
        for call in ["hrtimer_nanosleep", "locks_lock_inode_wait", "__skb_wait_for_more_packets"] {
            assert_eq!(
                told(&[doing(call, 7, 10), doing(call, 7, 10)]),
                [Some(Waits::Elsewhere); 2]
            );
        }
        // A lock of the application, or a queue: nobody wakes it.
        let locked = doing("futex_wait_queue", 7, 10);
        assert_eq!(told(&[locked.clone(), locked.clone(), locked]), [None; 3]);
        assert_eq!(told(&[doing("", 7, 10), None]), [None, None]);
    }
}

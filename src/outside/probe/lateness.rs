//! How late the probe itself is: what it waited for is not what the service took.
//!
//! The thread sleeps until something comes, and is then woken. On a busy machine it waits for a CPU
//! first, and an answer that lies there meanwhile looks late. Linux counts that wait. Elsewhere, and
//! where the whole process or machine stood, the thread's own alarm tells: it always sleeps with one
//! set, and how long ago that was due is how late it is.
//!
//! Only the last wake-up counts. Those in between may have waited too, but nothing lay there that
//! they would have noticed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An alarm comes that late on an idle machine: timers count in whole milliseconds.
const USUAL: Duration = Duration::from_millis(2);

/// How late one thread is. It is made, and asked, on that thread.
#[derive(Debug)]
pub(super) struct Lateness {
    start: Instant,
    waits: Waits,
    /// How long the thread had waited for a CPU when it went to sleep last, in nanoseconds.
    waited_ns: AtomicU64,
    /// When the next alarm is due, in nanoseconds from `start`.
    alarm_ns: AtomicU64,
    /// Which alarm was set when the thread went to sleep last.
    slept_until_ns: AtomicU64,
}

impl Lateness {
    /// That of the calling thread.
    pub(super) fn of_this_thread() -> Self {
        let never = || AtomicU64::new(u64::MAX);
        let (alarm_ns, slept_until_ns) = (never(), never());
        let waits = Waits::of_this_thread();
        let waited_ns = AtomicU64::new(waits.ns().unwrap_or(0));
        Self { start: Instant::now(), waits, waited_ns, alarm_ns, slept_until_ns }
    }

    /// The thread will be woken at that instant, if by nothing else before.
    pub(super) fn set_alarm(&self, at: Instant) {
        self.alarm_ns.store(nanos(at.saturating_duration_since(self.start)), Ordering::Relaxed);
    }

    /// The thread goes to sleep.
    pub(super) fn sleeps(&self) {
        if let Some(ns) = self.waits.ns() {
            self.waited_ns.store(ns, Ordering::Relaxed);
        }
        self.slept_until_ns.store(self.alarm_ns.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// How late what is noticed now may be noticed.
    pub(super) fn now(&self) -> Duration {
        let before = self.waited_ns.load(Ordering::Relaxed);
        let waited = self.waits.ns().map_or(0, |ns| ns.saturating_sub(before));
        let due = Duration::from_nanos(self.slept_until_ns.load(Ordering::Relaxed));
        let late = self.start.elapsed().saturating_sub(due);
        Duration::from_nanos(waited).max(late.saturating_sub(USUAL))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(target_os = "linux")]
use linux::Waits;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    /// How long a thread has waited for a CPU.
    #[derive(Debug)]
    pub(super) struct Waits(Option<File>);

    impl Waits {
        pub(super) fn of_this_thread() -> Self {
            Self(File::open("/proc/thread-self/schedstat").ok())
        }

        /// In nanoseconds, since the thread began; `None` where the kernel does not count it.
        pub(super) fn ns(&self) -> Option<u64> {
            let mut bytes = [0; 96];
            let length = self.0.as_ref()?.read_at(&mut bytes, 0).ok()?;
            let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
            text.split_ascii_whitespace().nth(1)?.parse().ok()
        }
    }
}

#[cfg(not(target_os = "linux"))]
use elsewhere::Waits;

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    /// How long a thread has waited for a CPU, which is told only on Linux.
    #[derive(Debug)]
    pub(super) struct Waits;

    impl Waits {
        pub(super) const fn of_this_thread() -> Self {
            Self
        }

        pub(super) const fn ns(&self) -> Option<u64> {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn an_alarm_that_was_slept_through_is_lateness() {
        let lateness = Lateness::of_this_thread();
        assert_eq!(lateness.now(), lateness.now().min(Duration::from_secs(5)));
        lateness.set_alarm(Instant::now() + Duration::from_millis(10));
        lateness.sleeps();
        thread::sleep(Duration::from_millis(110));
        let late = lateness.now();
        assert!(late >= Duration::from_millis(95), "{late:?}");
        lateness.set_alarm(Instant::now() + Duration::from_secs(60));
        assert!(lateness.now() >= late, "the alarm that it slept by is still that of before");
        lateness.sleeps();
        assert!(lateness.now() < late, "{:?} after {late:?}", lateness.now());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_wait_for_a_cpu_is_read_where_the_kernel_counts_it() {
        let waits = Waits::of_this_thread();
        let before = waits.ns();
        thread::sleep(Duration::from_millis(5));
        let after = waits.ns();
        assert!(before.is_some() && after >= before, "{before:?} {after:?}");
    }
}

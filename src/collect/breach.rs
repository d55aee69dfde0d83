//! Looks every now and then whether a breach is proven already, so that the load need not go on.

mod server;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::coverage;
use crate::config::ObservedRange;
use crate::storage::Storage;
pub use server::ServerTest;
pub(super) use server::ServerWatch;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// Looking takes at most one part in so many of the time: the samples are not to wait for it.
const AT_MOST: u32 = 20;

/// What ends a command early. Where a server is asked and a probe looks on, either may.
#[derive(Debug, Clone, Copy, Default)]
pub struct BreachTests<'a> {
    /// What is asked of the samples at hand; `None` where they prove nothing.
    pub of_samples: Option<BreachTest<'a>>,
    /// What is asked of a server; `None` where none is asked, or proves nothing.
    pub of_server: Option<&'a ServerTest>,
}

/// Says whether what was observed so far proves a breach that nothing later can undo, and which.
#[derive(Clone, Copy)]
pub struct BreachTest<'a>(pub &'a dyn Fn(&Storage, &ObservedRange) -> Option<String>);

impl fmt::Debug for BreachTest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BreachTest")
    }
}

/// Asks a test at its time.
pub(super) struct BreachWatch<'a> {
    test: BreachTest<'a>,
    due: Instant,
}

impl<'a> BreachWatch<'a> {
    pub(super) fn new(test: BreachTest<'a>) -> Self {
        Self { test, due: Instant::now() + EVERY }
    }

    /// The breach that is proven by now, if it is time to look.
    pub(super) fn proven(&mut self, storage: &Mutex<Storage>) -> Option<String> {
        let began = Instant::now();
        if began < self.due {
            return None;
        }
        let proven = {
            let storage = storage.lock().unwrap_or_else(PoisonError::into_inner);
            coverage::so_far(&storage).and_then(|observed| (self.test.0)(&storage, &observed))
        };
        self.due = Instant::now() + EVERY.max(began.elapsed() * AT_MOST);
        proven
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::collect::UP;
    use crate::storage::{METRIC_NAME, Point};

    fn scraped(seconds: &[i64]) -> Mutex<Storage> {
        let mut storage = Storage::default();
        let id = storage.series([(METRIC_NAME, UP), ("instance", "a")].into());
        for second in seconds {
            storage.push(id, Point { at: second * 1000, value: 1.0 }).unwrap();
        }
        Mutex::new(storage)
    }

    #[test]
    fn it_looks_at_what_lies_between_the_first_scrape_and_the_last() {
        let observed = Cell::new(None);
        let test = |_: &Storage, range: &ObservedRange| {
            observed.set(Some((range.at.as_millisecond(), range.window)));
            Some("why".to_owned())
        };
        for (seconds, expected) in [
            (&[][..], None),
            (&[5], Some((5000, Some(Duration::from_millis(1))))),
            (&[5, 6, 9], Some((9000, Some(Duration::from_millis(4001))))),
        ] {
            observed.set(None);
            let mut watch = BreachWatch::new(BreachTest(&test));
            assert_eq!(watch.proven(&scraped(seconds)), None, "it is not time yet");
            watch.due = Instant::now();
            let found = watch.proven(&scraped(seconds));
            assert_eq!((found.is_some(), observed.get()), (expected.is_some(), expected));
            watch.proven(&scraped(seconds));
        }
    }

    #[test]
    fn what_takes_long_is_done_more_rarely() {
        let slow = |_: &Storage, _: &ObservedRange| {
            std::thread::sleep(Duration::from_millis(100));
            None
        };
        let mut watch = BreachWatch::new(BreachTest(&slow));
        watch.due = Instant::now();
        watch.proven(&scraped(&[1, 2]));
        let pause = watch.due.saturating_duration_since(Instant::now());
        assert!(pause > Duration::from_millis(1900), "{pause:?}");
    }
}

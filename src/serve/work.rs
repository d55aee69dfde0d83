//! How many answers are under way, of which paths: nobody who waits for what takes long keeps out those
//! who do not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The answers that are under way. An answer is, until it is known, whether or not the client still
/// waits for it.
#[derive(Debug)]
pub(super) struct Work {
    under_way: Arc<Mutex<UnderWay>>,
    most: usize,
    most_of_a_path: usize,
}

#[derive(Debug, Default)]
struct UnderWay {
    in_all: usize,
    by_path: HashMap<String, usize>,
}

impl Work {
    pub(super) fn new(most: usize, most_of_a_path: usize) -> Self {
        Self { under_way: Arc::default(), most, most_of_a_path }
    }

    /// Begins an answer, which lasts for as long as what is returned; `None` where there are too many.
    pub(super) fn begin(&self, path: &str) -> Option<Ticket> {
        let mut under_way = lock(&self.under_way);
        let of_path = under_way.by_path.get(path).copied().unwrap_or(0);
        if under_way.in_all >= self.most || of_path >= self.most_of_a_path {
            return None;
        }
        under_way.in_all += 1;
        under_way.by_path.insert(path.to_owned(), of_path + 1);
        Some(Ticket { under_way: Arc::clone(&self.under_way), path: path.to_owned() })
    }
}

/// An answer that is under way.
#[derive(Debug)]
pub(super) struct Ticket {
    under_way: Arc<Mutex<UnderWay>>,
    path: String,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut under_way = lock(&self.under_way);
        under_way.in_all -= 1;
        if let Some(count) = under_way.by_path.get_mut(&self.path) {
            *count -= 1;
            if *count == 0 {
                under_way.by_path.remove(&self.path);
            }
        }
    }
}

/// Nothing panics while it is locked.
fn lock(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leaves_room_for_others() {
        let work = Work::new(3, 2);
        let slow = [work.begin("/slow").unwrap(), work.begin("/slow").unwrap()];
        assert!(work.begin("/slow").is_none());
        let _quick = work.begin("/quick").unwrap();
        assert!(work.begin("/other").is_none(), "there are three in all");
        drop(slow);
        assert!(work.begin("/slow").is_some());
    }

    #[test]
    fn what_has_ended_is_forgotten() {
        let work = Work::new(3, 2);
        drop(work.begin("/once"));
        let under_way = lock(&work.under_way);
        assert_eq!((under_way.in_all, under_way.by_path.len()), (0, 0));
    }
}

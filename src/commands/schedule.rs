//! In which order audits are carried out: those that only read beside each other, the others alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What is audited.
pub(super) trait Scheduled: Sync {
    /// Whether it only reads, and may do so beside others.
    fn only_reads(&self) -> bool;
}

/// Does `work` for every one, in their order: those that only read and follow one
/// another at most `jobs` at once. The results are in the same order; `None` where a thread came to a bad
/// end.
pub(super) fn run<S: Scheduled, T: Send>(
    all: &[S],
    jobs: usize,
    work: impl Fn(&S) -> T + Sync,
) -> Vec<Option<T>> {
    let mut results = Vec::with_capacity(all.len());
    for batch in all.chunk_by(|one, other| one.only_reads() && other.only_reads()) {
        if jobs <= 1 || batch.len() == 1 {
            results.extend(batch.iter().map(|it| Some(work(it))));
        } else {
            results.extend(side_by_side(batch, jobs, &work));
        }
    }
    results
}

fn side_by_side<S: Scheduled, T: Send>(
    batch: &[S],
    jobs: usize,
    work: &(impl Fn(&S) -> T + Sync),
) -> Vec<Option<T>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<T>>> = Mutex::new(batch.iter().map(|_| None).collect());
    let take = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(it) = batch.get(index) else { return };
            let result = work(it);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(slot) = results.get_mut(index) {
                *slot = Some(result);
            }
        }
    };
    thread::scope(|scope| {
        let helpers = jobs.min(batch.len()) - 1;
        // Where no further thread can be had, this one does the work.
        let started: Vec<_> = (0..helpers)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, take).ok())
            .collect();
        take();
        for thread in started {
            // What it has done is kept; a panic has told of itself.
            let _ = thread.join();
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

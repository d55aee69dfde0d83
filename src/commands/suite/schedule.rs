//! In which order scenarios are audited: those that only read beside each other, the others alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::planned::Planned;

/// Does `work` for every scenario, in the order of the suite: those that only read and follow one
/// another at most `jobs` at once. The results are in the order of the scenarios; `None` where a
/// thread came to a bad end.
pub(super) fn run<T: Send>(
    scenarios: &[Planned<'_>],
    jobs: usize,
    work: impl Fn(&Planned<'_>) -> T + Sync,
) -> Vec<Option<T>> {
    let mut results = Vec::with_capacity(scenarios.len());
    for batch in scenarios.chunk_by(|one, other| one.only_reads && other.only_reads) {
        if jobs <= 1 || batch.len() == 1 {
            results.extend(batch.iter().map(|scenario| Some(work(scenario))));
        } else {
            results.extend(side_by_side(batch, jobs, &work));
        }
    }
    results
}

fn side_by_side<T: Send>(
    batch: &[Planned<'_>],
    jobs: usize,
    work: &(impl Fn(&Planned<'_>) -> T + Sync),
) -> Vec<Option<T>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<T>>> = Mutex::new(batch.iter().map(|_| None).collect());
    let take = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = batch.get(index) else { return };
            let result = work(scenario);
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

//! How many processes show a page: it is asked for a few times before the load, by several
//! connections at once. Workers that have nothing else to do share them; once one of them is held
//! up, the others alone show the page, and nobody would know that there is another.

use std::thread;
use std::time::{Duration, Instant};

use super::scraper::Scraper;
use crate::exposition::{Context, Format, Reader};
use crate::processes::{Kind, seen_at_once};
use crate::prometheus::http::Page;
use crate::storage::{Labels, Storage};

/// So often it is asked for several pages at once.
const ROUNDS: usize = 4;
/// For so many.
const AT_ONCE: usize = 6;
/// For so long at most.
const AT_MOST: Duration = Duration::from_secs(2);
/// A page without it is not a process' own: what it has was put together of several.
const OF_PROCESS: &[u8] = b"process_start_time_seconds";

/// Asks for the page until several processes are seen, or often enough. The first page was there
/// at the instant `at`, in milliseconds.
pub(super) fn call(scraper: &mut Scraper<'_>, first: &Page, at: i64) -> Option<(usize, Kind)> {
    memchr::memmem::find(&first.body, OF_PROCESS)?;
    let (mut storage, mut reader) = (Storage::default(), Reader::new());
    let mut rounds = vec![vec![at]];
    add(first, at, &mut reader, &mut storage)?;
    let (began, mut seen) = (Instant::now(), None);
    for _ in 0..ROUNDS {
        let left = AT_MOST.saturating_sub(began.elapsed());
        if left.is_zero() {
            break;
        }
        let mut round = Vec::new();
        for page in at_once(scraper, left) {
            let (_, at) = scraper.instant();
            add(&page, at, &mut reader, &mut storage)?;
            round.push(at);
        }
        rounds.push(round);
        seen = seen_at_once(&storage, &rounds);
        if seen.is_some_and(|(_, kind)| kind == Kind::Workers) {
            break;
        }
    }
    seen
}

/// Several pages that were asked for at the same time. What fails here fails again when it counts.
fn at_once(scraper: &Scraper<'_>, within: Duration) -> Vec<Page> {
    thread::scope(|scope| {
        let get = || scraper.get(within).ok();
        let started: Vec<_> = (0..AT_ONCE)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, get).ok())
            .collect();
        started.into_iter().filter_map(|it| it.join().ok().flatten()).collect()
    })
}

fn add(page: &Page, at: i64, reader: &mut Reader, storage: &mut Storage) -> Option<()> {
    let format = Format::of_content_type(page.content_type.as_deref());
    let context = Context { at: Some(at), target: &Labels::new() };
    let is_whole = page.status == 200;
    is_whole.then(|| reader.read_page(&page.body, format, &context, storage).ok())?.map(drop)
}

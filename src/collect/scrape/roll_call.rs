//! How many processes show a page: it is asked for a few times before the load and after it, by
//! several connections at once. Workers that have nothing else to do share them; once one of them
//! is held up, the others alone show the page, and nobody would know that there is another.

use std::thread;
use std::time::{Duration, Instant};

use super::scraper::Scraper;
use crate::exposition::{Context, Format, Reader};
use crate::interrupt;
use crate::processes::{Kind, age, seen_at_once};
use crate::prometheus::http::Page;
use crate::storage::{Labels, Storage};

/// So often it is asked for several pages at once.
const ROUNDS: usize = 4;
/// For so many.
const AT_ONCE: usize = 6;
/// For so long at most.
const AT_MOST: Duration = Duration::from_secs(2);
/// The workers of a service that was started together are there when the first one is so old.
const SETTLED: Duration = Duration::from_secs(5);
/// A page without it is not a process' own: what it has was put together of several.
const OF_PROCESS: &[u8] = b"process_start_time_seconds";

/// Whether a page is one process' own.
pub(super) fn is_of_process(page: &Page) -> bool {
    memchr::memmem::find(&page.body, OF_PROCESS).is_some()
}

/// Asks for the page until several processes are seen, or often enough. The first page was there
/// at the instant `at`, in milliseconds.
pub(super) fn call(scraper: &mut Scraper<'_>, first: &Page, at: i64) -> Option<(usize, Kind)> {
    let mut pages = Pages::default();
    pages.add(vec![(first, at)])?;
    pages.ask(scraper)?
}

/// The same, and once more of a process that was only just started, when the others had time to
/// start.
pub(super) fn call_patiently(
    scraper: &mut Scraper<'_>,
    first: &Page,
    at: i64,
) -> Option<(usize, Kind)> {
    let mut pages = Pages::default();
    pages.add(vec![(first, at)])?;
    let seen = pages.ask(scraper)?;
    let age = age(&pages.storage, at).and_then(|age| Duration::try_from_secs_f64(age).ok());
    let pause = age.map(|age| SETTLED.saturating_sub(age)).filter(|pause| !pause.is_zero());
    match pause {
        Some(pause) if !matches!(seen, Some((_, Kind::Workers))) => {
            interrupt::sleep(pause).ok()?;
            pages.ask(scraper)?
        }
        _ => seen,
    }
}

/// Pages, round by round.
#[derive(Default)]
struct Pages {
    storage: Storage,
    reader: Reader,
    /// The instants of each round's.
    rounds: Vec<Vec<i64>>,
}

impl Pages {
    /// Asks for some rounds; `None` if a page cannot be read, which it will say when it counts.
    fn ask(&mut self, scraper: &mut Scraper<'_>) -> Option<Option<(usize, Kind)>> {
        let (began, mut seen) = (Instant::now(), None);
        for _ in 0..ROUNDS {
            let left = AT_MOST.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            let round = at_once(scraper, left);
            self.add(round.iter().map(|page| (page, scraper.instant().1)).collect())?;
            seen = seen_at_once(&self.storage, &self.rounds);
            if seen.is_some_and(|(_, kind)| kind == Kind::Workers) {
                break;
            }
        }
        Some(seen)
    }

    fn add(&mut self, round: Vec<(&Page, i64)>) -> Option<()> {
        for (page, at) in &round {
            let format = Format::of_content_type(page.content_type.as_deref());
            let context = Context { at: Some(*at), target: &Labels::new() };
            let (reader, storage) = (&mut self.reader, &mut self.storage);
            let is_whole = page.status == 200;
            is_whole.then(|| reader.read_page(&page.body, format, &context, storage).ok())??;
        }
        self.rounds.push(round.into_iter().map(|(_, at)| at).collect());
        Some(())
    }
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

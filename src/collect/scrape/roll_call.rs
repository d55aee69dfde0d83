//! How many processes show a page: it is asked for a few times before the load and after it, by
//! several connections at once. Workers that have nothing else to do share them; once one of them
//! is held up, the others alone show the page, and nobody would know that there is another.
//!
//! A loop that makes several pages in a row lags by the time of all of them. So the slower a page
//! is, the fewer are asked for at once.

use std::thread;
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::document::Text;
use super::scraper::Scraper;
use crate::collect::error::PageProblem;
use crate::config::Shows;
use crate::exposition::{Context, Reader};
use crate::interrupt;
use crate::processes::{Kind, age, can_tell, seen_at_once};
use crate::prometheus::http::Page;
use crate::storage::{Labels, Storage};

/// So many pages are asked for.
const PAGES: usize = 24;
/// So many at once, unless they are slow.
const AT_ONCE: usize = 6;
/// No more are begun after that time.
const AT_MOST: Duration = Duration::from_secs(2);
/// The pages that are asked for at once take no more than this part of the limit of lag.
const PART: f64 = 4.0;
/// The workers of a service that was started together are there when the first one is so old.
const SETTLED: Duration = Duration::from_secs(5);
/// Whoever makes larger pages takes and returns memory for each of them.
const LARGE: usize = 100_000;

/// Several processes, how many at least, and what they come to.
pub(super) type Seen = Option<(usize, Kind)>;

/// Pages of one target, round by round.
pub(super) struct RollCall {
    storage: Storage,
    reader: Reader,
    shows: Shows,
    /// The instants of each round's.
    rounds: Vec<Vec<i64>>,
    /// Whether a page was large.
    is_large: bool,
    /// How many are asked for at once.
    at_once: usize,
    /// What went wrong first.
    problem: Option<PageProblem>,
}

impl RollCall {
    /// Begins with a page that was there at the instant `at`, in milliseconds. `None` if nothing
    /// on it tells processes apart.
    pub(super) fn new(first: &Page, shows: Shows, at: i64) -> Option<Self> {
        let mut call = Self {
            storage: Storage::default(),
            reader: Reader::new(),
            shows,
            rounds: Vec::new(),
            is_large: false,
            at_once: 1,
            problem: None,
        };
        call.add(&[(first, at)]);
        can_tell(&call.storage).then_some(call)
    }

    /// Asks for the page until several processes are seen, or often enough.
    pub(super) fn ask(&mut self, scraper: &mut Scraper<'_>) -> Seen {
        let (began, mut asked, mut seen) = (Instant::now(), 0, None);
        // How long a page takes is not known of the first one, which may have been waited for.
        self.at_once = 1;
        while asked < PAGES && began.elapsed() < AT_MOST {
            let is_whole = self.round(scraper, &mut asked);
            seen = seen_at_once(&self.storage, &self.rounds, !self.is_large);
            if !is_whole || seen.is_some_and(|(_, kind)| kind == Kind::Workers) {
                break;
            }
        }
        seen
    }

    /// The same, and once more of a process that was only just started, when the others had time
    /// to start.
    pub(super) fn ask_patiently(&mut self, scraper: &mut Scraper<'_>, at: i64) -> Seen {
        let seen = self.ask(scraper);
        let age = age(&self.storage, at).and_then(|age| Duration::try_from_secs_f64(age).ok());
        let pause = age.map(|age| SETTLED.saturating_sub(age)).filter(|pause| !pause.is_zero());
        match pause {
            Some(pause) if !matches!(seen, Some((_, Kind::Workers))) => {
                if interrupt::sleep(pause).is_err() { seen } else { self.ask(scraper) }
            }
            _ => seen,
        }
    }

    /// What went wrong first, if anything did: then it was not asked often enough.
    pub(super) fn problem(self) -> Option<PageProblem> {
        self.problem
    }

    /// Asks for some pages at once, and counts them; whether all came.
    fn round(&mut self, scraper: &mut Scraper<'_>, asked: &mut usize) -> bool {
        let began = Instant::now();
        let (count, pages) = (self.at_once, at_once(scraper, self.at_once));
        let took = began.elapsed().div_duration_f64(Duration::from_secs(count as u64));
        *asked += count;
        let share = scraper.lag_limit.as_secs_f64() / PART;
        self.at_once = ((share / took) as usize).clamp(1, AT_ONCE);
        let mut whole = Vec::new();
        for page in pages {
            match page {
                Ok(page) => whole.push((page, scraper.instant().1)),
                Err(problem) => drop(self.problem.get_or_insert(problem)),
            }
        }
        let whole: Vec<_> = whole.iter().map(|(page, at)| (page, *at)).collect();
        self.add(&whole);
        self.problem.is_none()
    }

    fn add(&mut self, round: &[(&Page, i64)]) {
        let mut instants = Vec::new();
        for (page, at) in round {
            match self.read(page, *at) {
                Ok(()) => instants.push(*at),
                Err(problem) => drop(self.problem.get_or_insert(problem)),
            }
        }
        self.rounds.push(instants);
    }

    fn read(&mut self, page: &Page, at: i64) -> Result<(), PageProblem> {
        if page.status != 200 {
            return Err(PageProblem::Status(page.status, page.journey.clone()));
        }
        self.is_large |= page.body.len() > LARGE;
        let shown = Text::of(page, self.shows)?;
        let context = Context { at: Some(at), target: &Labels::new() };
        let (reader, storage) = (&mut self.reader, &mut self.storage);
        let read = reader.read_page(&shown.body, shown.format, &context, storage);
        read.map(drop).map_err(PageProblem::Syntax)
    }
}

/// Asks for so many pages at the same time. All are waited for: what the service has begun it
/// would go on with, and be busy with when it counts.
fn at_once(scraper: &Scraper<'_>, count: usize) -> Vec<Result<Page, PageProblem>> {
    thread::scope(|scope| {
        let get = || scraper.get(PATIENCE).map_err(PageProblem::from);
        let started: Vec<_> = (0..count)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, get).ok())
            .collect();
        started.into_iter().filter_map(|it| it.join().ok()).collect()
    })
}

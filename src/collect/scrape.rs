//! Scraping: the pages of a service, again and again, for as long as a load runs.

mod course;
mod document;
mod progress;
mod rhythm;
mod roll_call;
mod scraper;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use super::beside::Beside;
use super::breach::BreachWatch;
use super::clock::Clock;
use super::command::{self, CommandOutcome};
use super::error::{Error, Failure, PageProblem, ScrapeError};
use super::observer::{Observer, ProgressUpdate};
use super::own_requests::OwnRequests;
use super::{Watched, abort, manner};
use crate::config::{Scrape, ScrapedPage, SourceSpec};
use crate::interrupt;
use crate::prometheus::TransportError;
use crate::storage::Storage;
use course::{Course, Stop};
use progress::{ProgressReporter, TELL};
use rhythm::Rhythm;
use scraper::Scraper;

/// A page that has not come by then has failed, as Prometheus' `scrape_timeout` has it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether the load has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// What was scraped.
#[derive(Default)]
pub(super) struct Scraped {
    pub(super) storage: Storage,
    pub(super) command: Option<CommandOutcome>,
    /// Why scrapes failed, once for each page.
    pub(super) warnings: Vec<String>,
    /// Why the service could not be scraped at all, or what is broken in its pages.
    pub(super) failure: Option<Failure>,
}

/// What the scrapers share.
#[derive(Default)]
struct Shared {
    storage: Arc<Mutex<Storage>>,
    /// Why scrapes failed, once for each page.
    warnings: Mutex<Vec<Arc<ScrapeError>>>,
    /// What else is to be told, once for each page.
    remarks: Mutex<Vec<String>>,
    course: Course,
    /// How far the clock of a service may be off, before that is told.
    max_clock_skew: Duration,
    own_requests: OwnRequests,
    made: AtomicUsize,
    failed: AtomicUsize,
}

/// A panic of another thread leaves nothing half done: samples are added whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Scrapes every page until the time is over or the command has ended, and then until each has
/// come in good time.
///
/// # Errors
/// If the command cannot be started.
pub(super) fn run(
    scrape: &Scrape,
    spec: &SourceSpec,
    clock: Clock,
    watched: Watched<'_>,
    beside: &mut Beside,
    observer: Observer<'_>,
) -> Result<Scraped, Error> {
    let lag = watched.lag;
    let own_requests = beside.own_requests.clone();
    let max_clock_skew = watched.max_clock_skew;
    let shared = Shared { own_requests, max_clock_skew, ..Shared::default() };
    let redacted = |page: &'_ ScrapedPage| {
        let http = page.endpoint.http.clone();
        move |line: &str| (observer.log)(&http.redact(line))
    };
    let logs: Vec<_> = scrape.pages.iter().map(redacted).collect();
    let pages = scrape.pages.iter().zip(&logs).enumerate();
    let mut scrapers: Vec<_> = pages
        .map(|(number, (page, log))| {
            let rhythm = Rhythm::new(scrape.every, number);
            Scraper::new(page, rhythm, clock, lag.limit, &shared, log)
        })
        .collect();
    // None of the scrapes that count waits for a page of which it is still seen who shows it.
    let ready = together(&mut scrapers, Scraper::call)
        .and_then(|()| together(&mut scrapers, Scraper::calm_down))
        .map_err(Failure::from)
        // Pages that are asked for at once hold up a loop, which is no fault of the service.
        .and_then(|()| beside.look_on(spec, clock, &shared.storage, lag.limit, observer.log))
        .and_then(|()| Ok(together(&mut scrapers, |it| it.first(scrape.pages.len()))?));
    let load = match ready {
        // Then no command is started.
        _ if interrupt::received().is_some() => Ok(None),
        Ok(()) => {
            let shared = (&shared, clock);
            scrape_until_done(scrape, spec, (&mut scrapers, shared), watched, beside, observer)?
        }
        // Nothing was put under load, so there is nothing to judge.
        Err(failure) => {
            // Where the service has ended, that is why.
            let failure = beside.notice_end().err().unwrap_or(failure);
            return Ok(Scraped { failure: Some(failure), ..Scraped::default() });
        }
    };
    let (command, failure) = match load {
        Ok(command) => (command, None),
        Err(failure) => (None, Some(failure)),
    };
    let (remarks_from_outside, failed) = beside.finish(observer.log);
    let failure = failure.or(failed);
    let has_ended = beside.service_ended().is_some();
    if failure.is_none() && !has_ended && interrupt::received().is_none() {
        // It fails for no page; and what it asks for is no scrape.
        let _ = together(&mut scrapers, Scraper::call_again);
    }
    drop(scrapers);
    let warnings = std::mem::take(&mut *lock(&shared.warnings)).into_iter();
    let said = failure.as_ref().map(Failure::to_string).unwrap_or_default();
    // What is the failure of the whole need not be said twice.
    let warnings = warnings.map(|error| error.to_string()).filter(|error| *error != said);
    let remarks = std::mem::take(&mut *lock(&shared.remarks));
    let warnings = warnings.map(|error| format!("a scrape failed: {error}"));
    let warnings = warnings.chain(remarks).chain(remarks_from_outside).collect();
    let mut storage = std::mem::take(&mut *lock(&shared.storage));
    // A page may repeat what it was asked with, and a recording of it is passed on.
    for http in scrape.pages.iter().map(|page| &page.endpoint.http) {
        if storage.iter().any(|(_, series)| series.labels.iter().any(|it| http.is_in(it.1))) {
            storage.change_values(|value| http.is_in(value).then(|| http.redact(value)));
        }
    }
    Ok(Scraped { storage, command, warnings, failure })
}

/// Does the same with every page at the same time, and waits for all.
fn together<'a>(
    scrapers: &mut [Scraper<'a>],
    work: impl Fn(&mut Scraper<'a>) -> Result<(), Arc<ScrapeError>> + Sync,
) -> Result<(), Arc<ScrapeError>> {
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = scrapers
            .iter_mut()
            .map(|scraper| {
                let page = scraper.page;
                (page, Builder::new().spawn_scoped(scope, move || work(scraper)))
            })
            .collect();
        let done = threads.into_iter().map(|(page, thread)| {
            let failed = |error| Err(failed(page, PageProblem::Scraper(error)));
            match thread {
                Ok(thread) => thread.join().unwrap_or_else(|_| failed(TransportError::Panicked)),
                Err(error) => failed(TransportError::Setup(error.to_string())),
            }
        });
        done.collect()
    })
}

/// What came of the load: how its command ended, if there is one.
type Load = Result<Option<CommandOutcome>, Failure>;

/// Scrapes until the time is over or the command has ended. What fails once the command was
/// started is no error of this, but a failure of the load.
///
/// # Errors
/// If the command cannot be started.
fn scrape_until_done(
    scrape: &Scrape,
    spec: &SourceSpec,
    (scrapers, (shared, clock)): (&mut [Scraper<'_>], (&Shared, Clock)),
    watched: Watched<'_>,
    beside: &mut Beside,
    observer: Observer<'_>,
) -> Result<Load, Error> {
    let mut command = match scrape.length {
        Some(_) => None,
        None => Some(command::start(&spec.command, manner(spec, observer))?),
    };
    let started = Instant::now();
    let lag = watched.lag.read_by.and_then(|lag| lag.parsed().ok());
    let mut breach = watched.breach.of_samples.map(BreachWatch::new);
    let reporter = ProgressReporter { shared, clock, lag };
    Ok(thread::scope(|scope| {
        // However this thread ends, the others come to an end too.
        let _stop = Stop(&shared.course);
        for scraper in scrapers {
            let keep_on = || scraper.keep_on(started);
            Builder::new().spawn_scoped(scope, keep_on).map_err(Failure::Thread)?;
        }
        let mut told = started;
        loop {
            if let Some(by) = beside.has_to_end(observer.log)? {
                return command.as_mut().map(|it| it.interrupt(by)).transpose();
            }
            let passed = started.elapsed();
            let left = scrape.length.map(|length| length.saturating_sub(passed));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            if let Some(outcome) = command.as_mut().map(|it| it.ended()).transpose()?.flatten() {
                return Ok(Some(outcome));
            }
            if let Some((running, watch)) = command.as_mut().zip(breach.as_mut())
                && let Some(proven) = watch.proven(&shared.storage)
            {
                return abort(running, proven, observer).map(Some);
            }
            if let Some(progress) = observer.progress.filter(|_| told.elapsed() >= TELL) {
                told = Instant::now();
                progress(&ProgressUpdate::Scraping(reporter.update(passed, left)));
            }
            thread::sleep(left.map_or(GLANCE, |left| left.min(GLANCE)));
        }
    }))
}

fn failed(page: &ScrapedPage, problem: PageProblem) -> Arc<ScrapeError> {
    let target = page.endpoint.http.redact(&page.endpoint.target.to_string());
    let meant = page.endpoint.target.usual_page();
    Arc::new(ScrapeError { target, problem, meant: meant.map(|it| page.endpoint.http.redact(&it)) })
}

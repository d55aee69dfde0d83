//! Scraping: the pages of a service, again and again, for as long as a load runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::command::{self, CommandOutcome};
use super::coverage::{DURATION, UP};
use super::error::{Error, Failure, PageProblem, ScrapeError};
use super::observer::{Observer, ProgressUpdate, ScrapeProgress};
use crate::config::{Scrape, ScrapedPage, SourceSpec};
use crate::exposition::{self, Context, Format, Reader};
use crate::prometheus::describe;
use crate::prometheus::http::{Failed, Http, Log, Page, RetryPolicy, TransportError, Wanted};
use crate::promql::{self, Expression, Value};
use crate::storage::{Labels, METRIC_NAME, Point, Storage};

/// What Prometheus asks for.
const WANTED: Wanted = Wanted {
    accept: "application/openmetrics-text;version=1.0.0,\
             application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    at_most: 64 * 1024 * 1024,
};
/// A page that has not come by then has failed, as Prometheus' `scrape_timeout` has it.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The pauses before a service that cannot be reached at first is given up.
const PAUSES: [u64; 5] = [100, 200, 400, 800, 1600];
/// How often it is looked whether the load has ended.
const GLANCE: Duration = Duration::from_millis(10);
/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);

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
    storage: Mutex<Storage>,
    /// The first page that could not be read.
    broken: Mutex<Option<Arc<ScrapeError>>>,
    /// Why scrapes failed, once for each page.
    warnings: Mutex<Vec<Arc<ScrapeError>>>,
    stopped: Mutex<bool>,
    stop: Condvar,
    made: AtomicUsize,
    failed: AtomicUsize,
}

/// A panic of another thread leaves nothing half done: samples are added whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Scrapes every page until the time is over or the command has ended, and once more then.
///
/// # Errors
/// If the command cannot be started.
pub(super) fn run(
    scrape: &Scrape,
    spec: &SourceSpec,
    clock: Clock,
    lag: Option<&Expression>,
    observer: Observer<'_>,
) -> Result<Scraped, Error> {
    let shared = Shared::default();
    let redacted = |page: &'_ ScrapedPage| {
        let http = page.endpoint.http.clone();
        move |line: &str| (observer.log)(&http.redact(line))
    };
    let logs: Vec<_> = scrape.pages.iter().map(redacted).collect();
    let pages = scrape.pages.iter().zip(&logs);
    let mut scrapers: Vec<_> =
        pages.map(|(page, log)| Scraper::new(page, clock, &shared, log)).collect();
    if let Err(failure) = first_scrapes(&mut scrapers) {
        // Nothing was put under load, so there is nothing to judge.
        return Ok(Scraped { failure: Some(failure.into()), ..Scraped::default() });
    }
    let (command, failure) = match scrape_until_done(scrape, spec, &mut scrapers, lag, observer)? {
        Ok(command) => (command, None),
        Err(failure) => (None, Some(failure)),
    };
    drop(scrapers);
    let failure = lock(&shared.broken).take().map(Failure::Scrape).or(failure);
    let warnings = std::mem::take(&mut *lock(&shared.warnings)).into_iter();
    let said = failure.as_ref().map(Failure::to_string).unwrap_or_default();
    // What is the failure of the whole need not be said twice.
    let warnings = warnings.map(|error| error.to_string()).filter(|error| *error != said);
    let warnings = warnings.map(|error| format!("a scrape failed: {error}")).collect();
    let storage = shared.storage.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Scraped { storage, command, warnings, failure })
}

/// Scrapes every page once, at the same time.
fn first_scrapes(scrapers: &mut [Scraper<'_>]) -> Result<(), Arc<ScrapeError>> {
    thread::scope(|scope| {
        let first: Vec<_> = scrapers
            .iter_mut()
            .map(|scraper| {
                let page = scraper.page;
                (page, Builder::new().spawn_scoped(scope, move || scraper.first()))
            })
            .collect();
        let first = first.into_iter().map(|(page, thread)| {
            let failed = |error| Err(failed(page, PageProblem::Scraper(error)));
            match thread {
                Ok(thread) => thread.join().unwrap_or_else(|_| failed(TransportError::Panicked)),
                Err(error) => failed(TransportError::Setup(error.to_string())),
            }
        });
        first.collect()
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
    scrapers: &mut [Scraper<'_>],
    lag: Option<&Expression>,
    observer: Observer<'_>,
) -> Result<Load, Error> {
    let Some(first) = scrapers.first() else { return Ok(Ok(None)) };
    let (shared, clock) = (first.shared, first.clock);
    let mut command = match scrape.length {
        Some(_) => None,
        None => Some(command::start(&spec.command, observer.stdout_is_taken)?),
    };
    let started = Instant::now();
    let reporter = ProgressReporter { shared, clock, lag: lag.and_then(|lag| lag.parsed().ok()) };
    Ok(thread::scope(|scope| {
        // However this thread ends, the others come to an end too.
        let _stop = Stop(shared);
        for scraper in scrapers {
            let keep_on = || scraper.keep_on(started, scrape.every);
            Builder::new().spawn_scoped(scope, keep_on).map_err(Failure::Thread)?;
        }
        let mut told = started;
        loop {
            let passed = started.elapsed();
            let left = scrape.length.map(|length| length.saturating_sub(passed));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            if let Some(outcome) = command.as_mut().map(|it| it.ended()).transpose()?.flatten() {
                return Ok(Some(outcome));
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
    Arc::new(ScrapeError { target, problem })
}

/// Stops the scrapers when it goes.
struct Stop<'a>(&'a Shared);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        *lock(&self.0.stopped) = true;
        self.0.stop.notify_all();
    }
}

/// Knows how it goes.
struct ProgressReporter<'a> {
    shared: &'a Shared,
    clock: Clock,
    lag: Option<&'a promql::Query>,
}

impl ProgressReporter<'_> {
    fn update(&self, passed: Duration, left: Option<Duration>) -> ScrapeProgress {
        let scrapes = self.shared.made.load(Ordering::Relaxed);
        let failed = self.shared.failed.load(Ordering::Relaxed);
        ScrapeProgress { passed, left, scrapes, failed, worst_lag_s: self.worst_lag() }
    }

    fn worst_lag(&self) -> Option<f64> {
        let deadline = Some(Instant::now() + TELL);
        let at = self.clock.now().as_millisecond();
        let storage = lock(&self.shared.storage);
        match self.lag?.evaluate(&storage, at, deadline) {
            Ok(Value::Scalar(value)) => Some(value),
            Ok(Value::Vector(all)) => all.iter().map(|sample| sample.value).reduce(f64::max),
            _ => None,
        }
    }
}

/// Scrapes one page.
struct Scraper<'a> {
    page: &'a ScrapedPage,
    target: Labels,
    http: Http<'a>,
    reader: Reader,
    clock: Clock,
    shared: &'a Shared,
    has_warned: bool,
}

impl<'a> Scraper<'a> {
    fn new(page: &'a ScrapedPage, clock: Clock, shared: &'a Shared, log: Log<'a>) -> Self {
        describe(&page.endpoint, log);
        let target = [("instance", page.instance.as_str()), ("job", page.job.as_str())].into_iter();
        // Each scrape has a limit of its own; together they have none.
        let http = Http::new(&page.endpoint, WANTED, Instant::now(), Duration::MAX, log);
        let (target, reader) = (target.collect(), Reader::new());
        Self { page, target, http, reader, clock, shared, has_warned: false }
    }

    /// The scrape before the load, which has to succeed; a service that has only just been
    /// started is given a moment.
    fn first(&mut self) -> Result<(), Arc<ScrapeError>> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let refused = match self.get() {
                Err(failed) if failed.error.may_pass() => pauses.next(),
                _ => None,
            };
            match refused {
                Some(pause) => thread::sleep(Duration::from_millis(pause)),
                None => return self.scrape(),
            }
        }
    }

    /// Scrapes every so often until it is stopped, and once more then.
    fn keep_on(&mut self, started: Instant, every: Duration) {
        loop {
            let passed = started.elapsed();
            // The next of the instants laid down by the interval; those that went by are left out.
            let ticks = passed.as_nanos() / every.as_nanos().max(1) + 1;
            let due = every.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
            let stopped = lock(&self.shared.stopped);
            let wait = due.saturating_sub(started.elapsed());
            let (stopped, _) = self
                .shared
                .stop
                .wait_timeout_while(stopped, wait, |stopped| !*stopped)
                .unwrap_or_else(PoisonError::into_inner);
            let is_last = *stopped;
            drop(stopped);
            let result = self.scrape();
            if let Some(error) = result.err().filter(|_| !self.has_warned) {
                self.has_warned = true;
                lock(&self.shared.warnings).push(error);
            }
            if is_last {
                return;
            }
        }
    }

    /// Scrapes once. That it failed is a sample too.
    fn scrape(&mut self) -> Result<(), Arc<ScrapeError>> {
        let began = Instant::now();
        let at = self.clock.at(began).as_millisecond();
        let result = self.get();
        let took = began.elapsed();
        let result = match result {
            Ok(page) => self.read(page, at),
            Err(error) => Err(self.failed(error.into())),
        };
        let up = f64::from(u8::from(result.is_ok()));
        self.shared.made.fetch_add(1, Ordering::Relaxed);
        if result.is_err() {
            self.shared.failed.fetch_add(1, Ordering::Relaxed);
        }
        self.report(UP, at, up);
        self.report(DURATION, at, took.as_secs_f64());
        result
    }

    fn failed(&self, problem: PageProblem) -> Arc<ScrapeError> {
        failed(self.page, problem)
    }

    /// The page; asked for a second time where a connection that was kept open is gone.
    fn get(&self) -> Result<Page, Failed<TransportError>> {
        let get = || self.http.get("", &[], RetryPolicy::Once(PATIENCE));
        match get() {
            Err(failed) if matches!(failed.error, TransportError::Broken(_)) => get(),
            other => other,
        }
    }

    fn read(&mut self, page: Page, at: i64) -> Result<(), Arc<ScrapeError>> {
        if page.status != 200 {
            return Err(self.failed(PageProblem::Status(page.status, page.journey)));
        }
        let format = Format::of_content_type(page.content_type.as_deref());
        let context = Context { at: Some(at), target: &self.target };
        let mut storage = lock(&self.shared.storage);
        let read = self.reader.read_page(&page.body, format, &context, &mut storage);
        drop(storage);
        let broken = self.failed(match read {
            Ok(page) if page.duplicates == 0 => return Ok(()),
            Ok(page) => PageProblem::Duplicates(page.duplicates),
            Err(error) => PageProblem::Syntax(self.redacted(error)),
        });
        lock(&self.shared.broken).get_or_insert_with(|| Arc::clone(&broken));
        Err(broken)
    }

    /// The error without the secrets that were sent: a page may repeat them.
    fn redacted(&self, error: exposition::Error) -> exposition::Error {
        let http = &self.page.endpoint.http;
        match error {
            exposition::Error::Syntax { line, column, reason, shown } => {
                let (reason, shown) = (http.redact(&reason), http.redact(&shown));
                exposition::Error::Syntax { line, column, reason, shown }
            }
            other => other,
        }
    }

    /// Adds a sample about the scrape itself.
    fn report(&self, name: &'static str, at: i64, value: f64) {
        let mut labels = self.target.clone();
        labels.set(METRIC_NAME, name);
        let mut storage = lock(&self.shared.storage);
        let id = storage.series(labels);
        if storage.push(id, Point { at, value }).is_err() {
            // The page has such a series itself, with another value.
            let broken = || self.failed(PageProblem::OwnSeries(name));
            lock(&self.shared.broken).get_or_insert_with(broken);
        }
    }
}

//! Scrapes one page, and keeps what came of it as samples.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::document::{ACCEPT, Standing, Text};
use super::rhythm::Rhythm;
use super::roll_call::{RollCall, Seen};
use super::{PATIENCE, Shared, course, failed, lock};
use crate::collect::clock::Clock;
use crate::collect::coverage::{DOCUMENT, DURATION, OUT_OF_ORDER, PROCESSES, REPORTED, UP};
use crate::collect::error::{PageProblem, ScrapeError};
use crate::config::{ScrapedPage, Shows};
use crate::exposition::{self, Context, Reader};
use crate::interrupt;
use crate::model::clock_skew::{ClockSkew, words};
use crate::processes::Kind;
use crate::prometheus::describe;
use crate::prometheus::http::{
    Connections, Failed, Http, Log, Page, RetryPolicy, TransportError, Wanted,
};
use crate::storage::{Labels, METRIC_NAME, Point};
use crate::target_health::good_time;

/// What Prometheus asks for.
const WANTED: Wanted = Wanted {
    accept: "application/openmetrics-text;version=1.0.0,\
             application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    at_most: 64 * 1024 * 1024,
    connections: Connections::Fresh,
};
/// The pauses before a service that cannot be reached at first is given up.
const PAUSES: [u64; 5] = [100, 200, 400, 800, 1600];
/// After that time a loop has seen by how much it was held up.
const CALM: Duration = Duration::from_millis(50);
/// How long the clock is left to get on to its next millisecond.
const MOMENT: Duration = Duration::from_micros(100);

/// Scrapes one page.
pub(super) struct Scraper<'a> {
    pub(super) page: &'a ScrapedPage,
    target: Labels,
    http: Http<'a>,
    reader: Reader,
    rhythm: Rhythm,
    /// Whether documents are made anew.
    standing: Standing,
    pub(super) clock: Clock,
    /// The lag of the event loop from which on a page is late.
    pub(super) lag_limit: Duration,
    pub(super) shared: &'a Shared,
    /// When it was scraped last, in milliseconds.
    last: Option<i64>,
    /// How long the fastest scrape took.
    fastest: Option<Duration>,
    has_warned: bool,
    /// How many processes showed it, if it was seen.
    seen: Seen,
    was_called: bool,
    /// Whether it was noted that several processes show it.
    has_noted: bool,
    has_told_uncalled: bool,
    has_told_clock: bool,
    /// Whether the page was elsewhere, so that each scrape is two requests.
    is_redirected: AtomicBool,
}

/// What came of a scrape: how long it took, or why it failed.
type Outcome = Result<Duration, Arc<ScrapeError>>;

impl<'a> Scraper<'a> {
    pub(super) fn new(
        page: &'a ScrapedPage,
        rhythm: Rhythm,
        clock: Clock,
        lag_limit: Duration,
        shared: &'a Shared,
        log: Log<'a>,
    ) -> Self {
        describe(&page.endpoint, log);
        shared.course.await_page(true);
        let target = [("instance", page.instance.as_str()), ("job", page.job.as_str())].into_iter();
        // Each scrape has a limit of its own; together they have none.
        let is_json = page.shows == Shows::Json;
        let wanted = if is_json { Wanted { accept: ACCEPT, ..WANTED } } else { WANTED };
        let http = Http::new(&page.endpoint, wanted, Instant::now(), Duration::MAX, log);
        Self {
            page,
            target: target.collect(),
            http: http.interruptible(),
            reader: Reader::reserving(REPORTED),
            standing: Standing::new(rhythm.interval()),
            rhythm,
            clock,
            lag_limit,
            shared,
            last: None,
            fastest: None,
            has_warned: false,
            seen: None,
            was_called: false,
            has_noted: false,
            has_told_uncalled: false,
            has_told_clock: false,
            is_redirected: AtomicBool::new(false),
        }
    }

    /// Looks how many processes show the page, before the load. A service that has only just been
    /// started is given a moment before.
    pub(super) fn call(&mut self) -> Result<(), Arc<ScrapeError>> {
        let mut pauses = PAUSES.into_iter();
        let (page, at) = loop {
            let (_, at) = self.instant();
            let failure = match self.get(PATIENCE) {
                Ok(page) => break (page, at),
                Err(failure) => failure,
            };
            let pause = pauses.next().filter(|_| failure.error.is_without_answer());
            let slept = pause.map(|pause| interrupt::sleep(Duration::from_millis(pause)));
            if !matches!(slept, Some(Ok(()))) {
                return Err(self.failed(failure.into()));
            }
        };
        let Some(mut call) = RollCall::new(&page, self.page.shows, at) else { return Ok(()) };
        self.seen = call.ask_patiently(self, at);
        self.was_called = true;
        self.tell_uncalled(call.problem());
        if let Some((_, Kind::Restarts)) = self.seen {
            // That there was another process before is seen with its page.
            self.read(page, at)?;
            self.report(UP, at, 1.0);
        }
        Ok(())
    }

    /// Takes a page that does not count: what the loop was held up by while several pages were
    /// asked for is shown there, and no more by the next one.
    pub(super) fn calm_down(&mut self) -> Result<(), Arc<ScrapeError>> {
        if self.was_called && interrupt::sleep(CALM).is_ok() {
            // What fails here fails again when it counts.
            let _ = self.get(PATIENCE);
            // What a page has of the time since the one before needs some time.
            let _ = interrupt::sleep(CALM);
        }
        Ok(())
    }

    /// The scrape before the load, which has to succeed. Where one of the other pages takes longer,
    /// this one is scraped again meanwhile, so that it has no gap there.
    pub(super) fn first(&mut self, pages: usize) -> Result<(), Arc<ScrapeError>> {
        let began = Instant::now();
        let outcome = self.scrape(PATIENCE);
        self.shared.course.begin();
        outcome?;
        self.note(self.last.unwrap_or_default());
        loop {
            let next = Instant::now() + self.rhythm.interval();
            if self.shared.course.begun_before(next, pages) || began.elapsed() > PATIENCE {
                return Ok(());
            }
            self.scrape_and_warn(PATIENCE);
        }
    }

    /// Looks once more how many processes show the page, after the load: one may have been started,
    /// or be there again.
    pub(super) fn call_again(&mut self) -> Result<(), Arc<ScrapeError>> {
        let Some(last) = self.last.filter(|_| !self.has_noted) else { return Ok(()) };
        let (_, at) = self.instant();
        let Ok(page) = self.get(self.good_time()) else { return Ok(()) };
        if let Some(mut call) = RollCall::new(&page, self.page.shows, at) {
            self.seen = call.ask(self);
            self.tell_uncalled(call.problem());
            self.note(last);
        }
        Ok(())
    }

    /// Tells once that it could not be seen how many processes show the page.
    fn tell_uncalled(&mut self, problem: Option<PageProblem>) {
        let is_told = self.has_warned || self.has_told_uncalled || interrupt::received().is_some();
        let Some(problem) = problem.filter(|_| !is_told) else { return };
        self.has_told_uncalled = true;
        let failed = self.failed(self.redacted(problem));
        lock(&self.shared.remarks).push(format!(
            "the page was asked for a few times at once, to see whether several processes show it, \
             and that failed: {failed}"
        ));
    }

    /// Keeps that several processes show the page.
    fn note(&mut self, at: i64) {
        if let Some((processes, Kind::Workers)) = self.seen {
            self.has_noted = true;
            self.report(PROCESSES, at, processes as f64);
        }
    }

    /// Scrapes in its rhythm until the load is over, and once more then.
    pub(super) fn keep_on(&mut self, started: Instant) {
        loop {
            match self.shared.course.over_before(self.due(started)) {
                Some(ended) => return self.see_out(started, ended),
                None => drop(self.scrape_and_warn(PATIENCE)),
            }
        }
    }

    /// Scrapes once the load is over, and again where the page does not come in good time: what a
    /// loop is held up by tells of itself only when it is over. Meanwhile the other pages go on in
    /// their rhythm, so that no target has a gap at the end.
    fn see_out(&mut self, started: Instant, ended: Instant) {
        let (mut is_awaited, mut repeats) = (true, 0);
        let mut left = course::left(ended);
        loop {
            let began = Instant::now();
            let outcome = self.scrape_and_warn(left);
            let is_late = outcome.is_none_or(|took| took > self.good_time());
            if is_late != is_awaited {
                is_awaited = is_late;
                self.shared.course.await_page(is_awaited);
            }
            let next = if is_late {
                repeats += 1;
                // Further ones no closer than scrapes usually are, or those would look rare.
                if repeats == 1 { began } else { began + self.rhythm.interval() / 2 }
            } else {
                self.due(started)
            };
            if self.shared.course.complete_before(next) {
                return;
            }
            left = course::left(ended);
            if left < self.good_time().min(course::AT_MOST / 2) {
                return;
            }
        }
    }

    /// When the next scrape starts.
    fn due(&self, started: Instant) -> Instant {
        let next = self.rhythm.next(started.elapsed());
        started.checked_add(next).unwrap_or_else(|| Instant::now() + self.rhythm.interval())
    }

    /// How long a page may take that shows a loop which is not held up.
    fn good_time(&self) -> Duration {
        let fastest = self.fastest.map(|fastest| fastest.as_secs_f64());
        let seconds = good_time(self.lag_limit.as_secs_f64(), fastest);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// Scrapes, and keeps why that failed if it is the first time. How long it took.
    fn scrape_and_warn(&mut self, within: Duration) -> Option<Duration> {
        match self.scrape(within) {
            Ok(took) => Some(took),
            Err(error) => {
                if !self.has_warned {
                    self.has_warned = true;
                    lock(&self.shared.warnings).push(error);
                }
                None
            }
        }
    }

    /// Scrapes once. That it failed is a sample too.
    fn scrape(&mut self, within: Duration) -> Outcome {
        let (began, at) = self.instant();
        let result = self.get(within);
        let took = began.elapsed();
        let result = match result {
            // It says nothing of the service, neither good nor bad.
            Err(Failed { error: TransportError::Interrupted, .. }) => return Ok(took),
            Ok(page) => self.read(page, at),
            Err(error) => Err(self.failed(error.into())),
        };
        self.shared.made.fetch_add(1, Ordering::Relaxed);
        match &result {
            Ok(()) => self.fastest = self.fastest.into_iter().chain([took]).min(),
            Err(_) => drop(self.shared.failed.fetch_add(1, Ordering::Relaxed)),
        }
        self.report(UP, at, f64::from(u8::from(result.is_ok())));
        self.report(DURATION, at, took.as_secs_f64());
        result.map(|()| took)
    }

    /// Now, and as a timestamp. No two scrapes of a page share one: their samples would
    /// contradict each other.
    pub(super) fn instant(&mut self) -> (Instant, i64) {
        loop {
            let now = Instant::now();
            let at = self.clock.at(now).as_millisecond();
            if self.last.is_none_or(|last| last < at) {
                self.last = Some(at);
                return (now, at);
            }
            thread::sleep(MOMENT);
        }
    }

    fn failed(&self, problem: PageProblem) -> Arc<ScrapeError> {
        failed(self.page, problem)
    }

    pub(super) fn get(&self, within: Duration) -> Result<Page, Failed<TransportError>> {
        let (own, endpoint) = (&self.shared.own_requests, &self.page.endpoint);
        let was_redirected = self.is_redirected.load(Ordering::Relaxed);
        own.add(endpoint, 1 + u64::from(was_redirected));
        let result = self.http.get("", &[], RetryPolicy::Once(within));
        let journey = match &result {
            Ok(page) => &page.journey,
            Err(failed) => &failed.journey,
        };
        if journey.is_redirected() && !was_redirected {
            self.is_redirected.store(true, Ordering::Relaxed);
            own.add(endpoint, 1);
        }
        result
    }

    fn read(&mut self, page: Page, at: i64) -> Result<(), Arc<ScrapeError>> {
        if matches!(page.status, 401 | 403) {
            let sent = self.page.endpoint.http.credential.as_ref().map(|it| it.origin.clone());
            return Err(self.failed(PageProblem::Unauthorized(page.status, page.journey, sent)));
        }
        if page.status != 200 {
            return Err(self.failed(PageProblem::Status(page.status, page.journey)));
        }
        if let Some(age) = page.age.filter(|age| *age > self.rhythm.interval()) {
            return Err(self.failed(PageProblem::Cached(age)));
        }
        self.tell_clock(page.clock);
        let shown = Text::of(&page, self.page.shows).and_then(|shown| {
            self.standing.check(shown.made.clone(), at, page.clock)?;
            Ok(shown)
        });
        let shown = shown.map_err(|problem| self.failed(self.redacted(problem)))?;
        let context = Context { at: Some(at), target: &self.target };
        let mut storage = lock(&self.shared.storage);
        let read = self.reader.read_page(&shown.body, shown.format, &context, &mut storage);
        drop(storage);
        Err(self.failed(match read {
            Ok(page) if page.duplicates == 0 => {
                if self.page.shows == Shows::Json {
                    self.report(DOCUMENT, at, 1.0);
                }
                if page.out_of_order > 0 {
                    self.report(OUT_OF_ORDER, at, page.out_of_order as f64);
                }
                return Ok(());
            }
            Ok(page) => PageProblem::Duplicates(page.duplicates),
            Err(error) => self.redacted(PageProblem::Syntax(error)),
        }))
    }

    /// Tells once that the service's clock is off. The samples are dated by this machine's.
    fn tell_clock(&mut self, clock: Option<ClockSkew>) {
        let limit_s = self.shared.max_clock_skew.as_secs_f64();
        let Some(off_s) = clock.and_then(|clock| clock.beyond(limit_s)) else { return };
        if !self.has_told_clock {
            self.has_told_clock = true;
            let whose = self.page.endpoint.http.redact(&self.page.endpoint.target.to_string());
            lock(&self.shared.remarks).push(words(&whose, off_s, limit_s));
        }
    }

    /// The problem without the secrets that were sent: a page may repeat them.
    fn redacted(&self, problem: PageProblem) -> PageProblem {
        let http = &self.page.endpoint.http;
        match problem {
            PageProblem::Syntax(exposition::Error::Syntax { line, column, reason, shown }) => {
                let (reason, shown) = (http.redact(&reason), http.redact(&shown));
                PageProblem::Syntax(exposition::Error::Syntax { line, column, reason, shown })
            }
            PageProblem::Document(error) => {
                PageProblem::Document(error.redacted(|it| http.redact(it)))
            }
            PageProblem::Standing { made, age, most } => {
                PageProblem::Standing { made: http.redact(&made), age, most }
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
        // The page has no such series, and no two scrapes an instant in common.
        let _ = storage.push(id, Point { at, value });
    }
}

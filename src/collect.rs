//! Collection: what happens before expressions are evaluated, for as long as a load runs. It
//! yields samples, scraped or recorded, and how the load ended; a server collects by itself.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

mod beside;
mod breach;
mod clock;
mod command;
mod coverage;
mod deadline;
mod error;
mod inferred;
mod observer;
mod outcome;
mod outside;
mod own_requests;
mod recording;
mod samples;
mod scrape;
mod service;
mod settle;
mod snapshot;
mod targets;
#[cfg(test)]
mod tests;

use crate::config::{Endpoint, ObservedRange, Scrape, Source, SourceSpec};
use crate::interrupt::{self, Interruption};
use crate::log;
use crate::model::blame::JOB as PROBE_JOB;
use crate::prometheus;
use crate::promql::Expression;
use crate::storage::Storage;
use crate::target_health::TargetHealth;
use beside::Beside;
pub use breach::{BreachTest, BreachTests, ServerTest};
use breach::{BreachWatch, ServerWatch};
use clock::Clock;
pub use command::CommandOutcome;
use command::{Manner, Running};
pub(crate) use coverage::{
    DOCUMENT, DURATION, OUT_OF_ORDER, PROCESS_START, PROCESSES, UP, is_of_scrape, without_up,
};
use deadline::Deadline;
pub use error::{Error, Failure, PageProblem, RecordingError, SamplesError, ScrapeError};
pub use observer::{Observer, ProgressUpdate, ScrapeProgress};
pub(crate) use outcome::DURATION as COMMAND_DURATION;
pub(crate) use samples::Samples;
pub use settle::Settling;
pub(crate) use settle::sample_interval;
use settle::settle;

/// How often a command is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// What was collected.
#[derive(Debug)]
pub struct Telemetry {
    /// From when to when.
    pub observed: ObservedRange,
    /// When the collection was over.
    pub finished: Instant,
    /// The samples that were scraped, or recorded.
    pub(crate) samples: Option<Samples>,
    /// What the logs of the plan were before anything was started, in their order; none where nothing was.
    logs_before: Vec<Option<log::Stamp>>,
    /// When anything was started; `None` where nothing was.
    started: Option<SystemTime>,
    /// How the command ended.
    pub command: Option<CommandOutcome>,
    /// That the service that was started ended before the audit did, in words, if so.
    pub service_ended: Option<String>,
    /// How the samples from after the end of the command were waited for; with a server only.
    pub settling: Option<Settling>,
    /// Why scrapes failed, once for each page.
    pub warnings: Vec<String>,
    /// That the collection was interrupted, in words, if it was; now, or when it was recorded.
    pub interruption: Option<String>,
    /// What went wrong, if anything did.
    pub failure: Option<Failure>,
}

impl Telemetry {
    /// Nothing, because something is wrong before anything was begun.
    pub fn failed(spec: &SourceSpec, failure: Failure) -> Self {
        let at = ObservedRange { at: spec.instant(), window: None, step: None };
        Self { failure: Some(failure), ..Self::new(at) }
    }

    /// What a server collected by itself, of a time when nothing ran beside it. `started` is when the
    /// time begins that there is to ask for it.
    pub(crate) fn of_server(observed: ObservedRange, started: Instant) -> Self {
        Self { finished: started, ..Self::new(observed) }
    }

    /// Whether nothing was begun, so that there is nothing to ask for.
    pub(crate) fn is_blank(&self) -> bool {
        let is_early = |failure: &Failure| {
            matches!(
                failure,
                Failure::Server { .. } | Failure::Unwritable { .. } | Failure::NotAgain(_)
            )
        };
        let was_interrupted = self.interruption.is_some();
        let has_begun = self.command.is_some() || self.samples.is_some();
        self.failure.as_ref().is_some_and(is_early) || was_interrupted && !has_begun
    }

    fn new(observed: ObservedRange) -> Self {
        let finished = Instant::now();
        Self {
            observed,
            finished,
            samples: None,
            logs_before: Vec::new(),
            started: None,
            command: None,
            service_ended: None,
            settling: None,
            warnings: Vec::new(),
            interruption: None,
            failure: None,
        }
    }

    /// Whether a log is as it was before the command, or the service, was started; or an older one that
    /// was put in its place.
    pub(crate) fn is_as_before(&self, log: usize, stamp: log::Stamp) -> bool {
        let is_same = self.logs_before.get(log).copied().flatten() == Some(stamp);
        is_same || self.started.is_some_and(|started| stamp.is_clearly_before(started))
    }

    /// The instants of the scrapes, each once, in order.
    pub fn instants(&self) -> Vec<Timestamp> {
        let instants = self.samples.iter().flat_map(|samples| &samples.instants);
        instants.copied().filter_map(|at| Timestamp::from_millisecond(at).ok()).collect()
    }

    /// The instant at which samples are asked that were taken beside a server, whose clock is another.
    pub(crate) fn at_beside(&self, at: Timestamp) -> Timestamp {
        self.samples.as_ref().map_or(at, |samples| samples.span.observed(None).at)
    }

    /// What was observed up to an earlier instant.
    pub fn until(&self, at: Timestamp) -> ObservedRange {
        let samples = self.samples.as_ref();
        samples.map_or_else(|| self.observed.clone(), |it| it.span.observed(Some(at)))
    }

    /// How each target could be scraped.
    pub(crate) fn targets(&self) -> &[TargetHealth] {
        self.samples.as_ref().map(|samples| samples.targets.as_slice()).unwrap_or_default()
    }

    /// The samples that were scraped, or recorded.
    pub fn storage(&self) -> Option<&Storage> {
        self.samples.as_ref().map(|samples| &samples.storage)
    }

    /// Whether a probe has looked at the service.
    pub fn is_of_probe(&self) -> bool {
        self.targets().iter().any(|it| it.target.get("job") == PROBE_JOB)
    }
}

/// What the lag of the event loop is read by, and held to, while a service is watched.
#[derive(Debug, Clone, Copy)]
pub struct Lag<'a> {
    /// What the worst lag so far is read by.
    pub read_by: Option<&'a Expression>,
    /// A page that takes longer than this shows a loop that is held up.
    pub limit: Duration,
}

/// What is collected for.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// All that will be asked.
    pub expressions: &'a [Expression],
    /// The lag of the event loop.
    pub lag: Lag<'a>,
    /// What has to have samples from after the end of the command.
    pub required: &'a [Expression],
    /// How far the clock of a service may be off, before that is told.
    pub max_clock_skew: Duration,
    /// Whether a server's answer may lack something.
    pub accept_partial: bool,
    /// What ends the command early.
    pub breach: BreachTests<'a>,
}

/// Collects telemetry for as long as `spec` says, and runs its command meanwhile. `started` is
/// when the audit began.
///
/// With expressions that cannot be evaluated nothing is done: they are no reason to put a service
/// under load.
///
/// # Errors
/// If the command cannot be started. What fails later is the failure of the telemetry.
pub fn collect(
    spec: &SourceSpec,
    started: Instant,
    watched: Watched<'_>,
    observer: Observer<'_>,
) -> Result<Telemetry, Error> {
    let now = ObservedRange { at: spec.instant(), window: None, step: None };
    let is_local = !matches!(spec.source, Source::Server(_));
    if is_local && watched.expressions.iter().any(|expression| expression.parsed().is_err()) {
        // The readings will say which, and why; no load is needed for that.
        return Ok(Telemetry::new(now));
    }
    let clock = Clock::new(started, spec.now);
    match &spec.source {
        Source::Recording(path) => return Ok(recorded(path, spec, started)),
        Source::Server(_) if spec.command.is_empty() && spec.outside.is_none() => {
            return Ok(Telemetry::of_server(now, started));
        }
        Source::Logs if spec.command.is_empty() => {
            return Ok(Telemetry { finished: started, ..Telemetry::new(now) });
        }
        Source::Server(_) | Source::Scrape(_) | Source::Logs => {}
    }
    let logs_before = logs_before(spec);
    let is_anything_started = !spec.command.is_empty() || spec.start.is_some();
    let began = is_anything_started.then(SystemTime::now);
    let mut beside = match Beside::start(spec, observer)? {
        Ok(beside) => beside,
        Err((failure, warnings)) => {
            return Ok(Telemetry { warnings, ..Telemetry::failed(spec, failure) });
        }
    };
    let telemetry = match &spec.source {
        Source::Server(endpoint) => {
            beside_a_server(endpoint, spec, watched, clock, &mut beside, observer)
        }
        Source::Scrape(scrape) => scraped(scrape, spec, watched, clock, &mut beside, observer),
        Source::Logs => beside_nothing(spec, clock, &mut beside, observer),
        // It was read above.
        Source::Recording(_) => return Ok(Telemetry::new(now)),
    }?;
    let service_ended = beside.service_ended();
    Ok(Telemetry { service_ended, logs_before, started: began, ..telemetry })
}

/// What the logs are before anything is started that is to write them.
fn logs_before(spec: &SourceSpec) -> Vec<Option<log::Stamp>> {
    let is_anything_started = !spec.command.is_empty() || spec.start.is_some();
    let logs = spec.logs.iter().filter(|_| is_anything_started);
    logs.map(|(_, path)| log::stamp(path)).collect()
}

/// Runs the command, and looks at nothing meanwhile.
fn beside_nothing(
    spec: &SourceSpec,
    clock: Clock,
    beside: &mut Beside,
    observer: Observer<'_>,
) -> Result<Telemetry, Error> {
    let command = command::start(&spec.command, manner(spec, observer))?;
    let ended = wait((Some(command), None), &mut || None, beside, observer);
    let interruption = interrupt::received().map(in_words);
    let (command, failure) = match ended {
        Ok(command) => (command, None),
        Err(failure) => (None, Some(failure)),
    };
    let window = command.as_ref().map(|command| command.took);
    let observed = ObservedRange { at: spec.at.unwrap_or_else(|| clock.now()), window, step: None };
    Ok(Telemetry { command, interruption, failure, ..Telemetry::new(observed) })
}

/// Scrapes and probes for as long as the load runs, or the time lasts.
fn scraped(
    scrape: &Scrape,
    spec: &SourceSpec,
    watched: Watched<'_>,
    clock: Clock,
    beside: &mut Beside,
    observer: Observer<'_>,
) -> Result<Telemetry, Error> {
    let mut scraped = scrape::run(scrape, spec, clock, watched, beside, observer)?;
    // Pages are asked for once more after the load.
    let failed = beside.notice_end().err();
    scraped.failure = scraped.failure.or(failed);
    let by = interrupt::received();
    let service_ended = beside.service_ended();
    outcome::add(&mut scraped.storage, scraped.command.as_ref(), service_ended.as_deref(), by);
    let (command, mut warnings) = (scraped.command, scraped.warnings);
    warnings.extend(beside.warning());
    let finished = Instant::now();
    let deadline = Deadline::new(finished, spec.timeout);
    let samples = Samples::new(scraped.storage, None, deadline);
    let telemetry = of_samples(samples, spec, scraped.failure);
    let interruption = by.map(in_words);
    Ok(Telemetry { finished, command, warnings, interruption, ..telemetry })
}

/// Runs the command, or waits, while a server collects.
fn beside_a_server(
    endpoint: &Endpoint,
    spec: &SourceSpec,
    watched: Watched<'_>,
    clock: Clock,
    beside: &mut Beside,
    observer: Observer<'_>,
) -> Result<Telemetry, Error> {
    let now = ObservedRange { at: spec.instant(), window: None, step: None };
    prometheus::describe(endpoint, observer.log);
    let probed = prometheus::reach(endpoint, clock.now(), spec.timeout, observer.log);
    if let Some(by) = interrupt::received() {
        return Ok(Telemetry { interruption: Some(in_words(by)), ..Telemetry::new(now) });
    }
    let skew = match probed {
        Ok(skew) => skew,
        Err(problem) => {
            let target = endpoint.http.redact(&endpoint.target.to_string());
            return Ok(Telemetry::failed(spec, Failure::Server { target, problem }));
        }
    };
    let storage = Arc::new(Mutex::new(Storage::default()));
    if let Err(failure) = beside.look_on(spec, clock, &storage, watched.lag.limit, observer.log) {
        let failure = beside.notice_end().err().unwrap_or(failure);
        let warnings = beside.warning().into_iter().collect();
        return Ok(Telemetry { warnings, ..Telemetry::failed(spec, failure) });
    }
    let began = Instant::now();
    let command = match spec.command.as_slice() {
        [] => None,
        command => Some(command::start(command, manner(spec, observer))?),
    };
    let length = spec.outside.as_ref().and_then(|outside| outside.length);
    let mut of_samples = watched.breach.of_samples.map(BreachWatch::new);
    let mut of_server = watched.breach.of_server.map(|it| ServerWatch::new(it, clock, skew));
    let mut proven = || {
        let by_samples = of_samples.as_mut().and_then(|watch| watch.proven(&storage));
        by_samples.or_else(|| of_server.as_mut()?.proven())
    };
    let ended = wait((command, length), &mut proven, beside, observer);
    // What stands at the end of the load is seen before anything is asked about that time.
    let (mut warnings, mut failure) = beside.finish(observer.log);
    let watched_for = watched_for(&storage, clock);
    let interruption = interrupt::received().map(in_words);
    let telemetry = match ended {
        Ok(command) => {
            // All of the load is in the window, with what was waited for the samples of its end.
            let load_took = command.as_ref().map_or_else(|| began.elapsed(), |it| it.took);
            let load_took = load_took.max(watched_for);
            let ended = (clock, load_took, skew);
            let settling = settle(endpoint, spec, watched, ended, observer);
            // In whole seconds, and never less than it took.
            let took = load_took + settling.waited + settling.doubt();
            let window = Duration::from_secs(took.as_millis().div_ceil(1000).max(1) as u64);
            let at = settling.of_the_server(clock.now());
            let observed = ObservedRange { at, window: Some(window), step: None };
            let settling = Some(settling);
            Telemetry { command, settling, ..Telemetry::new(observed) }
        }
        Err(failure) => Telemetry::failed(spec, failure),
    };
    failure = failure.or(beside.notice_end().err());
    warnings.extend(beside.warning());
    let failure = telemetry.failure.or(failure);
    let finished = Instant::now();
    let storage = std::mem::take(&mut *storage.lock().unwrap_or_else(PoisonError::into_inner));
    let deadline = Deadline::new(finished, spec.timeout);
    let (samples, failure) =
        match spec.outside.as_ref().map(|_| Samples::new(storage, None, deadline)) {
            None => (None, failure),
            Some(Ok(samples)) => (Some(samples), failure),
            Some(Err(error)) => (None, failure.or(Some(error.into()))),
        };
    Ok(Telemetry { interruption, warnings, failure, samples, finished, ..telemetry })
}

/// How the command of `spec` is run.
fn manner<'a>(spec: &'a SourceSpec, observer: Observer<'_>) -> Manner<'a> {
    let (directory, limit) = (spec.directory.as_deref(), spec.time_limit);
    Manner { directory, limit, stdout_is_taken: observer.stdout_is_taken }
}

/// How long ago the first of what was seen beside a server was seen; nothing if nothing was.
fn watched_for(storage: &Mutex<Storage>, clock: Clock) -> Duration {
    let storage = storage.lock().unwrap_or_else(PoisonError::into_inner);
    let first = storage.span().map(|(first, _)| first);
    let ms = first.map_or(0, |first| clock.now().as_millisecond().saturating_sub(first));
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

/// Reads a recording, and how the run ended that left it.
fn recorded(path: &Path, spec: &SourceSpec, started: Instant) -> Telemetry {
    let until = spec.at.map(|at| at.as_millisecond());
    let owned = path.to_owned();
    let deadline = Deadline::new(started, spec.timeout);
    let telemetry = match interrupt::race(move || load(&owned, until, deadline)) {
        Err(by) => {
            let at = ObservedRange { at: spec.instant(), window: None, step: None };
            Telemetry { interruption: Some(in_words(by)), ..Telemetry::new(at) }
        }
        Ok(Err(error)) => Telemetry::failed(spec, error.into()),
        Ok(Ok(samples)) => {
            let recorded = outcome::interruption(&samples.storage);
            let words = |name| format!("the run that was recorded was interrupted ({name})");
            let (interruption, command) = (recorded.map(words), outcome::command(&samples.storage));
            let service_ended = outcome::service_ended(&samples.storage).map(str::to_owned);
            Telemetry {
                command,
                service_ended,
                interruption,
                ..of_samples(Ok(samples), spec, None)
            }
        }
    };
    // Reading a file takes a part of the time that there is for all of it.
    Telemetry { finished: started, ..telemetry }
}

/// That it is over, and why.
pub(crate) fn in_words(by: Interruption) -> String {
    format!("the audit was interrupted ({})", by.name)
}

fn of_samples(
    samples: Result<Samples, SamplesError>,
    spec: &SourceSpec,
    failure: Option<Failure>,
) -> Telemetry {
    let (samples, failure) = match samples {
        Ok(samples) => (Some(samples), failure),
        // Nobody had the time to take any.
        Err(SamplesError::Empty) if interrupt::received().is_some() => (None, failure),
        Err(error) => (None, failure.or(Some(error.into()))),
    };
    let observed = match &samples {
        Some(samples) => samples.span.observed(spec.at),
        None => ObservedRange { at: spec.instant(), window: None, step: None },
    };
    Telemetry { samples, failure, ..Telemetry::new(observed) }
}

/// Reads a recording, or gives up: what comes through a pipe may never come to an end. The thread
/// that is then still reading ends with the process.
fn load(path: &Path, until: Option<i64>, deadline: Deadline) -> Result<Samples, RecordingError> {
    let (sender, receiver) = mpsc::channel();
    let owned = path.to_owned();
    let reader = move || {
        let samples = recording::load(&owned).and_then(|storage| {
            let named = |source| RecordingError::Samples { path: owned.clone(), source };
            Samples::new(storage, until, deadline).map_err(named)
        });
        // Nobody waits for it any more if this fails.
        let _ = sender.send(samples);
    };
    let path = path.to_owned();
    let timeout = deadline.timeout();
    if let Err(source) = thread::Builder::new().spawn(reader) {
        return Err(RecordingError::Unreadable { path, source });
    }
    receiver.recv_timeout(deadline.left()).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => RecordingError::Slow { path, timeout },
            RecvTimeoutError::Disconnected => RecordingError::Panicked(path),
        })
    })
}

/// Ends the command because a breach is proven.
///
/// # Errors
/// If it cannot be found out how it ended.
fn abort(
    command: &mut Running,
    breach: String,
    observer: Observer<'_>,
) -> Result<CommandOutcome, Failure> {
    (observer.log)(&format!("a breach is proven, and the command is ended: {breach}"));
    command.abort(breach)
}

/// Waits for the command to end, or for the time to be over; ends the command where a signal asks for
/// that, the service has ended, or a breach is `proven`.
fn wait(
    (mut command, length): (Option<Running>, Option<Duration>),
    proven: &mut dyn FnMut() -> Option<String>,
    beside: &mut Beside,
    observer: Observer<'_>,
) -> Result<Option<CommandOutcome>, Failure> {
    let began = Instant::now();
    loop {
        if let Some(by) = beside.has_to_end(observer.log)? {
            return command.as_mut().map(|it| it.interrupt(by)).transpose();
        }
        match &mut command {
            Some(running) => {
                if let Some(outcome) = running.ended()? {
                    return Ok(Some(outcome));
                }
                if let Some(breach) = proven() {
                    return abort(running, breach, observer).map(Some);
                }
            }
            None if length.is_none_or(|length| began.elapsed() >= length) => return Ok(None),
            None => {}
        }
        thread::sleep(GLANCE);
    }
}

//! Collection: what happens before expressions are evaluated, for as long as a load runs. It
//! yields samples, scraped or recorded, and how the load ended; a server collects by itself.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

mod clock;
mod command;
mod coverage;
mod error;
mod observer;
mod recording;
mod samples;
mod scrape;
mod snapshot;
mod staleness;

use crate::config::{ObservedRange, Source, SourceSpec};
use crate::prometheus;
use crate::promql::Expression;
use crate::storage::Storage;
use crate::target_health::TargetHealth;
use clock::Clock;
pub use command::CommandOutcome;
use command::Running;
pub(crate) use coverage::{DURATION, PROCESSES, UP};
pub use error::{Error, Failure, PageProblem, RecordingError, SamplesError, ScrapeError};
pub use observer::{Observer, ProgressUpdate};
pub(crate) use samples::Samples;

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
    /// How the command ended.
    pub command: Option<CommandOutcome>,
    /// Why scrapes failed, once for each page.
    pub warnings: Vec<String>,
    /// What went wrong, if anything did.
    pub failure: Option<Failure>,
}

impl Telemetry {
    fn new(observed: ObservedRange) -> Self {
        let finished = Instant::now();
        Self {
            observed,
            finished,
            samples: None,
            command: None,
            warnings: Vec::new(),
            failure: None,
        }
    }

    /// The instants of the scrapes, each once, in order.
    pub fn instants(&self) -> Vec<Timestamp> {
        let instants = self.storage().map(coverage::instants).unwrap_or_default();
        instants.into_iter().filter_map(|at| Timestamp::from_millisecond(at).ok()).collect()
    }

    /// What was observed up to an earlier instant.
    pub fn until(&self, at: Timestamp) -> ObservedRange {
        let span = self.storage().and_then(coverage::span);
        span.map_or_else(|| self.observed.clone(), |span| span.observed(Some(at)))
    }

    /// How each target could be scraped.
    pub(crate) fn targets(&self) -> &[TargetHealth] {
        self.samples.as_ref().map(|samples| samples.targets.as_slice()).unwrap_or_default()
    }

    /// The samples that were scraped, or recorded.
    pub fn storage(&self) -> Option<&Storage> {
        self.samples.as_ref().map(|samples| &samples.storage)
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
    expressions: &[Expression],
    lag: Lag<'_>,
    observer: Observer<'_>,
) -> Result<Telemetry, Error> {
    let clock = Clock::new(started, spec.now);
    let now = ObservedRange { at: spec.instant(), window: None, step: None };
    let is_local = !matches!(spec.source, Source::Server(_));
    if is_local && expressions.iter().any(|expression| expression.parsed().is_err()) {
        // The readings will say which, and why; no load is needed for that.
        return Ok(Telemetry::new(now));
    }
    match &spec.source {
        Source::Server(_) if spec.command.is_empty() => {
            Ok(Telemetry { finished: started, ..Telemetry::new(now) })
        }
        Source::Server(endpoint) => {
            prometheus::describe(endpoint, observer.log);
            let running = command::start(&spec.command, observer.stdout_is_taken)?;
            Ok(match wait(running) {
                Ok(outcome) => {
                    // In whole seconds, and never less than it took.
                    let seconds = outcome.took.as_millis().div_ceil(1000).max(1) as u64;
                    let window = Some(Duration::from_secs(seconds));
                    let observed = ObservedRange { at: clock.now(), window, step: None };
                    Telemetry { command: Some(outcome), ..Telemetry::new(observed) }
                }
                Err(failure) => Telemetry { failure: Some(failure), ..Telemetry::new(now) },
            })
        }
        Source::Scrape(scrape) => {
            let scraped = scrape::run(scrape, spec, clock, lag, observer)?;
            let samples = Samples::new(scraped.storage, None).map_err(Failure::from);
            let (command, warnings) = (scraped.command, scraped.warnings);
            Ok(Telemetry { command, warnings, ..of_samples(samples, spec, scraped.failure) })
        }
        Source::Recording(path) => {
            let until = spec.at.map(|at| at.as_millisecond());
            let samples = load(path, spec.timeout).and_then(|storage| {
                let named = |source| RecordingError::Samples { path: path.clone(), source };
                Samples::new(storage, until).map_err(named)
            });
            Ok(of_samples(samples.map_err(Failure::from), spec, None))
        }
    }
}

fn of_samples(
    samples: Result<Samples, Failure>,
    spec: &SourceSpec,
    failure: Option<Failure>,
) -> Telemetry {
    let (samples, failure) = match samples {
        Ok(samples) => (Some(samples), failure),
        Err(error) => (None, failure.or(Some(error))),
    };
    let span = samples.as_ref().and_then(|samples| coverage::span(&samples.storage));
    let observed = match span {
        Some(span) => span.observed(spec.at),
        None => ObservedRange { at: spec.instant(), window: None, step: None },
    };
    Telemetry { samples, failure, ..Telemetry::new(observed) }
}

/// Reads a recording, or gives up: what comes through a pipe may never come to an end.
fn load(path: &Path, timeout: Duration) -> Result<Storage, RecordingError> {
    let (sender, receiver) = mpsc::channel();
    let owned = path.to_owned();
    let reader = move || {
        // Nobody waits for it any more if this fails.
        let _ = sender.send(recording::load(&owned));
    };
    let path = path.to_owned();
    if let Err(source) = thread::Builder::new().spawn(reader) {
        return Err(RecordingError::Unreadable { path, source });
    }
    receiver.recv_timeout(timeout).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => RecordingError::Slow { path, timeout },
            RecvTimeoutError::Disconnected => RecordingError::Panicked(path),
        })
    })
}

/// Waits for the command to end.
fn wait(mut running: Running) -> Result<CommandOutcome, Failure> {
    loop {
        if let Some(outcome) = running.ended()? {
            return Ok(outcome);
        }
        thread::sleep(GLANCE);
    }
}

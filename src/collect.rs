//! Watching: what happens before the queries are evaluated, for as long as a load runs.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

mod clock;
mod command;
mod coverage;
mod observer;
mod recording;
mod samples;
mod scrape;
mod snapshot;
mod staleness;

use crate::config::{ObservedRange, Source, SourceSpec};
use crate::prometheus::{self, TransportError};
use crate::promql;
use crate::storage::Storage;
use crate::target_health::TargetHealth;
use clock::Clock;
pub use command::CommandOutcome;
pub use observer::{Observer, ProgressUpdate};
pub(crate) use samples::Samples;

/// How often a command is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// What was watched.
#[derive(Debug)]
pub struct Telemetry {
    /// Up to when it was, and for how long.
    pub observed: ObservedRange,
    /// When it was over.
    pub finished: Instant,
    /// The samples that were scraped, or recorded.
    pub(crate) samples: Option<Samples>,
    /// How the command ended.
    pub command: Option<CommandOutcome>,
    /// Why scrapes failed, once for each page.
    pub warnings: Vec<String>,
    /// What went wrong, if anything did.
    pub failure: Option<String>,
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

    /// What was watched up to an earlier instant.
    pub fn until(&self, at: Timestamp) -> ObservedRange {
        let span = self.storage().and_then(coverage::span);
        span.map_or_else(|| self.observed.clone(), |span| span.observed(Some(at)))
    }

    /// How each target let itself be scraped.
    pub(crate) fn scrapes(&self) -> &[TargetHealth] {
        self.samples.as_ref().map(|samples| samples.scrapes.as_slice()).unwrap_or_default()
    }

    /// The samples that were scraped, or recorded.
    pub fn storage(&self) -> Option<&Storage> {
        self.samples.as_ref().map(|samples| &samples.storage)
    }
}

/// Watches the source for as long as the plan says, and runs its command meanwhile.
/// `started` is when the audit began; `lag` is what the worst lag so far is read by.
///
/// With queries that cannot be evaluated nothing is done: they are no reason to put a service
/// under load.
///
/// # Errors
/// If the command cannot be run.
pub fn collect(
    spec: &SourceSpec,
    started: Instant,
    queries: &[&str],
    lag: Option<&str>,
    observer: Observer<'_>,
) -> anyhow::Result<Telemetry> {
    let clock = Clock::new(started, spec.now);
    let now = ObservedRange { at: spec.instant(), window: None, step: None };
    let is_local = !matches!(spec.source, Source::Server(_));
    if is_local && queries.iter().any(|query| promql::parse(query).is_err()) {
        // The readings will say which, and why; no load is needed for that.
        return Ok(Telemetry::new(now));
    }
    match &spec.source {
        Source::Server(_) if spec.command.is_empty() => {
            Ok(Telemetry { finished: started, ..Telemetry::new(now) })
        }
        Source::Server(endpoint) => {
            prometheus::describe(endpoint, observer.log);
            let ended = run(spec, observer.stdout_is_taken)?;
            // In whole seconds, and never less than it took.
            let seconds = ended.took.as_millis().div_ceil(1000).max(1) as u64;
            let window = Some(Duration::from_secs(seconds));
            let observed = ObservedRange { at: clock.now(), window, step: None };
            Ok(Telemetry { command: Some(ended), ..Telemetry::new(observed) })
        }
        Source::Scrape(scrape) => {
            let scraped = scrape::run(scrape, spec, clock, lag, observer)?;
            let samples = Samples::new(scraped.storage, None);
            let (command, warnings) = (scraped.command, scraped.warnings);
            Ok(Telemetry { command, warnings, ..of_samples(samples, spec, scraped.failure) })
        }
        Source::Recording(path) => {
            let until = spec.at.map(|at| at.as_millisecond());
            let samples = load(path, spec.timeout).and_then(|storage| {
                let named = |error| format!("{}: {error}", path.display());
                Samples::new(storage, until).map_err(named)
            });
            Ok(of_samples(samples, spec, None))
        }
    }
}

fn of_samples(
    samples: Result<Samples, String>,
    spec: &SourceSpec,
    failure: Option<String>,
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
fn load(path: &Path, timeout: Duration) -> Result<Storage, String> {
    let (sender, receiver) = mpsc::channel();
    let owned = path.to_owned();
    let reader = move || {
        // Nobody waits for it any more if this fails.
        let _ = sender.send(recording::load(&owned));
    };
    let failed = |why: &str| format!("cannot read the recording {}: {why}", path.display());
    thread::Builder::new().spawn(reader).map_err(|error| failed(&error.to_string()))?;
    receiver.recv_timeout(timeout).unwrap_or_else(|error| {
        Err(failed(&match error {
            RecvTimeoutError::Timeout => format!("it takes longer than {timeout:?} (--timeout)"),
            RecvTimeoutError::Disconnected => TransportError::Panicked.to_string(),
        }))
    })
}

/// Runs the command to its end.
fn run(spec: &SourceSpec, stdout_is_taken: bool) -> anyhow::Result<CommandOutcome> {
    let mut running = command::start(&spec.command, stdout_is_taken)?;
    loop {
        if let Some(ended) = running.ended()? {
            return Ok(ended);
        }
        thread::sleep(GLANCE);
    }
}

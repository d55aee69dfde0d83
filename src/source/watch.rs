//! Watching: what happens before the queries are evaluated, for as long as a load runs.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::clock::Clock;
use super::command::{self, Ended};
use super::http::TransportError;
use super::samples::Samples;
use super::spectator::Spectator;
use super::{coverage, recording, scrape, server};
use crate::config::{Reach, Source, Watched};
use crate::promql;
use crate::storage::Storage;

/// How often a command is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// What was watched.
#[derive(Debug)]
pub struct Watch {
    /// Up to when it was, and for how long.
    pub watched: Watched,
    /// When it was over.
    pub over: Instant,
    /// The samples that were scraped, or recorded.
    pub(super) samples: Option<Samples>,
    /// How the command ended.
    pub command: Option<Ended>,
    /// Why scrapes failed, once for each page.
    pub warnings: Vec<String>,
    /// What went wrong, if anything did.
    pub failure: Option<String>,
}

impl Watch {
    fn new(watched: Watched) -> Self {
        let over = Instant::now();
        Self { watched, over, samples: None, command: None, warnings: Vec::new(), failure: None }
    }

    /// The instants of the scrapes, each once, in order.
    pub fn instants(&self) -> Vec<Timestamp> {
        let instants = self.storage().map(coverage::instants).unwrap_or_default();
        instants.into_iter().filter_map(|at| Timestamp::from_millisecond(at).ok()).collect()
    }

    /// What was watched up to an earlier instant.
    pub fn until(&self, at: Timestamp) -> Watched {
        let span = self.storage().and_then(coverage::span);
        span.map_or_else(|| self.watched.clone(), |span| span.watched(Some(at)))
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
pub fn watch(
    reach: &Reach,
    started: Instant,
    queries: &[&str],
    lag: Option<&str>,
    spectator: Spectator<'_>,
) -> anyhow::Result<Watch> {
    let clock = Clock::new(started, reach.now);
    let now = Watched { at: reach.instant(), window: None, step: None };
    let is_local = !matches!(reach.source, Source::Server(_));
    if is_local && queries.iter().any(|query| promql::parse(query).is_err()) {
        // The readings will say which, and why; no load is needed for that.
        return Ok(Watch::new(now));
    }
    match &reach.source {
        Source::Server(_) if reach.command.is_empty() => {
            Ok(Watch { over: started, ..Watch::new(now) })
        }
        Source::Server(endpoint) => {
            server::describe(endpoint, spectator.log);
            let ended = run(reach, spectator.stdout_is_taken)?;
            // In whole seconds, and never less than it took.
            let seconds = ended.took.as_millis().div_ceil(1000).max(1) as u64;
            let window = Some(Duration::from_secs(seconds));
            let watched = Watched { at: clock.now(), window, step: None };
            Ok(Watch { command: Some(ended), ..Watch::new(watched) })
        }
        Source::Scrape(scrape) => {
            let scraped = scrape::run(scrape, reach, clock, lag, spectator)?;
            let samples = Samples::new(scraped.storage, None);
            let (command, warnings) = (scraped.command, scraped.warnings);
            Ok(Watch { command, warnings, ..of_samples(samples, reach, scraped.failure) })
        }
        Source::Recording(path) => {
            let until = reach.at.map(|at| at.as_millisecond());
            let samples = load(path, reach.timeout).and_then(|storage| {
                let named = |error| format!("{}: {error}", path.display());
                Samples::new(storage, until).map_err(named)
            });
            Ok(of_samples(samples, reach, None))
        }
    }
}

fn of_samples(samples: Result<Samples, String>, reach: &Reach, failure: Option<String>) -> Watch {
    let (samples, failure) = match samples {
        Ok(samples) => (Some(samples), failure),
        Err(error) => (None, failure.or(Some(error))),
    };
    let span = samples.as_ref().and_then(|samples| coverage::span(&samples.storage));
    let watched = match span {
        Some(span) => span.watched(reach.at),
        None => Watched { at: reach.instant(), window: None, step: None },
    };
    Watch { samples, failure, ..Watch::new(watched) }
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
fn run(reach: &Reach, stdout_is_taken: bool) -> anyhow::Result<Ended> {
    let mut running = command::start(&reach.command, stdout_is_taken)?;
    loop {
        if let Some(ended) = running.ended()? {
            return Ok(ended);
        }
        thread::sleep(GLANCE);
    }
}

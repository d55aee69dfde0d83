//! Who looks on while a service is watched, and what is told.

use std::time::Duration;

use crate::prometheus::Log;

/// Who looks on while a service is watched.
#[derive(Clone, Copy)]
pub struct Observer<'a> {
    /// Is told of every request.
    pub log: Log<'a>,
    /// Is told how it goes, about once a second.
    pub progress: Option<&'a dyn Fn(&ProgressUpdate)>,
    /// Whether standard output is for the report alone.
    pub stdout_is_taken: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProgressUpdate {
    /// A service is scraped.
    Scraping(ScrapeProgress),
    /// A server is waited for.
    Settling {
        /// For how long it has been waited.
        passed: Duration,
        /// For how long it will be waited at most.
        at_most: Duration,
    },
}

impl ProgressUpdate {
    /// For how long it has been going on.
    pub const fn passed(&self) -> Duration {
        match self {
            Self::Scraping(update) => update.passed,
            Self::Settling { passed, .. } => *passed,
        }
    }
}

/// How far the scraping is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScrapeProgress {
    /// For how long it has been going on.
    pub passed: Duration,
    /// For how long it will go on, where that is known.
    pub left: Option<Duration>,
    /// Scrapes made.
    pub scrapes: usize,
    /// Scrapes that failed.
    pub failed: usize,
    /// The worst lag of the event loop so far, seconds.
    pub worst_lag_s: Option<f64>,
}

//! What is kept in memory of a report.

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::Verdict;
use crate::model::level::Status;

/// What is kept in memory of a report: one of many thousands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When the audit ended; of no other report of the service.
    pub at: Timestamp,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its status.
    pub status: Status,
    /// The score; `None` if no signal of it is known at all.
    pub score: Option<f64>,
    /// Whether the score may be higher.
    pub score_is_lower_bound: bool,
    /// Requests that were served while it was watched; `None` where that is not known.
    pub requests: Option<f64>,
    /// The part of them that failed, 0 to 1; `None` where that is not known.
    pub error_ratio: Option<f64>,
    /// Why it ended so.
    pub reason: Arc<str>,
    /// The failure modes that are proven, by name.
    pub modes: Arc<[Arc<str>]>,
    /// The checks with a finding, by name.
    pub broken: Arc<[Arc<str>]>,
    /// The places that held the loop, the worst first, in words.
    pub culprits: Arc<[Arc<str>]>,
}

impl Entry {
    /// Whether the service failed, rather than passed or was not seen well enough.
    pub fn has_failed(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::CommandFailed)
    }

    /// Whether there is a verdict at all.
    pub fn has_verdict(&self) -> bool {
        self.has_failed() || self.verdict == Verdict::Pass
    }
}

//! Findings and failure modes: what stands against a service, with its evidence.

use super::check::Severity;
use super::interval::Interval;
use super::mode::{Cause, Mode};
use super::origin::Place;
use super::signal::Signal;
use crate::storage::Labels;

/// One value beside the limit that it breaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The signal, unless it is a query of a check's own or the scraping itself.
    pub signal: Option<Signal>,
    /// What was observed, in `unit`.
    pub observed: Interval,
    /// What it is held to, in `unit`.
    pub limit: f64,
    /// The unit of both; empty for a query of a check's own.
    pub unit: &'static str,
    /// The series that decided.
    pub series: Option<Labels>,
    /// Where the limit was given; `None` for a default.
    pub origin: Option<Place>,
}

/// A single observation that stands against the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The check that is broken, or the name of what else was found.
    pub check: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The values that prove it.
    pub evidence: Vec<Evidence>,
    /// What else is to be said.
    pub detail: Option<String>,
}

/// A page of metrics came late: a loop that is held up cannot serve it.
pub const LATE_SCRAPE: &str = "late_scrape";

/// A failure mode that is proven.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureMode {
    /// Which one.
    pub mode: &'static Mode,
    /// The values that prove it.
    pub evidence: Vec<Evidence>,
    /// What keeps the loop busy; only for starvation, and only where CPU use is known.
    pub cause: Option<Cause>,
}

/// A failure mode that cannot be told for want of readings.
#[derive(Debug, Clone, PartialEq)]
pub struct Unassessable {
    /// Which one.
    pub mode: &'static Mode,
    /// The signals that are not known well enough.
    pub unknown: Vec<Signal>,
}

//! What the alert routes answer, in the shape of the original.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::failures::FailureReport;
use super::{Alert, Filter};
use crate::model::check::Severity;

/// The alerts that were asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listing<'a> {
    /// The alerts, the worst first.
    pub alerts: Vec<&'a Alert>,
    /// How many there are.
    pub total: usize,
    /// When the last check ended, RFC 3339; `None` before the first.
    pub last_check: Option<&'a str>,
}

/// The alerts that a filter asks for, in their order.
pub fn listing<'a>(
    alerts: &'a [Alert],
    filter: &Filter,
    last_check: Option<&'a str>,
) -> Listing<'a> {
    let alerts: Vec<_> = alerts.iter().filter(|alert| filter.matches(alert)).collect();
    Listing { total: alerts.len(), alerts, last_check }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckAnswer<'a, R = FailureReport> {
    /// When it ended, RFC 3339.
    pub checked_at: &'a str,
    /// How many alerts there are.
    pub alert_count: usize,
    /// How many of them are critical.
    pub critical: usize,
    /// How many are warnings.
    pub warning: usize,
    /// How many are told only.
    pub info: usize,
    /// The alerts, the worst first.
    pub alerts: &'a [Alert],
    /// What failed of the services that are stuck, by their names.
    pub failure_reports: BTreeMap<String, R>,
}

/// Sums up a check.
pub fn summary<'a, R>(
    checked_at: &'a str,
    alerts: &'a [Alert],
    failure_reports: BTreeMap<String, R>,
) -> CheckAnswer<'a, R> {
    let count = |severity| alerts.iter().filter(|alert| alert.severity == severity).count();
    CheckAnswer {
        checked_at,
        alert_count: alerts.len(),
        critical: count(Severity::Critical),
        warning: count(Severity::Warning),
        info: count(Severity::Info),
        alerts,
        failure_reports,
    }
}

/// The services that are stuck, of which a check tells what failed.
pub fn stuck(alerts: &[Alert]) -> BTreeSet<&str> {
    let stuck = alerts.iter().filter(|alert| alert.is_stuck());
    stuck.map(|alert| alert.service.as_str()).collect()
}

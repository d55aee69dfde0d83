//! What the audits of a service raise: an alert for each thing that stands against it now.

use serde::Serialize;

use crate::model::check::Severity;

/// Something that stands against a service now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Of no other alert, and the same for as long as it lasts: its kind, the service and, where there
    /// may be several, what it is about: `check:api:event_loop_lag`.
    pub id: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What kind of trouble it is.
    pub category: Category,
    /// The service.
    pub service: String,
    /// The part of the runtime, such as `event_loop`; of a check of one's own its `category`.
    pub domain: String,
    /// What it is, in a few words.
    pub title: String,
    /// The values beside their limits, and what to do next.
    pub detail: String,
    /// When it was first seen, of the audits that have seen it without a break; RFC 3339.
    pub detected_at: String,
    /// The finding of the report, or the numbers that it is concluded from.
    pub finding: serde_json::Value,
}

/// What kind of trouble an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The runtime: held up, overloaded, stuck, or not seen.
    Health,
    /// What is delivered became worse.
    Quality,
    /// More or less is done than usual.
    Throughput,
    /// The same trouble again and again.
    FailurePattern,
}

impl Category {
    /// Every category, with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("health", Self::Health),
        ("quality", Self::Quality),
        ("throughput", Self::Throughput),
        ("failure_pattern", Self::FailurePattern),
    ];
}

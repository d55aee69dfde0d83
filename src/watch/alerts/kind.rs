//! The kinds of alerts: a table, a row each, and how an alert is made of one.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::{Alert, Category};
use crate::model::check::Severity;
use crate::model::signal::Signal;

/// What is fixed about a kind of alert.
#[derive(Debug)]
pub(super) struct Kind {
    /// What its identifiers begin with.
    pub(super) id: &'static str,
    /// What it weighs, where nothing else says so.
    pub(super) severity: Severity,
    pub(super) category: Category,
    /// The part of the runtime, where nothing else says so.
    pub(super) domain: &'static str,
    /// What it is; behind it stands what it is about, where it is about one of several.
    pub(super) title: &'static str,
}

const LOOP: &str = "event_loop";
/// The thread pool.
pub(super) const POOL: &str = "threadpool";
const LOAD: &str = "load";
const LATENCY: &str = "latency";
const CPU: &str = "cpu";
const REQUESTS: &str = "requests";
const SCORE: &str = "score";
const GATE: &str = "gate";
/// What was seen, and what was not.
pub(super) const EVIDENCE: &str = "evidence";
/// What is none of the others.
const OTHER: &str = "custom";

/// The domains of the table.
pub(super) const DOMAINS: [&str; 10] =
    [LOOP, POOL, LOAD, LATENCY, CPU, REQUESTS, SCORE, GATE, EVIDENCE, OTHER];

const fn health(
    id: &'static str,
    severity: Severity,
    domain: &'static str,
    title: &'static str,
) -> Kind {
    Kind { id, severity, category: Category::Health, domain, title }
}

// The kinds, from what stands in the newest report to what is concluded from the history.

pub(super) const MODE: Kind = health("mode", Severity::Critical, LOOP, "Proven failure mode");
pub(super) const CHECK: Kind = health("check", Severity::Info, OTHER, "Broken check");
pub(super) const COST: Kind =
    health("cost", Severity::Warning, OTHER, "Budget used up, or nearly so");
pub(super) const FAILING: Kind = health("failing", Severity::Critical, GATE, "The gate fails");
pub(super) const STATUS: Kind =
    health("status", Severity::Warning, SCORE, "Not healthy, and no gate fails");
pub(super) const NO_VERDICT: Kind =
    health("no_verdict", Severity::Warning, EVIDENCE, "Not enough was seen for a verdict");
pub(super) const NOT_AUDITED: Kind =
    health("not_audited", Severity::Critical, EVIDENCE, "Could not be audited");
pub(super) const STUCK: Kind =
    health("stuck", Severity::Critical, LOOP, "Stuck: work is open, and none is done");
pub(super) const DORMANT: Kind =
    health("dormant", Severity::Info, REQUESTS, "No requests, or too few to judge by");
pub(super) const THROUGHPUT: Kind = Kind {
    category: Category::Throughput,
    ..health("throughput", Severity::Warning, REQUESTS, "Much more or less traffic than usual")
};
pub(super) const REGRESSION: Kind = Kind {
    category: Category::Quality,
    ..health("regression", Severity::Warning, SCORE, "Worse than it used to be")
};
pub(super) const ERRORS: Kind = Kind {
    category: Category::Quality,
    ..health("errors", Severity::Warning, REQUESTS, "More requests fail than usual")
};
pub(super) const RECURRING: Kind = Kind {
    category: Category::FailurePattern,
    ..health("recurring", Severity::Warning, OTHER, "Comes again and again")
};

/// The part of the runtime that a signal tells of.
pub(super) fn domain_of(signal: &str) -> Option<&'static str> {
    const TABLE: [(Signal, &str); 12] = [
        (Signal::P99_LATENCY, LATENCY),
        (Signal::EVENT_LOOP_LAG, LOOP),
        (Signal::BLOCKING_EVENTS_TOTAL, LOOP),
        (Signal::BLOCKING_DURATION_AVG, LOOP),
        (Signal::PEAK_ACTIVE_REQUESTS, LOAD),
        (Signal::THREADPOOL_QUEUE_WAIT, POOL),
        (Signal::THREADPOOL_TASKS_STARTED, POOL),
        (Signal::THREADPOOL_TASKS_COMPLETED, POOL),
        (Signal::THREADPOOL_BACKLOG, POOL),
        (Signal::PROCESS_CPU_CORES, CPU),
        (Signal::REQUESTS_TOTAL, REQUESTS),
        (Signal::ERROR_RATIO, REQUESTS),
    ];
    TABLE.iter().find(|(it, _)| it.key() == signal).map(|(_, domain)| *domain)
}

/// An alert of a service that has no name yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) kind: &'static Kind,
    /// What it is about, where there may be several of its kind.
    pub(super) about: Option<String>,
    pub(super) severity: Severity,
    pub(super) category: Category,
    pub(super) domain: Cow<'static, str>,
    pub(super) detail: String,
    pub(super) finding: Value,
    pub(super) since: Timestamp,
}

impl Draft {
    /// One that is as the table says.
    pub(super) fn new(
        kind: &'static Kind,
        detail: String,
        finding: Value,
        since: Timestamp,
    ) -> Self {
        let (severity, category, domain) = (kind.severity, kind.category, kind.domain.into());
        Self { kind, about: None, severity, category, domain, detail, finding, since }
    }

    pub(super) fn alert(self, service: &str) -> Alert {
        let Kind { id, title, .. } = self.kind;
        let about = |before: &str| {
            self.about.as_ref().map(|it| format!("{before}{it}")).unwrap_or_default()
        };
        Alert {
            id: format!("{id}:{service}{}", about(":")),
            severity: self.severity,
            category: self.category,
            service: service.to_owned(),
            domain: self.domain.into_owned(),
            title: format!("{title}{}", about(": ")),
            detail: self.detail,
            detected_at: self.since.to_string(),
            finding: self.finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_has_a_domain() {
        for signal in Signal::all() {
            let domain = domain_of(signal.key());
            assert!(domain.is_some_and(|it| DOMAINS.contains(&it)), "{signal:?}: {domain:?}");
        }
        assert_eq!(domain_of("made_up"), None);
    }
}

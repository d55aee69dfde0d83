//! The audit of an earlier time.

use std::time::Duration;

use jiff::Timestamp;

use super::{Audit, audit_at_worst_instant};
use crate::collect::Telemetry;
use crate::config::{ObservedRange, Plan};
use crate::prometheus::Log;

/// The audit of the same server so long before another one, over a window of the same length. There
/// nothing runs meanwhile, and nothing is compared.
pub fn audit_before(
    plan: &Plan,
    telemetry: &Telemetry,
    offset: Duration,
    log: Log<'_>,
) -> (Plan, Audit) {
    let at = plan.spec.at.unwrap_or(telemetry.observed.at);
    let observed = ObservedRange {
        at: at.checked_sub(offset).unwrap_or(Timestamp::MIN),
        ..telemetry.observed.clone()
    };
    let mut plan = plan.clone();
    plan.spec.at = Some(observed.at);
    plan.spec.command = Vec::new();
    let telemetry = Telemetry::of_server(observed, telemetry.finished);
    let audit = audit_at_worst_instant(&plan, &telemetry, log);
    (plan, audit)
}

//! The headings under which options stand in the help, in this order.

pub(super) const TELEMETRY: &str = "Where the telemetry is";
pub(super) const SERVICE: &str = "The service and its load";
pub(super) const GATE: &str = "The gate";
pub(super) const REPORT: &str = "The report";
pub(super) const CONFIGURATION: &str = "The configuration";

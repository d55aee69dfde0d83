//! The report as JSON.

use crate::report::Report;

/// The whole report, indented, with a line feed at its end.
///
/// # Errors
/// Never for a report as it is built; the serialiser's signature knows no better.
pub fn json(report: &Report) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

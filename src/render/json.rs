//! The report as JSON.

use std::io::{self, Write};

use crate::report::Report;

/// The whole report, indented, with a line feed at its end.
///
/// # Errors
/// If it cannot be written.
pub fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}

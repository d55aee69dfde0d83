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

/// The same on one line, for what is kept thousands of times.
///
/// Within a text there are no line feeds, so that the indentation can be taken from what is indented: to
/// write it without in the first place would take the code for all of a report a second time.
///
/// # Errors
/// If it cannot be written.
pub fn compact_json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut indented = Vec::new();
    json(report, &mut indented)?;
    for line in indented.split(|byte| *byte == b'\n') {
        out.write_all(line.trim_ascii_start())?;
    }
    out.write_all(b"\n")
}

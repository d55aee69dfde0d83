//! How the report of an audit leaves the process. What cannot be told is no success.

use std::io;
use std::path::PathBuf;

use crate::cli::{Cli, Format};
use crate::exit::Exit;
use crate::report::Report;
use crate::{output, render};

/// Why the report did not get through.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("cannot write the report {}: {cause}", path.display())]
    File {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("cannot print the report: {0}")]
    Print(#[source] io::Error),
}

/// Writes and prints the report, and says how the process exits.
pub(super) fn deliver(mut report: Report, exit: Exit, cli: &Cli) -> Exit {
    let format = cli.common().output_format;
    announce(&report, exit, format);
    let exit = match write(&report, cli) {
        Ok(()) => exit,
        Err(error) => not_delivered(&mut report, exit, &error),
    };
    let printed = rendered(&report, format).and_then(|text| output::print(&text));
    let Err(error) = printed else { return exit };
    let before = exit;
    let exit = not_delivered(&mut report, exit, &DeliveryError::Print(error));
    if exit != before {
        // What was written before has to say the same as the exit code.
        let _ = write(&report, cli);
    }
    exit
}

/// Says on standard error what the text on standard output would have said.
fn announce(report: &Report, exit: Exit, format: Format) {
    if let Some(error) = &report.error {
        output::message(&format!("error: {error}"));
    }
    if exit == Exit::Failed && format == Format::Json {
        output::message(&format!("fail: {}", report.verdict_reason));
    }
}

/// Writes the report file, if there is to be one.
fn write(report: &Report, cli: &Cli) -> Result<(), DeliveryError> {
    let Some(path) = cli.report_path() else { return Ok(()) };
    rendered(report, Format::Json)
        .and_then(|json| output::write_text(&path, &json))
        .map_err(|cause| DeliveryError::File { path, cause })
}

fn rendered(report: &Report, format: Format) -> io::Result<String> {
    let mut out = Vec::new();
    match format {
        Format::Text => render::text(report, &mut out)?,
        Format::Json => render::json(report, &mut out)?,
    }
    String::from_utf8(out).map_err(io::Error::other)
}

/// The exit once it is known that the report did not get through, which the report then says.
fn not_delivered(report: &mut Report, exit: Exit, error: &DeliveryError) -> Exit {
    let message = error.to_string();
    // It may have been told already, if it was known before the audit.
    if report.error.as_ref() != Some(&message) {
        output::message(&format!("error: {message}"));
    }
    let exit = exit.unreported();
    report.not_delivered(&message, exit);
    exit
}

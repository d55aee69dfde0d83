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
///
/// In text the report itself says what went wrong, and nobody has to read it twice. On standard error
/// stands what it does not say, and beside JSON what its text would have said.
pub(super) fn deliver(mut report: Report, exit: Exit, cli: &Cli) -> Exit {
    if !is_text(cli) {
        announce(&report, exit);
    }
    let exit = match write(&report, cli) {
        Ok(()) => exit,
        Err(error) => {
            let message = error.to_string();
            // It may have been told already, if it was known before the audit.
            let is_told = report.error.as_ref() == Some(&message);
            let exit = not_delivered(&mut report, exit, &message);
            if !(is_told || is_text(cli) && report.error.as_ref() == Some(&message)) {
                tell(&message);
            }
            exit
        }
    };
    if let Some(error) = unsaid(&report, cli) {
        tell(error);
    }
    let Err(error) = printed(&report, cli) else { return exit };
    if let Some(error) = report.error.as_ref().filter(|_| is_text(cli)) {
        tell(error);
    }
    let message = DeliveryError::Print(error).to_string();
    tell(&message);
    let before = exit;
    let exit = not_delivered(&mut report, exit, &message);
    if exit != before {
        // What was written before has to say the same as the exit code.
        let _ = write(&report, cli);
    }
    exit
}

fn is_text(cli: &Cli) -> bool {
    cli.common().output_format == Format::Text
}

fn tell(error: &str) {
    output::message(&format!("error: {error}"));
}

/// Says on standard error what the text on standard output would have said.
fn announce(report: &Report, exit: Exit) {
    if let Some(error) = &report.error {
        tell(error);
    }
    if exit == Exit::Failed {
        output::message(&format!("fail: {}", report.verdict_reason));
    }
}

/// What went wrong beside a verdict that stands alone, and does not say so.
fn unsaid<'a>(report: &'a Report, cli: &Cli) -> Option<&'a str> {
    let is_alone = is_text(cli) && cli.is_quiet();
    report.error.as_deref().filter(|error| is_alone && *error != report.verdict_reason)
}

/// Writes the report file, if there is to be one.
fn write(report: &Report, cli: &Cli) -> Result<(), DeliveryError> {
    let Some(path) = cli.report_path() else { return Ok(()) };
    rendered(|out| render::json(report, out))
        .and_then(|json| output::write_text(&path, &json))
        .map_err(|cause| DeliveryError::File { path, cause })
}

fn printed(report: &Report, cli: &Cli) -> io::Result<()> {
    let text = rendered(|out| match cli.common().output_format {
        Format::Json => render::json(report, out),
        Format::Text if cli.is_quiet() => render::verdict(report, out),
        Format::Text => render::text(report, out),
    })?;
    output::print(&text)
}

fn rendered(render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<String> {
    let mut out = Vec::new();
    render(&mut out)?;
    String::from_utf8(out).map_err(io::Error::other)
}

/// The exit once it is known that the report did not get through, which the report then says.
fn not_delivered(report: &mut Report, exit: Exit, message: &str) -> Exit {
    let exit = exit.unreported();
    report.not_delivered(message, exit);
    exit
}

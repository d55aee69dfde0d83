//! How the report of an audit leaves the process. What cannot be told is no success.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::github::{FileError, GitHub, without_commands};
use crate::cli::{Cli, Format, ReportFile};
use crate::exit::Exit;
use crate::interrupt::{self, OwnedFile};
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
    #[error("cannot tell GitHub of the audit: {0}; give --no-github to leave that out")]
    GitHub(#[source] FileError),
}

/// Writes and prints the report, tells GitHub of it, and says how the process exits.
///
/// In text the report itself says what went wrong, and nobody has to read it twice. On standard error
/// stands what it does not say, and beside JSON what its text would have said.
pub(super) fn deliver(mut report: Report, exit: Exit, cli: &Cli, github: Option<&GitHub>) -> Exit {
    if !is_text(cli) {
        announce(&report, exit);
    }
    let mut written = Written { exit, reports: cli.reports(), unsettled: Vec::new() };
    if let Err(error) = written.write(&report) {
        let message = error.to_string();
        // It may have been told already, if it was known before the audit.
        let is_told = report.error.as_ref() == Some(&message);
        written.not_delivered(&mut report, &message);
        if !(is_told || is_text(cli) && report.error.as_ref() == Some(&message)) {
            tell(&message);
        }
    }
    // Before it is printed how all ended.
    if let Some(github) = github {
        tell_github(github, &mut report, &mut written, cli);
    }
    if let Some(error) = unsaid(&report, cli) {
        tell(error);
    }
    if let Err(error) = printed(&report, cli, github.is_some()) {
        if let Some(error) = report.error.as_ref().filter(|_| is_text(cli)) {
            tell(error);
        }
        let message = DeliveryError::Print(error).to_string();
        tell(&message);
        written.not_delivered(&mut report, &message);
        if let Some(github) = github {
            tell_github(github, &mut report, &mut written, cli);
        }
    }
    if github.is_some() {
        GitHub::annotate(&report);
    }
    written.exit
}

/// Adds to the files of the runner. Where one cannot be written, the others are added to once more, and
/// say so: of two outputs of a name the later one counts.
fn tell_github(github: &GitHub, report: &mut Report, written: &mut Written, cli: &Cli) {
    for _ in 0..2 {
        let Err(error) = github.tell(report, &written.reports) else { return };
        let message = DeliveryError::GitHub(error).to_string();
        if report.error.as_ref() == Some(&message) {
            return;
        }
        let before = written.exit;
        written.not_delivered(report, &message);
        if !is_text(cli) || report.error.as_ref() != Some(&message) {
            tell(&message);
        }
        if written.exit == before {
            return;
        }
    }
}

/// What was written, and how the process exits for all that is known so far.
struct Written {
    exit: Exit,
    reports: Vec<ReportFile>,
    /// They go if the process is made to end before all of them say how it ends.
    unsettled: Vec<OwnedFile>,
}

impl Written {
    /// Writes the report files.
    ///
    /// # Errors
    /// Those that cannot be written; the others are.
    fn write(&mut self, report: &Report) -> Result<(), DeliveryError> {
        let mut failed = None;
        self.reports.retain(|file| match write(report, file) {
            Ok(()) => {
                let place = output::through_links(&file.path);
                let is_file = fs::metadata(&place).is_ok_and(|it| it.is_file());
                self.unsettled.extend(is_file.then(|| interrupt::own_path(place)));
                true
            }
            Err(error) => {
                failed.get_or_insert(error);
                false
            }
        });
        failed.map_or(Ok(()), Err)
    }

    /// Takes note that the report did not get through everywhere. What was written before then has
    /// to say the same as the exit code.
    fn not_delivered(&mut self, report: &mut Report, message: &str) {
        let before = self.exit;
        self.exit = before.unreported();
        report.not_delivered(message, self.exit);
        if self.exit != before {
            // A second failure changes nothing any more.
            let _ = self.write(report);
        }
    }
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

/// Writes one report file.
fn write(report: &Report, file: &ReportFile) -> Result<(), DeliveryError> {
    let ReportFile { format, path } = file;
    rendered(|out| format.render(report, out))
        .and_then(|text| output::write_text(path, &text))
        .map_err(|cause| DeliveryError::File { path: path.clone(), cause })
}

fn printed(report: &Report, cli: &Cli, is_in_github: bool) -> io::Result<()> {
    let is_json = cli.common().output_format == Format::Json;
    let text = rendered(|out| match cli.common().output_format {
        Format::Json => render::json(report, out),
        Format::Text if cli.is_quiet() => render::verdict(report, out),
        Format::Text => render::text(report, out),
    })?;
    match is_in_github {
        true => output::print(&without_commands(&text, is_json)),
        false => output::print(&text),
    }
}

fn rendered(render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<String> {
    let mut out = Vec::new();
    render(&mut out)?;
    String::from_utf8(out).map_err(io::Error::other)
}

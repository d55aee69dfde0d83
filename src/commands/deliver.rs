//! How the report of an audit, or the summary of a suite, leaves the process. What cannot be told is no
//! success.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::github::{FileError, GitHub, without_commands};
use crate::cli::{Delivery, Format, ReportFile};
use crate::exit::Exit;
use crate::interrupt::{self, OwnedFile};
use crate::render::ReportFormat;
use crate::report::Report;
use crate::report::suite::Summary;
use crate::{output, render};

/// What leaves the process: it is written to files, printed, and told to GitHub.
pub(super) trait Deliverable {
    /// Writes it in one format.
    ///
    /// # Errors
    /// If it cannot be written.
    fn render(&self, format: ReportFormat, out: &mut dyn io::Write) -> io::Result<()>;
    /// Writes it as text with ANSI colours.
    ///
    /// # Errors
    /// If it cannot be written.
    fn text(&self, out: &mut dyn io::Write) -> io::Result<()>;
    /// Writes its last line of text.
    ///
    /// # Errors
    /// If it cannot be written.
    fn verdict(&self, out: &mut dyn io::Write) -> io::Result<()>;
    /// Why it ends as it does.
    fn reason(&self) -> &str;
    /// What went wrong, if anything did.
    fn error(&self) -> Option<&str>;
    /// The exit code that it tells.
    fn exit_code(&self) -> u8;
    /// Takes note that it could not be written or printed, which may change the exit.
    fn not_delivered(&mut self, message: &str, exit: Exit);
    /// What later steps of a workflow may ask for, beside the exit code.
    fn outputs(&self) -> Vec<(&'static str, String)>;
}

impl Deliverable for Report {
    fn render(&self, format: ReportFormat, out: &mut dyn io::Write) -> io::Result<()> {
        format.render(self, out)
    }

    fn text(&self, out: &mut dyn io::Write) -> io::Result<()> {
        render::text(self, out)
    }

    fn verdict(&self, out: &mut dyn io::Write) -> io::Result<()> {
        render::verdict(self, out)
    }

    fn reason(&self) -> &str {
        &self.verdict_reason
    }

    fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn exit_code(&self) -> u8 {
        self.exit_code
    }

    fn not_delivered(&mut self, message: &str, exit: Exit) {
        Self::not_delivered(self, message, exit);
    }

    fn outputs(&self) -> Vec<(&'static str, String)> {
        let score = self.runtime_health_score.map(|it| it.to_string()).unwrap_or_default();
        vec![
            ("verdict", self.verdict.name().to_owned()),
            ("status", self.status.name().to_owned()),
            ("score", score),
        ]
    }
}

impl Deliverable for Summary {
    fn render(&self, format: ReportFormat, out: &mut dyn io::Write) -> io::Result<()> {
        format.render_suite(self, out)
    }

    fn text(&self, out: &mut dyn io::Write) -> io::Result<()> {
        render::suite::text(self, out)
    }

    fn verdict(&self, out: &mut dyn io::Write) -> io::Result<()> {
        render::suite::verdict(self, out)
    }

    fn reason(&self) -> &str {
        &self.verdict_reason
    }

    fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn exit_code(&self) -> u8 {
        self.exit_code
    }

    fn not_delivered(&mut self, message: &str, exit: Exit) {
        Self::not_delivered(self, message, exit);
    }

    fn outputs(&self) -> Vec<(&'static str, String)> {
        let counts = self.counts;
        vec![
            ("verdict", self.verdict.name().to_owned()),
            ("total", counts.total.to_string()),
            ("passed", counts.pass.to_string()),
            ("failed", counts.fail.to_string()),
            ("inconclusive", counts.inconclusive.to_string()),
        ]
    }
}

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
pub(super) fn deliver(
    mut report: impl Deliverable,
    exit: Exit,
    delivery: &Delivery,
    github: Option<&GitHub>,
) -> Exit {
    if !delivery.is_text() {
        announce(&report, exit);
    }
    let mut written = Written { exit, reports: delivery.reports.clone(), unsettled: Vec::new() };
    if let Err(error) = written.write(&report) {
        let message = error.to_string();
        // It may have been told already, if it was known before the audit.
        let is_told = report.error() == Some(message.as_str());
        written.not_delivered(&mut report, &message);
        if !(is_told || delivery.is_text() && report.error() == Some(message.as_str())) {
            tell(&message);
        }
    }
    // Before it is printed how all ended.
    if let Some(github) = github {
        tell_github(github, &mut report, &mut written, delivery);
    }
    if let Some(error) = unsaid(&report, delivery) {
        tell(error);
    }
    if let Err(error) = printed(&report, delivery, github.is_some()) {
        if let Some(error) = report.error().filter(|_| delivery.is_text()) {
            tell(error);
        }
        let message = DeliveryError::Print(error).to_string();
        tell(&message);
        written.not_delivered(&mut report, &message);
        if let Some(github) = github {
            tell_github(github, &mut report, &mut written, delivery);
        }
    }
    if github.is_some() {
        GitHub::annotate(&report);
    }
    written.exit
}

/// Adds to the files of the runner. Where one cannot be written, the others are added to once more, and
/// say so: of two outputs of a name the later one counts.
fn tell_github(
    github: &GitHub,
    report: &mut impl Deliverable,
    written: &mut Written,
    delivery: &Delivery,
) {
    for _ in 0..2 {
        let Err(error) = github.tell(report, &written.reports) else { return };
        let message = DeliveryError::GitHub(error).to_string();
        if report.error() == Some(message.as_str()) {
            return;
        }
        let before = written.exit;
        written.not_delivered(report, &message);
        if !delivery.is_text() || report.error() != Some(message.as_str()) {
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
    fn write(&mut self, report: &impl Deliverable) -> Result<(), DeliveryError> {
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
    fn not_delivered(&mut self, report: &mut impl Deliverable, message: &str) {
        let before = self.exit;
        self.exit = before.unreported();
        report.not_delivered(message, self.exit);
        if self.exit != before {
            // A second failure changes nothing any more.
            let _ = self.write(report);
        }
    }
}

fn tell(error: &str) {
    output::message(&format!("error: {error}"));
}

/// Says on standard error what the text on standard output would have said.
fn announce(report: &impl Deliverable, exit: Exit) {
    if let Some(error) = report.error() {
        tell(error);
    }
    if exit == Exit::Failed {
        output::message(&format!("fail: {}", report.reason()));
    }
}

/// What went wrong beside a verdict that stands alone, and does not say so.
fn unsaid<'a>(report: &'a impl Deliverable, delivery: &Delivery) -> Option<&'a str> {
    let is_alone = delivery.is_text() && delivery.is_quiet;
    report.error().filter(|error| is_alone && *error != report.reason())
}

/// Writes one report file.
fn write(report: &impl Deliverable, file: &ReportFile) -> Result<(), DeliveryError> {
    let ReportFile { format, path } = file;
    output::write_file(path, |out| report.render(*format, out))
        .map_err(|cause| DeliveryError::File { path: path.clone(), cause })
}

fn printed(report: &impl Deliverable, delivery: &Delivery, is_in_github: bool) -> io::Result<()> {
    let is_json = delivery.format == Format::Json;
    let text = rendered(|out| match delivery.format {
        Format::Json => report.render(ReportFormat::JSON, out),
        Format::Text if delivery.is_quiet => report.verdict(out),
        Format::Text => report.text(out),
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

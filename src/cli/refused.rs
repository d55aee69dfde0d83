//! Command lines that are refused though clap would take them, and what a refused one still says.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::{Cli, FailOn, Format, report_path};

/// Refuses what contradicts itself, or announces what is not there.
///
/// # Errors
/// What is wrong.
pub(super) fn check(cli: &Cli, announces_command: bool) -> Result<(), clap::Error> {
    let takes_command = cli.task.is_none() || cli.is_doctor();
    if announces_command && takes_command && !cli.has_command() {
        let message = "after `--` there is no command; was it a variable that is empty?";
        return Err(error(ErrorKind::MissingRequiredArgument, message));
    }
    let audit = cli.audited();
    if cli.is_doctor() && (audit.report.is_some() || audit.record.is_some()) {
        let message = "auditor doctor writes no file; leave --report and --record out";
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    let has_level = audit.fail_on.iter().any(|what| matches!(what, FailOn::Level(_)));
    if audit.fail_on_critical && has_level {
        let message = "--fail-on-critical is --fail-on critical, and a second level is given; \
                       keep one of them";
        return Err(error(ErrorKind::ArgumentConflict, message));
    }
    Ok(())
}

/// An error that says all there is to say.
fn error(kind: ErrorKind, message: &str) -> clap::Error {
    clap::Error::raw(kind, format!("{message}\n")).with_cmd(&Cli::command())
}

impl Cli {
    /// Where the report file of an audit would go that is asked for in a way that cannot be
    /// understood, as far as the rest can be.
    pub fn report_path_of_refused(args: impl IntoIterator<Item = OsString>) -> Option<PathBuf> {
        let lenient = Self::command().ignore_errors(true);
        let matches = lenient.try_get_matches_from(args).ok()?;
        // Without a value by default, where nothing is understood at all.
        let is_set = |flag| matches.get_one::<bool>(flag).copied().unwrap_or_default();
        let is_audit = matches.subcommand_name().is_none() && !is_set("init");
        let given = matches.get_one("report").cloned();
        let format = matches.get_one("output_format").copied().unwrap_or(Format::Text);
        report_path(given, is_set("no_report"), format).filter(|_| is_audit)
    }
}

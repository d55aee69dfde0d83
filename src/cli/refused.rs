//! Command lines that are refused though clap would take them, and what a refused one still says.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _};

use super::suite_args::DEFAULT_SUMMARY;
use super::values::parse_report;
use super::{AuditArgs, Cli, DEFAULT_REPORT, FailOn, Format, ReportFile, reports};
use crate::render::ReportFormat;

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
    if cli.is_doctor() && (!audit.reports.is_empty() || audit.record.is_some()) {
        let message = "auditor doctor writes no file; leave --report and --record out";
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    check_repeats(cli)?;
    if cli.is_doctor() && (audit.baseline.is_some() || audit.baseline_window.is_some()) {
        let message = "auditor doctor compares nothing; leave --baseline and --baseline-window out";
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    check_abort(cli)?;
    if audit.no_report && audit.reports.iter().any(|it| it.format.name == ReportFormat::JSON.name) {
        let message = "--no-report is for no JSON report, and --report names one; keep one of them";
        return Err(error(ErrorKind::ArgumentConflict, message));
    }
    let has_level = audit.fail_on.iter().any(|what| matches!(what, FailOn::Level(_)));
    if audit.fail_on_critical && has_level {
        let message = "--fail-on-critical is --fail-on critical, and a second level is given; \
                       keep one of them";
        return Err(error(ErrorKind::ArgumentConflict, message));
    }
    Ok(())
}

/// Refuses to audit the same again, and a breaker that nothing could trip.
fn check_repeats(cli: &Cli) -> Result<(), clap::Error> {
    let audit = cli.audited();
    let is_repeated = audit.samples.get() > 1;
    let of_breaker = [
        ("--failure-threshold", audit.failure_threshold.is_some()),
        ("--cooldown", audit.cooldown.is_some()),
        ("--state", audit.state.is_some()),
    ];
    let given = |(option, is_given)| if is_given { Some(option) } else { None };
    let of_breaker = of_breaker.into_iter().find_map(given);
    if let Some(option) =
        of_breaker.or(given(("--samples", is_repeated))).filter(|_| cli.is_doctor())
    {
        let message = format!("auditor doctor looks once and judges nothing; leave {option} out");
        return Err(error(ErrorKind::ArgumentConflict, &message));
    }
    let same = "it would be the same audit again";
    let of_one = [
        ("--recording", audit.common.recording.is_some(), same),
        ("--at", audit.common.at.is_some(), same),
        ("--record", audit.record.is_some(), "a recording is one of a single audit"),
    ];
    if let Some((option, _, why)) = of_one.into_iter().find(|it| is_repeated && it.1) {
        let message = format!("--samples cannot be used with {option}: {why}");
        return Err(error(ErrorKind::ArgumentConflict, &message));
    }
    if let Some(option) = of_breaker.filter(|_| !cli.gate().is_set() && !cli.has_command()) {
        let message = format!(
            "{option} is about audits that fail, and without a gate and a command none can: add \
             --fail-on-critical, --fail-on or a command"
        );
        return Err(error(ErrorKind::MissingRequiredArgument, &message));
    }
    check_threshold(audit)
}

/// Refuses a row that is longer than the audits there can be.
fn check_threshold(audit: &AuditArgs) -> Result<(), clap::Error> {
    let samples = audit.samples.get();
    let threshold = audit.failure_threshold.map_or(1, NonZeroU32::get);
    if threshold > samples && audit.state.is_none() {
        let plural = if samples == 1 { "" } else { "s" };
        let message = format!(
            "{samples} audit{plural} cannot be {threshold} failures in a row; add --state FILE, or \
             lower --failure-threshold"
        );
        return Err(error(ErrorKind::ArgumentConflict, &message));
    }
    Ok(())
}

/// Refuses to look for a breach where nothing is one, or where nobody wants to know.
fn check_abort(cli: &Cli) -> Result<(), clap::Error> {
    if !cli.aborts_on_breach() {
        return Ok(());
    }
    if cli.is_doctor() {
        let message = "auditor doctor judges nothing; leave --abort-on-breach out";
        return Err(error(ErrorKind::ArgumentConflict, message));
    }
    if !cli.gate().is_set() {
        let message = "--abort-on-breach ends the command once the gate is bound to fail, and there is \
                       no gate: add --fail-on-critical or --fail-on";
        return Err(error(ErrorKind::MissingRequiredArgument, message));
    }
    Ok(())
}

/// An error that says all there is to say.
fn error(kind: ErrorKind, message: &str) -> clap::Error {
    clap::Error::raw(kind, format!("{message}\n")).with_cmd(&Cli::command())
}

/// What `--init` takes, by the names of clap: how to reach what it looks at, and what to write.
const OF_INIT: [&str; 3] = ["init", "preset", "verbose"];
/// What it takes beside a URL alone.
const OF_DISCOVERY: [&str; 8] =
    ["target", "scrape", "probe", "job", "headers", "http_config", "vars", "timeout"];

/// Refuses a `--job` that labels nothing, and what `--init` would not heed.
///
/// # Errors
/// What is wrong.
pub(super) fn check_init(cli: &Cli, matches: &ArgMatches) -> Result<(), clap::Error> {
    let common = cli.common();
    let has_job = common.job.is_some();
    if !cli.init {
        if has_job && common.target.is_some() {
            let message = "the argument '--job <NAME>' cannot be used with '--target <URL>'";
            return Err(error(ErrorKind::ArgumentConflict, message));
        }
        if has_job && !common.is_scraped() {
            let message = "--job is the label of what --scrape reads, and there is no --scrape URL";
            return Err(error(ErrorKind::MissingRequiredArgument, message));
        }
        return Ok(());
    }
    if common.urls.len() > 1 || common.probes.len() > 1 {
        let message = "--init looks at one service: give --scrape and --probe once each";
        return Err(error(ErrorKind::ArgumentConflict, message));
    }
    let given = matches.ids().map(clap::Id::as_str).filter(|id| {
        matches!(matches.try_contains_id(id), Ok(true))
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    });
    let is_group = |id: &str| Cli::command().get_groups().any(|group| group.get_id() == id);
    let is_taken =
        |id: &str| OF_INIT.contains(&id) || cli.names_url() && OF_DISCOVERY.contains(&id);
    let Some(other) = given.into_iter().find(|id| !is_taken(id) && !is_group(id)) else {
        return Ok(());
    };
    let command = Cli::command();
    let long =
        command.get_arguments().find(|arg| arg.get_id() == other).and_then(|arg| arg.get_long());
    let name = long.map_or_else(|| "a command".to_owned(), |long| format!("--{long}"));
    let message = if OF_DISCOVERY.contains(&other) {
        format!("--init takes {name} only beside --scrape, --probe or --target URL")
    } else {
        format!("--init writes a file and audits nothing, so that it does not take {name}")
    };
    Err(error(ErrorKind::ArgumentConflict, &message))
}

/// The words of a command line that are not of the load.
fn words(args: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let words = args.into_iter().skip(1).take_while(|it| it != "--");
    words.map(|it| it.to_string_lossy().into_owned()).collect()
}

/// The values that an option is given, apart from it or joined to it.
fn values(words: &[String], option: &str) -> Vec<String> {
    let joined = format!("{option}=");
    let behind = words.iter().zip(words.iter().skip(1));
    let behind = behind.filter(|(it, _)| *it == option).map(|(_, value)| value.clone());
    let within = words.iter().filter_map(|it| it.strip_prefix(&joined).map(str::to_owned));
    behind.chain(within).collect()
}

impl Cli {
    /// The baselines that such an audit would have read: they may be where reports are written.
    pub fn baselines_of_refused(args: impl IntoIterator<Item = OsString>) -> Vec<PathBuf> {
        values(&words(args), "--baseline").into_iter().map(PathBuf::from).collect()
    }

    /// The report files of an audit that is asked for in a way that cannot be understood, as far as the
    /// words say: wherever the mistake stands.
    pub fn reports_of_refused(args: impl IntoIterator<Item = OsString>) -> Vec<ReportFile> {
        let words = words(args);
        let command = Self::command();
        let is_task = |word: &String| command.get_subcommands().any(|it| it.get_name() == word);
        let is_suite = words.first().is_some_and(|it| it == "suite");
        if !is_suite && words.iter().any(|it| it == "--init" || is_task(it)) {
            return Vec::new();
        }
        let default = if is_suite { DEFAULT_SUMMARY } else { DEFAULT_REPORT };
        let values = |option| values(&words, option);
        let given = values("--report").iter().filter_map(|it| parse_report(it).ok()).collect();
        let is_json = values("--output-format").iter().any(|it| it == "json");
        let format = if is_json { Format::Json } else { Format::Text };
        reports(given, words.iter().any(|it| it == "--no-report"), format, default)
    }
}

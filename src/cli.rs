//! The command line.

mod audit_args;
mod common;
mod completions;
mod headings;
mod man;
mod refused;
mod scenario;
mod serve_args;
mod suite_args;
mod tips;
mod values;

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;
use jiff::Timestamp;

use crate::breaker;
use crate::config::{BaselineRequest, Environment, Request, SourceRequest};
use crate::model::level::{Gate, Level};
use crate::render::ReportFormat;
pub use audit_args::AuditArgs;
use common::watched;
pub use common::{Common, Format};
use headings::CONFIGURATION;
pub use serve_args::{NamedConfig, ServeArgs};
pub use suite_args::SuiteArgs;
use values::documents;

/// The report written in text mode unless the command line says otherwise.
const DEFAULT_REPORT: &str = "audit_results.json";

/// For how long the doctor looks on, unless the command line says otherwise: nothing is judged.
const DOCTORS_LENGTH: Duration = Duration::from_secs(10);

const EXIT_CODES: &str = "\
Exit codes:
  0  the audit was carried out, and the gate, if there is one, passed
  1  the gate failed: the status is at its level or worse, a failure mode that it
     names is proven, or a critical check is broken; or the command failed
  2  usage or configuration: nothing was audited
  3  no verdict: the server or the service cannot be reached, a query failed,
     the recording is broken, the report could not be written, the audit was
     interrupted, or a gate was asked for and signals or critical checks are
     unknown";

const ENVIRONMENT: &str = "\
Environment:
  AUDITOR_TARGET        the server to ask
  AUDITOR_BEARER_TOKEN  a token to send to it, or
  AUDITOR_BASIC_AUTH    user:password
  AUDITOR_PROFILE       the profile of the configuration";

/// What `-h` says at its end; the rest is in `--help`.
const SHORT: &str = "\
Exit codes: 0 pass, 1 fail, 2 usage, 3 no verdict. All options: auditor --help";

const USAGE: &str = "\
auditor [OPTIONS] [-- <COMMAND>...]  or  auditor <TASK> ...";

const DOCTORS_USAGE: &str = "auditor doctor [OPTIONS] [-- <COMMAND>...]";

const SHORT_ABOUT: &str = "\
Audits an async service while a load runs, and exits with a code to gate on.";

const ABOUT: &str = "\
Audits the runtime of an async service: reads its signals by the queries in metrics.yaml from a \
Prometheus-compatible server, from the service itself while a load runs, or from a recording, \
scores them, names failure modes with their evidence, and exits with a code that a pipeline can \
gate on.";

/// The command line, as clap reads it.
#[derive(Debug, Parser)]
#[command(
    name = "auditor",
    version = env!("AUDITOR_VERSION"),
    about = SHORT_ABOUT,
    long_about = ABOUT,
    after_help = SHORT,
    after_long_help = format!("{ENVIRONMENT}\n\n{EXIT_CODES}"),
    override_usage = USAGE,
    subcommand_help_heading = "Tasks",
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    group = watched()
)]
pub struct Cli {
    /// What else is to be done than an audit.
    #[command(subcommand)]
    pub task: Option<Task>,

    /// What is audited, and how.
    #[command(flatten)]
    audit: AuditArgs,

    /// Write a commented metrics.yaml here, and stop
    ///
    /// Here is the current directory; a file that is there stays. With --preset, that one; with
    /// --scrape, --probe or --target, one for what is found there.
    #[arg(long, help_heading = CONFIGURATION)]
    pub init: bool,

    /// List the presets, and stop
    ///
    /// What each is for, and what it needs.
    #[arg(long, help_heading = CONFIGURATION, hide_short_help = true, exclusive = true)]
    pub list_presets: bool,
}

/// What can be done beside an audit.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Evaluate one PromQL expression
    #[command(max_term_width = 100, group = watched())]
    Query {
        /// The expression
        #[arg(value_name = "EXPR", allow_hyphen_values = true)]
        expr: String,

        /// Of which telemetry.
        #[command(flatten)]
        common: Box<Common>,
    },
    /// Explain what each query of an audit finds, or why nothing
    ///
    /// With the options of the audit. Exits with 0 if its gate could pass, and could fail.
    #[command(max_term_width = 100, group = watched(), override_usage = DOCTORS_USAGE)]
    Doctor {
        /// Of which audit.
        #[command(flatten)]
        audit: Box<AuditArgs>,
    },
    /// Audit many scenarios, with one answer
    ///
    /// Each is an audit with options of its own. Exits with 0 if all of them passed.
    #[command(max_term_width = 100)]
    Suite(Box<SuiteArgs>),
    /// Audit services again and again, and answer over HTTP
    ///
    /// Keeps the reports, and shows since when a service is sick: a page, alerts, metrics for Prometheus.
    /// It changes nothing and delivers nothing, and no gate needs it.
    #[command(max_term_width = 100)]
    Serve(Box<ServeArgs>),
    /// Print the JSON Schema of metrics.yaml, a report, suite or summary
    #[command(max_term_width = 100)]
    Schema {
        /// config is metrics.yaml, report what an audit writes, suite a file of scenarios, summary
        /// what that comes to
        #[arg(value_name = "DOCUMENT", value_parser = documents())]
        document: Document,
    },
    /// Say what a word of the report means, and what to do
    ///
    /// How it is computed, and what usually causes it in each runtime, too.
    #[command(max_term_width = 100)]
    Explain {
        /// A failure mode, signal, check, status, verdict, exit code or rule of evidence [default:
        /// a list of them]
        #[arg(value_name = "TOPIC")]
        topic: Option<String>,
    },
    /// Print completions for a shell
    ///
    /// Such as: auditor completions bash > ~/.local/share/bash-completion/completions/auditor.
    /// `auditor man` prints the manual page.
    // `-h` has to fit a screen.
    #[command(max_term_width = 100, hide = true)]
    Completions {
        /// Which one
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page, as roff
    #[command(hide = true)]
    Man,
}

/// One thing that fails the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailOn {
    Level(Level),
    FailureMode,
}

/// What has a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// `metrics.yaml`.
    Config,
    /// The report in JSON.
    Report,
    /// A suite of scenarios.
    Suite,
    /// The summary of a suite in JSON.
    Summary,
}

impl Cli {
    /// Parses a command line, the name of the program first.
    ///
    /// # Errors
    /// If it cannot be understood; also for help and version, which are to be printed.
    pub fn parse_from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args: Vec<_> = args.into_iter().collect();
        let announces_command = args.iter().any(|arg| arg == "--");
        let told = |error| tips::with_tip(error, &args);
        let matches = Self::command().try_get_matches_from(&args).map_err(told)?;
        let cli = Self::from_arg_matches(&matches).map_err(told)?;
        refused::check(&cli, announces_command)?;
        refused::check_init(&cli, &matches)?;
        Ok(cli)
    }

    /// What is audited: by an audit, or by the doctor.
    fn audited(&self) -> &AuditArgs {
        match &self.task {
            Some(Task::Doctor { audit }) => audit,
            _ => &self.audit,
        }
    }

    /// What audit and query have in common.
    pub fn common(&self) -> &Common {
        match &self.task {
            Some(Task::Query { common, .. }) => common,
            _ => &self.audited().common,
        }
    }

    /// The audit that is asked for. `now` is its instant if none is named.
    pub fn request(&self, now: Timestamp, environment: Environment) -> Request {
        let mut request = Request {
            command: self.audited().command.clone(),
            vars: self.audited().vars.clone(),
            logs: self.audited().logs.clone(),
            gate: self.gate(),
            profile: self.audited().profile.clone(),
            preset: self.audited().preset.clone(),
            settle: self.audited().settle,
            time_limit: self.audited().time_limit,
            baseline: self.baseline(),
            ..self.audited().common.request(now, environment)
        };
        if let SourceRequest::Scrape { length, .. } = &mut request.source
            && !self.audited().command.is_empty()
        {
            *length = None;
        }
        if let Some(outside) = &mut request.outside {
            outside.blame = self.audited().blame;
            outside.blame_after = self.audited().blame_after;
            outside.start = self.audited().start.clone();
            outside.start_timeout = self.audited().start_timeout;
            outside.length = outside.length.filter(|_| self.audited().command.is_empty());
        }
        if self.is_doctor() && self.audited().common.length.is_none() {
            request.look_for(DOCTORS_LENGTH);
        }
        request
    }

    fn baseline(&self) -> Option<BaselineRequest> {
        let AuditArgs { baseline, baseline_window, .. } = self.audited();
        let report = baseline.clone().map(BaselineRequest::Report);
        report.or(baseline_window.map(BaselineRequest::Before))
    }

    /// The report of an earlier audit that is read.
    pub fn baseline_path(&self) -> Option<&Path> {
        self.audited().baseline.as_deref()
    }

    fn is_doctor(&self) -> bool {
        matches!(self.task, Some(Task::Doctor { .. }))
    }

    fn gate(&self) -> Gate {
        let mut gate = Gate::default();
        if self.audited().fail_on_critical {
            gate.add(Level::Critical);
        }
        for what in &self.audited().fail_on {
            match what {
                FailOn::Level(level) => gate.add(*level),
                FailOn::FailureMode => gate.failure_mode = true,
            }
        }
        gate
    }

    /// Whether the verdict alone is to be printed.
    pub fn is_quiet(&self) -> bool {
        self.audited().quiet
    }

    /// Whether there is a command to run.
    pub fn has_command(&self) -> bool {
        !self.audited().command.is_empty()
    }

    /// Whether a service is put under load, or watched for a while.
    pub fn takes_time(&self) -> bool {
        self.has_command()
            || self.audited().common.is_scraped()
            || !self.audited().common.probes.is_empty()
    }

    /// Whether there is a URL at which something is to be found.
    pub fn names_url(&self) -> bool {
        let common = self.common();
        common.target.is_some() || common.is_scraped() || !common.probes.is_empty()
    }

    /// The command to run, and its arguments.
    pub fn command_words(&self) -> &[OsString] {
        &self.audited().command
    }

    /// The preset that is named.
    pub fn preset(&self) -> Option<&str> {
        self.audited().preset.as_deref()
    }

    /// Where what was scraped is to be kept.
    pub fn record_path(&self) -> Option<&Path> {
        self.audited().record.as_deref()
    }

    /// How often the audit is carried out, and what its outcomes come to; `None` for once, and what
    /// comes of that.
    pub fn repeats(&self) -> Option<Repeats> {
        let audit = self.audited();
        let has_breaker = audit.failure_threshold.is_some() || audit.cooldown.is_some();
        let is_plain = audit.samples.get() == 1 && !has_breaker && audit.state.is_none();
        let breaker = breaker::Settings {
            failure_threshold: audit.failure_threshold.unwrap_or(NonZeroU32::MIN),
            cooldown: audit.cooldown.unwrap_or_default(),
        };
        let (samples, interval) = (audit.samples, audit.interval);
        (!is_plain).then_some(Repeats { samples, interval, breaker })
    }

    /// The logs that checks take their values from.
    pub fn log_paths(&self) -> impl Iterator<Item = &Path> {
        self.audited().logs.iter().map(|(_, path)| path.as_path())
    }

    /// Whether the command is ended once a breach is proven.
    pub fn aborts_on_breach(&self) -> bool {
        self.audited().abort_on_breach
    }

    /// Where the counters of the breaker are kept.
    pub fn state_path(&self) -> Option<&Path> {
        self.audited().state.as_deref()
    }

    /// The report files that are to be written.
    pub fn reports(&self) -> Vec<ReportFile> {
        self.delivery().reports
    }

    /// Where the report goes, or the summary.
    pub fn delivery(&self) -> Delivery {
        if let Some(Task::Suite(suite)) = &self.task {
            return suite.delivery();
        }
        let audit = self.audited();
        let format = audit.common.output_format;
        Delivery {
            format,
            is_quiet: audit.quiet,
            reports: reports(audit.reports.clone(), audit.no_report, format, DEFAULT_REPORT),
            tells_github: !audit.no_github,
        }
    }
}

/// Where a report goes, and in which form.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What is printed.
    pub format: Format,
    /// Whether that is the verdict alone.
    pub is_quiet: bool,
    /// The files that are written.
    pub reports: Vec<ReportFile>,
    /// Whether GitHub is told of it, where the process runs there.
    pub tells_github: bool,
}

impl Delivery {
    /// Whether text is printed.
    pub fn is_text(&self) -> bool {
        self.format == Format::Text
    }
}

/// How often an audit is carried out, and what fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeats {
    /// How often.
    pub samples: NonZeroU32,
    /// From the start of one to the start of the next.
    pub interval: Duration,
    /// How many failures it takes.
    pub breaker: breaker::Settings,
}

/// A report in a file.
#[derive(Debug, Clone)]
pub struct ReportFile {
    /// How it is written.
    pub format: ReportFormat,
    /// Where it goes.
    pub path: PathBuf,
}

/// The report files that are to be written: those that are given, and with text the JSON beside it.
fn reports(
    mut given: Vec<ReportFile>,
    is_off: bool,
    format: Format,
    default: &str,
) -> Vec<ReportFile> {
    let has_json = given.iter().any(|it| it.format.name == ReportFormat::JSON.name);
    if format == Format::Text && !is_off && !has_json {
        given.push(ReportFile { format: ReportFormat::JSON, path: default.into() });
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}

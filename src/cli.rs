//! The command line.

mod refused;
mod tips;
mod values;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use jiff::Timestamp;

use crate::config::{Blaming, Environment, OutsideRequest, Request, SourceRequest};
use crate::model::level::{Gate, Level};
use values::{
    blames, documents, formats, gates, parse_duration, parse_every, parse_probe_every,
    parse_settle, parse_shell, parse_threads, parse_time, parse_var,
};

/// The report written in text mode unless the command line says otherwise.
const DEFAULT_REPORT: &str = "audit_results.json";
/// The label `job` of what is scraped unless the command line says otherwise.
const DEFAULT_JOB: &str = "auditor";
/// For how long a service is scraped unless the command line says otherwise.
const DEFAULT_LENGTH: Duration = Duration::from_secs(30);

/// The same where the doctor looks on, who judges nothing.
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

// The headings under which options stand in the help, in this order.
const TELEMETRY: &str = "Where the telemetry is";
const SERVICE: &str = "The service and its load";
const GATE: &str = "The gate";
const REPORT: &str = "The report";
const CONFIGURATION: &str = "The configuration";

const USAGE: &str = "\
auditor [OPTIONS] [-- <COMMAND>...]
       auditor <TASK> ...";

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

/// What is audited, and how.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Keep what was seen in this file
    ///
    /// In the OpenMetrics text format; --recording reads it.
    #[arg(long, value_name = "PATH", help_heading = TELEMETRY, hide_short_help = true, display_order = 100, requires = WATCHED, conflicts_with = "recording")]
    record: Option<PathBuf>,

    /// Start the service by this shell command
    ///
    /// Waits until --probe or --scrape is answered, and stops it at the end with all that it has
    /// started.
    #[arg(long, value_name = "COMMAND", help_heading = SERVICE, value_parser = parse_shell, requires = WATCHED, conflicts_with = "recording")]
    start: Option<String>,

    /// How long the service of --start may take until it answers
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, default_value = "30s", value_parser = parse_duration, requires = "start")]
    start_timeout: Duration,

    /// Name the line that holds the loop
    ///
    /// `auto` reads the stacks of Python where that is allowed; `node` opens the inspector of a Node
    /// process too; `require` ends without a verdict where no stack can be read.
    #[arg(long, value_name = "WHEN", help_heading = SERVICE, hide_short_help = true, default_value = "auto", value_parser = blames(), requires = "probe")]
    blame: Blaming,

    /// After how long without an answer stacks are read
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, default_value = "100ms", value_parser = parse_every, requires = "probe")]
    blame_after: Duration,

    /// A command to run meanwhile, such as the load
    ///
    /// The audit is about the time it takes.
    #[arg(last = true, value_name = "COMMAND", help_heading = SERVICE, conflicts_with_all = ["recording", "at", "length"])]
    command: Vec<OsString>,

    /// How long to wait for the server's samples of the end of the load
    ///
    /// After COMMAND has ended, until the server has samples from after its end; 0s not to wait
    /// [default: twice the interval of the samples, 10s to 60s]
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, value_parser = parse_settle, requires = "command", conflicts_with_all = ["scrape", "recording"])]
    settle: Option<Duration>,

    /// Exit 1 if the status is CRITICAL or worse
    ///
    /// CRITICAL or COLLAPSE_RISK; the same as --fail-on critical.
    #[arg(long, help_heading = GATE)]
    fail_on_critical: bool,

    /// degraded, critical, collapse or failure-mode
    ///
    /// Exit 1 if the status is at this level or worse, or if a failure mode is proven; may be
    /// repeated. A broken check of severity critical fails every gate.
    #[arg(long, value_name = "WHAT", help_heading = GATE, hide_possible_values = true, value_parser = gates())]
    fail_on: Vec<FailOn>,

    /// Write the JSON report here
    ///
    /// [default: audit_results.json, with text output]
    #[arg(long, value_name = "PATH", help_heading = REPORT, hide_short_help = true)]
    report: Option<PathBuf>,

    /// Write no report file
    #[arg(long, help_heading = REPORT, hide_short_help = true, conflicts_with = "report")]
    no_report: bool,

    /// Print the verdict alone
    ///
    /// On one line; with --output-format json the report is printed as ever. Progress and warnings
    /// are left out; errors are told, and what decides stands in the verdict.
    #[arg(long, short, help_heading = REPORT, conflicts_with = "verbose")]
    quiet: bool,

    /// Profile of the configuration
    ///
    /// It overrides vars, queries, thresholds, weights, checks and evidence.
    #[arg(long, value_name = "NAME", help_heading = CONFIGURATION, hide_short_help = true)]
    profile: Option<String>,

    /// Set a variable of the queries; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", help_heading = CONFIGURATION, hide_short_help = true, value_parser = parse_var)]
    vars: Vec<(String, String)>,

    /// Preset below metrics.yaml, or in place of one
    ///
    /// --list-presets names them. It stands in for the one that the file names.
    #[arg(long, value_name = "NAME", help_heading = CONFIGURATION)]
    preset: Option<String>,

    // Comes last, so that the headings stand in the order of those above.
    #[command(flatten)]
    common: Common,
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
    /// Print the JSON Schema of metrics.yaml, for editors, or of the report
    #[command(max_term_width = 100)]
    Schema {
        /// Of what
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
}

/// Where the telemetry is, and how to get there.
#[derive(Debug, Args)]
pub struct Common {
    /// Page of metrics to scrape; may be repeated
    ///
    /// Of the service itself, such as http://localhost:8000/metrics.
    #[arg(long = "scrape", id = "scrape", value_name = "URL", help_heading = TELEMETRY, conflicts_with_all = ["recording", "at"])]
    urls: Vec<String>,

    /// URL of any async service to ask; may be repeated
    ///
    /// It is asked again and again, and the process behind it is looked at, without a line of code
    /// in it; beside --scrape, --target or alone.
    #[arg(long = "probe", id = "probe", value_name = "URL", help_heading = TELEMETRY, conflicts_with_all = ["recording", "at"])]
    probes: Vec<String>,

    /// Prometheus-compatible server to ask
    ///
    /// Instead of the service itself. [default: $AUDITOR_TARGET, `target` of the configuration, or http://localhost:9090]
    #[arg(long, value_name = "URL", help_heading = TELEMETRY, conflicts_with_all = ["scrape", "recording"])]
    target: Option<String>,

    /// Read samples from this file or directory
    ///
    /// A file in the Prometheus or OpenMetrics text format with timestamps, or a directory of
    /// snapshots.
    #[arg(long, value_name = "PATH", help_heading = TELEMETRY, conflicts_with = "http_config")]
    recording: Option<PathBuf>,

    /// Interval between scrapes, and between the samples of --probe
    #[arg(long, value_name = "DURATION", help_heading = TELEMETRY, hide_short_help = true, default_value = "1s", value_parser = parse_every, requires = WATCHED, conflicts_with = "recording")]
    every: Duration,

    /// How long to look on without a command [default: 30s]
    #[arg(long = "for", id = "length", value_name = "DURATION", help_heading = TELEMETRY, value_parser = parse_duration, requires = WATCHED, conflicts_with = "recording")]
    length: Option<Duration>,

    /// Label `job` of what is scraped, as the queries may select it [default: auditor]
    #[arg(long, value_name = "NAME", help_heading = TELEMETRY, hide_short_help = true, conflicts_with = "recording")]
    job: Option<String>,

    /// Evaluate at this instant
    ///
    /// RFC 3339, or Unix seconds [default: now, or the end of what was watched]
    #[arg(long, value_name = "TIME", help_heading = TELEMETRY, hide_short_help = true, value_parser = parse_time, allow_hyphen_values = true)]
    at: Option<Timestamp>,

    /// Bound of the whole audit
    ///
    /// Without the time of scraping, of the command and of --settle.
    #[arg(long, value_name = "DURATION", help_heading = TELEMETRY, hide_short_help = true, default_value = "30s", value_parser = parse_duration)]
    timeout: Duration,

    /// How to reach the source, in place of `http` of the configuration
    ///
    /// A file as Prometheus' http_config.
    #[arg(long, value_name = "PATH", help_heading = TELEMETRY, hide_short_help = true)]
    http_config: Option<PathBuf>,

    /// Send this header with every request; may be repeated
    ///
    /// Such as 'X-Scope-OrgID: team-a'.
    #[arg(long = "header", value_name = "NAME: VALUE", help_heading = TELEMETRY, hide_short_help = true, conflicts_with = "recording")]
    headers: Vec<String>,

    /// Interval between the requests of --probe
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, default_value = "50ms", value_parser = parse_probe_every, requires = "probe")]
    probe_every: Duration,

    /// The process behind --probe; may be repeated
    ///
    /// Where it is not to be found by its port.
    #[arg(long = "pid", id = "pid", value_name = "PID", help_heading = SERVICE, hide_short_help = true, requires = "probe")]
    pids: Vec<u32>,

    /// How many threads the service's pool may have
    ///
    /// Where that is not the default of its runtime.
    #[arg(long, value_name = "N", help_heading = SERVICE, hide_short_help = true, value_parser = parse_threads, requires = "probe")]
    pool_threads: Option<usize>,

    /// What to print: text or json
    #[arg(long, value_name = "FORMAT", help_heading = REPORT, display_order = 0, hide_possible_values = true, default_value = "text", value_parser = formats())]
    pub output_format: Format,

    /// Tell on standard error what is done
    ///
    /// Every request, what the service of --start prints, and how --probe asks.
    #[arg(long, short, help_heading = REPORT, hide_short_help = true)]
    pub verbose: bool,

    /// Configuration file [default: metrics.yaml]
    ///
    /// The default is looked for in the current directory.
    #[arg(long, value_name = "PATH", help_heading = CONFIGURATION, display_order = 0)]
    config: Option<PathBuf>,
}

/// What is printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// The whole report, and nothing else.
    Json,
}

impl Common {
    /// What is asked for, as far as an audit and a query have it in common.
    pub fn request(&self, now: Timestamp, environment: Environment) -> Request {
        Request {
            config: self.config.clone(),
            source: self.source(),
            outside: Some(self.outside()),
            http_config: self.http_config.clone(),
            headers: self.headers.clone(),
            environment,
            at: self.at,
            now,
            timeout: self.timeout,
            ..Request::default()
        }
    }

    /// The configuration file, if one is named.
    pub fn config_path(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The file that says how the source is reached.
    pub fn http_config_path(&self) -> Option<&Path> {
        self.http_config.as_deref()
    }

    /// The label `job` that is given.
    pub fn job_given(&self) -> Option<&str> {
        self.job.as_deref()
    }

    /// The options that say how a URL is reached, as a command line has them, without a secret.
    pub fn options_of_access(&self) -> Vec<String> {
        let path =
            self.http_config.iter().map(|path| format!("--http-config '{}'", path.display()));
        let headers = self.headers.iter().filter_map(|header| header.split_once(':'));
        path.chain(headers.map(|(name, _)| format!("--header '{}: ***'", name.trim()))).collect()
    }

    /// The recording that is read.
    pub fn recording_path(&self) -> Option<&Path> {
        self.recording.as_deref()
    }

    fn source(&self) -> SourceRequest {
        if let Some(path) = &self.recording {
            return SourceRequest::Recording(path.clone());
        }
        if self.urls.is_empty() && (self.probes.is_empty() || self.target.is_some()) {
            return SourceRequest::Server(self.target.clone());
        }
        SourceRequest::Scrape {
            urls: self.urls.clone(),
            job: self.job.clone().unwrap_or_else(|| DEFAULT_JOB.to_owned()),
            every: self.every,
            length: Some(self.length.unwrap_or(DEFAULT_LENGTH)),
        }
    }

    /// How the service is looked at from outside.
    fn outside(&self) -> OutsideRequest {
        OutsideRequest {
            probes: self.probes.clone(),
            probe_every: self.probe_every,
            every: self.every,
            length: Some(self.length.unwrap_or(DEFAULT_LENGTH)),
            pids: self.pids.clone(),
            pool_threads: self.pool_threads,
            blame: Blaming::Off,
            blame_after: self.every,
            start: None,
            start_timeout: Duration::ZERO,
        }
    }
}

/// What is looked at for a while: pages, and what is asked again and again.
const WATCHED: &str = "watched";

fn watched() -> ArgGroup {
    ArgGroup::new(WATCHED).args(["scrape", "probe"]).multiple(true)
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
            gate: self.gate(),
            profile: self.audited().profile.clone(),
            preset: self.audited().preset.clone(),
            settle: self.audited().settle,
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
            || !self.audited().common.urls.is_empty()
            || !self.audited().common.probes.is_empty()
    }

    /// Whether there is a URL at which something is to be found.
    pub fn names_url(&self) -> bool {
        let common = self.common();
        common.target.is_some() || !common.urls.is_empty() || !common.probes.is_empty()
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

    /// Where the report file goes, if there is to be one.
    pub fn report_path(&self) -> Option<PathBuf> {
        report_path(
            self.audited().report.clone(),
            self.audited().no_report,
            self.audited().common.output_format,
        )
    }
}

/// Where the report file goes, if there is to be one.
fn report_path(given: Option<PathBuf>, is_off: bool, format: Format) -> Option<PathBuf> {
    match (given, format) {
        (Some(path), _) => Some(path),
        (None, Format::Text) if !is_off => Some(PathBuf::from(DEFAULT_REPORT)),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}

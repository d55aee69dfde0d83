//! What an audit takes beside where its telemetry is; the doctor takes the same.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::common::{Common, WATCHED};
use super::headings::{CONFIGURATION, GATE, REPORT, SERVICE, TELEMETRY};
use super::values::{
    PresetName, blames, gates, parse_duration, parse_every, parse_failures, parse_log,
    parse_offset, parse_report, parse_samples, parse_settle, parse_shell, parse_var,
};
use super::{FailOn, ReportFile};
use crate::config::Blaming;

/// What is audited, and how.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Keep what was seen in this file
    ///
    /// In the OpenMetrics text format; --recording reads it.
    #[arg(long, value_name = "PATH", help_heading = TELEMETRY, hide_short_help = true, display_order = 100, requires = WATCHED, conflicts_with = "recording")]
    pub(super) record: Option<PathBuf>,

    /// The file behind the name of a log; may be repeated
    ///
    /// Checks with `log` take their values from it, once the command has ended.
    #[arg(long = "log", id = "log", value_name = "NAME=PATH", help_heading = TELEMETRY, hide_short_help = true, display_order = 101, value_parser = parse_log)]
    pub(super) logs: Vec<(String, PathBuf)>,

    /// Start the service by this shell command
    ///
    /// Waits until --probe or --scrape is answered, with a status below 500, and stops it at the end
    /// with all that it has started.
    #[arg(long, value_name = "COMMAND", help_heading = SERVICE, value_parser = parse_shell, requires = WATCHED, conflicts_with = "recording")]
    pub(super) start: Option<String>,

    /// How long the service of --start may take until it answers
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, default_value = "30s", value_parser = parse_duration, requires = "start")]
    pub(super) start_timeout: Duration,

    /// Name the line that holds the loop
    ///
    /// `auto` reads the stacks of Python where that is allowed; `node` opens the inspector of a Node
    /// process too; `require` ends without a verdict where no stack can be read.
    #[arg(long, value_name = "WHEN", help_heading = SERVICE, hide_short_help = true, default_value = "auto", value_parser = blames(), requires = "probe")]
    pub(super) blame: Blaming,

    /// After how long without an answer stacks are read
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, default_value = "100ms", value_parser = parse_every, requires = "probe")]
    pub(super) blame_after: Duration,

    /// A command to run meanwhile, such as the load
    ///
    /// The audit is about the time it takes.
    #[arg(last = true, value_name = "COMMAND", help_heading = SERVICE, conflicts_with_all = ["recording", "at", "length"])]
    pub(super) command: Vec<OsString>,

    /// How long COMMAND may take
    ///
    /// Then it is ended with all that it has started, and has failed.
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, value_parser = parse_duration, requires = "command", conflicts_with = "recording")]
    pub(super) time_limit: Option<Duration>,

    /// How long to wait for the server's samples of the end of the load
    ///
    /// After COMMAND has ended, until the server has samples from after its end; 0s not to wait
    /// [default: twice the interval of the samples, 10s to 60s]
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, value_parser = parse_settle, requires = "command", conflicts_with_all = ["scrape", "scrape_json", "recording"])]
    pub(super) settle: Option<Duration>,

    /// Exit 1 if the status is CRITICAL or worse
    ///
    /// CRITICAL or COLLAPSE_RISK; the same as --fail-on critical.
    #[arg(long, help_heading = GATE)]
    pub(super) fail_on_critical: bool,

    /// degraded, critical, collapse or failure-mode
    ///
    /// Exit 1 if the status is at this level or worse, or if a failure mode is proven; may be
    /// repeated. A broken check of severity critical fails every gate.
    #[arg(long, value_name = "WHAT", help_heading = GATE, hide_possible_values = true, value_parser = gates())]
    pub(super) fail_on: Vec<FailOn>,

    /// End the command once a breach is proven
    ///
    /// Only by what later samples cannot undo: max_over_time(...[$window]) over its limit. A server is
    /// asked for that every 5s, or as often as it has samples.
    #[arg(long, help_heading = GATE, hide_short_help = true, requires = "command", conflicts_with = "recording")]
    pub(super) abort_on_breach: bool,

    /// Carry out the audit so many times
    ///
    /// Each is a whole one: the command runs, and --start starts the service, each time.
    #[arg(long, value_name = "N", help_heading = GATE, hide_short_help = true, default_value = "1", value_parser = parse_samples)]
    pub(super) samples: NonZeroU32,

    /// From the start of one audit of --samples to the start of the next
    ///
    /// At once where one takes longer.
    #[arg(long, value_name = "DURATION", help_heading = GATE, hide_short_help = true, default_value = "0s", value_parser = parse_settle, requires = "samples")]
    pub(super) interval: Duration,

    /// Fail once so many audits in a row have failed [default: 1]
    ///
    /// An audit without a verdict counts neither way.
    #[arg(long, value_name = "K", help_heading = GATE, hide_short_help = true, value_parser = parse_failures)]
    pub(super) failure_threshold: Option<NonZeroU32>,

    /// For how many further audits everything fails then [default: 0]
    #[arg(long, value_name = "C", help_heading = GATE, hide_short_help = true)]
    pub(super) cooldown: Option<u32>,

    /// Keep failures in a row and the cooldown in this file, from run to run
    #[arg(long, value_name = "PATH", help_heading = GATE, hide_short_help = true)]
    pub(super) state: Option<PathBuf>,

    /// Report of an earlier audit to compare with
    ///
    /// In JSON, as --report json=PATH writes it. What may change by how much is in the section
    /// `baseline` of the configuration.
    #[arg(long, value_name = "PATH", help_heading = GATE, hide_short_help = true)]
    pub(super) baseline: Option<PathBuf>,

    /// Compare with the same queries so long before
    ///
    /// Of a server, such as 1d or 90m: a whole audit of that time, over a window of the same length.
    #[arg(long, value_name = "OFFSET", help_heading = GATE, hide_short_help = true, value_parser = parse_offset, conflicts_with_all = ["baseline", "scrape", "scrape_json", "probe", "recording"])]
    pub(super) baseline_window: Option<Duration>,

    /// Write a report, such as html=report.html
    ///
    /// May be repeated. FORMAT is json, text, markdown, github, gitlab, junit, sarif, html or
    /// prometheus; a PATH alone is for json. [default: json=audit_results.json, with text output]
    #[arg(long = "report", id = "report", value_name = "FORMAT=PATH", help_heading = REPORT, value_parser = parse_report)]
    pub(super) reports: Vec<ReportFile>,

    /// Write no audit_results.json
    #[arg(long, help_heading = REPORT, hide_short_help = true)]
    pub(super) no_report: bool,

    /// Tell GitHub nothing of the audit
    ///
    /// In GitHub Actions, annotations, the summary of the step and its outputs are written unless this
    /// is given.
    #[arg(long, help_heading = REPORT, hide_short_help = true)]
    pub(super) no_github: bool,

    /// Print the verdict alone
    ///
    /// On one line; with --output-format json the report is printed as ever. Progress and warnings
    /// are left out; errors are told, and what decides stands in the verdict.
    #[arg(long, short, help_heading = REPORT, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Profile of the configuration
    ///
    /// It overrides vars, queries, thresholds, weights, checks, evidence and baseline.
    #[arg(long, value_name = "NAME", help_heading = CONFIGURATION, hide_short_help = true)]
    pub(super) profile: Option<String>,

    /// Set a variable of the queries; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", help_heading = CONFIGURATION, hide_short_help = true, value_parser = parse_var)]
    pub(super) vars: Vec<(String, String)>,

    /// Preset below metrics.yaml, or in place of one
    ///
    /// --list-presets names them. It stands in for the one that the file names.
    #[arg(long, value_name = "NAME", help_heading = CONFIGURATION, hide_possible_values = true, value_parser = PresetName)]
    pub(super) preset: Option<String>,

    // Comes last, so that the headings stand in the order of those above.
    #[command(flatten)]
    pub(super) common: Common,
}

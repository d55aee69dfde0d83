//! What a suite takes: which scenarios, and where its summary goes.

use std::path::PathBuf;

use clap::Args;

use super::common::Format;
use super::headings::REPORT;
use super::values::{formats, parse_jobs, parse_only, parse_report};
use super::{Delivery, ReportFile, reports};

/// The summary written in text mode unless the command line says otherwise.
pub(super) const DEFAULT_SUMMARY: &str = "suite_results.json";

/// Which scenarios, and where the summary goes.
#[derive(Debug, Args)]
pub struct SuiteArgs {
    /// The suite
    #[arg(value_name = "SUITE")]
    pub file: PathBuf,

    /// Judge what a run has left, by this table
    ///
    /// Tab-separated, a row for each scenario: its order, its id, the exit codes of its processes and
    /// the paths of their logs, which are relative to the current directory. No command is run.
    #[arg(long, value_name = "PATH")]
    pub manifest: Option<PathBuf>,

    /// Profile of the scenarios' configurations
    ///
    /// Of those that name none themselves.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,

    /// Only scenarios whose id is so, such as 'api-*'
    #[arg(long, value_name = "PATTERN", value_parser = parse_only)]
    pub only: Option<glob::Pattern>,

    /// How many scenarios are read at once [default: one for each CPU]
    ///
    /// Of those that only read: from a server, a recording or logs. The others have the machine to
    /// themselves.
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    pub jobs: Option<usize>,

    /// Name of this run in the summary [default: when it began]
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,

    /// Compare nothing, though scenarios name a baseline
    ///
    /// For the run that makes the first ones.
    #[arg(long)]
    pub no_baseline: bool,

    /// Keep each scenario's report in this directory
    ///
    /// As ID.json, in the place of that of an earlier run.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,

    /// What to print: text or json
    #[arg(long, value_name = "FORMAT", help_heading = REPORT, hide_possible_values = true, default_value = "text", value_parser = formats())]
    pub(super) output_format: Format,

    /// Write the summary, such as junit=suite.xml
    ///
    /// May be repeated. FORMAT is as for an audit; a PATH alone is for json. [default:
    /// json=suite_results.json, with text output]
    #[arg(long = "report", id = "report", value_name = "FORMAT=PATH", help_heading = REPORT, value_parser = parse_report)]
    pub(super) reports: Vec<ReportFile>,

    /// Write no suite_results.json
    #[arg(long, help_heading = REPORT)]
    pub(super) no_report: bool,

    /// Tell GitHub nothing of the suite
    #[arg(long, help_heading = REPORT)]
    pub(super) no_github: bool,

    /// Print the verdict alone
    #[arg(long, short, help_heading = REPORT, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Tell on standard error what is done
    #[arg(long, short, help_heading = REPORT)]
    pub verbose: bool,
}

impl SuiteArgs {
    /// Where the summary goes.
    pub fn delivery(&self) -> Delivery {
        let given = self.reports.clone();
        Delivery {
            format: self.output_format,
            is_quiet: self.quiet,
            reports: reports(given, self.no_report, self.output_format, DEFAULT_SUMMARY),
            tells_github: !self.no_github,
        }
    }
}

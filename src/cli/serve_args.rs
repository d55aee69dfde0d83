//! What a watcher takes: which services, how often, and where it answers.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use super::values::{parse_named_config, parse_offset, parse_period};

/// What is audited: at least one of these.
pub(super) const SERVICES: &str = "watched_services";

/// Which services, how often, and where it answers.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new(SERVICES).args(["configs", "services"]).multiple(true).required(true))]
pub struct ServeArgs {
    /// Configuration of a service; may be repeated
    ///
    /// The service has that NAME; without one that of the file, or for a metrics.yaml that of its
    /// directory.
    #[arg(long = "config", id = "configs", value_name = "[NAME=]PATH", value_parser = parse_named_config)]
    pub configs: Vec<NamedConfig>,

    /// File that lists services, each with options of an audit
    ///
    /// As the scenarios of a suite, with `scrape`, `probe`, `profile` and what else an audit takes. No
    /// command is run, and no service is started.
    #[arg(long, value_name = "PATH")]
    pub services: Option<PathBuf>,

    /// Profile of the configurations that name none themselves
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,

    /// From the start of a round of audits to the start of the next
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_period)]
    pub every: Duration,

    /// Address to answer at
    ///
    /// Others than those of this machine alone, such as 127.0.0.1, need --token-file.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9464")]
    pub listen: String,

    /// Keep the reports in this directory, one JSON file each
    #[arg(long, value_name = "DIR")]
    pub history: PathBuf,

    /// How long reports are kept
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_offset)]
    pub retention: Duration,

    /// Answer only those who send the token in this file
    ///
    /// As a bearer token, or as the password of Basic authentication.
    #[arg(long, value_name = "PATH")]
    pub token_file: Option<PathBuf>,

    /// Turn GET /metrics.json off
    ///
    /// It says `"enabled": false` then.
    #[arg(long)]
    pub no_metrics_json: bool,

    /// Tell no warnings of audits
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Tell on standard error what is done
    #[arg(long, short)]
    pub verbose: bool,
}

/// The configuration of a service, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedConfig {
    /// The service.
    pub name: String,
    /// Its configuration.
    pub path: PathBuf,
}

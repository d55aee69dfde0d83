//! Where the telemetry is, and how to get there: what an audit, the doctor and a query have in common.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args};
use jiff::Timestamp;

use super::headings::{CONFIGURATION, REPORT, SERVICE, TELEMETRY};
use super::values::{
    formats, parse_duration, parse_every, parse_probe_every, parse_threads, parse_time,
};
use crate::config::{Blaming, Environment, OutsideRequest, Request, SourceRequest};

/// The label `job` of what is scraped unless the command line says otherwise.
const DEFAULT_JOB: &str = "auditor";
/// For how long a service is scraped unless the command line says otherwise.
const DEFAULT_LENGTH: Duration = Duration::from_secs(30);

/// Where the telemetry is, and how to get there.
#[derive(Debug, Args)]
pub struct Common {
    /// Page of metrics to scrape; may be repeated
    ///
    /// Of the service itself, such as http://localhost:8000/metrics.
    #[arg(long = "scrape", id = "scrape", value_name = "URL", help_heading = TELEMETRY, conflicts_with_all = ["recording", "at"])]
    pub(super) urls: Vec<String>,

    /// JSON document whose numbers to scrape; may be repeated
    ///
    /// Each is a series by its path: queue.depth is queue_depth.
    #[arg(long = "scrape-json", id = "scrape_json", value_name = "URL", help_heading = TELEMETRY, hide_short_help = true, conflicts_with_all = ["recording", "at"])]
    pub(super) documents: Vec<String>,

    /// URL of any async service to ask; may be repeated
    ///
    /// It is asked again and again, and the process behind it is looked at, without a line of code
    /// in it; beside --scrape, --target or alone.
    #[arg(long = "probe", id = "probe", value_name = "URL", help_heading = TELEMETRY, conflicts_with_all = ["recording", "at"])]
    pub(super) probes: Vec<String>,

    /// Prometheus-compatible server to ask
    ///
    /// Instead of the service itself. [default: $AUDITOR_TARGET, `target` of the configuration, or http://localhost:9090]
    #[arg(long, value_name = "URL", help_heading = TELEMETRY, conflicts_with_all = ["scrape", "scrape_json", "recording"])]
    pub(super) target: Option<String>,

    /// Read samples from this file or directory
    ///
    /// A file in the Prometheus or OpenMetrics text format with timestamps, or a directory of
    /// snapshots.
    #[arg(long, value_name = "PATH", help_heading = TELEMETRY, hide_short_help = true, conflicts_with = "http_config")]
    pub(super) recording: Option<PathBuf>,

    /// Interval between scrapes, and between the samples of --probe
    #[arg(long, value_name = "DURATION", help_heading = TELEMETRY, hide_short_help = true, default_value = "1s", value_parser = parse_every, requires = WATCHED, conflicts_with = "recording")]
    pub(super) every: Duration,

    /// How long to look on without a command [default: 30s]
    #[arg(long = "for", id = "length", value_name = "DURATION", help_heading = TELEMETRY, hide_short_help = true, value_parser = parse_duration, requires = WATCHED, conflicts_with = "recording")]
    pub(super) length: Option<Duration>,

    /// Label `job` of what is scraped, as the queries may select it [default: auditor]
    #[arg(long, value_name = "NAME", help_heading = TELEMETRY, hide_short_help = true, conflicts_with = "recording")]
    pub(super) job: Option<String>,

    /// Evaluate at this instant
    ///
    /// RFC 3339, or Unix seconds [default: now, or the end of what was watched]
    #[arg(long, value_name = "TIME", help_heading = TELEMETRY, hide_short_help = true, value_parser = parse_time, allow_hyphen_values = true)]
    pub(super) at: Option<Timestamp>,

    /// Bound of the whole audit
    ///
    /// Without the time of scraping, of the command and of --settle.
    #[arg(long, value_name = "DURATION", help_heading = TELEMETRY, hide_short_help = true, default_value = "30s", value_parser = parse_duration)]
    pub(super) timeout: Duration,

    /// How to reach the source, in place of `http` of the configuration
    ///
    /// A file as Prometheus' http_config.
    #[arg(long, value_name = "PATH", help_heading = TELEMETRY, hide_short_help = true)]
    pub(super) http_config: Option<PathBuf>,

    /// Send this header with every request; may be repeated
    ///
    /// Such as 'X-Scope-OrgID: team-a'.
    #[arg(long = "header", value_name = "NAME: VALUE", help_heading = TELEMETRY, hide_short_help = true, conflicts_with = "recording")]
    pub(super) headers: Vec<String>,

    /// Interval between the requests of --probe
    #[arg(long, value_name = "DURATION", help_heading = SERVICE, hide_short_help = true, default_value = "50ms", value_parser = parse_probe_every, requires = "probe")]
    pub(super) probe_every: Duration,

    /// The process behind --probe; may be repeated
    ///
    /// Where it is not to be found by its port.
    #[arg(long = "pid", id = "pid", value_name = "PID", help_heading = SERVICE, hide_short_help = true, requires = "probe")]
    pub(super) pids: Vec<u32>,

    /// How many threads the service's pool may have
    ///
    /// Where that is not the default of its runtime.
    #[arg(long, value_name = "N", help_heading = SERVICE, hide_short_help = true, value_parser = parse_threads, requires = "probe")]
    pub(super) pool_threads: Option<usize>,

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
    pub(super) config: Option<PathBuf>,
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

    /// Whether there is a page to scrape.
    pub(super) fn is_scraped(&self) -> bool {
        !self.urls.is_empty() || !self.documents.is_empty()
    }

    fn source(&self) -> SourceRequest {
        if let Some(path) = &self.recording {
            return SourceRequest::Recording(path.clone());
        }
        if !self.is_scraped() && (self.probes.is_empty() || self.target.is_some()) {
            return SourceRequest::Server(self.target.clone());
        }
        SourceRequest::Scrape {
            urls: self.urls.clone(),
            documents: self.documents.clone(),
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
pub(super) const WATCHED: &str = "watched";

pub(super) fn watched() -> ArgGroup {
    ArgGroup::new(WATCHED).args(["scrape", "scrape_json", "probe"]).multiple(true)
}

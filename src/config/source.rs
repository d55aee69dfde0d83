//! Where the telemetry of an audit comes from, and how it is reached.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::{HttpConfig, ObservedRange, Target};

/// What the command line says about the source.
#[derive(Debug, Clone)]
pub enum SourceRequest {
    /// A server that speaks the Prometheus HTTP API, overriding the environment's and the file's.
    Server(Option<String>),
    /// The service itself.
    Scrape {
        /// Its pages of metrics; none where it is looked at from outside alone.
        urls: Vec<String>,
        /// Its JSON documents, whose numbers are metrics.
        documents: Vec<String>,
        /// The value of the label `job`.
        job: String,
        /// The interval between scrapes.
        every: Duration,
        /// For how long; without it, for as long as the command runs.
        length: Option<Duration>,
    },
    /// A file or directory of what was scraped before.
    Recording(PathBuf),
}

/// What the command line says about looking at the service from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideRequest {
    /// What is asked again and again.
    pub probes: Vec<String>,
    /// The interval between two requests.
    pub probe_every: Duration,
    /// The interval between samples.
    pub every: Duration,
    /// For how long; without it, for as long as the command runs.
    pub length: Option<Duration>,
    /// The processes that serve, where they are not to be found by the connections.
    pub pids: Vec<u32>,
    /// How many threads the service's pool may have, where that is not its default.
    pub pool_threads: Option<usize>,
    /// Whether stacks are read.
    pub blame: Blaming,
    /// After how long without an answer.
    pub blame_after: Duration,
    /// The service that is started, as a shell has it.
    pub start: Option<String>,
    /// How long it may take to answer.
    pub start_timeout: Duration,
}

/// Whether the line is looked for that holds the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blaming {
    /// Where it can be done without a change of the service.
    #[default]
    Auto,
    /// It is not.
    Off,
    /// Where it cannot be done, there is no verdict.
    Require,
    /// As `Auto`, and the inspector of a Node process is opened for it.
    Node,
}

impl Blaming {
    /// Each with its name on the command line.
    pub const ALL: [(&str, Self); 4] = [
        ("auto", Self::Auto),
        ("off", Self::Off),
        ("require", Self::Require),
        ("node", Self::Node),
    ];
}

/// How the telemetry is reached.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// Where it is.
    pub source: Source,
    /// Whether a server is asked that nobody has named.
    pub is_default: bool,
    /// How the service is looked at from outside, if it is.
    pub outside: Option<Outside>,
    /// The service that is started before, if one is.
    pub start: Option<Start>,
    /// The program to run meanwhile, and its arguments; empty for none.
    pub command: Vec<OsString>,
    /// How long the command may take.
    pub time_limit: Option<Duration>,
    /// Where the command and the service run; `None` for the current directory.
    pub directory: Option<PathBuf>,
    /// The instant at which queries are evaluated; `None` until it is known.
    pub at: Option<Timestamp>,
    /// When the audit began.
    pub now: Timestamp,
    /// Bound of the whole audit, without the time that is spent watching a service.
    pub timeout: Duration,
    /// How long a server is waited for after the command has ended; `None` for twice its interval.
    pub settle: Option<Duration>,
    /// The files behind the names of the logs that checks take their values from.
    pub logs: Vec<(String, PathBuf)>,
    /// The files that the configuration names: credentials, certificates.
    pub files: Vec<PathBuf>,
}

impl SourceSpec {
    /// The same once it is known what was watched.
    #[must_use]
    pub fn after(mut self, observed: &ObservedRange) -> Self {
        self.at = self.at.or(Some(observed.at));
        self
    }

    /// For how long the service is watched where no command says so; `None` where a server is asked.
    pub fn length(&self) -> Option<Duration> {
        let scraped = match &self.source {
            Source::Scrape(scrape) => scrape.length,
            Source::Server(_) | Source::Recording(_) | Source::Logs => None,
        };
        scraped.or_else(|| self.outside.as_ref()?.length)
    }

    /// The file behind the name of a log.
    pub fn log(&self, name: &str) -> Option<&Path> {
        self.logs.iter().find(|(it, _)| it == name).map(|(_, path)| path.as_path())
    }

    /// The instant at which queries are evaluated.
    pub fn instant(&self) -> Timestamp {
        self.at.unwrap_or(self.now)
    }
}

/// How a service is looked at from outside.
#[derive(Debug, Clone)]
pub struct Outside {
    /// What is asked again and again, no two of the same `instance`.
    pub probes: Vec<ScrapedPage>,
    /// The interval between two requests.
    pub probe_every: Duration,
    /// The interval between samples.
    pub every: Duration,
    /// For how long; without it, for as long as the command runs.
    pub length: Option<Duration>,
    /// The processes that serve, where they are not to be found by the connections.
    pub pids: Vec<u32>,
    /// How many threads the service's pool may have, where that is not its default.
    pub pool_threads: Option<usize>,
    /// Whether stacks are read.
    pub blame: Blaming,
    /// After how long without an answer.
    pub blame_after: Duration,
}

/// A service that is started for the time of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// As a shell has it.
    pub command: String,
    /// Where it runs; `None` for the current directory.
    pub directory: Option<PathBuf>,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// Where telemetry is.
#[derive(Debug, Clone)]
pub enum Source {
    /// With a server that speaks the Prometheus HTTP API.
    Server(Box<Endpoint>),
    /// With the service itself.
    Scrape(Scrape),
    /// In a file or directory of what was scraped before.
    Recording(PathBuf),
    /// Nowhere: every value is one of a log.
    Logs,
}

impl Source {
    /// Its name in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::Scrape(_) => "scrape",
            Self::Recording(_) => "recording",
            Self::Logs => "log",
        }
    }
}

impl SourceSpec {
    /// The options of the command line that name the source, without secrets.
    pub fn options(&self) -> String {
        let option = |name: &str, page: &ScrapedPage| format!("{name} {}", page.endpoint.target);
        let scraped = |page: &ScrapedPage| option(page.shows.option(), page);
        let mut options: Vec<_> = match &self.source {
            Source::Server(endpoint) => vec![format!("--target {}", endpoint.target)],
            Source::Scrape(scrape) => scrape.pages.iter().map(scraped).collect(),
            Source::Recording(path) => vec![format!("--recording {}", path.display())],
            Source::Logs => Vec::new(),
        };
        let probes = self.outside.iter().flat_map(|outside| &outside.probes);
        options.extend(probes.map(|page| option("--probe", page)));
        options.extend(
            self.logs.iter().map(|(name, path)| format!("--log {name}={}", path.display())),
        );
        options.join(" ")
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = |pages: &[ScrapedPage]| {
            let urls: Vec<_> = pages.iter().map(|page| page.endpoint.target.to_string()).collect();
            urls.join(", ")
        };
        match (&self.source, &self.outside) {
            (Source::Server(endpoint), _) => endpoint.target.fmt(f),
            (Source::Recording(path), _) => path.display().fmt(f),
            (Source::Logs, _) => {
                let paths: Vec<_> =
                    self.logs.iter().map(|(_, path)| path.display().to_string()).collect();
                f.write_str(&paths.join(", "))
            }
            (Source::Scrape(scrape), Some(outside)) if scrape.pages.is_empty() => {
                f.write_str(&urls(&outside.probes))
            }
            (Source::Scrape(scrape), _) => f.write_str(&urls(&scrape.pages)),
        }
    }
}

/// A URL, and how it is reached.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The URL.
    pub target: Target,
    /// Credentials, headers, TLS and proxy.
    pub http: HttpConfig,
}

/// How a service is scraped.
#[derive(Debug, Clone)]
pub struct Scrape {
    /// Its pages, no two of the same `job` and `instance`; none where it is looked at from outside
    /// alone.
    pub pages: Vec<ScrapedPage>,
    /// The interval between scrapes.
    pub every: Duration,
    /// For how long; without it, for as long as the command runs.
    pub length: Option<Duration>,
}

/// What a page shows its numbers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// A text format of Prometheus.
    Metrics,
    /// A JSON document.
    Json,
}

impl Shows {
    /// The option that names such a page.
    pub const fn option(self) -> &'static str {
        match self {
            Self::Metrics => "--scrape",
            Self::Json => "--scrape-json",
        }
    }
}

/// A page of metrics.
#[derive(Debug, Clone)]
pub struct ScrapedPage {
    /// What it shows them in.
    pub shows: Shows,
    /// Where it is.
    pub endpoint: Endpoint,
    /// The label `job` of its series.
    pub job: String,
    /// The label `instance` of its series.
    pub instance: String,
}

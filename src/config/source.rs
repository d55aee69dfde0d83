//! Where the telemetry of an audit comes from, and how it is reached.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
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
        /// Its pages of metrics.
        urls: Vec<String>,
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

/// How the telemetry is reached.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// Where it is.
    pub source: Source,
    /// The program to run meanwhile, and its arguments; empty for none.
    pub command: Vec<OsString>,
    /// The instant at which queries are evaluated; `None` until it is known.
    pub at: Option<Timestamp>,
    /// When the audit began.
    pub now: Timestamp,
    /// Bound of the whole audit, without the time that is spent watching a service.
    pub timeout: Duration,
    /// How long a server is waited for after the command has ended; `None` for twice its interval.
    pub settle: Option<Duration>,
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

    /// The instant at which queries are evaluated.
    pub fn instant(&self) -> Timestamp {
        self.at.unwrap_or(self.now)
    }
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
}

impl Source {
    /// Its name in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::Scrape(_) => "scrape",
            Self::Recording(_) => "recording",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(endpoint) => endpoint.target.fmt(f),
            Self::Scrape(scrape) => {
                let urls = scrape.pages.iter().map(|page| page.endpoint.target.to_string());
                f.write_str(&urls.collect::<Vec<_>>().join(", "))
            }
            Self::Recording(path) => path.display().fmt(f),
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
    /// Its pages, no two of the same `job` and `instance`.
    pub pages: Vec<ScrapedPage>,
    /// The interval between scrapes.
    pub every: Duration,
    /// For how long; without it, for as long as the command runs.
    pub length: Option<Duration>,
}

/// A page of metrics.
#[derive(Debug, Clone)]
pub struct ScrapedPage {
    /// Where it is.
    pub endpoint: Endpoint,
    /// The label `job` of its series.
    pub job: String,
    /// The label `instance` of its series.
    pub instance: String,
}

//! Configuration: from `metrics.yaml` and the command line to one validated [`Plan`].
//!
//! Every problem is collected, with its place in the file, before anything is sent.

mod file;
mod http;
mod problems;
mod schema;
mod source;
mod target;
mod template;
mod vars;
mod yaml;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

pub use http::{Credential, HttpConfig, Proxy, Tls};
pub use problems::{ConfigError, Place, Problem};
pub use source::{Endpoint, Scrape, ScrapedPage, Source, SourceRequest, SourceSpec};
pub use target::Target;
pub use template::{DEFAULT_METRICS, InitError, write_template};

use crate::judgement::{Level, Thresholds, Weights};
use crate::readings::ReadAs;
use crate::signal::Signal;
use vars::Vars;

/// The file looked for in the current directory.
pub const FILE_NAME: &str = "metrics.yaml";
/// The server asked where neither the file nor the command line names one.
pub const DEFAULT_TARGET: &str = "http://localhost:9090";
/// A configuration above this size, in bytes, is refused unread.
const MAX_BYTES: u64 = 256 * 1024;

/// What the command line says about an audit.
#[derive(Debug, Clone)]
pub struct Request {
    /// The configuration file; `None` for `metrics.yaml` in the current directory.
    pub config: Option<PathBuf>,
    /// Where the telemetry comes from.
    pub source: SourceRequest,
    /// The program to run meanwhile, and its arguments; empty for none.
    pub command: Vec<OsString>,
    /// A file that stands in for the section `http` of the configuration.
    pub http_config: Option<PathBuf>,
    /// Headers as `Name: value`, sent with every request.
    pub headers: Vec<String>,
    /// What the environment says.
    pub environment: Environment,
    /// Variables, overriding the file's; the last of a name wins.
    pub vars: Vec<(String, String)>,
    /// The instant at which every query is evaluated, if one is named.
    pub at: Option<Timestamp>,
    /// When the audit began.
    pub now: Timestamp,
    /// Bound of the whole audit, without the time that is spent watching a service.
    pub timeout: Duration,
    /// The level that fails the gate, if there is one.
    pub gate: Option<Level>,
}

impl Default for Request {
    /// An audit of the server that the configuration names, at the epoch, without a gate.
    fn default() -> Self {
        Self {
            config: None,
            source: SourceRequest::Server(None),
            command: Vec::new(),
            http_config: None,
            headers: Vec::new(),
            environment: Environment::default(),
            vars: Vec::new(),
            at: None,
            now: Timestamp::UNIX_EPOCH,
            timeout: Duration::from_secs(30),
            gate: None,
        }
    }
}

/// What the environment says about an audit.
#[derive(Clone, Default)]
pub struct Environment {
    /// `AUDITOR_TARGET`: the server, overriding the file's.
    pub target: Option<OsString>,
    /// `AUDITOR_BEARER_TOKEN`: a credential, overriding the file's.
    pub bearer_token: Option<OsString>,
    /// `AUDITOR_BASIC_AUTH`: `user:password`, overriding the file's.
    pub basic_auth: Option<OsString>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let [target, bearer_token, basic_auth] =
            ["AUDITOR_TARGET", "AUDITOR_BEARER_TOKEN", "AUDITOR_BASIC_AUTH"].map(std::env::var_os);
        Self { target, bearer_token, basic_auth }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(***)")
    }
}

/// A query of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The signal it measures.
    pub signal: Signal,
    /// PromQL with variables.
    template: String,
    /// PromQL as it is asked, variables replaced.
    pub expr: String,
    /// How its answer is read.
    pub read_as: ReadAs,
}

/// A validated audit.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The configuration file, as it was named.
    pub config: PathBuf,
    /// Where the telemetry is, and how to get there.
    pub spec: SourceSpec,
    /// The queries, in the order of the report.
    pub queries: Vec<Query>,
    /// The values of the queries' variables.
    vars: Vars,
    /// The variables whose values the command line gives.
    given: Vec<String>,
    /// The limits to judge by.
    pub thresholds: Thresholds,
    /// The weights of the score.
    pub weights: Weights,
    /// Whether an answer that the backend calls incomplete is taken for whole.
    pub accept_partial: bool,
    /// The level that fails the gate, if there is one.
    pub gate: Option<Level>,
}

/// What was watched: the instant of the queries, and what `$window` and `$step` then stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedRange {
    /// The instant of the queries, unless the command line names one.
    pub at: Timestamp,
    /// For how long it was watched, up to that instant.
    pub window: Option<Duration>,
    /// The interval between scrapes.
    pub step: Option<Duration>,
}

impl Plan {
    /// The query of `signal`, if there is one.
    pub fn query(&self, signal: Signal) -> Option<&Query> {
        self.queries.iter().find(|query| query.signal == signal)
    }

    /// The same plan at another instant.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.spec.at = Some(at);
        self
    }

    /// The plan once it is known what was watched. `--var` and `--at` prevail.
    #[must_use]
    pub fn after(mut self, observed: &ObservedRange) -> Self {
        self.spec = self.spec.after(observed);
        for (name, value) in [("window", observed.window), ("step", observed.step)] {
            if let Some(value) = value.filter(|_| !self.given.iter().any(|given| given == name)) {
                self.vars.insert(name.to_owned(), vars::range(value));
            }
        }
        for query in &mut self.queries {
            query.expr = vars::expand(&query.template, &self.vars);
        }
        self
    }
}

/// Reads and validates the configuration of an audit.
///
/// # Errors
/// A file that is missing or cannot be read, or everything that is wrong in it.
pub fn load(request: &Request) -> Result<Plan, ConfigError> {
    let path = path(request).ok_or(ConfigError::NotFound)?;
    let text = read(&path, request.timeout)?;
    parse(&path, &text, request)
}

/// Reads only how the telemetry is reached, for which there need be no configuration file.
///
/// # Errors
/// A file that cannot be read, or what is wrong in that part of it.
pub fn load_source(request: &Request) -> Result<SourceSpec, ConfigError> {
    let (path, text) = match path(request) {
        Some(path) => {
            let text = read(&path, request.timeout)?;
            (path, text)
        }
        None => (PathBuf::from(FILE_NAME), "{}".to_owned()),
    };
    schema::source_spec(&path, &text, request)
}

/// Validates `text`, the content of `path`, together with the command line and the environment.
///
/// # Errors
/// Everything that is wrong in it.
pub fn parse(path: &Path, text: &str, request: &Request) -> Result<Plan, ConfigError> {
    schema::plan(path, text, request)
}

/// The configuration file, if there is one.
fn path(request: &Request) -> Option<PathBuf> {
    let usual = || Path::new(FILE_NAME).exists().then(|| PathBuf::from(FILE_NAME));
    request.config.clone().or_else(usual)
}

/// Reads a configuration file as text.
fn read(path: &Path, patience: Duration) -> Result<String, ConfigError> {
    file::read(path, MAX_BYTES, patience)
        .and_then(file::text)
        .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })
}

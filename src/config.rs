//! Configuration: from `metrics.yaml` and the command line to one validated [`Plan`].
//!
//! Every problem is collected, with its place in the file, before anything is sent.

mod file;
mod http;
mod problems;
mod schema;
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
pub use target::Target;
pub use template::{DEFAULT_METRICS, InitError, write_template};

use crate::judgement::{Level, Thresholds, Weights};
use crate::readings::ReadAs;
use crate::signal::Signal;

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
    /// The server, overriding the environment's and the file's.
    pub target: Option<String>,
    /// A file that stands in for the section `http` of the configuration.
    pub http_config: Option<PathBuf>,
    /// Headers as `Name: value`, sent with every request.
    pub headers: Vec<String>,
    /// What the environment says.
    pub environment: Environment,
    /// Variables, overriding the file's; the last of a name wins.
    pub vars: Vec<(String, String)>,
    /// The instant at which every query is evaluated.
    pub at: Timestamp,
    /// Bound of the whole audit.
    pub timeout: Duration,
    /// The level that fails the gate, if there is one.
    pub gate: Option<Level>,
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

/// A query as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The signal it measures.
    pub signal: Signal,
    /// PromQL, variables replaced.
    pub expr: String,
    /// How its answer is read.
    pub read_as: ReadAs,
}

/// A validated audit.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The configuration file, as it was named.
    pub config: PathBuf,
    /// The server to ask.
    pub target: Target,
    /// How it is reached.
    pub http: HttpConfig,
    /// The queries, in the order of the report.
    pub queries: Vec<Query>,
    /// The limits to judge by.
    pub thresholds: Thresholds,
    /// The weights of the score.
    pub weights: Weights,
    /// The instant at which every query is evaluated.
    pub at: Timestamp,
    /// Bound of the whole audit.
    pub timeout: Duration,
    /// Whether an answer that the backend calls incomplete is taken for whole.
    pub accept_partial: bool,
    /// The level that fails the gate, if there is one.
    pub gate: Option<Level>,
}

impl Plan {
    /// The query of `signal`, if there is one.
    pub fn query(&self, signal: Signal) -> Option<&Query> {
        self.queries.iter().find(|query| query.signal == signal)
    }
}

/// Reads and validates the configuration of an audit.
///
/// # Errors
/// A file that is missing or cannot be read, or everything that is wrong in it.
pub fn load(request: &Request) -> Result<Plan, ConfigError> {
    let path = match &request.config {
        Some(path) => path.clone(),
        None if Path::new(FILE_NAME).exists() => PathBuf::from(FILE_NAME),
        None => return Err(ConfigError::NotFound),
    };
    let text = read(&path, request.timeout)?;
    parse(&path, &text, request)
}

/// Validates `text`, the content of `path`, together with the command line and the environment.
///
/// # Errors
/// Everything that is wrong in it.
pub fn parse(path: &Path, text: &str, request: &Request) -> Result<Plan, ConfigError> {
    schema::plan(path, text, request)
}

/// Reads a configuration file as text.
fn read(path: &Path, patience: Duration) -> Result<String, ConfigError> {
    file::read(path, MAX_BYTES, patience)
        .and_then(file::text)
        .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })
}

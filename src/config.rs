//! Configuration: from `metrics.yaml` and the command line to one validated [`Plan`].
//!
//! Every problem is collected, with its place in the file, before anything is sent.

mod problems;
mod schema;
mod target;
mod template;
mod vars;
mod yaml;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

pub use problems::{ConfigError, Problem};
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
const MAX_BYTES: u64 = 1024 * 1024;

/// What the command line says about an audit.
#[derive(Debug, Clone)]
pub struct Request {
    /// The configuration file; `None` for `metrics.yaml` in the current directory.
    pub config: Option<PathBuf>,
    /// The server, overriding the file's.
    pub target: Option<String>,
    /// Variables, overriding the file's; the last of a name wins.
    pub vars: Vec<(String, String)>,
    /// The instant at which every query is evaluated.
    pub at: Timestamp,
    /// Bound of the whole audit.
    pub timeout: Duration,
    /// The level that fails the gate, if there is one.
    pub gate: Option<Level>,
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
    let text = read(&path)?;
    schema::plan(&path, &text, request)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable { path: path.to_owned(), reason };
    let io = |error: io::Error| unreadable(error.to_string());
    let file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.is_dir() {
        return Err(unreadable("it is a directory".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable("it is larger than 1 MiB".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        unreadable(format!("line {line} is not UTF-8 text"))
    })
}

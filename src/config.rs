//! Configuration: from `metrics.yaml` and the command line to one validated [`Plan`].
//!
//! Every problem is collected, with its place in the file, before anything is sent.

mod file;
mod http;
mod json_schema;
mod layers;
mod logs;
mod preset;
mod printable;
mod problems;
mod schema;
mod source;
mod suite;
mod target;
mod template;
mod vars;
mod yaml;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

pub use file::FileError;
pub use http::{Credential, HttpConfig, Proxy, Tls};
pub use json_schema::json_schema;
pub use logs::LogLookup;
pub(crate) use preset::is_built_in;
pub use preset::no_such_preset;
pub(crate) use printable::{printable_text, printable_word};
pub(crate) use problems::nearest;
pub use problems::{ConfigError, Problem};
pub use source::{
    Blaming, Endpoint, Outside, OutsideRequest, Scrape, ScrapedPage, Shows, Source, SourceRequest,
    SourceSpec, Start,
};
pub(crate) use suite::is_id;
pub use suite::{
    GivenOption, LineOfLog, Manifest, ManifestError, ManifestRow, ScenarioSpec, SuiteFile,
    json_schema as suite_json_schema,
};
pub use target::{Target, TargetError};
pub use template::{DEFAULT_METRICS, InitError, write_file};

use crate::model::blame;
use crate::model::check::Criteria;
use crate::model::evidence::Rule;
use crate::model::level::Gate;
use crate::model::origin::Place;
use crate::model::question::{Question, Span};
use crate::model::reading::ReadAs;
use crate::model::signal::OnMissing;
use crate::model::signal::Signal;
use crate::presets::{PRESETS, PROBE, Preset};
use crate::promql::{self, Expression};
use vars::Vars;
pub(crate) use vars::parse_range;

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
    /// How the service is looked at from outside, if it is.
    pub outside: Option<OutsideRequest>,
    /// The program to run meanwhile, and its arguments; empty for none.
    pub command: Vec<OsString>,
    /// How long the command may take.
    pub time_limit: Option<Duration>,
    /// Where the command and the service run; `None` for the current directory.
    pub directory: Option<PathBuf>,
    /// A file that stands in for the section `http` of the configuration.
    pub http_config: Option<PathBuf>,
    /// Headers as `Name: value`, sent with every request.
    pub headers: Vec<String>,
    /// What the environment says.
    pub environment: Environment,
    /// Variables, overriding the file's; the last of a name wins.
    pub vars: Vec<(String, String)>,
    /// The files behind the names of the logs that checks take their values from.
    pub logs: Vec<(String, PathBuf)>,
    /// Whether it is of a scenario, whose logs may be there for more than checks.
    pub is_of_scenario: bool,
    /// The instant at which every query is evaluated, if one is named.
    pub at: Option<Timestamp>,
    /// When the audit began.
    pub now: Timestamp,
    /// Bound of the whole audit, without the time that is spent watching a service.
    pub timeout: Duration,
    /// How long a server is waited for after the command has ended; `None` for twice its interval.
    pub settle: Option<Duration>,
    /// What fails the gate.
    pub gate: Gate,
    /// The profile of the file to choose.
    pub profile: Option<String>,
    /// The preset below the file, or in place of one; it overrides the one that the file names.
    pub preset: Option<String>,
    /// With what the audit is compared.
    pub baseline: Option<BaselineRequest>,
}

/// With what an audit is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaselineRequest {
    /// With the report of an earlier audit, in JSON.
    Report(PathBuf),
    /// With the same queries, so long before.
    Before(Duration),
}

impl Default for Request {
    /// An audit of the server that the configuration names, at the epoch, without a gate.
    fn default() -> Self {
        Self {
            config: None,
            source: SourceRequest::Server(None),
            outside: None,
            command: Vec::new(),
            time_limit: None,
            directory: None,
            http_config: None,
            headers: Vec::new(),
            environment: Environment::default(),
            vars: Vec::new(),
            logs: Vec::new(),
            is_of_scenario: false,
            at: None,
            now: Timestamp::UNIX_EPOCH,
            timeout: Duration::from_secs(30),
            settle: None,
            gate: Gate::default(),
            profile: None,
            preset: None,
            baseline: None,
        }
    }
}

impl Request {
    /// Looks on for so long, where no command says for how long.
    pub fn look_for(&mut self, time: Duration) {
        if !self.command.is_empty() {
            return;
        }
        if let SourceRequest::Scrape { length, .. } = &mut self.source {
            *length = Some(time);
        }
        if let Some(outside) = &mut self.outside {
            outside.length = Some(time);
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
    /// `AUDITOR_PROFILE`: the profile of the file to choose.
    pub profile: Option<OsString>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let [target, bearer_token, basic_auth, profile] =
            ["TARGET", "BEARER_TOKEN", "BASIC_AUTH", "PROFILE"]
                .map(|name| std::env::var_os(format!("AUDITOR_{name}")));
        Self { target, bearer_token, basic_auth, profile }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(***)")
    }
}

/// What a query is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A signal.
    Signal(Signal),
    /// The check of that name.
    Check(String),
}

/// A query of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What it is asked for.
    pub asked: Asked,
    /// PromQL with variables.
    template: String,
    /// How its answer is read.
    pub read_as: ReadAs,
    /// Over which time it is evaluated; `None` for the instant alone.
    pub span: Option<Span>,
    /// Where it is written, if that is in a file.
    pub origin: Option<Place>,
}

impl Query {
    /// The signal that it measures, if it is one's.
    pub const fn signal(&self) -> Option<Signal> {
        match self.asked {
            Asked::Signal(signal) => Some(signal),
            Asked::Check(_) => None,
        }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        match &self.asked {
            Asked::Signal(signal) => signal.key(),
            Asked::Check(name) => name,
        }
    }
}

/// A validated audit.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The configuration file, as it was named.
    pub config: PathBuf,
    /// The preset below the file, where there are both.
    pub preset: Option<&'static str>,
    /// Whether it is the command line that names it.
    is_preset_given: bool,
    /// The profile that was chosen.
    pub profile: Option<String>,
    /// Where the telemetry is, and how to get there.
    pub spec: SourceSpec,
    /// The queries, in the order of the report.
    pub queries: Vec<Query>,
    /// What checks take from logs, in the order of the checks.
    pub logs: Vec<LogLookup>,
    /// The values of the queries' variables.
    vars: Vars,
    /// The variables whose values the command line gives.
    given: Vec<String>,
    /// What the service is judged by.
    pub criteria: Criteria,
    /// Whether an answer that the backend calls incomplete is taken for whole.
    pub accept_partial: bool,
    /// What fails the gate.
    pub gate: Gate,
    /// With what the audit is compared.
    pub baseline: Option<BaselineRequest>,
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
        self.queries.iter().find(|query| query.signal() == Some(signal))
    }

    /// What is to be asked, in the order of the queries. Once it is known what was observed,
    /// `$window` and `$step` stand for that, unless the command line gives them.
    pub fn questions(&self, observed: Option<&ObservedRange>) -> Vec<Question> {
        let values = self.values(observed);
        let is_server = matches!(self.spec.source, Source::Server(_));
        let (is_mixed, is_of_server) = (is_server && self.spec.outside.is_some(), is_server);
        let expression = |query: &Query| Expression::new(vars::expand(&query.template, &values));
        let question = |(query, expr): (&Query, Expression)| Question {
            is_of_server: is_of_server && !(is_mixed && is_of_probe(&expr)),
            expr,
            span: query.span,
            nothing_counts: query.read_as.on_nan == OnMissing::Zero
                || query.read_as.on_no_data == OnMissing::Zero,
            zero_by_zero: query.read_as.on_nan == OnMissing::Zero,
            accept_partial: query.read_as.accept_partial,
        };
        self.queries.iter().map(|query| (query, expression(query))).map(question).collect()
    }

    /// The same once it is known whether a recording is one of a probe. Where it is not, and the service
    /// has no event loop, nobody asks for what a probe would have seen of one: the run did not either.
    #[must_use]
    pub fn of_recording(mut self, has_probe: bool) -> Self {
        let is_recording = matches!(self.spec.source, Source::Recording(_));
        let has_no_loop = self.criteria.evidence.allows(Rule::EventLoop);
        let Some(probe) = Preset::named(PROBE) else { return self };
        let added = preset::path(probe);
        if !is_recording || !has_no_loop || has_probe || self.config == added {
            return self;
        }
        let is_own = |query: &&Query| query.origin.as_ref().is_none_or(|it| it.path != added);
        let own: Vec<_> = self.queries.iter().filter(is_own).cloned().collect();
        let weights = &self.criteria.weights;
        let weighs = |signal| weights.iter().any(|(it, weight)| it == signal && weight > 0.0);
        // What judges by nothing would find everything healthy.
        if !self.logs.is_empty() || own.iter().any(|query| query.signal().is_none_or(weighs)) {
            self.queries = own;
        }
        self
    }

    /// The options of the command line that name the configuration and the source, without secrets.
    pub fn options(&self) -> String {
        let is_built_in = |preset: &&Preset| preset::path(preset) == self.config;
        let built_in = PRESETS.iter().find(is_built_in).map(|preset| preset.name);
        let mut words = Vec::new();
        match built_in {
            Some(PROBE) => {}
            Some(name) => words.push(format!("--preset {name}")),
            None if self.config == Path::new(FILE_NAME) => {}
            None => words.push(format!("--config {}", self.config.display())),
        }
        words.extend(
            self.preset.filter(|_| self.is_preset_given).map(|it| format!("--preset {it}")),
        );
        words.extend(self.profile.as_ref().map(|name| format!("--profile {name}")));
        words.push(self.spec.options());
        words.join(" ")
    }

    /// What is likely to be a mistake, though it can be audited: a query that selects no metric has
    /// the same value whatever the service does.
    pub fn warnings(&self) -> Vec<String> {
        let questions = self.questions(None);
        let asked = self.queries.iter().zip(&questions);
        let is_constant = |question: &Question| {
            question.expr.parsed().is_ok_and(|query| query.selectors().is_empty())
        };
        let constant = asked.filter(|(_, question)| is_constant(question));
        let words = |(query, question): (&Query, &Question)| {
            format!(
                "the query `{}` selects no metric, so that it never changes: {}; leave it out if \
                 the service has no such thing",
                query.name(),
                question.expr.as_str()
            )
        };
        constant.map(words).collect()
    }

    /// Whether nothing is run or watched, but read what is there: with a server, or in a file.
    pub fn only_reads(&self) -> bool {
        let spec = &self.spec;
        let watches = matches!(spec.source, Source::Scrape(_)) || spec.outside.is_some();
        spec.command.is_empty() && spec.start.is_none() && !watches
    }

    /// How long `$window` is, if it is a duration.
    pub fn window(&self, observed: Option<&ObservedRange>) -> Option<Duration> {
        self.values(observed).get("window").and_then(|window| vars::parse_range(window))
    }

    /// How long `$step` is in the configuration, if it is a duration.
    pub fn step(&self) -> Option<Duration> {
        self.values(None).get("step").and_then(|step| vars::parse_range(step))
    }

    /// The values of the variables.
    fn values(&self, observed: Option<&ObservedRange>) -> Vars {
        let mut values = self.vars.clone();
        let [window, step] = [observed.and_then(|it| it.window), observed.and_then(|it| it.step)];
        for (name, value) in [("window", window), ("step", step)] {
            if let Some(value) = value.filter(|_| !self.given.iter().any(|given| given == name)) {
                values.insert(name.to_owned(), vars::range(value));
            }
        }
        values
    }
}

/// Whether an expression selects what the probe shows, and nothing else.
fn is_of_probe(expr: &Expression) -> bool {
    let selectors = expr.parsed().map(promql::Query::selectors).unwrap_or_default();
    let is_of_probe = |selector: &promql::SelectorUse| {
        let is_named = selector.metric().is_some_and(|name| name.starts_with("auditor_"));
        is_named || selector.label("job") == Some(blame::JOB)
    };
    !selectors.is_empty() && selectors.iter().all(is_of_probe)
}

/// Reads and validates the configuration of an audit.
///
/// # Errors
/// A file that is missing or cannot be read, or everything that is wrong in it.
pub fn load(request: &Request) -> Result<Plan, ConfigError> {
    let (path, text) = match (path(request), preset::without_file(request)) {
        (Some(path), _) => {
            let text = read(&path, request.timeout)?;
            (path, text)
        }
        (None, Some(preset)) => (preset::path(preset), preset.text.to_owned()),
        (None, None) if request.preset.is_some() => {
            let name = request.preset.as_deref().unwrap_or_default();
            let message = format!("--preset: {}", preset::no_such_preset(name));
            return Err(ConfigError::Invalid(vec![Problem { place: None, message }]));
        }
        (None, None) => {
            let recording = match &request.source {
                SourceRequest::Recording(path) => {
                    std::fs::metadata(path).err().map(|error| (path.clone(), error.to_string()))
                }
                _ => None,
            };
            let (meant, look) = (passed_over(request), look(request));
            return Err(ConfigError::NotFound { recording, meant, look });
        }
    };
    parse(&path, &text, request)
}

/// The options by which `--init` looks at what is to be audited; a page where nothing is named.
fn look(request: &Request) -> String {
    let named = match &request.source {
        SourceRequest::Server(url) => {
            let target = url.as_deref().and_then(|url| Target::parse(url).ok());
            target.map(|target| ("--target", target.to_string()))
        }
        SourceRequest::Scrape { urls, .. } => {
            let page = urls.first().and_then(|url| Target::parse_page(url).ok());
            page.map(|page| ("--scrape", page.to_string()))
        }
        SourceRequest::Recording(_) => None,
    };
    let named = named.map(|(option, url)| format!("{option} {url}"));
    named.unwrap_or_else(|| "--scrape http://HOST:PORT/metrics".to_owned())
}

/// A file that was probably meant to be the configuration, and is not read, because of its name.
pub fn passed_over(request: &Request) -> Option<PathBuf> {
    let neighbour = || file::neighbour(Path::new(FILE_NAME));
    if path(request).is_some() { None } else { neighbour() }
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

/// Reads a file as text, of at most so many bytes. `patience` bounds the wait for what is no file on
/// disk.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read_text(
    path: &Path,
    at_most: u64,
    patience: Duration,
) -> Result<String, FileError> {
    file::read(path, at_most, patience).and_then(file::text)
}

/// Reads a configuration file as text.
fn read(path: &Path, patience: Duration) -> Result<String, ConfigError> {
    read_text(path, MAX_BYTES, patience).map_err(|reason| {
        let meant = if path.exists() { None } else { file::neighbour(path) };
        ConfigError::Unreadable { path: path.to_owned(), reason, meant }
    })
}

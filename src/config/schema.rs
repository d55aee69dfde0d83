//! What `metrics.yaml` may hold: from the tree of the file to a [`Plan`].

mod http;
mod numbers;
mod queries;
mod source;
mod variables;

use std::collections::HashSet;
use std::path::Path;

use numbers::{read_thresholds, read_weights};
use queries::read_queries;
use source::read_source;
use variables::read_vars;

use super::http::HttpConfig;
use super::problems::{ConfigError, Place, Problem, Problems, suggest};
use super::yaml::{self, Node, Value};
use super::{Plan, Request, SourceSpec};

const SECTIONS: [&str; 7] =
    ["target", "http", "accept_partial", "vars", "queries", "thresholds", "weights"];

/// Validates `text`, the content of `path`, together with the command line and the environment.
pub(super) fn plan(path: &Path, text: &str, request: &Request) -> Result<Plan, ConfigError> {
    validate(path, text, request, read)
}

/// As [`plan`], but only how the telemetry is reached.
pub(super) fn source_spec(
    path: &Path,
    text: &str,
    request: &Request,
) -> Result<SourceSpec, ConfigError> {
    validate(path, text, request, |path, root, own_http, request, problems| {
        let sections = entries(root, "the file", problems);
        read_source(path, &sections, own_http, request, problems)
    })
}

/// `None` where something is missing that the whole cannot do without; a problem says what.
///
/// The HTTP configuration stands in for the section `http`, which is checked all the same.
type Reader<T> = fn(&Path, &Node, Option<HttpConfig>, &Request, &mut Problems) -> Option<T>;

fn validate<T>(
    path: &Path,
    text: &str,
    request: &Request,
    read: Reader<T>,
) -> Result<T, ConfigError> {
    let root =
        yaml::parse(text).map_err(|error| ConfigError::Invalid(vec![syntax(path, &error)]))?;
    let own_http = request.http_config.as_deref().map(|path| http::read_file(path, request));
    let (own_http, elsewhere) = own_http.transpose()?.unzip();
    let mut problems = Problems::default();
    let whole = read(path, &root, own_http, request, &mut problems);
    let elsewhere = elsewhere.unwrap_or_default();
    match whole {
        Some(whole) if problems.is_empty() && elsewhere.is_empty() => Ok(whole),
        _ => Err(ConfigError::Invalid([problems.locate(path, text), elsewhere].concat())),
    }
}

fn syntax(path: &Path, error: &serde_yaml::Error) -> Problem {
    let place = error.location().map(|place| Place {
        path: path.to_owned(),
        line: place.line(),
        column: place.column(),
    });
    // Some errors have no place; the file is named all the same.
    let path = if place.is_none() { format!("{}: ", path.display()) } else { String::new() };
    Problem { place, message: format!("{path}this is not the YAML expected here: {error}") }
}

fn read(
    path: &Path,
    root: &Node,
    own_http: Option<HttpConfig>,
    request: &Request,
    problems: &mut Problems,
) -> Option<Plan> {
    if matches!(root.value, Value::Null) {
        problems.at(root, "the file is empty; `auditor --init` writes a template");
        return None;
    }
    let sections = entries(root, "the file", problems);
    for ((name, key), _) in sections.iter().filter(|((name, _), _)| !SECTIONS.contains(name)) {
        problems.at(key, unknown("section", name, SECTIONS));
    }
    let spec = read_source(path, &sections, own_http, request, problems);
    let [accept_partial, file_vars, thresholds, weights] =
        ["accept_partial", "vars", "thresholds", "weights"]
            .map(|name| find(&sections, name).map(|(_, node)| node));
    let queries = find(&sections, "queries");
    let accept_partial = accept_partial
        .and_then(|node| http::boolean("accept_partial", node, problems))
        .unwrap_or_default();
    let vars = read_vars(file_vars, queries.map(|(_, node)| node), request, problems);
    let thresholds = thresholds.map(|node| read_thresholds(node, problems)).unwrap_or_default();
    let weights = weights.map(|node| read_weights(node, problems)).unwrap_or_default();
    let Some(((_, key), node)) = queries else {
        problems.at(root, "the section `queries` is missing; `auditor --init` writes a template");
        return None;
    };
    let mut queries = read_queries(key, node, &vars, problems);
    for query in &mut queries {
        query.read_as.accept_partial = accept_partial;
    }
    let given = request.vars.iter().map(|(name, _)| name.clone()).collect();
    let gate = request.gate;
    let config = path.to_owned();
    let spec = spec?;
    Some(Plan { config, spec, queries, vars, given, thresholds, weights, accept_partial, gate })
}

type Key<'a> = (&'a str, &'a Node);
type Entry<'a> = (Key<'a>, &'a Node);

fn find<'a>(entries: &[Entry<'a>], name: &str) -> Option<Entry<'a>> {
    entries.iter().find(|((key, _), _)| *key == name).copied()
}

/// The entries of a mapping, each key once. An empty section is an empty mapping.
fn entries<'a>(node: &'a Node, what: &str, problems: &mut Problems) -> Vec<Entry<'a>> {
    let map = match &node.value {
        Value::Map(map) => map,
        Value::Null => return Vec::new(),
        other => {
            problems.at(node, format!("{what} must be a mapping, found {}", other.noun()));
            return Vec::new();
        }
    };
    let (mut entries, mut names) = (Vec::new(), HashSet::new());
    for (key, value) in map {
        match &key.value {
            Value::Text(name) if !names.insert(name.as_str()) => {
                problems.at(key, "this key stands here a second time; keep one of them");
            }
            Value::Text(name) => entries.push(((name.as_str(), key), value)),
            other => problems.at(key, format!("a key must be a name, found {}", other.noun())),
        }
    }
    entries
}

/// Says that there is no such key. One that does not look like a key is not repeated: with a
/// colon missing, it may hold a secret.
fn unknown<'a>(what: &str, key: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = if key.chars().all(is_word) { format!(" `{key}`") } else { String::new() };
    format!("unknown {what}{name}; {}", suggest(key, valid))
}

//! What `metrics.yaml` may hold: from the tree of the file to a [`Plan`].

mod numbers;
mod queries;
mod variables;

use std::collections::HashSet;
use std::path::Path;

use numbers::{read_thresholds, read_weights};
use queries::read_queries;
use variables::read_vars;

use super::problems::{ConfigError, Problem, Problems, suggest};
use super::yaml::{self, Node, Value};
use super::{DEFAULT_TARGET, Plan, Request, Target};

const SECTIONS: [&str; 5] = ["target", "vars", "queries", "thresholds", "weights"];

/// Validates `text`, the content of `path`, together with the command line.
pub(super) fn plan(path: &Path, text: &str, request: &Request) -> Result<Plan, ConfigError> {
    let invalid = |problems| ConfigError::Invalid { path: path.to_owned(), problems };
    let root = yaml::parse(text).map_err(|error| invalid(vec![syntax(&error)]))?;
    let mut problems = Problems::default();
    let plan = read(path, &root, request, &mut problems);
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(invalid(problems.locate(text))),
    }
}

fn syntax(error: &serde_yaml::Error) -> Problem {
    let position = error.location().map(|place| (place.line(), place.column()));
    Problem { position, message: format!("this is not the YAML expected here: {error}") }
}

/// `None` where something is missing that a plan cannot do without; a problem says what.
fn read(path: &Path, root: &Node, request: &Request, problems: &mut Problems) -> Option<Plan> {
    if matches!(root.value, Value::Null) {
        problems.at(root, "the file is empty; `auditor --init` writes a template");
        return None;
    }
    let sections = entries(root, "the file", problems);
    for ((name, key), _) in sections.iter().filter(|((name, _), _)| !SECTIONS.contains(name)) {
        problems.at(key, unknown("section", name, SECTIONS));
    }
    let section = |name: &str| sections.iter().find(|((key, _), _)| *key == name).copied();
    let [target, file_vars, thresholds, weights] =
        ["target", "vars", "thresholds", "weights"].map(|name| section(name).map(|(_, node)| node));
    let queries = section("queries");
    let target = read_target(target, request, problems);
    let vars = read_vars(file_vars, queries.map(|(_, node)| node), request, problems);
    let thresholds = thresholds.map(|node| read_thresholds(node, problems)).unwrap_or_default();
    let weights = weights.map(|node| read_weights(node, problems)).unwrap_or_default();
    let Some(((_, key), node)) = queries else {
        problems.at(root, "the section `queries` is missing; `auditor --init` writes a template");
        return None;
    };
    let queries = read_queries(key, node, &vars, problems);
    Some(Plan {
        config: path.to_owned(),
        target: target?,
        queries,
        thresholds,
        weights,
        at: request.at,
        timeout: request.timeout,
        gate: request.gate,
    })
}

type Key<'a> = (&'a str, &'a Node);

/// The entries of a mapping, each key once. An empty section is an empty mapping.
fn entries<'a>(node: &'a Node, what: &str, problems: &mut Problems) -> Vec<(Key<'a>, &'a Node)> {
    let map = match &node.value {
        Value::Map(map) => map,
        Value::Null => return Vec::new(),
        other => {
            problems.at(node, format!("{what} must be a mapping, found {}", other.kind()));
            return Vec::new();
        }
    };
    let (mut entries, mut names) = (Vec::new(), HashSet::new());
    for (key, value) in map {
        match &key.value {
            Value::Text(name) if !names.insert(name.as_str()) => {
                problems.at(key, format!("`{name}` stands here a second time; keep one of them"));
            }
            Value::Text(name) => entries.push(((name.as_str(), key), value)),
            other => problems.at(key, format!("a key must be a name, found {}", other.kind())),
        }
    }
    entries
}

fn unknown<'a>(what: &str, key: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    format!("unknown {what} `{key}`; {}", suggest(key, valid))
}

fn read_target(node: Option<&Node>, request: &Request, problems: &mut Problems) -> Option<Target> {
    let from_file = match node.map(|node| (node, &node.value)) {
        None => Target::parse(DEFAULT_TARGET).ok(),
        Some((node, Value::Text(text))) => {
            Target::parse(text).map_err(|message| problems.at(node, message)).ok()
        }
        Some((node, other)) => {
            problems.at(node, format!("`target` must be a URL, found {}", other.kind()));
            None
        }
    };
    match &request.target {
        None => from_file,
        Some(text) => Target::parse(text)
            .map_err(|message| problems.on_command_line(format!("--target: {message}")))
            .ok(),
    }
}

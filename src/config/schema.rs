//! What `metrics.yaml` may hold: from the tree of the file to a [`Plan`].

mod baseline;
mod checks;
pub(crate) mod evidence;
mod http;
mod limits;
mod logs;
mod numbers;
mod profiles;
mod queries;
mod source;
mod variables;

use std::collections::HashSet;
use std::path::Path;

use baseline::read_baseline;
use checks::read_checks;
use evidence::read_evidence;
use numbers::{read_thresholds, read_weights};
use queries::{is_blind, read_queries};
use source::read_source;
use variables::read_vars;

use super::http::HttpConfig;
use super::layers::{self, get};
use super::problems::{ConfigError, Problems, suggest};
use super::yaml::{self, Node, Origin, Value};
use super::{Plan, Request, SourceSpec, preset};
use crate::model::check::Criteria;
use crate::model::signal::Signal;

const SECTIONS: [&str; 12] = [
    preset::KEY,
    "target",
    "http",
    "accept_partial",
    "vars",
    "queries",
    "thresholds",
    "weights",
    "checks",
    "evidence",
    "baseline",
    "profiles",
];

/// Why a configuration is refused that does not see the loop.
const BLIND: &str = "no query here sees whether the event loop is held up; give `event_loop_lag` or \
    `blocking_duration_avg` a query, or name a preset that has one (auditor --list-presets), or \
    add --probe URL; for a service without an event loop, set event_loop: allow under `evidence`";

/// Why a configuration is refused that asks nothing.
const NO_QUERIES: &str = "the section `queries` is missing; `auditor --init` writes a template. \
    It can be left out where every check takes its value from a log (`log`)";

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
        let root = layers::merge(root, source::outside_layer(request, problems));
        let sections = entries(&root, "the file", problems);
        read_source(path, (&sections, false), own_http, request, problems)
    })
}

/// `None` where something is missing that the whole cannot do without; a problem says what.
///
/// The HTTP configuration stands in for the section `http`, which is checked all the same.
type Reader<T> = fn(&Path, Node, Option<HttpConfig>, &Request, &mut Problems) -> Option<T>;

fn validate<T>(
    path: &Path,
    text: &str,
    request: &Request,
    read: Reader<T>,
) -> Result<T, ConfigError> {
    let root = yaml::parse(path, text).map_err(|problem| ConfigError::Invalid(vec![problem]))?;
    let own_http = request.http_config.as_deref().map(|path| http::read_file(path, request));
    let (own_http, elsewhere) = own_http.transpose()?.unzip();
    let mut problems = Problems::default();
    let whole = read(path, root, own_http, request, &mut problems);
    let elsewhere = elsewhere.unwrap_or_default();
    match whole {
        Some(whole) if problems.is_empty() && elsewhere.is_empty() => Ok(whole),
        _ => Err(ConfigError::Invalid([problems.sorted(), elsewhere].concat())),
    }
}

fn read(
    path: &Path,
    root: Node,
    own_http: Option<HttpConfig>,
    request: &Request,
    problems: &mut Problems,
) -> Option<Plan> {
    if matches!(root.value, Value::Null) {
        problems.at(&root, "the file is empty; `auditor --init` writes a template");
        return None;
    }
    for ((name, key), _) in entries(&root, "the file", problems) {
        if !SECTIONS.contains(&name) {
            problems.at(key, unknown("section", name, SECTIONS));
        }
    }
    check_doubled(&root, problems);
    let (root, preset) = preset::below(root, request, problems);
    let profile = profiles::chosen(&root, request, problems);
    profiles::check_others(&root, profile.as_deref(), problems);
    let root = match profile.as_deref().and_then(|name| profiles::layer(&root, name)) {
        Some(layer) => layers::merge(root, layer),
        None => root,
    };
    let declared = get(&root, "vars").map(|vars| layers::keys(vars).map(str::to_owned).collect());
    let declared: Vec<String> = declared.unwrap_or_default();
    let root = layers::merge(root, source::outside_layer(request, problems));
    let root = layers::merge(root, variables_layer(request));
    let sections = entries(&root, "the file", &mut Problems::default());
    let is_of_logs = logs::are_all(&root);
    let spec = read_source(path, (&sections, is_of_logs), own_http, request, problems);
    let asking = ["queries", "checks"].map(|name| get(&root, name));
    variables::check_given(&request.vars, &declared, asking, problems);
    if is_of_logs {
        logs::check_source(request, problems);
    }
    let judged_by = read_judged_by(&root, problems)?;
    logs::check_given(&root, request, &judged_by.logs, problems);
    let spec = spec.map(|mut spec| {
        let is_used = |name: &String| judged_by.logs.iter().any(|lookup| lookup.file == *name);
        spec.logs.retain(|(name, _)| is_used(name));
        spec
    });
    if let Some(baseline) = &request.baseline {
        baseline::check_request(baseline, &root, spec.as_ref(), problems);
        baseline::check_window(baseline, &judged_by.vars, request, problems);
    }
    let is_preset = preset.is_some_and(|preset| preset::path(preset) == path);
    let given = request.vars.iter().map(|(name, _)| name.clone()).collect();
    Some(Plan {
        config: path.to_owned(),
        preset: preset.map(|preset| preset.name).filter(|_| !is_preset),
        is_preset_given: request.preset.is_some(),
        profile,
        spec: spec?,
        queries: judged_by.queries,
        logs: judged_by.logs,
        vars: judged_by.vars,
        given,
        criteria: judged_by.criteria,
        accept_partial: judged_by.accept_partial,
        gate: request.gate,
        baseline: request.baseline.clone(),
    })
}

/// The variables of the command line, as a layer; the last of a name wins.
fn variables_layer(request: &Request) -> Node {
    let node = |value| Node { origin: Origin::CommandLine("--var"), value };
    let text = |text: &str| node(Value::Text(text.to_owned()));
    let mut vars: Vec<(Node, Node)> = Vec::new();
    for (index, (name, value)) in request.vars.iter().enumerate() {
        if !request.vars[index + 1..].iter().any(|(later, _)| later == name) {
            vars.push((text(name), text(value)));
        }
    }
    if vars.is_empty() {
        return node(Value::Null);
    }
    node(Value::Map(vec![(text("vars"), node(Value::Map(vars)))]))
}

/// What a service is asked and judged by: all but how it is reached.
struct JudgedBy {
    vars: super::vars::Vars,
    queries: Vec<super::Query>,
    logs: Vec<super::LogLookup>,
    criteria: Criteria,
    accept_partial: bool,
}

/// Reads what the file and a profile of it say together.
fn read_judged_by(root: &Node, problems: &mut Problems) -> Option<JudgedBy> {
    let sections = entries(root, "the file", problems);
    let [accept_partial, vars, thresholds, weights, checks, evidence, baseline] =
        ["accept_partial", "vars", "thresholds", "weights", "checks", "evidence", "baseline"]
            .map(|name| find(&sections, name).map(|(_, node)| node));
    let accept_partial = accept_partial
        .and_then(|node| http::boolean("accept_partial", node, problems))
        .unwrap_or_default();
    let vars = read_vars(vars, problems);
    let mut criteria = Criteria::default();
    if let Some(node) = thresholds {
        read_thresholds(node, &mut criteria, problems);
    }
    if let Some(node) = weights {
        criteria.weights = read_weights(node, problems);
    }
    let mut lookups = Vec::new();
    if logs::are_all(root) {
        let mut queries = Vec::new();
        if let Some(node) = checks {
            let read = (&mut queries, &mut lookups);
            read_checks(node, &vars, &mut criteria, read, problems);
        }
        let of_signals = [("thresholds", thresholds), ("weights", weights), ("evidence", evidence)];
        for (name, node) in of_signals.into_iter().filter_map(|(name, it)| Some((name, it?))) {
            problems.at(node, format!("`{name}` is about signals, and there are no `queries`"));
        }
        if let Some(node) = baseline {
            criteria.comparisons = read_baseline(node, &criteria, (&queries, false), problems);
        }
        return Some(JudgedBy { vars, queries, logs: lookups, criteria, accept_partial });
    }
    let Some(((_, key), node)) = find(&sections, "queries") else {
        problems.at(root, NO_QUERIES);
        return None;
    };
    let mut queries = read_queries(node, &vars, problems);
    let is_scored = is_scored(&queries, &criteria);
    if let Some(node) = weights.filter(|_| !is_scored) {
        problems.at(node, "no signal that is queried has a weight; every service would be healthy");
    }
    if let Some(node) = checks {
        read_checks(node, &vars, &mut criteria, (&mut queries, &mut lookups), problems);
    }
    if let Some(node) = evidence {
        criteria.evidence = read_evidence(node, &queries, problems);
    }
    if let Some(node) = baseline {
        criteria.comparisons = read_baseline(node, &criteria, (&queries, is_scored), problems);
    }
    if is_blind(&queries, &criteria.evidence) {
        problems.at(key, BLIND);
    } else if weights.is_none() && checks.is_none() && !is_scored {
        problems.at(key, "no signal here is a part of the score; every service would be healthy");
    }
    for query in &mut queries {
        query.read_as.accept_partial = accept_partial;
    }
    Some(JudgedBy { vars, queries, logs: lookups, criteria, accept_partial })
}

/// Whether any query is a part of the score; the weights that are left would all be of signals without
/// one.
fn is_scored(queries: &[super::Query], criteria: &Criteria) -> bool {
    let weighs = |query: &super::Query| {
        let of = |signal| criteria.weights.iter().any(|(it, weight)| it == signal && weight > 0.0);
        query.signal().is_some_and(|signal| {
            of(signal)
                || of(Signal::THREADPOOL_BACKLOG) && signal == Signal::THREADPOOL_TASKS_STARTED
        })
    };
    queries.iter().any(weighs)
}

pub(super) type Key<'a> = (&'a str, &'a Node);
pub(super) type Entry<'a> = (Key<'a>, &'a Node);

pub(super) fn find<'a>(entries: &[Entry<'a>], name: &str) -> Option<Entry<'a>> {
    entries.iter().find(|((key, _), _)| *key == name).copied()
}

/// The entries of a mapping, each key once. An empty section is an empty mapping.
pub(super) fn entries<'a>(node: &'a Node, what: &str, problems: &mut Problems) -> Vec<Entry<'a>> {
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
            Value::Text(name) if name == "<<" => {
                problems.at(key, "merge keys (<<) are not read; write the keys out");
            }
            Value::Text(name) if !names.insert(name.as_str()) => {
                problems.at(key, "this key stands here a second time; keep one of them");
            }
            Value::Text(name) => entries.push(((name.as_str(), key), value)),
            other => problems.at(key, format!("a key must be a name, found {}", other.noun())),
        }
    }
    entries
}

/// Checks for keys that stand twice, at every depth: of such a key, merging would drop one.
fn check_doubled(node: &Node, problems: &mut Problems) {
    match &node.value {
        Value::Map(map) => {
            entries(node, "this", problems);
            map.iter().for_each(|(_, value)| check_doubled(value, problems));
        }
        Value::List(items) => items.iter().for_each(|item| check_doubled(item, problems)),
        _ => {}
    }
}

/// Says that there is no such key. One that does not look like a key is not repeated: with a
/// colon missing, it may hold a secret.
pub(super) fn unknown<'a>(
    what: &str,
    key: &str,
    valid: impl IntoIterator<Item = &'a str>,
) -> String {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = if key.chars().all(is_word) { format!(" `{key}`") } else { String::new() };
    format!("unknown {what}{name}; {}", suggest(key, valid))
}

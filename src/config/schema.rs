//! What `metrics.yaml` may hold: from the tree of the file to a [`Plan`].

use std::path::Path;

use super::problems::{ConfigError, Problem, Problems, suggest};
use super::vars::{self, Vars};
use super::yaml::{self, Node, Value};
use super::{DEFAULT_TARGET, Plan, Query, Request, Target};
use crate::judgement::{Thresholds, Weights};
use crate::readings::ReadAs;
use crate::signal::{OnMissing, Reduce, Signal};

const SECTIONS: [&str; 5] = ["target", "vars", "queries", "thresholds", "weights"];
const QUERY_KEYS: [&str; 4] = ["query", "reduce", "on_no_data", "on_nan"];

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
    // The position stands in front; the parser repeats it behind its words.
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    Problem { position, message: format!("this is not the YAML expected here: {words}") }
}

/// `None` where something is missing that a plan cannot do without; a problem says what.
fn read(path: &Path, root: &Node, request: &Request, problems: &mut Problems) -> Option<Plan> {
    let mut sections = [const { None }; SECTIONS.len()];
    for (key, value) in entries(root, "the file", problems) {
        match SECTIONS.iter().position(|section| *section == key.0) {
            Some(index) => sections[index] = Some(value),
            None => problems.at(key.1, unknown("section", key.0, SECTIONS)),
        }
    }
    let [target, file_vars, queries, thresholds, weights] = sections;
    let target = read_target(target, request, problems);
    let vars = read_vars(file_vars, queries, request, problems);
    let thresholds = thresholds.map(|node| read_thresholds(node, problems)).unwrap_or_default();
    let weights = weights.map(|node| read_weights(node, problems)).unwrap_or_default();
    let Some(queries) = queries else {
        problems.at(root, "the section `queries` is missing; `auditor --init` writes a template");
        return None;
    };
    let queries = read_queries(queries, &vars, problems);
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
    let mut entries: Vec<(Key<'a>, &'a Node)> = Vec::new();
    for (key, value) in map {
        match &key.value {
            Value::Text(name) if entries.iter().any(|(known, _)| known.0 == name) => {
                problems.at(key, format!("`{name}` stands here a second time; keep one of them"));
            }
            Value::Text(name) => entries.push(((name, key), value)),
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

fn read_vars(
    node: Option<&Node>,
    queries: Option<&Node>,
    request: &Request,
    problems: &mut Problems,
) -> Vars {
    let mut vars: Vars = vars::BUILT_IN.map(|(name, value)| (name.into(), value.into())).into();
    let check = |name: &str, value: &str| {
        let is_range = matches!(name, "window" | "step");
        (is_range && !vars::is_range(value))
            .then(|| format!("`{name}` must be a duration such as 15m or 30s, found {value:?}"))
    };
    for ((name, key), value) in node.map(|n| entries(n, "`vars`", problems)).unwrap_or_default() {
        let text = match &value.value {
            Value::Text(text) => text.clone(),
            Value::Int(number) => number.to_string(),
            other => {
                let found = other.kind();
                problems.at(value, format!("the variable `{name}` must be text, found {found}"));
                String::new()
            }
        };
        if !vars::is_name(name) {
            problems.at(key, format!("`{name}` cannot be a variable; use letters, digits and _"));
        }
        if let Some(message) = check(name, &text) {
            problems.at(value, message);
        }
        vars.insert(name.to_owned(), text);
    }
    for (name, value) in &request.vars {
        // A name that neither the file nor a query knows would be ignored: a misspelling.
        if !vars.contains_key(name) && !queries.is_some_and(|queries| uses(queries, name)) {
            let known = vars.keys().map(String::as_str);
            problems.on_command_line(format!("--var: {}", unknown("variable", name, known)));
        }
        if let Some(message) = check(name, value) {
            problems.on_command_line(format!("--var: {message}"));
        }
        vars.insert(name.clone(), value.clone());
    }
    vars
}

/// Whether any query below `node` uses the variable.
fn uses(node: &Node, name: &str) -> bool {
    match &node.value {
        Value::Text(text) => vars::names(text).is_ok_and(|names| names.contains(&name)),
        Value::Map(map) => map.iter().any(|(_, value)| uses(value, name)),
        _ => false,
    }
}

fn read_queries(node: &Node, vars: &Vars, problems: &mut Problems) -> Vec<Query> {
    let mut queries = Vec::new();
    let entries = entries(node, "`queries`", problems);
    for ((name, key), value) in &entries {
        match Signal::from_key(name) {
            Some(signal) => queries.extend(read_query(signal, value, vars, problems)),
            None => problems.at(key, unknown("query", name, Signal::ALL.map(Signal::key))),
        }
    }
    let place = |signal: Signal| entries.iter().find(|((name, _), _)| *name == signal.key());
    for signal in Signal::ALL.into_iter().filter(|s| s.is_required() && place(*s).is_none()) {
        problems.at(node, format!("the query `{}` is missing; it is required", signal.key()));
    }
    let pair = (Signal::ThreadpoolTasksStarted, Signal::ThreadpoolTasksCompleted);
    for (one, other) in [pair, (pair.1, pair.0)] {
        if let (Some(((_, key), _)), None) = (place(one), place(other)) {
            let (one, other) = (one.key(), other.key());
            problems.at(
                key,
                format!("`{one}` needs `{other}` beside it; the backlog is their difference"),
            );
        }
    }
    queries.sort_by_key(|query| query.signal);
    queries
}

fn read_query(signal: Signal, node: &Node, vars: &Vars, problems: &mut Problems) -> Option<Query> {
    let mut read_as = ReadAs::default_for(signal);
    let mut expr = None;
    match &node.value {
        Value::Map(_) => {
            for ((name, key), value) in entries(node, signal.key(), problems) {
                match name {
                    "query" => expr = Some(value),
                    "reduce" => set(&mut read_as.reduce, value, Reduce::ALL, problems),
                    "on_no_data" => set(&mut read_as.on_no_data, value, OnMissing::ALL, problems),
                    "on_nan" => set(&mut read_as.on_nan, value, OnMissing::ALL, problems),
                    _ => problems.at(key, unknown("key", name, QUERY_KEYS)),
                }
            }
            if expr.is_none() {
                problems.at(node, format!("`{}` has no `query`", signal.key()));
            }
        }
        _ => expr = Some(node),
    }
    let expr = read_expr(signal, expr?, vars, problems)?;
    Some(Query { signal, expr, read_as })
}

fn set<T: Copy, const N: usize>(
    slot: &mut T,
    node: &Node,
    choices: [(&str, T); N],
    problems: &mut Problems,
) {
    let chosen = match &node.value {
        Value::Text(text) => choices.iter().find(|(name, _)| name == text),
        _ => None,
    };
    match chosen {
        Some((_, value)) => *slot = *value,
        None => {
            let names = choices.map(|(name, _)| name).join(", ");
            problems.at(node, format!("expected one of {names}, found {}", node.value.kind()));
        }
    }
}

fn read_expr(signal: Signal, node: &Node, vars: &Vars, problems: &mut Problems) -> Option<String> {
    let key = signal.key();
    let template = match &node.value {
        Value::Text(text) => text,
        Value::Null => {
            problems
                .at(node, format!("the query `{key}` is empty; write PromQL or remove the key"));
            return None;
        }
        other => {
            problems.at(node, format!("the query `{key}` must be PromQL, found {}", other.kind()));
            return None;
        }
    };
    let names = vars::names(template).map_err(|message| problems.at(node, message)).ok()?;
    let mut complete = true;
    for name in names.into_iter().filter(|name| !vars.contains_key(*name)) {
        complete = false;
        let hint = suggest(name, vars.keys().map(String::as_str));
        problems.at(node, format!("the variable ${name} is not declared under `vars`; {hint}"));
    }
    let expr = vars::expand(template, vars);
    if complete && expr.trim().is_empty() {
        problems.at(node, format!("the query `{key}` is empty; write PromQL or remove the key"));
        return None;
    }
    complete.then_some(expr)
}

fn read_thresholds(node: &Node, problems: &mut Problems) -> Thresholds {
    let mut t = Thresholds::default();
    let mut places = [None; 3];
    let entries = entries(node, "`thresholds`", problems);
    {
        let mut slots: [(&str, &mut f64); 11] = [
            ("health_score_degraded", &mut t.health_score_degraded),
            ("health_score_critical", &mut t.health_score_critical),
            ("health_score_collapse", &mut t.health_score_collapse),
            ("max_event_loop_lag_s", &mut t.max_event_loop_lag_s),
            ("max_blocking_duration_s", &mut t.max_blocking_duration_s),
            ("max_queue_wait_s", &mut t.max_queue_wait_s),
            ("max_threadpool_backlog", &mut t.max_threadpool_backlog),
            ("max_active_requests", &mut t.max_active_requests),
            ("load_warning_threshold", &mut t.load_warning_threshold),
            ("latency_hide_threshold_s", &mut t.latency_hide_threshold_s),
            ("p99_latency_hide_threshold_s", &mut t.p99_latency_hide_threshold_s),
        ];
        for (key, value) in entries {
            if let Some(index) = read_number("threshold", key, value, &mut slots, problems)
                && let Some(place) = places.get_mut(index) {
                    *place = Some(value);
                }
        }
    }
    let levels = [
        ("health_score_degraded", t.health_score_degraded),
        ("health_score_critical", t.health_score_critical),
        ("health_score_collapse", t.health_score_collapse),
    ];
    for (index, pair) in levels.windows(2).enumerate() {
        if let [(lower_name, lower), (upper_name, upper)] = pair
            && lower > upper
        {
            let place = places[index + 1].or(places[index]).unwrap_or(node);
            let message = format!(
                "`{upper_name}` ({upper}) is below `{lower_name}` ({lower}); \
                 the order is degraded <= critical <= collapse"
            );
            problems.at(place, message);
        }
    }
    t
}

fn read_weights(node: &Node, problems: &mut Problems) -> Weights {
    let mut w = Weights::default();
    let mut slots: [(&str, &mut f64); 5] = [
        ("event_loop_lag", &mut w.event_loop_lag),
        ("blocking_duration_avg", &mut w.blocking_duration_avg),
        ("threadpool_queue_wait", &mut w.threadpool_queue_wait),
        ("threadpool_backlog", &mut w.threadpool_backlog),
        ("peak_active_requests", &mut w.peak_active_requests),
    ];
    for (key, value) in entries(node, "`weights`", problems) {
        read_number("weight", key, value, &mut slots, problems);
    }
    w
}

/// Reads a finite number that is not negative into the slot of its key; says which slot.
fn read_number(
    what: &str,
    (name, key): Key<'_>,
    node: &Node,
    slots: &mut [(&str, &mut f64)],
    problems: &mut Problems,
) -> Option<usize> {
    let Some(index) = slots.iter().position(|(slot, _)| *slot == name) else {
        problems.at(key, unknown(what, name, slots.iter().map(|(slot, _)| *slot)));
        return None;
    };
    let value = match node.value {
        Value::Int(value) => value as f64,
        Value::Float(value) => value,
        ref other => {
            problems.at(node, format!("`{name}` must be a number, found {}", other.kind()));
            return None;
        }
    };
    if !value.is_finite() || value < 0.0 {
        problems.at(node, format!("`{name}` must be finite and not negative, found {value}"));
        return None;
    }
    *slots[index].1 = value;
    Some(index)
}

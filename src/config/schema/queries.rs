//! Queries: PromQL with variables, and how its answer is read.

use super::{Entry, entries, find, unknown};
use crate::config::problems::{Problems, suggest};
use crate::config::vars::{self, Vars};
use crate::config::yaml::{Node, Value};
use crate::config::{Asked, Query};
use crate::model::evidence::{EvidenceRules, Rule};
use crate::model::reading::ReadAs;
use crate::model::signal::{OnMissing, Reduce, Signal};

/// What a query may hold that is a mapping.
pub(super) const QUERY_KEYS: [&str; 4] = ["query", "reduce", "on_no_data", "on_nan"];

/// Reads the section.
pub(super) fn read_queries(node: &Node, vars: &Vars, problems: &mut Problems) -> Vec<Query> {
    let mut queries = Vec::new();
    let entries = entries(node, "`queries`", problems);
    for ((name, key), value) in &entries {
        match Signal::from_key(name) {
            Some(signal) => queries.extend(read_query(signal, value, vars, problems)),
            None => problems.at(key, unknown("query", name, Signal::all().map(Signal::key))),
        }
    }
    let place = |signal: Signal| entries.iter().find(|((name, _), _)| *name == signal.key());
    let pair = (Signal::THREADPOOL_TASKS_STARTED, Signal::THREADPOOL_TASKS_COMPLETED);
    for (one, other) in [pair, (pair.1, pair.0)] {
        if let (Some(((_, key), _)), None) = (place(one), place(other)) {
            let (one, other) = (one.key(), other.key());
            problems.at(
                key,
                format!("`{one}` needs `{other}` beside it; the backlog is their difference"),
            );
        }
    }
    queries.sort_by_key(Query::signal);
    queries
}

/// Whether no query sees if the event loop is held up, though the configuration does not say that
/// there is none.
pub(super) fn is_blind(queries: &[Query], rules: &EvidenceRules) -> bool {
    let sees_loop =
        |query: &Query| query.signal().is_some_and(|it| Signal::OF_THE_LOOP.contains(&it));
    !rules.allows(Rule::EventLoop) && !queries.iter().any(sees_loop)
}

fn read_query(signal: Signal, node: &Node, vars: &Vars, problems: &mut Problems) -> Option<Query> {
    let mut read_as = ReadAs::default_for(signal);
    let expr = match &node.value {
        Value::Map(_) => {
            let entries = entries(node, signal.key(), problems);
            for ((name, key), _) in entries.iter().filter(|it| !QUERY_KEYS.contains(&it.0.0)) {
                problems.at(key, unknown("key", name, QUERY_KEYS));
            }
            read_how(&mut read_as, &entries, problems);
            let expr = find(&entries, "query").map(|(_, value)| value);
            if expr.is_none() {
                problems.at(node, format!("`{}` has no `query`", signal.key()));
            }
            expr
        }
        _ => Some(node),
    };
    let expr = expr?;
    let template = read_template(signal.key(), expr, vars, problems)?;
    let origin = expr.place();
    Some(Query { asked: Asked::Signal(signal), template, read_as, span: None, origin })
}

/// Reads how the answer is to be read.
pub(super) fn read_how(how: &mut ReadAs, entries: &[Entry<'_>], problems: &mut Problems) {
    if let Some((_, value)) = find(entries, "reduce") {
        set(&mut how.reduce, value, Reduce::ALL, problems);
    }
    if let Some((_, value)) = find(entries, "on_no_data") {
        set(&mut how.on_no_data, value, OnMissing::ALL, problems);
    }
    if let Some((_, value)) = find(entries, "on_nan") {
        set(&mut how.on_nan, value, OnMissing::ALL, problems);
    }
}

/// Sets one of the choices.
pub(super) fn set<T: Copy, const N: usize>(
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

/// The query as it is written; with its variables replaced, it is not empty.
pub(super) fn read_template(
    key: &str,
    node: &Node,
    vars: &Vars,
    problems: &mut Problems,
) -> Option<String> {
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
    complete.then(|| template.clone())
}

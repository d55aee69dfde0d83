//! Checks that take their value from a log, and the logs that the command line names.

use super::{entries, find, unknown};
use crate::config::layers::{get, keys};
use crate::config::problems::{Problems, suggest};
use crate::config::yaml::{Node, Value};
use crate::config::{LogLookup, Request, SourceRequest};
use crate::log::{self, is_of_key};
use crate::model::signal::OnMissing;

/// The key of a check that takes its value from a log.
pub(super) const KEY: &str = "log";
/// What stands under it.
const KEYS: [&str; 4] = ["file", "line", "key", "as"];
/// What a value can be read as.
const INTEGER: &str = "integer";

/// Reads where the check of that name finds its value.
pub(super) fn read_lookup(
    check: &str,
    node: &Node,
    on_no_data: OnMissing,
    problems: &mut Problems,
) -> Option<LogLookup> {
    if !matches!(node.value, Value::Map(_)) {
        let found = node.value.kind();
        problems
            .at(node, format!("`{KEY}` must be a mapping of file, line and key, found {found}"));
        return None;
    }
    let entries = entries(node, KEY, problems);
    for ((name, key), _) in entries.iter().filter(|it| !KEYS.contains(&it.0.0)) {
        problems.at(key, unknown("key", name, KEYS));
    }
    let mut text = |name: &str, is_valid: fn(&str) -> bool, wanted: &str| {
        let Some((_, value)) = find(&entries, name) else {
            problems.at(node, format!("`{KEY}` of the check `{check}` has no `{name}`"));
            return None;
        };
        match &value.value {
            Value::Text(text) if is_valid(text) => Some((text.clone(), value.place())),
            other => {
                let found = other.kind();
                problems.at(value, format!("`{name}` must be {wanted}, found {found}"));
                None
            }
        }
    };
    let file = text("file", is_name, "a name of letters, digits, `_`, `-` and `.`");
    let line = text("line", is_of_a_line, "text that the line contains");
    let key = text("key", is_key, "a key of letters, digits and `_`");
    let read_as = find(&entries, "as").map(|(_, value)| value);
    let is_integer = |node: &Node| matches!(&node.value, Value::Text(text) if text == INTEGER);
    if let Some(node) = read_as.filter(|node| !is_integer(node)) {
        problems.at(node, format!("`as` must be {INTEGER}, found {}", node.value.kind()));
    }
    let ((file, origin), (line, _), (key, _)) = (file?, line?, key?);
    let (check, is_integer) = (check.to_owned(), read_as.is_some());
    Some(LogLookup { check, file, line, key, is_integer, on_no_data, origin })
}

pub(super) fn is_name(name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && name.chars().all(is_of_name)
}

/// Whether a line can contain it: what ends a line is in none.
fn is_of_a_line(token: &str) -> bool {
    !token.trim().is_empty() && !log::has_line_break(token)
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_of_key)
}

/// Whether every value of the configuration is one of a log, so that there is nothing to ask for.
pub(super) fn are_all(root: &Node) -> bool {
    let Some(checks) = get(root, "checks").filter(|_| get(root, "queries").is_none()) else {
        return false;
    };
    let has = |key: &str| {
        keys(checks).filter_map(|name| get(checks, name)).any(|it| get(it, key).is_some())
    };
    has(KEY) && !has("query")
}

/// Checks that the command line names every log that a check needs, once each, and no other: ignored,
/// it would leave the audit looking at something else than was asked for. `root` has the checks that
/// could not be read, too.
pub(super) fn check_given(
    root: &Node,
    request: &Request,
    lookups: &[LogLookup],
    problems: &mut Problems,
) {
    let given: Vec<_> = request.logs.iter().map(|(name, _)| name.as_str()).collect();
    let checks = get(root, "checks");
    let of_check = |check: &str| get(get(get(checks?, check)?, KEY)?, "file");
    let named = checks.iter().flat_map(|node| keys(node)).filter_map(of_check);
    let mut used: Vec<_> = named.filter_map(text).collect();
    used.sort_unstable();
    used.dedup();
    for lookup in lookups.iter().filter(|it| !given.contains(&it.file.as_str())) {
        let file = &lookup.file;
        let message = match request.is_of_scenario {
            true => format!("the scenario has no log `{file}`; add it to its `logs`"),
            false => format!("no log `{file}` is given; add --log {file}=PATH"),
        };
        problems.at_place(lookup.origin.clone(), message);
    }
    if request.is_of_scenario {
        return;
    }
    for (index, name) in given.iter().enumerate() {
        if given[..index].contains(name) {
            problems.outside(format!("--log: `{name}` is given twice; keep one of them"));
        } else if used.is_empty() {
            problems.outside(format!("--log {name}: no check takes its value from a log"));
        } else if !used.contains(name) {
            let hint = suggest(name, used.iter().copied());
            problems
                .outside(format!("--log: no check takes its value from a log `{name}`; {hint}"));
        }
    }
}

/// Refuses what says where telemetry is, where nothing is asked of any: it would be left unseen.
pub(super) fn check_source(request: &Request, problems: &mut Problems) {
    let option = match &request.source {
        SourceRequest::Recording(_) => Some("--recording"),
        SourceRequest::Scrape { urls, .. } if !urls.is_empty() => Some("--scrape"),
        SourceRequest::Scrape { documents, .. } if !documents.is_empty() => Some("--scrape-json"),
        SourceRequest::Server(Some(_)) => Some("--target"),
        SourceRequest::Scrape { .. } | SourceRequest::Server(None) => None,
    };
    let is_probed = request.outside.as_ref().is_some_and(|outside| !outside.probes.is_empty());
    for option in option.into_iter().chain(is_probed.then_some("--probe")) {
        problems.outside(format!(
            "{option}: every check here takes its value from a log, and there are no `queries`; \
             leave the option out, or give the configuration queries"
        ));
    }
    if request.gate.failure_mode {
        problems.outside(
            "--fail-on failure-mode: without `queries` no failure mode can be told; gate with \
             --fail-on critical or --fail-on degraded on the checks",
        );
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

//! Layers of a configuration: what is given later replaces what was given before, value by value,
//! before any default is filled in. Each value keeps the place where it was given.
//!
//! preset < file < profile < environment < command line

use super::yaml::{Node, Value};
use crate::model::baseline::Direction;
use crate::model::built_in::BuiltIn;
use crate::model::check::Rule;
use crate::model::signal::Signal;

/// `over` on top of `base`.
///
/// Mappings are merged key by key; anything else is replaced as a whole. A query may be text or a
/// mapping, and a check has one rule: these are merged by what they mean.
pub(super) fn merge(base: Node, over: Node) -> Node {
    let (Value::Map(_), Value::Map(_)) = (&base.value, &over.value) else {
        return if is_nothing(&over) { base } else { over };
    };
    let base = without_limits_of(base, &over);
    merge_sections(base, over)
}

/// An empty section of a layer says nothing.
const fn is_nothing(node: &Node) -> bool {
    matches!(node.value, Value::Null)
}

/// `base` without the limits that `over` gives in the other one of the two places where a
/// signal's limit can stand.
fn without_limits_of(base: Node, over: &Node) -> Node {
    let is_rule = |key: &str| Rule::ALL.iter().any(|(name, _)| *name == key);
    let limits = Signal::all().filter_map(BuiltIn::of_signal);
    limits.fold(base, |base, limit| {
        let check = get(over, "checks").and_then(|checks| get(checks, limit.id));
        let has_rule = check.is_some_and(|check| keys(check).any(is_rule));
        let threshold = get(over, "thresholds").and_then(|it| get(it, limit.threshold));
        let base = if has_rule { without(base, &["thresholds", limit.threshold]) } else { base };
        match threshold {
            Some(_) => without(base, &["checks", limit.id, "max"]),
            None => base,
        }
    })
}

fn merge_sections(base: Node, over: Node) -> Node {
    merge_maps(base, over, |section, base, over| match section {
        "queries" => merge_maps_of(base, over, merge_query),
        "checks" => merge_maps_of(base, over, merge_check),
        "baseline" => merge_maps_of(base, over, merge_comparison),
        "http" => over,
        _ => merge_maps_of(base, over, |_, over| over),
    })
}

/// `over` on top of `base`, key by key; mappings below are merged too, and anything else replaced.
pub(super) fn merge_each(base: Node, over: Node) -> Node {
    merge_maps(base, over, |_, base, over| merge_maps_of(base, over, |_, over| over))
}

/// Merges two mappings key by key; anything else is replaced.
fn merge_maps_of(base: Node, over: Node, merge: fn(Node, Node) -> Node) -> Node {
    if is_nothing(&over) {
        return base;
    }
    merge_maps(base, over, |_, base, over| merge(base, over))
}

fn merge_maps(base: Node, over: Node, merge: impl Fn(&str, Node, Node) -> Node) -> Node {
    let Node { origin, value } = base;
    let (mut entries, added) = match (value, over.value) {
        (Value::Map(entries), Value::Map(added)) => (entries, added),
        (_, value) => return Node { value, ..over },
    };
    for (key, value) in added {
        let name = text(&key).unwrap_or_default();
        match entries.iter().position(|(it, _)| text(it).is_some_and(|it| it == name)) {
            Some(index) => {
                let (_, before) = entries.remove(index);
                let merged = merge(&name, before, value);
                entries.insert(index, (key, merged));
            }
            None => entries.push((key, value)),
        }
    }
    Node { origin, value: Value::Map(entries) }
}

/// A query that is text is one with `query` alone.
fn merge_query(base: Node, over: Node) -> Node {
    match (&base.value, &over.value) {
        (Value::Map(_), Value::Text(_)) => merge_maps(base, as_mapping(over), |_, _, over| over),
        (Value::Text(_), Value::Map(_)) => merge_maps(as_mapping(base), over, |_, _, over| over),
        _ => merge_maps(base, over, |_, _, over| over),
    }
}

fn as_mapping(query: Node) -> Node {
    let origin = query.origin.clone();
    let key = Node { origin: origin.clone(), value: Value::Text("query".to_owned()) };
    Node { origin, value: Value::Map(vec![(key, query)]) }
}

/// A rule replaces the rule that was there, and a log the query, or a query the log.
fn merge_check(base: Node, over: Node) -> Node {
    let rules = Rule::ALL.map(|(name, _)| name);
    let given = rules.iter().find(|rule| get(&over, rule).is_some());
    let base = match given {
        Some(given) => rules
            .iter()
            .filter(|rule| *rule != given)
            .fold(base, |base, rule| without(base, &[rule])),
        None => base,
    };
    let base = without_other_value(base, &over);
    merge_maps(base, over, |name, base, over| match name {
        "budget" | "spike" | "log" => merge_maps(base, over, |_, _, over| over),
        _ => over,
    })
}

/// `base` without where its value comes from, and how that is read, if `over` takes it from elsewhere.
fn without_other_value(base: Node, over: &Node) -> Node {
    let gives = |key| get(over, key).is_some();
    let replaced: &[&str] = match (gives("query"), gives("log")) {
        (false, true) => &["query", "reduce", "on_nan"],
        (true, false) => &["log"],
        _ => &[],
    };
    replaced.iter().fold(base, |base, key| without(base, &[key]))
}

/// An allowance in one direction replaces that in the other one, with its floor.
fn merge_comparison(base: Node, over: Node) -> Node {
    let directions = Direction::ALL.map(|(name, _)| name);
    let given = directions.iter().find(|name| get(&over, name).is_some());
    let is_turned = given.is_some_and(|given| get(&base, given).is_none());
    let base = match is_turned {
        true => directions.iter().chain(&["floor"]).fold(base, |base, key| without(base, &[key])),
        false => base,
    };
    merge_maps(base, over, |_, _, over| over)
}

fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// The keys of a mapping that are text.
pub(super) fn keys(node: &Node) -> impl Iterator<Item = &str> {
    let entries = match &node.value {
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().filter_map(|(key, _)| match &key.value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// The value under a key.
pub(super) fn get<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries
        .iter()
        .find(|(key, _)| matches!(&key.value, Value::Text(text) if text == name))
        .map(|(_, value)| value)
}

/// `node` without what stands under a path of keys.
fn without(node: Node, path: &[&str]) -> Node {
    let Some((first, rest)) = path.split_first() else { return node };
    let Node { origin, value } = node;
    let value = match value {
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .filter_map(|(key, value)| {
                    let is_meant = matches!(&key.value, Value::Text(text) if text == first);
                    match (is_meant, rest.is_empty()) {
                        (true, true) => None,
                        (true, false) => Some((key, without(value, rest))),
                        (false, _) => Some((key, value)),
                    }
                })
                .collect(),
        ),
        other => other,
    };
    Node { origin, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml;

    fn merged(base: &str, over: &str) -> String {
        let parse = |text| yaml::parse(std::path::Path::new("m.yaml"), text).unwrap();
        flow(&merge(parse(base), parse(over)))
    }

    /// The tree in one line.
    fn flow(node: &Node) -> String {
        match &node.value {
            Value::Map(entries) => {
                let entries = entries.iter().map(|(k, v)| format!("{}: {}", flow(k), flow(v)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            Value::Text(text) => text.clone(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            other => other.kind(),
        }
    }

    #[test]
    fn values_are_replaced_one_by_one() {
        for (base, over, whole) in [
            (
                "{target: a, vars: {w: 1, s: 2}}",
                "{vars: {w: 3}}",
                "{target: a, vars: {w: 3, s: 2}}",
            ),
            ("{vars: {w: 1}}", "{vars: }", "{vars: {w: 1}}"),
            ("{http: {a: 1}}", "{http: {b: 2}}", "{http: {b: 2}}"),
            ("{queries: {q: x}}", "{queries: {q: y}}", "{queries: {q: y}}"),
            (
                "{queries: {q: x}}",
                "{queries: {q: {on_nan: zero}}}",
                "{queries: {q: {query: x, on_nan: zero}}}",
            ),
            (
                "{queries: {q: {query: x, on_nan: zero}}}",
                "{queries: {q: y}}",
                "{queries: {q: {query: y, on_nan: zero}}}",
            ),
            (
                "{checks: {c: {query: x, max: 1}}}",
                "{checks: {c: {min: 2}}}",
                "{checks: {c: {query: x, min: 2}}}",
            ),
            (
                "{checks: {c: {query: x, reduce: max, on_no_data: zero, max: 1}}}",
                "{checks: {c: {log: {file: f, line: l, key: k}}}}",
                "{checks: {c: {on_no_data: zero, max: 1, log: {file: f, line: l, key: k}}}}",
            ),
            (
                "{checks: {c: {log: {file: f, line: l, key: k}, max: 1}}}",
                "{checks: {c: {query: x}}}",
                "{checks: {c: {max: 1, query: x}}}",
            ),
            (
                "{checks: {c: {log: {file: f, line: l, key: k}, max: 1}}}",
                "{checks: {c: {log: {key: j}}}}",
                "{checks: {c: {log: {file: f, line: l, key: j}, max: 1}}}",
            ),
            (
                "{baseline: {score: {max_increase: 1, floor: 2}}}",
                "{baseline: {score: {max_increase: 5%}}}",
                "{baseline: {score: {max_increase: 5%, floor: 2}}}",
            ),
            (
                "{baseline: {c: {max_increase: 1, floor: 2, severity: info}}}",
                "{baseline: {c: {max_decrease: 3}}}",
                "{baseline: {c: {severity: info, max_decrease: 3}}}",
            ),
            (
                "{checks: {c: {budget: {limit: 1, warning_ratio: 0.5}}}}",
                "{checks: {c: {budget: {limit: 2}}}}",
                "{checks: {c: {budget: {limit: 2, warning_ratio: 0.5}}}}",
            ),
        ] {
            assert_eq!(merged(base, over), whole);
        }
    }

    #[test]
    fn the_later_of_a_threshold_and_a_check_counts() {
        let threshold = "{thresholds: {max_event_loop_lag_s: 1}}";
        let check = "{checks: {event_loop_lag: {max: 2, severity: warning}}}";
        assert_eq!(
            merged(threshold, check),
            "{thresholds: {}, checks: {event_loop_lag: {max: 2, severity: warning}}}"
        );
        assert_eq!(
            merged(check, threshold),
            "{checks: {event_loop_lag: {severity: warning}}, thresholds: {max_event_loop_lag_s: 1}}"
        );
    }
}

//! The values of variables: built in, from the file, from the command line.

use super::{entries, unknown};
use crate::config::Request;
use crate::config::problems::Problems;
use crate::config::vars::{self, Vars};
use crate::config::yaml::{Node, Value};

pub(super) fn read_vars(
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
        // Ignored, it would leave the audit looking at something else than was asked for.
        if !queries.is_some_and(|queries| uses(queries, name)) {
            let message = if vars.contains_key(name) {
                format!("no query uses ${name}, so it would change nothing")
            } else {
                unknown("variable", name, vars.keys().map(String::as_str))
            };
            problems.outside(format!("--var: {message}"));
        }
        if let Some(message) = check(name, value) {
            problems.outside(format!("--var: {message}"));
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

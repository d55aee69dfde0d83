//! The values of variables: built in, from the file, from the command line.

use super::{entries, unknown};
use crate::config::problems::Problems;
use crate::config::vars::{self, Vars};
use crate::config::yaml::{Node, Value};

/// Checks that every variable of the command line is declared and used. Ignored, it would leave
/// the audit looking at something else than was asked for.
pub(super) fn check_given(
    given: &[(String, String)],
    declared: &[String],
    asking: [Option<&Node>; 2],
    problems: &mut Problems,
) {
    let built_in = vars::BUILT_IN.into_iter().map(|(name, _)| name);
    let known: Vec<_> = built_in.chain(declared.iter().map(String::as_str)).collect();
    for (name, _) in given {
        if !asking.iter().flatten().any(|node| uses(node, name)) {
            let message = if known.contains(&name.as_str()) {
                format!("no query uses ${name}, so it would change nothing")
            } else {
                unknown("variable", name, known.iter().copied())
            };
            problems.outside(format!("--var: {message}"));
        }
    }
}

/// Reads the section.
pub(super) fn read_vars(node: Option<&Node>, problems: &mut Problems) -> Vars {
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
        // One of the command line that is no name is none that was declared either.
        if key.place().is_some() && !vars::is_name(name) {
            problems.at(key, format!("`{name}` cannot be a variable; use letters, digits and _"));
        }
        if let Some(message) = check(name, &text) {
            problems.at(value, message);
        }
        vars.insert(name.to_owned(), text);
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

//! What tells the elements of an array apart: their names, not their places, which change as soon as
//! one of them has gone; and nothing that changes while an element stays the same.

use super::tree::Tree;

/// Members whose value is a name, be it a number.
const NAMES: [&str; 7] = ["id", "pid", "tid", "uid", "uuid", "name", "key"];
/// The ends of names of such members.
const ENDS: [&str; 4] = ["_id", "_pid", "_uuid", "_name"];
/// A name may be so long, in bytes.
const LONGEST_NAME: usize = 200;
/// Another word may be so long.
const LONGEST_WORD: usize = 64;
/// The label of an element that has nothing better than its place.
const INDEX: &str = "index";

/// Whether a member's value is a name.
fn is_name(member: &str) -> bool {
    let member = member.to_ascii_lowercase();
    NAMES.contains(&member.as_str()) || ENDS.iter().any(|end| member.ends_with(end))
}

/// Whether a text is a word such as a kind or a state, rather than a message, a quantity or a time.
fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD
        && text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '/'))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Whether a member of an element is a label of all its series.
pub(super) fn label(name: &str, value: &Tree) -> Option<String> {
    match value {
        Tree::Whole(number) if is_name(name) => Some(number.to_string()),
        Tree::Text(text) if is_name(name) => {
            let is_short = !text.is_empty() && text.len() <= LONGEST_NAME;
            (is_short && !text.contains(char::is_control)).then(|| text.clone())
        }
        Tree::Text(text) => is_word(text).then(|| text.clone()),
        _ => None,
    }
}

/// The labels of an element, below those of the elements around it; `within` leads from the outermost
/// of those to the array. With the members that come to the same label, if there are such.
pub(super) fn of_element<'a>(
    element: &'a Tree,
    index: usize,
    within: &str,
    around: &[(String, String)],
) -> Result<Vec<(String, String)>, (&'a str, &'a str)> {
    let mut labels = around.to_vec();
    let mut members: Vec<(&str, String)> = Vec::new();
    if let Tree::Object(all) = element {
        for (name, value) in all {
            let Some(value) = label(name, value) else { continue };
            let own = of_path(within, name);
            if let Some((other, _)) = members.iter().find(|(it, _)| of_path(within, it) == own) {
                return Err((other, name));
            }
            members.push((name, value));
        }
    }
    if members.is_empty() {
        members.push((INDEX, index.to_string()));
    }
    for (name, value) in members {
        let mut name = of_path(within, name);
        // Of an array within an array.
        while labels.iter().any(|(it, _)| *it == name) {
            name.insert_str(0, "inner_");
        }
        labels.push((name, value));
    }
    Ok(labels)
}

/// The name of a label.
fn of_path(within: &str, name: &str) -> String {
    let path = if within.is_empty() { name.to_owned() } else { format!("{within}_{name}") };
    // Names that begin with two of them are Prometheus' own.
    let path = valid(&path);
    if path.starts_with("__") { format!("_{}", path.trim_start_matches('_')) } else { path }
}

/// A name with no characters but those that names may have.
pub(super) fn valid(name: &str) -> String {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut valid: String = name.chars().map(|c| if is_valid(c) { c } else { '_' }).collect();
    if !valid.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        valid.insert(0, '_');
    }
    valid
}

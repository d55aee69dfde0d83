//! What tells the elements of an array apart: their names, not their places, which change as soon as
//! one of them has gone; and nothing that changes while an element stays the same.

use std::collections::HashMap;

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

/// What a member of an element says of it as a label.
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

/// What an element is called.
#[derive(Debug, Default)]
pub(super) struct Called {
    /// The labels of all its series, below those of the elements around it.
    pub(super) labels: Vec<(String, String)>,
    /// What else is said of it in words, such as its state: that may change while it stays the same.
    pub(super) words: Vec<(String, String)>,
}

/// The names of the elements of an array.
pub(super) struct Names<'a> {
    /// How many elements have them all.
    counts: HashMap<Vec<(&'a str, String)>, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn of(elements: &'a [Tree]) -> Self {
        let mut counts = HashMap::new();
        for element in elements {
            *counts.entry(names(element)).or_default() += 1;
        }
        Self { counts }
    }

    /// Whether an element has names that no other one of the array has.
    fn tell(&self, element: &'a Tree) -> bool {
        let names = names(element);
        !names.is_empty() && self.counts.get(&names) == Some(&1)
    }

    /// What an element of the array is called; `within` leads from the outermost of the elements around
    /// it to the array. Where its names are its own, no other word of it is a label. With the members that
    /// come to the same label, if there are such.
    pub(super) fn call(
        &self,
        element: &'a Tree,
        index: usize,
        within: &str,
        around: &[(String, String)],
    ) -> Result<Called, (&'a str, &'a str)> {
        let mut members = members(element, within)?;
        if members.is_empty() {
            members.push((INDEX, index.to_string()));
        }
        let is_told = self.tell(element);
        let mut called = Called { labels: around.to_vec(), words: Vec::new() };
        for (name, value) in members {
            let mut own = of_path(within, name);
            // Of an array within an array.
            while around.iter().any(|(it, _)| *it == own) {
                own.insert_str(0, "inner_");
            }
            let is_word = is_told && !is_name(name);
            let of = if is_word { &mut called.words } else { &mut called.labels };
            of.push((own, value));
        }
        Ok(called)
    }
}

/// The names of an element, in one order.
fn names(element: &Tree) -> Vec<(&str, String)> {
    let Tree::Object(all) = element else { return Vec::new() };
    let names = all.iter().filter(|(name, _)| is_name(name));
    let mut names: Vec<_> =
        names.filter_map(|(name, value)| Some((name.as_str(), label(name, value)?))).collect();
    names.sort_unstable();
    names
}

/// The members of an element that may be labels, or two that come to the same.
fn members<'a>(
    element: &'a Tree,
    within: &str,
) -> Result<Vec<(&'a str, String)>, (&'a str, &'a str)> {
    let mut members: Vec<(&str, String)> = Vec::new();
    let Tree::Object(all) = element else { return Ok(members) };
    for (name, value) in all {
        let Some(value) = label(name, value) else { continue };
        let own = of_path(within, name);
        if let Some((other, _)) = members.iter().find(|(it, _)| of_path(within, it) == own) {
            return Err((other, name));
        }
        members.push((name, value));
    }
    Ok(members)
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

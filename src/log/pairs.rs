//! The pairs `key=value` of a line.

use std::collections::HashMap;

use super::Value;

/// Keys and their values, in the order in which the keys appear first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pairs(Vec<(String, Value)>);

impl Pairs {
    /// The value of that key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Every key with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

/// The pairs of a line, from left to right: a key of letters, digits and `_` of ASCII, `=`, and a value
/// up to the next white space. Of a key that stands twice, the last value counts.
pub fn pairs(line: &str) -> Pairs {
    let mut found = Pairs::default();
    let mut places = HashMap::new();
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let key = &before[before.trim_end_matches(is_of_key).len()..];
        let end = after.find(is_space).unwrap_or(after.len());
        // Without a key or a value, a later sign of equality may still have both.
        if key.is_empty() || end == 0 {
            rest = after;
            continue;
        }
        let value = Value::of(&after[..end]);
        let place = *places.entry(key).or_insert(found.0.len());
        match found.0.get_mut(place) {
            Some((_, before)) => *before = value,
            None => found.0.push((key.to_owned(), value)),
        }
        rest = &after[end..];
    }
    found
}

/// The pairs of a line that may be cut off, as far as these are whole.
pub fn whole_pairs(line: &str) -> Pairs {
    let end = line.char_indices().rev().find(|(_, c)| is_space(*c)).map_or(0, |(at, _)| at);
    pairs(&line[..end])
}

/// Whether `c` may be part of a key.
pub(crate) fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// As Python's `\s`: four separators of ASCII are white space too, which Unicode's property leaves out.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

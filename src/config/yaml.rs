//! YAML as a tree that keeps doubled keys and knows where every node stands.

use std::collections::HashMap;
use std::path::Path;

use serde_yaml::{Event, Parser, ScalarStyle, Span, Tag};

use super::problems::Problem;
use crate::model::origin::Place;

/// Where a node was given.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// In a file.
    File(Place),
    /// In the variable of the environment of that name.
    Environment(&'static str),
    /// In the option of that name.
    CommandLine(&'static str),
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) value: Value,
}

impl Node {
    /// Where it stands, if that is a file.
    pub(super) fn place(&self) -> Option<Place> {
        match &self.origin {
            Origin::File(place) => Some(place.clone()),
            Origin::Environment(_) | Origin::CommandLine(_) => None,
        }
    }
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// What it is, in words that do not repeat it: it may be a secret at the wrong place.
    pub(super) const fn noun(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// What it is, in words, for "expected X, found Y".
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Int(value) => format!("the number {value}"),
            Self::Float(value) => format!("the number {value}"),
            Self::Text(value) => format!("the text {value:?}"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// The parser's time grows with the square of how deep brackets stand in each other. This bounds
/// it, quoted ones included; a configuration has some dozens.
const MOST_BRACKETS: usize = 5000;
/// The deepest that nodes may stand in each other, so that they can be visited recursively.
const DEEPEST: usize = 100;
/// The most nodes, aliases followed: a few of them can name billions.
const MOST_NODES: usize = 100_000;

/// Parses one document, the content of `path`; an empty one is a null.
///
/// # Errors
/// What is no YAML, or more than is read, and where.
pub(super) fn parse(path: &Path, text: &str) -> Result<Node, Problem> {
    let start = Place { path: path.to_owned(), line: 1, column: 1 };
    let failed = |place: Place, why: String| Problem {
        place: Some(place),
        message: format!("this is not the YAML expected here: {why}"),
    };
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > MOST_BRACKETS {
        return Err(failed(start, NotRead::Brackets.to_string()));
    }
    let mut builder = Builder::new(path);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let place = builder.place(*error.marker());
            failed(place, error.info().to_owned())
        })?;
        builder
            .take(event, span)
            .map_err(|why| failed(builder.place(span.start), why.to_string()))?;
    }
    Ok(builder.root.unwrap_or(Node { origin: Origin::File(start), value: Value::Null }))
}

/// Why a document is not read.
#[derive(Debug, thiserror::Error)]
enum NotRead {
    #[error("more than {MOST_BRACKETS} brackets")]
    Brackets,
    #[error("there is more than one document")]
    Documents,
    #[error("an alias names what contains it")]
    Circle,
    /// Neither tag nor text are repeated: a secret that begins with `!` looks like a tag.
    #[error("a tag (what begins with `!`) is not known; quote a text that begins so")]
    Tag,
    #[error("a tag (what begins with `!`) does not fit here; quote a text that begins so")]
    TagOfOther,
    #[error("nodes stand more than {DEEPEST} deep in each other")]
    Deep,
    #[error("more than {MOST_NODES} nodes, aliases followed")]
    Many,
}

/// Builds the tree from the parser's events.
struct Builder<'a> {
    path: &'a Path,
    /// The lists and mappings that are not complete yet, the outermost first.
    open: Vec<Open>,
    root: Option<Node>,
    /// What aliases may name, by the parser's number, with the count of its nodes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

/// A list or a mapping that is not complete yet.
struct Open {
    place: Place,
    anchor: usize,
    is_map: bool,
    /// Of a mapping keys and values in turn.
    items: Vec<Node>,
    /// How many nodes there were before it.
    before: usize,
}

impl<'a> Builder<'a> {
    fn new(path: &'a Path) -> Self {
        Self { path, open: Vec::new(), root: None, anchors: HashMap::new(), nodes: 0 }
    }

    fn place(&self, marker: serde_yaml::Marker) -> Place {
        let (line, column) = (marker.line().max(1), marker.col() + 1);
        Place { path: self.path.to_owned(), line, column }
    }

    /// # Errors
    /// Why the document is not read.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), NotRead> {
        let place = self.place(span.start);
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err(NotRead::Documents),
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref())?;
                self.add(Node { origin: Origin::File(place), value }, anchor, 1)
            }
            Event::SequenceStart(anchor, tag) => self.begin(place, anchor, false, tag.as_deref()),
            Event::MappingStart(anchor, tag) => self.begin(place, anchor, true, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let (node, count) = self.anchors.get(&anchor).cloned().ok_or(NotRead::Circle)?;
                self.add(node, 0, count)
            }
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        place: Place,
        anchor: usize,
        is_map: bool,
        tag: Option<&Tag>,
    ) -> Result<(), NotRead> {
        let own = if is_map { "map" } else { "seq" };
        if tag.is_some_and(|tag| !is_core(tag, own)) {
            return Err(NotRead::Tag);
        }
        if self.open.len() >= DEEPEST {
            return Err(NotRead::Deep);
        }
        self.open.push(Open { place, anchor, is_map, items: Vec::new(), before: self.nodes });
        Ok(())
    }

    fn end(&mut self) -> Result<(), NotRead> {
        let Some(Open { place, anchor, is_map, items, before }) = self.open.pop() else {
            return Ok(());
        };
        let value = if is_map { Value::Map(pairs(items)) } else { Value::List(items) };
        let count = self.nodes - before + 1;
        let inside = count - 1;
        self.nodes -= inside;
        self.add(Node { origin: Origin::File(place), value }, anchor, count)
    }

    /// Adds a node, which holds so many with itself.
    fn add(&mut self, node: Node, anchor: usize, count: usize) -> Result<(), NotRead> {
        self.nodes += count;
        if self.nodes > MOST_NODES {
            return Err(NotRead::Many);
        }
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), count));
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }
}

fn pairs(items: Vec<Node>) -> Vec<(Node, Node)> {
    let mut items = items.into_iter();
    std::iter::from_fn(|| items.next().zip(items.next())).collect()
}

fn is_core(tag: &Tag, name: &str) -> bool {
    tag.is_yaml_core_schema() && tag.suffix == name
}

/// The value of a scalar by YAML 1.2's core schema; of a quoted one, its text.
///
/// # Errors
/// If it has a tag that is not known, or that it does not fit.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, NotRead> {
    let own = || Value::Text(text.to_owned());
    let value = match tag {
        None if style == ScalarStyle::Plain => plain(text),
        None => own(),
        Some(tag) if is_core(tag, "str") => own(),
        Some(tag) => {
            let value = plain(text);
            let fits = match value {
                Value::Null => is_core(tag, "null"),
                Value::Bool(_) => is_core(tag, "bool"),
                Value::Int(_) => is_core(tag, "int") || is_core(tag, "float"),
                Value::Float(_) => is_core(tag, "float"),
                _ => false,
            };
            return if fits { Ok(value) } else { Err(NotRead::TagOfOther) };
        }
    };
    Ok(value)
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let with_sign = |value: f64| if is_negative { -value } else { value };
    match digits {
        ".inf" | ".Inf" | ".INF" => return Some(Value::Float(with_sign(f64::INFINITY))),
        ".nan" | ".NaN" | ".NAN" if digits == text => return Some(Value::Float(f64::NAN)),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        let Some(digits) = digits.strip_prefix(prefix) else { continue };
        if digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let value = i128::from_str_radix(digits, radix).ok()?;
            return Some(Value::Int(if is_negative { -value } else { value }));
        }
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // A leading zero is not a number: 0123 may be a code.
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        if let Ok(value) = digits.parse::<i128>() {
            return Some(Value::Int(if is_negative { -value } else { value }));
        }
    }
    let is_float = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let value = digits.parse::<f64>().ok().filter(|_| digits.chars().all(is_float))?;
    value.is_finite().then(|| Value::Float(with_sign(value)))
}

#[cfg(test)]
mod tests;

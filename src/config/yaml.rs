//! YAML as a tree that keeps doubled keys and knows where every node stands.

mod scalar;

use std::collections::HashMap;
use std::path::Path;

use serde_yaml::{Event, Marker, Parser, Span, StructureStyle, Tag};

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

/// The deepest that nodes may stand in each other, so that they can be visited recursively.
const DEEPEST: usize = 100;
/// The most nodes, aliases followed: a few of them can name billions.
const MOST_NODES: usize = 100_000;
/// A node more is counted for every so many bytes of text: aliases copy text as well.
const BYTES_A_NODE: usize = 64;

/// Parses one document, the content of `path`; an empty one is a null.
///
/// # Errors
/// What is no YAML, or more than is read, and where.
pub(super) fn parse(path: &Path, text: &str) -> Result<Node, Problem> {
    parse_up_to(MOST_NODES, path, text)
}

/// As [`parse`], for a document of at most so many nodes.
///
/// # Errors
/// What is no YAML, or more than is read, and where.
pub(super) fn parse_up_to(most: usize, path: &Path, text: &str) -> Result<Node, Problem> {
    let start = Place { path: path.to_owned(), line: 1, column: 1 };
    let failed = |place: Place, why: String| Problem {
        place: Some(place),
        message: format!("this is not the YAML expected here: {why}"),
    };
    let mut builder = Builder::new(path, text, most);
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| failed(builder.place(*error.marker()), error.info()))?;
        let place = builder.begin_of(&event, span);
        builder.take(event, place.clone()).map_err(|why| failed(place, why.to_string()))?;
        builder.read_to = span.end;
    }
    Ok(builder.root.unwrap_or(Node { origin: Origin::File(start), value: Value::Null }))
}

/// Why a document is not read.
#[derive(Debug, thiserror::Error)]
enum NotRead {
    #[error("there is more than one document")]
    Documents,
    #[error("an alias names what contains it")]
    Circle,
    /// Neither tag nor text are repeated: a secret that begins with `!` looks like a tag.
    #[error("the tag (what begins with `!`) does not fit here; quote a text that begins so")]
    Tag,
    #[error("nodes stand more than {DEEPEST} deep in each other")]
    Deep,
    #[error("more than {0} nodes, aliases followed")]
    Many(usize),
}

/// Builds the tree from the parser's events.
struct Builder<'a> {
    path: &'a Path,
    text: &'a str,
    /// The end of the last event.
    read_to: Marker,
    /// The lists and mappings that are not complete yet, the outermost first.
    open: Vec<Open>,
    root: Option<Node>,
    /// What aliases may name, by the parser's number, with the count of its nodes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    most_nodes: usize,
    /// The nodes in `anchors`, which are copies.
    copied: usize,
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
    fn new(path: &'a Path, text: &'a str, most_nodes: usize) -> Self {
        Self {
            path,
            text,
            read_to: Marker::new(0, 1, 0).with_byte_offset(Some(0)),
            open: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            nodes: 0,
            most_nodes,
            copied: 0,
        }
    }

    fn place(&self, marker: Marker) -> Place {
        let (line, column) = (marker.line().max(1), marker.col() + 1);
        Place { path: self.path.to_owned(), line, column }
    }

    /// Where what is written of a node begins. The parser tells where its content does: after
    /// an anchor and a tag, after the line of a `|` or `>`, and after the first `-` of a list
    /// that is not indented.
    fn begin_of(&self, event: &Event<'_>, span: Span) -> Place {
        let mut place = self.place(span.start);
        let offsets = self.read_to.byte_offset().zip(span.start.byte_offset());
        let Some((from, to)) = offsets else { return place };
        let before = self.text.get(from..to).unwrap_or_default();
        if let Some((line, column)) = begin_in(before) {
            place.column = column + if line == 0 { self.read_to.col() } else { 0 };
            place.line = self.read_to.line().max(1) + line;
        } else if matches!(event, Event::SequenceStart(StructureStyle::Block, ..))
            && self.text.get(to..).is_some_and(|rest| !rest.starts_with('-'))
        {
            let indent = before.lines().next_back().unwrap_or_default();
            place.column = 1 + indent.chars().take_while(|c| *c == ' ').count();
        }
        place
    }

    /// # Errors
    /// Why the document is not read.
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), NotRead> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => Err(NotRead::Documents),
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar::read(&text, style, tag.as_deref())?;
                let count = 1 + text.len() / BYTES_A_NODE;
                self.add(Node { origin: Origin::File(place), value }, anchor, count)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(place, anchor, false, tag.as_deref())
            }
            Event::MappingStart(_, anchor, tag) => self.begin(place, anchor, true, tag.as_deref()),
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
        if tag.is_some_and(|tag| !tag.is_yaml_core_schema_tag(own)) {
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
        self.copied += if anchor > 0 { count } else { 0 };
        if self.nodes + self.copied > self.most_nodes {
            return Err(NotRead::Many(self.most_nodes));
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

/// The line, from 0, and the column, from 1, of the first of an anchor, a tag and what announces
/// a block of text, where nothing else stands but what separates nodes, and comments.
fn begin_in(text: &str) -> Option<(usize, usize)> {
    let (line, column, found) = text.split('\n').enumerate().find_map(|(number, line)| {
        let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '?' | '-');
        let rest = line.trim_start_matches(separates);
        let found = rest.chars().next().filter(|c| *c != '#')?;
        Some((number, line.chars().count() - rest.chars().count() + 1, found))
    })?;
    matches!(found, '&' | '!' | '|' | '>').then_some((line, column))
}

#[cfg(test)]
mod tests;

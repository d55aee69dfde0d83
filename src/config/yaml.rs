//! YAML as a tree that keeps doubled keys and can tell where a node stands.
//!
//! serde's data model has neither, so nodes are numbered in the order in which they
//! are visited, and a second pass that fails on purpose at a node yields its position.

use std::cell::Cell;
use std::fmt;

use crate::model::origin::Place;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Where a node was given.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    File(Place),
    Environment(&'static str),
    CommandLine(&'static str),
}

/// A node with its origin.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) value: Value,
}

impl Node {
    pub(super) fn place(&self) -> Option<Place> {
        match &self.origin {
            Origin::File(place) => Some(place.clone()),
            _ => None,
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
/// it, whatever is quoted; a configuration has some dozens.
const MOST_BRACKETS: usize = 5000;

/// Parses one document.
///
/// # Errors
/// What the YAML parser says, its place included.
pub(super) fn parse(path: &std::path::Path, text: &str) -> Result<Node, serde_yaml::Error> {
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > MOST_BRACKETS {
        return Err(de::Error::custom(format!("more than {MOST_BRACKETS} brackets")));
    }
    let mut root = Walk { next: &Cell::new(0), stop_at: None }
        .deserialize(serde_yaml::Deserializer::from_str(text))?;
    place(&mut root, &mut 0, path, text);
    Ok(root)
}

fn place(node: &mut Node, next: &mut usize, path: &std::path::Path, text: &str) {
    let (line, column) = position(text, *next).unwrap_or_default();
    node.origin = Origin::File(Place { path: path.to_owned(), line, column });
    *next += 1;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|it| place(it, next, path, text)),
        Value::Map(entries) => entries.iter_mut().for_each(|(k, v)| {
            place(k, next, path, text);
            place(v, next, path, text);
        }),
        _ => {}
    }
}

/// Line and column, from 1, of the node with that number.
pub(super) fn position(text: &str, id: usize) -> Option<(usize, usize)> {
    let walk = Walk { next: &Cell::new(0), stop_at: Some(id) };
    let stopped = walk.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    stopped.location().map(|place| (place.line(), place.column()))
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    next: &'a Cell<usize>,
    stop_at: Option<usize>,
}

impl Walk<'_> {
    fn node<E: de::Error>(self, value: Value) -> Result<Node, E> {
        self.enter()?;
        Ok(Node { origin: Origin::CommandLine(""), value })
    }

    fn enter<E: de::Error>(self) -> Result<usize, E> {
        let id = self.next.replace(self.next.get() + 1);
        if self.stop_at == Some(id) { Err(E::custom("stopped on purpose")) } else { Ok(id) }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping, a list, text or a number, without a tag")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        self.node(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        self.node(Value::Int(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        self.node(Value::Int(value.into()))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Node, E> {
        self.node(Value::Int(value))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Node, E> {
        match i128::try_from(value) {
            Ok(value) => self.node(Value::Int(value)),
            Err(_) => self.node(Value::Float(value as f64)),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        self.node(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Node, E> {
        self.node(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        self.enter()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node { origin: Origin::CommandLine(""), value: Value::List(items) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        self.enter()?;
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry_seed(self, self)? {
            entries.push(entry);
        }
        Ok(Node { origin: Origin::CommandLine(""), value: Value::Map(entries) })
    }
}

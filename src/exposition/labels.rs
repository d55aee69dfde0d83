//! The name and labels of a sample, from their text to what the storage holds.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::Format;
use super::cursor::{Cursor, is_blank};
use super::error::{Fault, quote};
use super::family::Family;
use crate::storage::{Labels, METRIC_NAME};

/// A label as it is written, and at which byte of the line.
type Written<'a> = (Cow<'a, str>, Cow<'a, str>, usize);

/// Names and values of labels, each of them once.
#[derive(Debug, Default)]
pub(super) struct Words(HashSet<Arc<str>>);

impl Words {
    fn share(&mut self, word: &str) -> Arc<str> {
        if let Some(shared) = self.0.get(word) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = word.into();
        self.0.insert(Arc::clone(&shared));
        shared
    }
}

/// What is given to every series.
pub(super) struct Given<'a> {
    pub(super) target: &'a Labels,
    /// Metrics whose series with no labels but the target's belong to the caller.
    pub(super) reserved: &'a [&'a str],
    pub(super) family: &'a Family,
}

/// Reads the name and labels of a sample, and nothing behind.
pub(super) fn series(
    cursor: &mut Cursor<'_>,
    format: Format,
    given: &Given<'_>,
    words: &mut Words,
) -> Result<Labels, Fault> {
    let start = cursor.at;
    let mut written = Vec::new();
    let name = cursor.name(true);
    if !name.is_empty() {
        written.push((METRIC_NAME.into(), name.into(), start));
    } else if cursor.peek() != Some(b'{') {
        return Err(cursor.expected("the name of a metric"));
    }
    let bare = cursor.at;
    cursor.skip_blanks();
    if cursor.peek() == Some(b'{') {
        braces(cursor, format, &mut written)?;
    } else {
        cursor.at = bare;
        if !cursor.peek().is_none_or(is_blank) {
            return Err(cursor.expected("a blank or `{` behind the name of a metric"));
        }
    }
    // Stable, so that of two labels with one name the later one is at fault.
    written.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    if let Some(pair) = written.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let reason = format!("the label {} is there twice", quote(pair[1].0.as_bytes()));
        return Err(Fault::new(pair[1].2, reason));
    }
    if !written.iter().any(|(name, ..)| name == METRIC_NAME) {
        return Err(Fault::new(start, "this sample has no name of a metric"));
    }
    let shared = written.into_iter().map(|(name, value, _)| {
        let value = given.family.label_value(&name, value);
        (words.share(&name), words.share(&value))
    });
    let own = shared.collect();
    let mut all = with_target(own, given.target, words);
    let name = all.metric_name();
    if all.len() == given.target.len() + 1 && given.reserved.contains(&name) {
        all.set(words.share(METRIC_NAME), words.share(&format!("exported_{name}")));
    }
    Ok(all)
}

/// Reads labels in braces, the first of which is next. A string without a value is the name of
/// the metric, as in Prometheus 3.
pub(super) fn braces<'a>(
    cursor: &mut Cursor<'a>,
    format: Format,
    written: &mut Vec<Written<'a>>,
) -> Result<(), Fault> {
    cursor.take(b'{');
    loop {
        cursor.skip_blanks();
        if cursor.take(b'}') {
            return Ok(());
        }
        label(cursor, written)?;
        cursor.skip_blanks();
        let comma = cursor.take(b',');
        cursor.skip_blanks();
        match (format, cursor.peek()) {
            // Prometheus' parser of its own format needs no commas, and takes one at the end.
            (Format::Prometheus, _) => {}
            (Format::OpenMetrics, Some(b'}')) if comma => {
                return Err(cursor.expected("a label behind the comma"));
            }
            (Format::OpenMetrics, Some(b'}')) => {}
            (Format::OpenMetrics, _) if comma => {}
            (Format::OpenMetrics, _) => return Err(cursor.expected("`,` or `}`")),
        }
    }
}

fn label<'a>(cursor: &mut Cursor<'a>, written: &mut Vec<Written<'a>>) -> Result<(), Fault> {
    let start = cursor.at;
    let quoted = cursor.peek() == Some(b'"');
    let name = if quoted { cursor.quoted()? } else { cursor.name(false).into() };
    if name.is_empty() {
        let words = if quoted { "a name that is not empty" } else { "the name of a label or `}`" };
        return Err(Cursor::new(cursor.line, start).expected(words));
    }
    cursor.skip_blanks();
    if quoted && matches!(cursor.peek(), Some(b',' | b'}')) {
        written.push((METRIC_NAME.into(), name, start));
        return Ok(());
    }
    if !cursor.take(b'=') {
        return Err(cursor.expected("`=` behind the name of a label"));
    }
    cursor.skip_blanks();
    if cursor.peek() != Some(b'"') {
        return Err(cursor.expected("the value of a label in quotes"));
    }
    let value = cursor.quoted()?;
    if name == METRIC_NAME {
        return Err(Fault::new(start, "the name of a metric is no label"));
    }
    written.push((name, value, start));
    Ok(())
}

/// Adds the labels of a target. Of labels that give way, the one with the shorter name is
/// renamed first, as Prometheus does it.
fn with_target(own: Labels, target: &Labels, words: &mut Words) -> Labels {
    let mut all = own.clone();
    for (name, value) in target.iter() {
        all.set(words.share(name), words.share(value));
    }
    let names = target.iter().map(|(name, _)| name);
    let mut taken: Vec<_> = names.filter(|name| !own.get(name).is_empty()).collect();
    taken.sort_by_key(|name| name.len());
    for name in taken {
        let mut renamed = format!("exported_{name}");
        while !all.get(&renamed).is_empty() {
            renamed.insert_str(0, "exported_");
        }
        all.set(words.share(&renamed), words.share(own.get(name)));
    }
    all
}

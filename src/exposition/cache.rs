//! The series that were met before, by the text of their name and labels.

use std::collections::HashMap;
use std::ops::Range;

use super::cursor::{Cursor, is_blank};
use super::labels::Words;
use crate::storage::{Labels, Limits, SeriesId, Storage, size_of_series};

/// Series by their text. Most samples belong to the same series as the one before, or to the
/// one that came next the last time; others are looked up.
#[derive(Debug)]
pub(super) struct Cache {
    entries: Vec<Entry>,
    /// The texts of the entries, in their order: in memory, what comes next is next.
    texts: Vec<u8>,
    by_text: HashMap<Box<[u8]>, usize>,
    /// The entry that was met last.
    last: usize,
    /// What the storage will need for the series that it does not have yet.
    pending: Limits,
    pub(super) words: Words,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            texts: Vec::new(),
            by_text: HashMap::new(),
            last: 0,
            pending: Limits { series: 0, bytes: 0 },
            words: Words::default(),
        }
    }
}

#[derive(Debug)]
struct Entry {
    /// Where its text is.
    text: Range<usize>,
    series: Series,
    /// The entry that was met after this one.
    next: usize,
}

#[derive(Debug)]
enum Series {
    /// Not in the storage before a page turns out to be whole. Whether it accumulates, if its type
    /// is known.
    New(Labels, Option<bool>),
    Known(SeriesId),
}

impl Cache {
    /// The entry of the series that a line starts with, if it is a likely one, and where the
    /// value starts.
    pub(super) fn guess(&mut self, line: &[u8]) -> Option<(usize, usize)> {
        let last = self.entries.get(self.last)?;
        if let Some(value) = last.value_in(line, &self.texts) {
            return Some((self.last, value));
        }
        let next = last.next;
        let value = self.entries.get(next)?.value_in(line, &self.texts)?;
        self.last = next;
        Some((next, value))
    }

    /// The entry of a text.
    pub(super) fn find(&mut self, text: &[u8]) -> Option<usize> {
        let entry = *self.by_text.get(text)?;
        self.met(entry);
        Some(entry)
    }

    /// Remembers the labels that a text stands for, and whether their metric accumulates.
    pub(super) fn insert(
        &mut self,
        text: &[u8],
        labels: Labels,
        is_cumulative: Option<bool>,
    ) -> usize {
        self.pending.series += 1;
        self.pending.bytes += size_of_series(&labels);
        let entry = self.entries.len();
        self.by_text.insert(text.into(), entry);
        let start = self.texts.len();
        self.texts.extend_from_slice(text);
        let text = start..self.texts.len();
        self.entries.push(Entry { text, series: Series::New(labels, is_cumulative), next: 0 });
        self.met(entry);
        entry
    }

    /// The place of an entry's series in the storage, which has it from now on.
    pub(super) fn id(&mut self, entry: usize, storage: &mut Storage) -> SeriesId {
        // Proof: entries are never removed, and their numbers come from here.
        let series = &mut self.entries[entry].series;
        match series {
            Series::Known(id) => *id,
            Series::New(labels, is_cumulative) => {
                self.pending.series -= 1;
                self.pending.bytes -= size_of_series(labels);
                if let Some(is_cumulative) = is_cumulative {
                    storage.declare(labels.metric_name(), *is_cumulative);
                }
                let id = storage.series(std::mem::take(labels));
                *series = Series::Known(id);
                id
            }
        }
    }

    /// What the storage will need for the series that it does not have yet.
    pub(super) fn pending(&self) -> Limits {
        self.pending
    }

    fn met(&mut self, entry: usize) {
        if let Some(last) = self.entries.get_mut(self.last) {
            last.next = entry;
        }
        self.last = entry;
    }
}

impl Entry {
    /// Where the value starts in a line, if it is a sample of this series.
    fn value_in(&self, line: &[u8], texts: &[u8]) -> Option<usize> {
        let rest = line.strip_prefix(texts.get(self.text.clone())?)?;
        let blanks = rest.iter().take_while(|byte| is_blank(**byte)).count();
        // Labels may come behind a blank.
        (blanks > 0 && rest.get(blanks) != Some(&b'{')).then_some(line.len() - rest.len() + blanks)
    }
}

/// The text of the name and labels that a line starts with, if it is well-formed; a faulty one
/// has no entry, and is found faulty when it is read with care.
pub(super) fn text_of<'a>(cursor: &Cursor<'a>) -> &'a [u8] {
    let line = cursor.rest();
    let name = line.iter().position(|byte| is_blank(*byte) || *byte == b'{').unwrap_or(line.len());
    let mut at = name + line[name..].iter().take_while(|byte| is_blank(**byte)).count();
    if line.get(at) != Some(&b'{') {
        return &line[..name];
    }
    let mut quoted = false;
    while let Some(length) = memchr::memchr3(b'"', b'\\', b'}', &line[at..]) {
        at += length + 1;
        match line[at - 1] {
            b'"' => quoted = !quoted,
            b'}' if !quoted => return &line[..at],
            b'\\' if quoted => at = (at + 1).min(line.len()),
            _ => {}
        }
    }
    line
}

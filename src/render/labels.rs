//! Labels in tables: those that all rows share are said once, and no row is wider than a terminal.

use std::io::{self, Write};

use super::text::DIM;
use crate::model::quantity::series;
use crate::storage::Labels;

/// A row is no wider than this, so that it stays one in a terminal and in a CI log.
const WIDTH: usize = 80;

/// The labels that all rows of a table share that have any.
pub(super) struct Shared(Labels);

impl Shared {
    /// What these have in common. What a single row has is its own.
    pub(super) fn of<'a>(rows: impl IntoIterator<Item = &'a Labels>) -> Self {
        let mut rows = rows.into_iter().filter(|labels| !labels.is_empty());
        let (Some(first), Some(second)) = (rows.next(), rows.next()) else {
            return Self(Labels::new());
        };
        let mut shared = first.clone();
        for labels in std::iter::once(second).chain(rows) {
            shared.retain(|name| labels.get(name) == first.get(name));
        }
        Self(shared)
    }

    /// The labels that a row has to itself.
    pub(super) fn own(&self, labels: Option<&Labels>) -> String {
        let mut own = labels.cloned().unwrap_or_default();
        own.retain(|name| self.0.get(name).is_empty());
        series(&own)
    }

    /// The labels that all rows share.
    pub(super) fn words(&self) -> String {
        series(&self.0)
    }

    /// The labels that a row has to itself, as its tail.
    pub(super) fn tail(&self, labels: Option<&Labels>, row: Row) -> String {
        row.tail(&self.own(labels))
    }

    /// Says what they share, below the table.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let labels = self.words();
        if labels.is_empty() {
            return Ok(());
        }
        writeln!(out, "{DIM}  series of{}{DIM:#}", cut(&labels, WIDTH - "  series of".len()))
    }
}

/// How much of a line a row takes already, and how far what follows it is indented.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) width: usize,
    pub(super) indent: usize,
}

impl Row {
    /// Words behind the row, a space before them: in its line if there is room, else in one of their
    /// own, cut where they are too long for that.
    pub(super) fn tail(self, words: &str) -> String {
        let words = words.trim_start();
        if words.is_empty() {
            return String::new();
        }
        if self.width + 1 + words.chars().count() <= WIDTH {
            return format!(" {words}");
        }
        format!("\n{:indent$}{}", "", cut(words, WIDTH - self.indent), indent = self.indent)
    }
}

/// The words in at most so many characters; labels keep their brace.
fn cut(words: &str, at_most: usize) -> String {
    if words.chars().count() <= at_most {
        return words.to_owned();
    }
    let end = if words.ends_with('}') { "…}" } else { "…" };
    let kept: String = words.chars().take(at_most - end.chars().count()).collect();
    kept + end
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row = Row { width: 40, indent: 6 };

    #[test]
    fn a_row_has_only_what_the_others_do_not_share() {
        let one = Labels::from([("instance", "a:1"), ("job", "api")]);
        let other = Labels::from([("instance", "b:1"), ("job", "api")]);
        let shared = Shared::of([&one, &Labels::new(), &other]);
        assert_eq!(series(&shared.0), r#" {job="api"}"#);
        assert_eq!(shared.tail(Some(&one), ROW), r#" {instance="a:1"}"#);
        assert_eq!(shared.tail(None, ROW), "");
        let same = Shared::of([&one, &one]);
        assert_eq!(same.tail(Some(&one), ROW), "");
    }

    #[test]
    fn what_a_single_row_has_is_its_own() {
        let one = Labels::from([("job", "api")]);
        assert_eq!(Shared::of([&one]).tail(Some(&one), ROW), r#" {job="api"}"#);
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let labels = |length| Labels::from([("pod", "x".repeat(length))]);
        let shared = Shared::of([]);
        for (length, expected) in [
            (31, format!(" {{pod=\"{}\"}}", "x".repeat(31))),
            (32, format!("\n      {{pod=\"{}\"}}", "x".repeat(32))),
            (90, format!("\n      {{pod=\"{}…}}", "x".repeat(66))),
        ] {
            let tail = shared.tail(Some(&labels(length)), ROW);
            assert_eq!(tail, expected);
            let width = |line: &str| line.chars().count();
            let lines: Vec<_> = tail.lines().map(width).collect();
            assert!(lines[0] + 40 <= 80 && lines.iter().all(|width| *width <= 80), "{lines:?}");
        }
    }
}

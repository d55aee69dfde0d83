//! Which metrics there are: of a page, or as a server names them.

use std::collections::{BTreeMap, BTreeSet};

use crate::exposition::{self, Context, Format, Reader};
use crate::promql::SelectorUse;
use crate::storage::{Labels, METRIC_NAME, Storage};

/// The metrics of one service.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// Series by the name of their metric.
    series: BTreeMap<String, Vec<Labels>>,
    /// Metrics that a page declares, and has no series of yet.
    declared: BTreeSet<String>,
    /// What a page says of a metric, in its `# HELP`.
    help: BTreeMap<String, String>,
    /// Whether series have all of their labels.
    knows_labels: bool,
}

/// How far there is what a selector asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presence {
    /// Nothing of that name.
    Absent,
    /// The name is declared, or has series with other labels.
    NotYet,
    /// A series at least.
    There,
}

impl Inventory {
    /// What is on a page, and how many series stand there twice.
    ///
    /// # Errors
    /// It is none, or a broken one.
    pub(super) fn of_page(
        page: &[u8],
        format: Format,
        target: &Labels,
    ) -> Result<(Self, usize), exposition::Error> {
        let mut storage = Storage::default();
        let context = Context { at: Some(0), target };
        let read = Reader::new().read_page(page, format, &context, &mut storage)?;
        let mut inventory = Self { knows_labels: true, ..Self::default() };
        for (_, series) in storage.iter() {
            inventory.add(series.labels.clone());
        }
        inventory.read_comments(&String::from_utf8_lossy(page), format);
        Ok((inventory, read.duplicates))
    }

    /// Of what a server names: metrics with the bounds of their buckets, and no other labels.
    pub(super) fn of_names<'a>(names: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut inventory = Self::default();
        for (name, bound) in names {
            inventory.add([(METRIC_NAME, name), ("le", bound)].into_iter().collect());
        }
        inventory
    }

    fn add(&mut self, labels: Labels) {
        self.series.entry(labels.metric_name().to_owned()).or_default().push(labels);
    }

    fn read_comments(&mut self, page: &str, format: Format) {
        for line in page.lines().filter_map(|line| line.trim_start().strip_prefix("# ")) {
            let mut words = line.splitn(3, ' ');
            let (Some(keyword), Some(name), Some(rest)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            match (keyword, rest.trim()) {
                ("HELP", _) => drop(self.help.insert(name.to_owned(), rest.to_owned())),
                ("TYPE", kind) => self.declare(name, kind, format),
                _ => {}
            }
        }
    }

    fn declare(&mut self, name: &str, kind: &str, format: Format) {
        let endings: &[&str] = match (kind, format) {
            ("histogram", _) => &["_bucket", "_count", "_sum"],
            ("summary", _) => &["", "_count", "_sum"],
            ("counter", Format::OpenMetrics) => &["_total"],
            _ => &[""],
        };
        let names = endings.iter().map(|ending| format!("{name}{ending}"));
        self.declared.extend(names.filter(|name| !self.series.contains_key(name)));
    }

    /// How many metrics and series there are.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.series.len(), self.series.values().map(Vec::len).sum())
    }

    /// The names of all metrics of which there is a series.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str)
    }

    /// Whether there is a metric of that name, if only by its declaration.
    pub(super) fn has(&self, name: &str) -> bool {
        self.series.contains_key(name) || self.declared.contains(name)
    }

    /// How far there is what a selector asks for.
    pub(super) fn presence(&self, selector: &SelectorUse) -> Presence {
        let named = selector.metric().map(str::to_owned);
        let mut found = Presence::Absent;
        let candidates = match &named {
            Some(name) => self.series.get(name).into_iter().collect::<Vec<_>>(),
            None => self.series.values().collect(),
        };
        for labels in candidates.into_iter().flatten() {
            let is_enough = !self.knows_labels && named.is_some();
            if is_enough || selector.matches(labels) {
                return Presence::There;
            }
            let is_named = named.is_some() || selects_name(selector, labels.metric_name());
            found = found.max(if is_named { Presence::NotYet } else { Presence::Absent });
        }
        let is_declared = match &named {
            Some(name) => self.declared.contains(name),
            None => self.declared.iter().any(|name| selects_name(selector, name)),
        };
        if is_declared { found.max(Presence::NotYet) } else { found }
    }

    /// The finite bounds of the buckets that a selector finds, ascending.
    pub(super) fn bounds(&self, selector: &SelectorUse) -> Vec<f64> {
        let is_of_name = |name: &str| match selector.metric() {
            Some(metric) => metric == name,
            None => selects_name(selector, name),
        };
        let series = self.series.iter().filter(|(name, _)| is_of_name(name));
        let bounds = series.flat_map(|(_, series)| series).map(|labels| labels.get("le"));
        let mut bounds: Vec<f64> =
            bounds.filter_map(|it| it.parse().ok()).filter(|it: &f64| it.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    }

    /// Whether the help of a metric speaks of smaller units than seconds, though its name does not.
    pub(super) fn help_says_smaller_unit(&self, name: &str) -> Option<&'static str> {
        let base = ["_bucket", "_count", "_sum", "_total"]
            .iter()
            .find_map(|ending| name.strip_suffix(ending))
            .unwrap_or(name);
        let help = self.help.get(name).or_else(|| self.help.get(base))?.to_lowercase();
        ["millisecond", "microsecond"].into_iter().find(|unit| help.contains(unit))
    }
}

/// Whether a selector without a fixed name selects metrics of that name, whatever their labels.
fn selects_name(selector: &SelectorUse, name: &str) -> bool {
    selector.metric().is_none() && selector.accepts_name(name)
}

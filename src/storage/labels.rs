//! The labels of a series.

use std::collections::btree_map;
use std::fmt;
use std::sync::Arc;

/// The label that holds the name of the metric.
pub const METRIC_NAME: &str = "__name__";

/// The labels of a series, sorted by name, each name once, none with an empty value (which is,
/// to Prometheus, no label).
///
/// Names and values are shared, so that a copy costs little.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<(Arc<str>, Arc<str>)>);

impl Labels {
    /// The label's value; empty if there is no such label.
    pub fn get(&self, name: &str) -> &str {
        match self.position(name) {
            Ok(index) => &self.0[index].1,
            Err(_) => "",
        }
    }

    /// The name of the metric; empty if it has none.
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME)
    }

    /// Sets a label; an empty value takes it away.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) {
        let (name, value) = (name.into(), value.into());
        match (self.position(&name), value.is_empty()) {
            (Ok(index), true) => drop(self.0.remove(index)),
            (Ok(index), false) => self.0[index].1 = value,
            (Err(_), true) => {}
            (Err(index), false) => self.0.insert(index, (name, value)),
        }
    }

    /// Keeps the labels for whose name `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many there are, the metric's name included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (**other).cmp(name))
    }
}

impl<N: Into<Arc<str>>, V: Into<Arc<str>>> FromIterator<(N, V)> for Labels {
    /// Of a name that comes twice, the last value.
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        let mut labels = Self::default();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }
}

impl<'a> From<&'a Labels> for btree_map::BTreeMap<String, String> {
    fn from(labels: &'a Labels) -> Self {
        labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl fmt::Display for Labels {
    /// As PromQL writes a series.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        f.write_str(name)?;
        let mut others = self.iter().filter(|(name, _)| *name != METRIC_NAME).peekable();
        if others.peek().is_none() && !name.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (index, (name, value)) in others.enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            // Debug escapes quotes, backslashes and control characters as PromQL does.
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_never_empty() {
        let mut labels: Labels =
            [("job", "a"), ("__name__", "up"), ("empty", ""), ("job", "b")].into_iter().collect();
        assert_eq!(labels.to_string(), "up{job=\"b\"}");
        labels.set("job", "");
        assert_eq!(labels.to_string(), "up");
        assert_eq!((labels.get("job"), labels.len()), ("", 1));
        labels.retain(|name| name != METRIC_NAME);
        assert_eq!(labels.to_string(), "{}");
    }
}

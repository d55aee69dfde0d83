//! The metric that a `# TYPE` line announces, and what its type says of the series behind it.

use std::borrow::Cow;

use super::number;

/// The type of a metric.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Unknown,
    Counter,
    Histogram,
    Summary,
    /// Gauges, and all others that do not accumulate.
    Gauge,
}

/// The metric of the last `# TYPE` line.
#[derive(Debug, Default)]
pub(super) struct Family {
    name: String,
    kind: Kind,
}

impl Family {
    pub(super) fn set(&mut self, name: &str, kind: &[u8]) {
        name.clone_into(&mut self.name);
        self.kind = match kind {
            b"counter" => Kind::Counter,
            b"histogram" => Kind::Histogram,
            b"summary" => Kind::Summary,
            b"untyped" | b"unknown" => Kind::Unknown,
            _ => Kind::Gauge,
        };
    }

    /// Whether a series of this name accumulates, if its type says so or says that it does not.
    pub(super) fn is_cumulative(&self, name: &str) -> Option<bool> {
        match (self.kind, name.strip_prefix(self.name.as_str())?) {
            (Kind::Counter, "" | "_total")
            | (Kind::Histogram, "_bucket" | "_count" | "_sum")
            | (Kind::Summary, "_count" | "_sum") => Some(true),
            (Kind::Gauge, "" | "_bucket") | (Kind::Summary, "") => Some(false),
            _ => None,
        }
    }

    /// The value of a label as Prometheus 3 stores it: the bounds of histograms and the quantiles
    /// of summaries are numbers, written as OpenMetrics writes them. Like there, the type counts
    /// for every series behind it.
    pub(super) fn label_value<'a>(&self, label: &str, value: Cow<'a, str>) -> Cow<'a, str> {
        let is_number =
            matches!((self.kind, label), (Kind::Histogram, "le") | (Kind::Summary, "quantile"));
        match number::value(value.as_bytes()) {
            Some(number) if is_number => number::openmetrics(number).into(),
            _ => value,
        }
    }
}

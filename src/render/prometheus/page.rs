//! A page in the Prometheus text format, in the making.

use std::io::{self, Write};

use crate::exposition::{Value, quoted};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows, and begins anew with the process.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl MetricKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// A page in the making.
pub(in crate::render) struct Page<'a>(pub(in crate::render) &'a mut dyn Write);

impl Page<'_> {
    /// Begins a gauge.
    pub(in crate::render) fn family(&mut self, name: &str, help: &str) -> io::Result<()> {
        self.family_of(MetricKind::Gauge, name, help)
    }

    /// Begins a metric.
    pub(in crate::render) fn family_of(
        &mut self,
        kind: MetricKind,
        name: &str,
        help: &str,
    ) -> io::Result<()> {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.name())
    }

    /// A gauge of one sample.
    pub(in crate::render) fn single(
        &mut self,
        name: &str,
        help: &str,
        value: f64,
    ) -> io::Result<()> {
        self.family(name, help)?;
        self.sample(name, &[], value)
    }

    pub(in crate::render) fn sample(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> io::Result<()> {
        let pairs = labels.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let pairs = pairs.collect::<Vec<_>>().join(",");
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{pairs}}}") };
        let value = Value(value);
        writeln!(self.0, "{name}{labels} {value}")
    }
}

//! Which metrics accumulate: they count from 0 on since their process began.

use super::Storage;

/// Whether a metric of this name accumulates, by the conventions of Prometheus.
pub fn is_named_cumulative(name: &str) -> bool {
    ["_total", "_count", "_sum", "_bucket"].iter().any(|suffix| name.ends_with(suffix))
}

impl Storage {
    /// Takes note that a metric accumulates, or that it does not. What was declared first counts.
    pub fn declare(&mut self, metric: &str, is_cumulative: bool) {
        // Most are what their name says.
        if is_cumulative != is_named_cumulative(metric) && !self.declared.contains_key(metric) {
            self.declared.insert(metric.to_owned(), is_cumulative);
        }
    }

    /// Whether a metric accumulates: as it was declared, if against its name, or by its name.
    pub fn is_cumulative(&self, metric: &str) -> bool {
        self.declared(metric).unwrap_or_else(|| is_named_cumulative(metric))
    }

    /// Whether a metric was declared to accumulate, or not to, against its name.
    pub fn declared(&self, metric: &str) -> Option<bool> {
        self.declared.get(metric).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_accumulates_unless_it_is_declared() {
        let mut storage = Storage::default();
        for (metric, is_cumulative) in [("workers_total", false), ("calls", true), ("lag", false)] {
            storage.declare(metric, is_cumulative);
            storage.declare(metric, !is_cumulative);
        }
        for (metric, is_cumulative, declared) in [
            ("a_total", true, None),
            ("a_count", true, None),
            ("a_sum", true, None),
            ("a_bucket", true, None),
            ("a_created", false, None),
            ("total", false, None),
            ("workers_total", false, Some(false)),
            ("calls", true, Some(true)),
            // Both were said; the second is against its name.
            ("lag", true, Some(true)),
        ] {
            assert_eq!(storage.is_cumulative(metric), is_cumulative, "{metric}");
            assert_eq!(storage.declared(metric), declared, "{metric}");
        }
    }
}

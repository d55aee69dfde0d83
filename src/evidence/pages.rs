//! The pages that a target showed: at which instants a series has to have a sample.

use super::used::Used;
use crate::storage::{Points, is_stale};

/// The pages of a target, up to the instant of the audit.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// When there was a page, milliseconds, in order.
    pub(super) instants: Vec<i64>,
    /// When one was asked for, in order; the same where nothing tells of failures.
    tried: Vec<i64>,
    /// The first and the last instant of which `up` tells, after the audit's too.
    pub(super) span: Option<(i64, i64)>,
}

impl Pages {
    /// Those of which `up` tells.
    pub(super) fn of_up(up: &Points, end: i64) -> Self {
        let points: Vec<_> = up.iter().take_while(|point| point.at <= end).collect();
        let good = points.iter().filter(|point| point.value == 1.0);
        Self {
            instants: good.map(|point| point.at).collect(),
            tried: points.iter().map(|point| point.at).collect(),
            span: up.first().zip(up.last()),
        }
    }

    /// Those of which the series tell by their samples: where one has a sample there was a page.
    pub(super) fn of_samples(used: &[Used<'_>], end: i64) -> Self {
        let mut instants = Vec::new();
        for Used { series, .. } in used {
            let samples = series.points.iter().take_while(|point| point.at <= end);
            instants.extend(samples.filter(|it| !is_stale(it.value)).map(|it| it.at));
        }
        instants.sort_unstable();
        instants.dedup();
        Self { tried: instants.clone(), instants, span: None }
    }

    /// Whether the samples are of the instants of these pages, nearly all of them, rather than of a
    /// rhythm of their own; both in order.
    pub(super) fn are_of(&self, samples: &[i64]) -> bool {
        let Some((first, last)) = samples.first().zip(samples.last()) else { return false };
        if self.span.is_none() {
            // Each sample is at one of these, so what counts is how many it leaves out.
            let from = self.tried.partition_point(|at| at < first);
            let to = self.tried.partition_point(|at| at <= last);
            return samples.len() * 2 >= to - from;
        }
        let mut tried = self.tried.iter().peekable();
        let matches = samples.iter().filter(|at| {
            while tried.next_if(|it| it < at).is_some() {}
            tried.peek() == Some(at)
        });
        matches.count() * 4 >= samples.len() * 3
    }

    /// The number of the page that is of this instant, or the first after it; the last one of all
    /// if there is none.
    pub(super) fn number(&self, at: i64) -> usize {
        let number = self.instants.partition_point(|it| *it < at);
        number.min(self.instants.len().saturating_sub(1))
    }

    /// The numbers of the pages after an instant and up to another.
    pub(super) fn between(&self, after: i64, until: i64) -> std::ops::Range<usize> {
        let from = self.instants.partition_point(|it| *it <= after);
        from..self.instants.partition_point(|it| *it <= until).max(from)
    }

    /// How many were asked for after an instant and up to another.
    pub(super) fn tried(&self, after: i64, until: i64) -> usize {
        let before = self.tried.partition_point(|it| *it <= after);
        self.tried.partition_point(|it| *it <= until).saturating_sub(before)
    }

    /// What nouns the pages are counted in.
    pub(super) const fn noun(&self) -> &'static str {
        if self.span.is_some() { "pages" } else { "instants" }
    }
}

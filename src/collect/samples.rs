//! Samples at hand, and what is to be said of them as a whole.

use super::coverage::{self, Span};
use super::deadline::Deadline;
use super::error::SamplesError;
use super::inferred;
use super::targets::Targets;
use crate::storage::Storage;
use crate::target_health::TargetHealth;

/// Samples to be asked.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) storage: Storage,
    /// How each target could be scraped.
    pub(crate) targets: Vec<TargetHealth>,
    /// From when to when they were taken.
    pub(super) span: Span,
    /// The instants of the scrapes, each once, in order.
    pub(super) instants: Vec<i64>,
}

impl Samples {
    /// Samples of which everything up to the instant `until` counts, in milliseconds.
    ///
    /// # Errors
    /// If there are none, if they contradict each other, or if it takes too long.
    pub(super) fn new(
        mut storage: Storage,
        until: Option<i64>,
        mut deadline: Deadline,
    ) -> Result<Self, SamplesError> {
        deadline.check()?;
        storage.merge_out_of_order().map_err(|(labels, at)| {
            let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
            SamplesError::Contradiction { series: labels.to_string(), at }
        })?;
        deadline.check()?;
        // The order in which series were met is not in a recording of them.
        storage.sort();
        let scrapes = Targets::new(&storage, &mut deadline)?;
        let span = coverage::span(&storage, &scrapes).ok_or(SamplesError::Empty)?;
        let instants = coverage::instants(&scrapes);
        let targets = coverage::targets(&storage, &scrapes, until, &mut deadline)?;
        inferred::infer(&mut storage, &mut deadline)?;
        Ok(Self { storage, targets, span, instants })
    }
}

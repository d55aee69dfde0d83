//! Samples at hand, and what is to be said of them as a whole.

use super::error::SamplesError;
use super::{coverage, staleness};
use crate::storage::Storage;
use crate::target_health::TargetHealth;

/// Samples to be asked.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) storage: Storage,
    /// How each target could be scraped.
    pub(crate) targets: Vec<TargetHealth>,
}

impl Samples {
    /// Samples of which everything up to the instant `until` counts, in milliseconds.
    ///
    /// # Errors
    /// If there are none, or if they contradict each other.
    pub(crate) fn new(mut storage: Storage, until: Option<i64>) -> Result<Self, SamplesError> {
        storage.merge_out_of_order().map_err(|(labels, at)| {
            let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
            SamplesError::Contradiction { series: labels.to_string(), at }
        })?;
        if storage.span().is_none() {
            return Err(SamplesError::Empty);
        }
        let targets = coverage::targets(&storage, until);
        staleness::mark(&mut storage);
        Ok(Self { storage, targets })
    }
}

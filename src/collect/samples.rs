//! Samples at hand, and what is to be said of them as a whole.

use super::{coverage, staleness};
use crate::one_line::one_line;
use crate::storage::Storage;
use crate::target_health::TargetHealth;

/// Samples to be asked.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) storage: Storage,
    /// How each target let itself be scraped.
    pub(crate) scrapes: Vec<TargetHealth>,
}

impl Samples {
    /// Samples of which everything up to the instant `until` counts, in milliseconds.
    ///
    /// # Errors
    /// If there are none, or if they contradict each other.
    pub(crate) fn new(mut storage: Storage, until: Option<i64>) -> Result<Self, String> {
        storage.merge_out_of_order().map_err(|(labels, at)| {
            let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
            one_line(&format!("there are two values of {labels} at {at}; which one holds?"))
        })?;
        if storage.span().is_none() {
            return Err("there are no samples in it".to_owned());
        }
        let scrapes = coverage::scrapes(&storage, until);
        staleness::mark(&mut storage);
        Ok(Self { storage, scrapes })
    }

    /// What is missing of them, if anything is.
    pub(crate) fn missing(&self) -> Option<String> {
        self.scrapes.iter().find_map(TargetHealth::missing)
    }
}

//! Samples at hand, and what is to be said of them as a whole.

use super::words::words;
use super::{coverage, staleness};
use crate::scrapes::Scrapes;
use crate::storage::Storage;

/// Samples to be asked.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) storage: Storage,
    /// How each target let itself be scraped.
    pub(super) scrapes: Vec<Scrapes>,
}

impl Samples {
    /// Samples of which everything up to the instant `until` counts, in milliseconds.
    ///
    /// # Errors
    /// If there are none, or if they contradict each other.
    pub(super) fn new(mut storage: Storage, until: Option<i64>) -> Result<Self, String> {
        storage.settle().map_err(|(labels, at)| {
            let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
            words(&format!("there are two values of {labels} at {at}; which one holds?"))
        })?;
        if storage.span().is_none() {
            return Err("there are no samples in it".to_owned());
        }
        let scrapes = coverage::scrapes(&storage, until);
        staleness::mark(&mut storage);
        Ok(Self { storage, scrapes })
    }

    /// What is missing of them, if anything is.
    pub(super) fn missing(&self) -> Option<String> {
        self.scrapes.iter().find_map(Scrapes::missing)
    }
}

//! How much a storage takes before it says so: a label with ever new values would fill any memory.

use super::{Labels, Series, Storage};

/// How many series there may be: 2,000 targets of 200 series each are less than half of it.
const MAX_SERIES: usize = 1_000_000;
/// How much memory series and samples may take, in bytes. Samples take 2 to 10 bytes each.
const MAX_BYTES: usize = 2 << 30;

/// About what a series takes without its labels and samples.
const SERIES: usize = size_of::<Series>() + 200;
/// About what a label takes without its text: it is in the series, and in the index.
const LABEL: usize = 64;

/// How much a storage may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Series.
    pub series: usize,
    /// Bytes of memory, about.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: MAX_SERIES, bytes: MAX_BYTES }
    }
}

/// A storage that can take no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// There are too many series.
    #[error(
        "there are more than {limit} series, the last of them of `{metric}`: a label whose \
         values are ever new is no label; drop it, or watch fewer targets"
    )]
    Series {
        /// How many there may be.
        limit: usize,
        /// The metric of the one that is too many.
        metric: String,
    },
    /// They take too much memory.
    #[error(
        "the series and their samples take more than {} MiB: watch fewer targets, less often, or \
         for a shorter time",
        limit >> 20
    )]
    Bytes {
        /// How many bytes they may take.
        limit: usize,
    },
}

/// What a storage can still take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    limits: Limits,
    left: Limits,
}

impl Storage {
    /// What it can still take.
    ///
    /// # Errors
    /// Nothing.
    pub(crate) fn room(&self) -> Result<Room, Full> {
        let Limits { series, bytes } = self.limits;
        let Some(bytes) = bytes.checked_sub(self.bytes) else {
            return Err(Full::Bytes { limit: bytes });
        };
        let left = Limits { series: series.saturating_sub(self.len()), bytes };
        Ok(Room { limits: self.limits, left })
    }
}

impl Room {
    /// Takes the room that a series needs.
    ///
    /// # Errors
    /// There is no room for it.
    pub(crate) fn take(&mut self, labels: &Labels) -> Result<(), Full> {
        let Limits { series, bytes } = self.limits;
        let Some(left) = self.left.series.checked_sub(1) else {
            return Err(Full::Series { limit: series, metric: labels.metric_name().to_owned() });
        };
        let Some(left_bytes) = self.left.bytes.checked_sub(size_of_series(labels)) else {
            return Err(Full::Bytes { limit: bytes });
        };
        self.left = Limits { series: left, bytes: left_bytes };
        Ok(())
    }

    /// What is left of it beside what others need.
    pub(crate) fn beside(self, needed: Limits) -> Self {
        let series = self.left.series.saturating_sub(needed.series);
        let bytes = self.left.bytes.saturating_sub(needed.bytes);
        Self { left: Limits { series, bytes }, ..self }
    }
}

/// About how many bytes a series takes, its samples excluded.
pub(crate) fn size_of_series(labels: &Labels) -> usize {
    // The value of a label stands in the series, and twice in the memory of the reader.
    let texts: usize = labels.iter().map(|(name, value)| name.len() + 3 * value.len()).sum();
    SERIES + LABEL * labels.len() + texts
}

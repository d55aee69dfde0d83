//! Reads and writes samples as services expose them: the Prometheus text format 0.0.4 (with the
//! quoted names of Prometheus 3) and OpenMetrics 1.0; and reads the numbers of JSON documents.
//!
//! What Prometheus' scrape accepts is accepted, and what it refuses is an error, with few
//! exceptions: blanks count less, and where a slip would end in wrong numbers (a line that a
//! cut or a carriage return spoiled, the units of the two formats mixed up) this is stricter.

mod cache;
mod comment;
mod cursor;
mod error;
mod family;
pub(crate) mod json;
mod labels;
mod line;
mod number;
mod recording;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashSet;
use std::io;

use crate::storage::{Labels, Storage};
use cache::Cache;
use comment::EOF;
use line::{Parse, Sample};
use recording::Blocks;

pub use error::Error;
pub use recording::format_of_recording;
pub use write::write;
pub(crate) use write::{Value, quoted};

/// The longest line of a page that is read, in bytes.
pub const MAX_LINE: usize = 1 << 20;
/// The longest line of a recording: the same line with the labels of a target, a timestamp, and
/// what has to be escaped.
pub const MAX_RECORDED_LINE: usize = 4 * MAX_LINE;

/// How samples are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The Prometheus text format 0.0.4; instants in milliseconds.
    Prometheus,
    /// OpenMetrics 1.0; instants in seconds, and a last line of `# EOF`.
    OpenMetrics,
}

impl Format {
    /// The format of an HTTP body: OpenMetrics if it says so, else the Prometheus text format.
    pub fn of_content_type(content_type: Option<&str>) -> Self {
        let media = content_type.and_then(|words| words.split(';').next()).unwrap_or_default();
        if media.trim().eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }
}

/// What is known of samples apart from what is written.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The instant of samples without a timestamp, in milliseconds since the Unix epoch. With
    /// `None` such a sample is an error.
    pub at: Option<i64>,
    /// Labels that every sample is given, such as `job` and `instance`. What a sample has under
    /// such a name is kept as `exported_` and the name, as Prometheus does it by default.
    pub target: &'a Labels,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    /// How many samples were written there, the ones below included.
    pub samples: usize,
    /// How many of them had a timestamp of their own.
    pub timestamped: usize,
    /// Samples of a page that were dropped, as it has another value of their series at their
    /// instant. Prometheus keeps the first, too.
    pub duplicates: usize,
    /// Samples of a page that were dropped, as later ones of their series came before them, or one of
    /// the same timestamp with another value. Prometheus drops them, too.
    pub out_of_order: usize,
}

/// Reads pages of one target, or a recording, into one [`Storage`]: it remembers the series that
/// it has met and their places there, so that what repeats costs little.
///
/// For another target, other labels of the target, or another storage, take another reader.
#[derive(Debug, Default)]
pub struct Reader {
    cache: Cache,
    samples: Vec<Sample>,
    reserved: &'static [&'static str],
    /// Whether a page that was no OpenMetrics by its type ended as OpenMetrics does, or a
    /// snapshot, which has no type.
    ends_as_openmetrics: bool,
}

impl Reader {
    /// A reader that has met nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader for somebody who writes series of his own beside what is read, with no labels but
    /// the target's: what is read of such a series has its name kept behind `exported_`.
    pub fn reserving(metrics: &'static [&'static str]) -> Self {
        Self { reserved: metrics, ..Self::default() }
    }

    /// Reads what a service has exposed at one instant: all of it, or, on an error, nothing.
    ///
    /// A page is whole if it ends with `# EOF`; in the Prometheus format also if it ends with a
    /// newline, unless a page before it, in this format too, had `# EOF`: then it is OpenMetrics under
    /// a wrong type.
    ///
    /// # Errors
    /// The page is not in the format, or cut off; or there is no room for it.
    pub fn read_page(
        &mut self,
        page: &[u8],
        format: Format,
        context: &Context<'_>,
        storage: &mut Storage,
    ) -> Result<Page, Error> {
        self.samples.clear();
        let room = storage.room()?;
        let mut parse = Parse::of_page(&mut self.cache, format, context, self.reserved, room);
        for (line, ended) in lines(page) {
            self.samples.extend(parse.step(line, ended)?);
        }
        let has_end = page.trim_ascii_end().rsplit(|byte| *byte == b'\n').next() == Some(EOF);
        parse.finish(self.ends_as_openmetrics && !has_end)?;
        self.ends_as_openmetrics |= has_end && format == Format::Prometheus;
        Ok(self.push_page(storage))
    }

    /// Reads a recording as a stream, in bounded memory beside the storage. After an error, the
    /// samples before it are in the storage. With an instant in the context it is a snapshot of a
    /// page, and cut off if one before it had `# EOF` and it has none.
    ///
    /// # Errors
    /// It cannot be read; it is not in the format, or cut off; or a sample contradicts the one
    /// of its series that came last; or there is no room for more. Contradictions to earlier ones are found by
    /// [`Storage::merge_out_of_order`].
    pub fn read_recording(
        &mut self,
        input: impl io::Read,
        format: Format,
        context: &Context<'_>,
        storage: &mut Storage,
    ) -> Result<Page, Error> {
        let mut page = Page::default();
        let mut blocks = Blocks::new(input);
        let room = storage.room()?;
        let mut parse = Parse::of_recording(&mut self.cache, format, context, self.reserved, room);
        while let Some(block) = blocks.next()? {
            parse.room = storage.room()?;
            for (line, ended) in lines(block) {
                let Some(sample) = parse.step(line, ended)? else { continue };
                let id = parse.cache.id(sample.entry, storage);
                if let Err(contradiction) = storage.push(id, sample.point) {
                    return Err(parse.error(line, contradiction.to_string()));
                }
                page.samples += 1;
                page.timestamped += usize::from(sample.is_timestamped);
            }
        }
        let is_snapshot = context.at.is_some();
        let is_cut = is_snapshot && self.ends_as_openmetrics && format == Format::Prometheus;
        parse.finish(is_cut)?;
        self.ends_as_openmetrics |= is_snapshot && format == Format::OpenMetrics;
        Ok(page)
    }

    fn push_page(&mut self, storage: &mut Storage) -> Page {
        let timestamped = self.samples.iter().filter(|sample| sample.is_timestamped).count();
        let mut page = Page { samples: self.samples.len(), timestamped, ..Page::default() };
        let mut of_page = HashSet::new();
        for sample in &self.samples {
            let id = self.cache.id(sample.entry, storage);
            let point = sample.point;
            let last = storage.get(id).points.last();
            // A page before may have had the same timestamp, and the sample that it had counts.
            let is_of_before = sample.is_timestamped && !of_page.contains(&id);
            if last.is_some_and(|last| last > point.at) {
                page.out_of_order += 1;
            } else if storage.push(id, point).is_err() {
                *(if is_of_before { &mut page.out_of_order } else { &mut page.duplicates }) += 1;
            }
            if sample.is_timestamped {
                of_page.insert(id);
            }
        }
        page
    }
}

/// Lines, and whether a newline ends them.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        match memchr::memchr(b'\n', rest) {
            Some(end) => {
                let line = &rest[..end];
                rest = &rest[end + 1..];
                Some((line, true))
            }
            None => Some((std::mem::take(&mut rest), false)),
        }
    })
}

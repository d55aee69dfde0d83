//! Reads line after line, each into a sample or nothing.

use super::cache::{Cache, text_of};
use super::comment::{self, Declared, EOF, OPENMETRICS};
use super::cursor::Cursor;
use super::error::{Error, Fault, quote};
use super::labels;
use super::number::{milliseconds, seconds, value};
use super::{Context, Format, MAX_LINE};
use crate::storage::{METRIC_NAME, Point};

/// A sample of an entry of the cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) entry: usize,
    pub(super) point: Point,
}

/// What is being read.
pub(super) struct Parse<'a> {
    pub(super) cache: &'a mut Cache,
    format: Format,
    context: &'a Context<'a>,
    /// Of a recording in the Prometheus format.
    declared: Option<Declared>,
    recording: bool,
    /// Lines so far.
    lines: usize,
    /// Whether `# EOF` was there.
    ended: bool,
}

impl<'a> Parse<'a> {
    pub(super) fn of_page(cache: &'a mut Cache, format: Format, context: &'a Context<'a>) -> Self {
        Self { cache, format, context, declared: None, recording: false, lines: 0, ended: false }
    }

    pub(super) fn of_recording(
        cache: &'a mut Cache,
        format: Format,
        context: &'a Context<'a>,
    ) -> Self {
        let declared = (format == Format::Prometheus).then(Declared::new);
        Self { declared, recording: true, ..Self::of_page(cache, format, context) }
    }

    /// Reads a line. `newline`: whether one ends it.
    pub(super) fn step(&mut self, line: &[u8], newline: bool) -> Result<Option<Sample>, Error> {
        self.lines += 1;
        if line.len() > MAX_LINE {
            return Err(self.error(line, format!("the line is longer than {MAX_LINE} bytes")));
        }
        if !newline {
            return self.last(line);
        }
        self.line(line).map_err(|fault| fault.in_line(self.lines, line))
    }

    /// Reads the last line, which no newline ends.
    fn last(&mut self, line: &[u8]) -> Result<Option<Sample>, Error> {
        self.check_last(line)?;
        let read = self.line(line).map_err(|mut fault| {
            if !self.ended {
                fault.reason = format!("{}; {UNFINISHED}", fault.reason).into();
            }
            fault.in_line(self.lines, line)
        })?;
        match self.format {
            // A number that was cut off can still be read as one.
            Format::Prometheus if line != EOF && !line.trim_ascii().is_empty() => {
                Err(Error::Unfinished { line: self.lines })
            }
            _ => Ok(read),
        }
    }

    /// Whether the input may end with this line, and without a newline.
    fn check_last(&self, line: &[u8]) -> Result<(), Error> {
        match self.format {
            _ if self.ended || line == EOF => Ok(()),
            Format::OpenMetrics => Err(Error::CutOff { line: self.lines }),
            Format::Prometheus if self.recording => {
                let fault = Fault::new(line.len(), "cut off: no newline ends the last line");
                Err(fault.in_line(self.lines, line))
            }
            Format::Prometheus => Ok(()),
        }
    }

    /// The error that the line which was read last is wrong as a whole.
    pub(super) fn error(&self, line: &[u8], reason: String) -> Error {
        Fault::new(0, reason).in_line(self.lines, line)
    }

    /// After the last line. `is_openmetrics`: whether it has to end as OpenMetrics does, whatever
    /// format it is read as.
    pub(super) fn finish(&self, is_openmetrics: bool) -> Result<(), Error> {
        match self.format {
            Format::OpenMetrics if !self.ended => Err(Error::CutOff { line: self.lines }),
            _ if is_openmetrics => Err(Error::CutOff { line: self.lines }),
            _ if self.lines == 0 && !self.recording => Err(Error::Empty),
            _ => Ok(()),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Sample>, Fault> {
        if !self.ended
            && let Some((entry, value)) = self.cache.guess(line)
        {
            return self.sample(entry, Cursor::new(line, value)).map(Some);
        }
        let mut cursor = Cursor::new(line, 0);
        cursor.skip_blanks();
        match cursor.peek() {
            None => Ok(None),
            _ if self.ended => Err(Fault::new(cursor.at, "there is more behind # EOF")),
            Some(b'#') => {
                self.ended = comment::read(cursor, self.format, self.declared.as_mut())?;
                Ok(None)
            }
            Some(_) => {
                let entry = self.series(&mut cursor)?;
                cursor.skip_blanks();
                self.sample(entry, cursor).map(Some)
            }
        }
    }

    fn series(&mut self, cursor: &mut Cursor<'_>) -> Result<usize, Fault> {
        let text = text_of(cursor);
        if let Some(entry) = self.cache.find(text) {
            cursor.at += text.len();
            return Ok(entry);
        }
        let start = cursor.at;
        let target = self.context.target;
        let labels = labels::series(cursor, self.format, target, &mut self.cache.words)?;
        if self.is_of_openmetrics(labels.get(METRIC_NAME)) {
            return Err(Fault::new(start, OPENMETRICS));
        }
        Ok(self.cache.insert(&cursor.line[start..cursor.at], labels))
    }

    /// Whether a name is one that only OpenMetrics gives: there, the samples of a counter `x`
    /// are `x_total` and `x_created`.
    fn is_of_openmetrics(&self, name: &str) -> bool {
        let Some(declared) = &self.declared else { return false };
        let base = name.strip_suffix("_total").or_else(|| name.strip_suffix("_created"));
        !declared.contains_key(name) && base.is_some_and(|base| declared.get(base) == Some(&true))
    }

    /// Reads what is behind name and labels. The value is next.
    fn sample(&self, entry: usize, mut cursor: Cursor<'_>) -> Result<Sample, Fault> {
        let value = number(&mut cursor, "the value")?;
        cursor.skip_blanks();
        let timestamped = !matches!(cursor.peek(), None | Some(b'#'));
        let at = if timestamped { Some(self.instant(&mut cursor)?) } else { self.context.at };
        cursor.skip_blanks();
        match (cursor.peek(), self.format) {
            (None, _) => {}
            (Some(b'#'), Format::OpenMetrics) => exemplar(&mut cursor)?,
            (Some(b'#'), _) if self.recording => return Err(Fault::new(cursor.at, OPENMETRICS)),
            _ => return Err(cursor.expected("the end of the line")),
        }
        let Some(at) = at else {
            return Err(cursor.expected("a timestamp"));
        };
        Ok(Sample { entry, point: Point { at, value } })
    }

    /// Reads a timestamp, into milliseconds.
    fn instant(&self, cursor: &mut Cursor<'_>) -> Result<i64, Fault> {
        let start = cursor.at;
        let word = cursor.word();
        let (at, unit) = match self.format {
            Format::Prometheus => (milliseconds(word), "whole milliseconds"),
            Format::OpenMetrics => (seconds(word), "seconds"),
        };
        let reason = match (self.format, at) {
            (Format::Prometheus, Some(1_000_000_000..10_000_000_000)) => {
                "this looks like seconds, and this format counts milliseconds; OpenMetrics \
                 counts seconds, and ends with # EOF"
                    .into()
            }
            (Format::OpenMetrics, Some(1_000_000_000_000_000..10_000_000_000_000_000)) => {
                "this looks like milliseconds, and OpenMetrics counts seconds".into()
            }
            (_, Some(at)) => return Ok(at),
            (Format::Prometheus, None) if self.recording && seconds(word).is_some() => {
                OPENMETRICS.into()
            }
            (_, None) if word.ends_with(b"\r") => CARRIAGE_RETURN.into(),
            (_, None) => format!("{} is no timestamp in {unit}", quote(word)),
        };
        Err(Fault::new(start, reason))
    }
}

const UNFINISHED: &str = "and no newline ends this line: was the page cut off?";

const CARRIAGE_RETURN: &str = "a carriage return ends this line, and only a newline may";

fn number(cursor: &mut Cursor<'_>, what: &str) -> Result<f64, Fault> {
    let start = cursor.clone();
    let word = cursor.word();
    match value(word) {
        Some(value) => Ok(value),
        None if word.is_empty() => Err(start.expected(what)),
        None if word.ends_with(b"\r") => Err(Fault::new(start.at, CARRIAGE_RETURN)),
        None => Err(Fault::new(
            start.at,
            format!("{} is not a number, or too large for 64 bits", quote(word)),
        )),
    }
}

/// Reads an exemplar, and forgets it. The `#` is next.
fn exemplar(cursor: &mut Cursor<'_>) -> Result<(), Fault> {
    cursor.take(b'#');
    cursor.skip_blanks();
    if cursor.peek() != Some(b'{') {
        return Err(cursor.expected("the labels of an exemplar"));
    }
    labels::braces(cursor, Format::OpenMetrics, &mut Vec::new())?;
    cursor.skip_blanks();
    number(cursor, "the value of an exemplar")?;
    cursor.skip_blanks();
    let start = cursor.at;
    let word = cursor.word();
    if !word.is_empty() && seconds(word).is_none() {
        let reason = format!("{} is no timestamp in seconds", quote(word));
        return Err(Fault::new(start, reason));
    }
    cursor.skip_blanks();
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.expected("the end of the line")),
    }
}

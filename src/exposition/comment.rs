//! Lines that start with `#`: what they announce, and what they give away of the format.

use std::collections::HashMap;

use super::Format;
use super::cursor::Cursor;
use super::error::{Fault, quote};

/// What is wrong with a recording that is read as Prometheus text, and is something else.
pub(super) const OPENMETRICS: &str =
    "this looks like OpenMetrics that is cut off, for it does not end with # EOF";

/// The last line of OpenMetrics.
pub(super) const EOF: &[u8] = b"# EOF";

/// Metrics that a recording in the Prometheus format has declared, and whether as counters.
pub(super) type Declared = HashMap<String, bool>;

/// Reads a comment. The `#` is next. Whether it is the end of OpenMetrics.
pub(super) fn read(
    mut cursor: Cursor<'_>,
    format: Format,
    declared: Option<&mut Declared>,
) -> Result<bool, Fault> {
    let start = cursor.at;
    if format == Format::OpenMetrics && cursor.line == EOF {
        return Ok(true);
    }
    cursor.take(b'#');
    let spaced = !cursor.rest().is_empty();
    cursor.skip_blanks();
    let spaced = spaced && cursor.at > start + 1;
    let keyword = cursor.word();
    let parted = cursor.peek().is_some();
    cursor.skip_blanks();
    match (keyword, format) {
        (b"HELP", _) if spaced && parted => help(cursor)?,
        (b"TYPE", _) if spaced && parted => kind(cursor, format, declared)?,
        (b"UNIT", Format::OpenMetrics) if spaced && parted => unit(cursor)?,
        (b"EOF", Format::Prometheus) if spaced && declared.is_some() => {
            return Err(Fault::new(start, OPENMETRICS));
        }
        (_, Format::Prometheus) => {}
        (_, Format::OpenMetrics) => {
            let words = "OpenMetrics has no comments but # HELP, # TYPE, # UNIT and # EOF";
            return Err(Fault::new(start, words));
        }
    }
    Ok(false)
}

fn help(mut cursor: Cursor<'_>) -> Result<(), Fault> {
    metric(&mut cursor)?;
    match std::str::from_utf8(cursor.rest()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault::new(cursor.at + error.valid_up_to(), "this is not valid UTF-8")),
    }
}

fn kind(
    mut cursor: Cursor<'_>,
    format: Format,
    declared: Option<&mut Declared>,
) -> Result<(), Fault> {
    let name = metric(&mut cursor)?;
    let start = cursor.at;
    let kind = cursor.word();
    cursor.skip_blanks();
    if !cursor.rest().is_empty() {
        return Err(cursor.expected("nothing behind the type"));
    }
    match (kind, format) {
        (b"counter" | b"gauge" | b"histogram" | b"summary", _)
        | (b"untyped", Format::Prometheus)
        | (b"unknown" | b"info" | b"stateset" | b"gaugehistogram", Format::OpenMetrics) => {}
        (b"unknown" | b"info" | b"stateset" | b"gaugehistogram", _) if declared.is_some() => {
            return Err(Fault::new(start, OPENMETRICS));
        }
        _ => return Err(Fault::new(start, format!("{} is no type of metric", quote(kind)))),
    }
    if let Some(declared) = declared
        && !declared.contains_key(&*name)
    {
        declared.insert(name.into_owned(), kind == b"counter");
    }
    Ok(())
}

fn unit(mut cursor: Cursor<'_>) -> Result<(), Fault> {
    let name = metric(&mut cursor)?;
    let start = cursor.at;
    let unit = cursor.rest();
    match name.as_bytes().strip_suffix(unit) {
        _ if unit.is_empty() => Ok(()),
        Some(base) if base.ends_with(b"_") => Ok(()),
        _ => Err(Fault::new(start, format!("the name does not end with _ and {}", quote(unit)))),
    }
}

/// Reads the name of a metric and the blanks behind it.
fn metric<'a>(cursor: &mut Cursor<'a>) -> Result<std::borrow::Cow<'a, str>, Fault> {
    let start = cursor.clone();
    let quoted = cursor.peek() == Some(b'"');
    let name = if quoted { cursor.quoted()? } else { cursor.name(true).into() };
    let end = cursor.at;
    cursor.skip_blanks();
    if name.is_empty() {
        return Err(start.expected("the name of a metric"));
    }
    if cursor.at == end && !cursor.rest().is_empty() {
        return Err(cursor.expected("a blank behind the name of a metric"));
    }
    Ok(name)
}

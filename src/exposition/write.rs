//! Writes samples as OpenMetrics.

use std::fmt;
use std::io::{self, Write};

use crate::storage::{Labels, METRIC_NAME, Storage, is_stale};

/// Writes what is in a storage as OpenMetrics: a line for every sample, series by series in the
/// order of their names and labels. Stale markers have no words there, and are left out, as are
/// samples that were inferred, or wait for [`Storage::merge_out_of_order`]. The type of a metric is
/// written where its name says another one.
///
/// # Errors
/// It cannot be written; or a series has no name, which OpenMetrics cannot say.
pub fn write(storage: &Storage, out: &mut impl Write) -> io::Result<()> {
    let mut all: Vec<_> = storage.iter().map(|(_, series)| series).collect();
    all.sort_by_key(|series| (series.labels.metric_name(), &series.labels));
    let mut last = "";
    for series in all {
        let text = text_of(&series.labels)?;
        let name = series.labels.metric_name();
        if let Some(is_cumulative) = storage.declared(name).filter(|_| name != last) {
            let name = if is_plain(name, true) { name.to_owned() } else { quoted(name) };
            writeln!(out, "# TYPE {name} {}", if is_cumulative { "counter" } else { "gauge" })?;
        }
        last = name;
        for point in series.read_points().filter(|point| !is_stale(point.value)) {
            writeln!(out, "{text} {} {}", Value(point.value), Seconds(point.at))?;
        }
    }
    out.write_all(b"# EOF\n")
}

fn text_of(labels: &Labels) -> io::Result<String> {
    let name = labels.metric_name();
    if name.is_empty() {
        let words = format!("OpenMetrics has no series without a name: {labels}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    let plain = is_plain(name, true);
    let mut parts: Vec<String> = if plain { Vec::new() } else { vec![quoted(name)] };
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
        let name = if is_plain(name, false) { name.to_owned() } else { quoted(name) };
        parts.push(format!("{name}={}", quoted(value)));
    }
    let braces = if parts.is_empty() { String::new() } else { format!("{{{}}}", parts.join(",")) };
    Ok(format!("{}{braces}", if plain { name } else { "" }))
}

/// Whether a name needs no quotes.
fn is_plain(name: &str, colons: bool) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || colons && c == ':')
}

/// The value of a label, in both text formats.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A value, as short as it can be without loss.
pub(crate) struct Value(pub(crate) f64);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if value.is_nan() {
            f.write_str("NaN")
        } else if value.is_infinite() {
            f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
        } else if value == 0.0 || (1e-5..1e15).contains(&value.abs()) {
            write!(f, "{value}")
        } else {
            write!(f, "{value:e}")
        }
    }
}

/// Milliseconds, as seconds.
struct Seconds(i64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let millis = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:03}", millis / 1000, millis % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Point, STALE};

    #[test]
    fn what_is_written_is_openmetrics() {
        let mut storage = Storage::default();
        for (labels, samples) in [
            (vec![("__name__", "b")], vec![(-1, 1.0), (1_700_000_000_123, 1e300)]),
            (
                vec![("__name__", "a"), ("x", "\"\\\n\r")],
                vec![(0, -0.0), (1, STALE), (1500, f64::NAN)],
            ),
            (vec![("__name__", "a"), ("A", "1")], vec![(0, f64::NEG_INFINITY), (1, f64::INFINITY)]),
            (vec![("__name__", "a.b"), ("c d", "é")], vec![(0, 0.1), (1, 1e-7)]),
        ] {
            let id = storage.series(labels.into_iter().collect());
            for (at, value) in samples {
                storage.push(id, Point { at, value }).unwrap();
            }
        }
        let mut out = Vec::new();
        write(&storage, &mut out).unwrap();
        let expected = "a{A=\"1\"} -Inf 0.000\na{A=\"1\"} +Inf 0.001\n\
                        a{x=\"\\\"\\\\\\n\r\"} -0 0.000\na{x=\"\\\"\\\\\\n\r\"} NaN 1.500\n\
                        {\"a.b\",\"c d\"=\"é\"} 0.1 0.000\n{\"a.b\",\"c d\"=\"é\"} 1e-7 0.001\n\
                        b 1 -0.001\nb 1e300 1700000000.123\n# EOF\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        storage.series([("job", "x")].into_iter().collect());
        assert!(write(&storage, &mut Vec::new()).is_err());
    }
}

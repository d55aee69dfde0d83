//! Variables in queries: `$name` and `${name}`, with `$$` for a dollar sign.

use std::collections::BTreeMap;
use std::time::Duration;

/// Values by name.
pub(super) type Vars = BTreeMap<String, String>;

/// Variables that every configuration has, with their defaults.
pub(super) const BUILT_IN: [(&str, &str); 3] =
    [("window", "15m"), ("step", "15s"), ("selector", "")];

/// Whether `name` can follow a dollar sign.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A dollar sign that begins no variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`$` before {0:?} begins no variable; write $$ for a dollar sign")]
pub(super) struct StrayDollar(String);

/// The names that `template` uses, in order.
///
/// # Errors
/// A dollar sign that begins no name, with what to write instead.
pub(super) fn names(template: &str) -> Result<Vec<&str>, StrayDollar> {
    pieces(template)
        .filter_map(|piece| match piece {
            Piece::Name(name) => Some(Ok(name)),
            Piece::Text(_) => None,
            Piece::Stray(rest) => Some(Err(StrayDollar(rest.chars().take(12).collect()))),
        })
        .collect()
}

/// Replaces the variables of a template whose names are all in `vars`.
pub(super) fn expand(template: &str, vars: &Vars) -> String {
    pieces(template)
        .map(|piece| match piece {
            Piece::Text(text) | Piece::Stray(text) => text,
            Piece::Name(name) => vars.get(name).map_or("", String::as_str),
        })
        .collect()
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
    /// A dollar sign that begins nothing; what follows it.
    Stray(&'a str),
}

fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = next_piece(rest);
        rest = after;
        Some(piece)
    })
}

/// Splits the first piece off `text`, which is not empty.
fn next_piece(text: &str) -> (Piece<'_>, &str) {
    let Some(after) = text.strip_prefix('$') else {
        let (plain, rest) = text.split_at(text.find('$').unwrap_or(text.len()));
        return (Piece::Text(plain), rest);
    };
    if let Some(rest) = after.strip_prefix('$') {
        return (Piece::Text("$"), rest);
    }
    let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
    if let Some((name, rest)) = braced.filter(|(name, _)| is_name(name)) {
        return (Piece::Name(name), rest);
    }
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    let (name, rest) = after.split_at(end);
    if is_name(name) { (Piece::Name(name), rest) } else { (Piece::Stray(after), after) }
}

/// Whether `text` is a duration as PromQL writes it in a range: `15m`, `1h30m`.
pub(super) fn is_range(text: &str) -> bool {
    parse_range(text).is_some()
}

/// The longest range, as in Prometheus: its nanoseconds fit into 64 bits.
const LONGEST_RANGE: Duration = Duration::from_nanos(i64::MAX as u64);

/// The duration that PromQL writes so in a range; `None` for none, and for nothing.
pub(crate) fn parse_range(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] = [
        ("ms", 1),
        ("s", 1000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 7 * 86_400_000),
        ("y", 365 * 86_400_000),
    ];
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, after) = rest.split_at(digits);
        let count = count.parse::<u32>().ok()?;
        let (unit, milliseconds) = UNITS.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        let part = Duration::from_millis(milliseconds).checked_mul(count)?;
        total = total.checked_add(part).filter(|total| *total <= LONGEST_RANGE)?;
        rest = &after[unit.len()..];
    }
    (!total.is_zero()).then_some(total)
}

/// A duration as PromQL writes it in a range, to the millisecond and at least one.
pub(super) fn range(duration: Duration) -> String {
    let milliseconds = duration.as_millis().max(1);
    match (milliseconds / 1000, milliseconds % 1000) {
        (seconds, 0) => format!("{seconds}s"),
        (0, rest) => format!("{rest}ms"),
        (seconds, rest) => format!("{seconds}s{rest}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_dollars_kept() {
        let vars =
            Vars::from([("window".into(), "5m".into()), ("selector".into(), "job=\"a\"".into())]);
        let template = r#"rate(x{$selector,h=~"a$$"}[${window}]) + y[$window:$window]"#;
        assert_eq!(names(template).unwrap(), ["selector", "window", "window", "window"]);
        assert_eq!(expand(template, &vars), r#"rate(x{job="a",h=~"a$"}[5m]) + y[5m:5m]"#);
    }

    #[test]
    fn a_stray_dollar_is_an_error() {
        for template in ["a$", "x{h=~\"a$\"}", "$1", "${", "${a b}", "é$é"] {
            assert!(names(template).is_err(), "{template}");
        }
    }

    #[test]
    fn a_range_becomes_a_duration() {
        for (text, seconds) in [("15m", 900), ("1h30m", 5400), ("1y2w", 32_745_600)] {
            assert_eq!(parse_range(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_duration_becomes_a_range() {
        for (ms, text) in [(0, "1ms"), (250, "250ms"), (30_000, "30s"), (90_001, "90s1ms")] {
            let written = range(Duration::from_millis(ms));
            assert_eq!(written, text);
            assert!(is_range(&written));
        }
    }

    #[test]
    fn ranges_are_durations_with_units() {
        for good in ["15m", "1h30m", "500ms", "1y2w"] {
            assert!(is_range(good), "{good}");
        }
        for bad in [
            "",
            "15",
            "m",
            "1.5h",
            "-5m",
            "5 m",
            "0s",
            "5mm",
            "99999999999m",
            "300y",
            "4294967295y4294967295y",
        ] {
            assert!(!is_range(bad), "{bad}");
        }
    }
}

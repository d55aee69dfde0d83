//! When a snapshot was taken, as the name of its file says it.
//!
//! The time of the last change would not do: a copy or a checkout changes it without a word.

use jiff::Timestamp;

/// What names may look like, for messages.
pub(super) const EXAMPLES: &str =
    "1700000000.prom, 1700000000123.prom or 2026-01-31T12:00:00Z.prom";

/// The instant in the name of a snapshot, milliseconds: Unix seconds (10 digits, and a fraction
/// perhaps), Unix milliseconds (13 digits), or RFC 3339 in UTC, `-` or `_` in place of the
/// colons allowed.
pub(super) fn instant(name: &str) -> Option<i64> {
    date_time(name).or_else(|| unix(name))
}

fn unix(name: &str) -> Option<i64> {
    let mut rest = name;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (digits, after) = split_digits(&rest[start..]);
        match digits.len() {
            13 => return digits.parse().ok(),
            10 => return Some(digits.parse::<i64>().ok()? * 1000 + milliseconds(after)),
            _ => rest = after,
        }
    }
    None
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The fraction of a second that follows, if one does: `.25` is 250.
fn milliseconds(text: &str) -> i64 {
    let Some(fraction) = text.strip_prefix('.') else { return 0 };
    let (digits, after) = split_digits(fraction);
    if after.starts_with(|c: char| c.is_alphabetic()) {
        return 0;
    }
    let digits: String = digits.chars().chain("000".chars()).take(3).collect();
    digits.parse().unwrap_or_default()
}

fn date_time(name: &str) -> Option<i64> {
    let t = name.match_indices('T').map(|(index, _)| index);
    t.filter_map(|t| around(name.get(..t)?, name.get(t + 1..)?)).next()
}

/// The instant whose date ends the one text, and whose time of day begins the other.
fn around(before: &str, after: &str) -> Option<i64> {
    let is_dashed = before.ends_with(|c: char| c.is_ascii_digit())
        && before.len() >= 10
        && before.get(before.len() - 3..)?.starts_with('-');
    let date = before.get(before.len().checked_sub(if is_dashed { 10 } else { 8 })?..)?;
    let end = after.find('Z')?;
    let (clock, fraction) = match after[..end].split_once('.') {
        Some((clock, fraction)) => (clock, fraction),
        None => (&after[..end], ""),
    };
    let digits: String = clock.chars().filter(|c| !matches!(c, ':' | '-' | '_')).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hour, minute, second) = (&digits[..2], &digits[2..4], &digits[4..]);
    let date = if is_dashed {
        date.to_owned()
    } else {
        format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..)?)
    };
    let dot = if fraction.is_empty() { "" } else { "." };
    let text = format!("{date}T{hour}:{minute}:{second}{dot}{fraction}Z");
    Some(text.parse::<Timestamp>().ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_when() {
        for (name, expected) in [
            ("1700000000.prom", Some(1_700_000_000_000)),
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000.25.prom", Some(1_700_000_000_250)),
            ("1700000000.123456789.txt", Some(1_700_000_000_123)),
            ("metrics-1700000000123.txt", Some(1_700_000_000_123)),
            ("api2-1700000000.prom", Some(1_700_000_000_000)),
            ("2023-11-14T22:13:20Z.prom", Some(1_700_000_000_000)),
            ("2023-11-14T22-13-20.5Z", Some(1_700_000_000_500)),
            ("snap_20231114T221320Z.prom", Some(1_700_000_000_000)),
            ("T2023-11-14T22_13_20Z", Some(1_700_000_000_000)),
            ("2023-11-14T22:13:20.prom", None),
            ("2023-13-14T22:13:20Z", None),
            ("001.prom", None),
            ("metrics.prom", None),
            ("é-Té", None),
            ("", None),
        ] {
            assert_eq!(instant(name), expected, "{name}");
        }
    }
}

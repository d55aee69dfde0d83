//! Numbers and durations.

use std::time::Duration;

use super::{LexicalError, TokenKind};

/// The longest duration that Prometheus knows, in milliseconds.
pub(in crate::promql) const MAX_DURATION: i64 = i64::MAX / 1_000_000;

/// The units of durations, in the only order in which they may follow each other.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

pub(super) fn is_begun_by(text: &str) -> bool {
    text.strip_prefix('.').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

/// The number or the duration at the beginning of a text, and what comes after it.
pub(super) fn read(text: &str) -> Result<(TokenKind<'static>, &str), LexicalError> {
    let is_of_a_number = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let end_in = |text: &str| text.find(|c| !is_of_a_number(c)).unwrap_or(text.len());
    let mut end = end_in(text);
    let (token, rest) = text.split_at(end);
    let is_hex = token.starts_with("0x") || token.starts_with("0X");
    if let Some(exponent) = rest.strip_prefix(['+', '-'])
        && token.ends_with(['e', 'E'])
        && !is_hex
    {
        end += 1 + end_in(exponent);
    }
    let (token, rest) = text.split_at(end);
    let kind = match (number(token), milliseconds(token)) {
        (Some(number), _) if number.is_infinite() => return Err(LexicalError::NumberTooLarge),
        (Some(number), _) => TokenKind::Number(number),
        (None, Some(duration)) if duration > i128::from(MAX_DURATION) => {
            return Err(LexicalError::DurationTooLong);
        }
        // It is below a limit that fits.
        (None, Some(duration)) => TokenKind::Duration(duration as i64),
        (None, None) => return Err(LexicalError::NoNumber),
    };
    Ok((kind, rest))
}

/// A number: decimal, hexadecimal, or octal after a 0; digits may be separated by underscores.
fn number(token: &str) -> Option<f64> {
    let characters: Vec<_> = token.chars().collect();
    let is_digit = |c: char| c.is_ascii_hexdigit() || c == 'x' || c == 'X';
    let is_wrong = |part: &[char]| matches!(part, ['_', c] | [c, '_'] if !is_digit(*c));
    if token.starts_with('_') || token.ends_with('_') || characters.windows(2).any(is_wrong) {
        return None;
    }
    let digits = token.replace('_', "");
    let lower = digits.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return Some(i64::from_str_radix(hex, 16).ok()? as f64);
    }
    let octal = digits.strip_prefix('0').filter(|digits| !digits.is_empty());
    match octal.and_then(|octal| i64::from_str_radix(octal, 8).ok()) {
        Some(octal) => Some(octal as f64),
        None => digits.parse().ok(),
    }
}

/// How long a duration like `1h30m` is; nothing if it is none.
fn milliseconds(mut duration: &str) -> Option<i128> {
    let mut total = 0;
    let mut units = UNITS.iter();
    while !duration.is_empty() {
        let (count, rest) = duration.split_at(duration.find(|c: char| !c.is_ascii_digit())?);
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        // Units before this one are passed over, and with that out of order from here on.
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        // A count that does not fit is too large in any case, and is refused as such.
        total += i128::from(count.parse::<u64>().unwrap_or(u64::MAX)) * i128::from(*length);
        duration = rest;
    }
    Some(total)
}

/// A number of seconds in milliseconds; nothing if it is negative, `NaN`, or too long.
pub(in crate::promql) fn duration_of_seconds(seconds: f64) -> Option<i64> {
    // It rounds to nanoseconds first: 1.001 * 1000 is less than 1001.
    let milliseconds = Duration::try_from_secs_f64(seconds).ok()?.as_millis();
    i64::try_from(milliseconds).ok().filter(|milliseconds| *milliseconds <= MAX_DURATION)
}

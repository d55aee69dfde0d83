//! The numbers of samples: values, and instants in both units.

/// A value, in the syntax of Go's `ParseFloat` without hexadecimal digits and underscores, which
/// is what Prometheus takes. None if it is no number, or too large for one of 64 bits.
pub(super) fn value(text: &[u8]) -> Option<f64> {
    if let Some(value) = short_integer(text) {
        return Some(value);
    }
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    let too_large = value.is_infinite() && text.contains(|c: char| c.is_ascii_digit());
    let signed_nan = value.is_nan() && text.starts_with(['+', '-']);
    (!too_large && !signed_nan).then_some(value)
}

/// Most values, fast: up to 15 digits, which a float holds exactly.
fn short_integer(text: &[u8]) -> Option<f64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let mut number = 0_u64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(byte - b'0');
    }
    // Not before the conversion, for there is a negative zero.
    Some(if digits.len() < text.len() { -(number as f64) } else { number as f64 })
}

/// A whole number of milliseconds.
pub(super) fn milliseconds(text: &[u8]) -> Option<i64> {
    let (negative, digits) = split_sign(text, b"-");
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0, |millis, byte| push_digit(millis, *byte, negative))
}

/// A number of seconds, in milliseconds; what is finer is cut off, as Prometheus does. Exact
/// where the number has no exponent.
pub(super) fn seconds(text: &[u8]) -> Option<i64> {
    let (negative, digits) = split_sign(text, b"+-");
    let mut millis = 0_i64;
    let mut decimals = None;
    for byte in digits {
        match (*byte, decimals) {
            (b'.', None) => decimals = Some(0),
            (b'0'..=b'9', Some(3)) => {}
            (b'0'..=b'9', _) => {
                millis = push_digit(millis, *byte, negative)?;
                decimals = decimals.map(|count| count + 1);
            }
            _ => return scientific_seconds(text),
        }
    }
    if digits.is_empty() || digits == b"." {
        return None;
    }
    millis.checked_mul([1000, 100, 10, 1][decimals.unwrap_or(0)])
}

fn scientific_seconds(text: &[u8]) -> Option<i64> {
    let millis = value(text)? * 1000.0;
    // Both limits are powers of two, so exact; not a number is not within them.
    (millis >= i64::MIN as f64 && millis < i64::MAX as f64).then_some(millis as i64)
}

fn split_sign<'a>(text: &'a [u8], signs: &[u8]) -> (bool, &'a [u8]) {
    match text.split_first() {
        Some((sign, digits)) if signs.contains(sign) => (*sign == b'-', digits),
        _ => (false, text),
    }
}

fn push_digit(number: i64, digit: u8, negative: bool) -> Option<i64> {
    let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
    number.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_prometheus_takes_for_one() {
        let bits = |text: &str| value(text.as_bytes()).map(f64::to_bits);
        for (text, expected) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("-0.0", -0.0),
            ("+7", 7.0),
            ("007", 7.0),
            ("123456789012345", 123_456_789_012_345.0),
            ("9007199254740993", 9_007_199_254_740_992.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1.5E-3", 0.0015),
            ("1.7976931348623157e+308", f64::MAX),
            ("5e-324", 5e-324),
            ("1e-400", 0.0),
            ("inf", f64::INFINITY),
            ("+Inf", f64::INFINITY),
            ("-iNFiniTY", f64::NEG_INFINITY),
        ] {
            assert_eq!(bits(text), Some(expected.to_bits()), "{text}");
        }
        assert!(["NaN", "nan"].iter().all(|text| value(text.as_bytes()).unwrap().is_nan()));
        for text in [
            "",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "1e+",
            "--1",
            "1 ",
            "1,5",
            "1_000",
            "0x10",
            "0x1p-2",
            "1e400",
            "-1e400",
            "+NaN",
            "-nan",
            "infinit",
            "Infinity0",
            "1\r",
            "\u{661}",
            "1f",
        ] {
            assert_eq!(value(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn instants_are_exact_to_the_millisecond() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("1700000000123", Some(1_700_000_000_123)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("+1", None),
            ("-", None),
            ("", None),
            ("1.0", None),
            ("1e3", None),
        ] {
            assert_eq!(milliseconds(text.as_bytes()), expected, "{text}");
        }
        for (text, expected) in [
            ("0", Some(0)),
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000.123", Some(1_700_000_000_123)),
            ("1700000000.1239", Some(1_700_000_000_123)),
            ("1.001", Some(1001)),
            ("-1.001", Some(-1001)),
            ("-0.001", Some(-1)),
            ("+.5", Some(500)),
            ("5.", Some(5000)),
            ("0.0009", Some(0)),
            ("1.5e3", Some(1_500_000)),
            ("-9223372036854775.808", Some(i64::MIN)),
            ("9223372036854775.807", Some(i64::MAX)),
            ("9223372036854775.808", None),
            ("1e16", None),
            ("99999999999999999999", None),
            ("NaN", None),
            ("Inf", None),
            (".", None),
            ("-", None),
            ("", None),
            ("1.2.3", None),
            ("0x1", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), expected, "{text}");
        }
    }
}

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
    let (negative, text) = split_sign(text, b"-");
    let number = (text.len() <= 15).then(|| digits(text))?? as f64;
    // Not before the conversion, for there is a negative zero.
    Some(if negative { -number } else { number })
}

/// A whole number of milliseconds.
pub(super) fn milliseconds(text: &[u8]) -> Option<i64> {
    let (negative, text) = split_sign(text, b"-");
    signed(digits(text)?, negative)
}

/// A number of seconds, in milliseconds; what is finer is cut off, as Prometheus does. Exact
/// where the number has no exponent.
pub(super) fn seconds(text: &[u8]) -> Option<i64> {
    let (negative, plain) = split_sign(text, b"+-");
    let point = memchr::memchr(b'.', plain);
    let (whole, fraction) = match point {
        Some(point) => (&plain[..point], &plain[point + 1..]),
        None => (plain, &[][..]),
    };
    if !fraction.iter().chain(whole).all(u8::is_ascii_digit) {
        return scientific_seconds(text);
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { digits(whole)? };
    let mut millis = whole.checked_mul(1000)?;
    for (digit, unit) in fraction.iter().zip([100, 10, 1]) {
        millis = millis.checked_add(u64::from(digit - b'0') * unit)?;
    }
    signed(millis, negative)
}

fn scientific_seconds(text: &[u8]) -> Option<i64> {
    let millis = value(text)? * 1000.0;
    // Both limits are powers of two, so exact; not a number is not within them.
    (millis >= i64::MIN as f64 && millis < i64::MAX as f64).then_some(millis as i64)
}

/// A number as OpenMetrics writes it, in Go's shortest `g` format: `1.0`, `0.25`, `1e-05`.
pub(super) fn openmetrics(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if number != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let plain = number.to_string();
    if plain.contains('.') { plain } else { plain + ".0" }
}

fn split_sign<'a>(text: &'a [u8], signs: &[u8]) -> (bool, &'a [u8]) {
    match text.split_first() {
        Some((sign, digits)) if signs.contains(sign) => (*sign == b'-', digits),
        _ => (false, text),
    }
}

fn signed(number: u64, negative: bool) -> Option<i64> {
    if negative { 0_i64.checked_sub_unsigned(number) } else { number.try_into().ok() }
}

/// A number of digits alone.
fn digits(text: &[u8]) -> Option<u64> {
    if text.len() > 19 || text.is_empty() {
        return None;
    }
    text.iter().try_fold(0, |number: u64, byte| {
        // 19 digits always fit.
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })
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
    fn numbers_are_written_as_prometheus_writes_bounds() {
        for (number, expected) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-1.0, "-1.0"),
            (5.0, "5.0"),
            (0.5, "0.5"),
            (2.5, "2.5"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (2.5e-5, "2.5e-05"),
            (100_000.0, "100000.0"),
            (123_456.5, "123456.5"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(openmetrics(number), expected);
            if !number.is_nan() {
                assert_eq!(value(expected.as_bytes()), Some(number), "{expected}");
            }
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
            ("00000000000000000001", None),
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

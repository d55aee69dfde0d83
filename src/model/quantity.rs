//! Numbers, instants and series as people read them.

use jiff::Timestamp;

use super::interval::Interval;
use crate::storage::{Labels, METRIC_NAME};

/// The instant that is so many milliseconds after the Unix epoch.
pub fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}

/// A number in at most four significant digits, as short as it gets.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e15).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let whole_digits = if magnitude < 1.0 { 0 } else { magnitude.log10() as usize + 1 };
    let leading_zeros =
        if magnitude == 0.0 || magnitude >= 0.1 { 0 } else { -magnitude.log10() as usize };
    let decimals = (4 + leading_zeros).saturating_sub(whole_digits);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A value and a limit, in as many digits as it takes to tell them apart.
pub fn number_beside(value: f64, limit: f64) -> (String, String) {
    let short = (number(value), number(limit));
    if short.0 == short.1 && value != limit {
        (value.to_string(), limit.to_string())
    } else {
        short
    }
}

/// A number of a log: an integer with all its digits, as it stands there.
pub fn logged(value: f64) -> String {
    let is_integer = value.fract() == 0.0 && value.abs() < MOST_DIGITS;
    if is_integer { value.to_string() } else { number(value) }
}

/// A value of a log and a limit, as [`number_beside`].
pub fn logged_beside(value: f64, limit: f64) -> (String, String) {
    let short = (logged(value), logged(limit));
    if short.0 == short.1 { number_beside(value, limit) } else { short }
}

/// Integers below this are read by their digits.
const MOST_DIGITS: f64 = 1e21;

/// A value and its limit with their unit; "at least" before a lower bound.
pub fn beside(value: Interval, limit: f64, unit: &str) -> (String, String) {
    let (number, limit) = number_beside(value.least, limit);
    let at_least = if value.exact().is_none() { "at least " } else { "" };
    (format!("{at_least}{number} {unit}"), format!("{limit} {unit}"))
}

/// The most characters of a series that are shown.
const MOST_OF_A_SERIES: usize = 300;

/// The labels of a series as PromQL writes them, after a space; nothing for no labels. What is
/// too long to be read ends in an ellipsis.
///
/// Without `__name__`: whether a function keeps it differs between backends.
pub fn series(labels: &Labels) -> String {
    let named = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    // Debug escapes quotes, backslashes and control characters as PromQL does.
    let pairs: Vec<_> = named.map(|(name, value)| format!("{name}={value:?}")).collect();
    if pairs.is_empty() {
        return String::new();
    }
    let mut text = pairs.join(", ");
    if let Some((end, _)) = text.char_indices().nth(MOST_OF_A_SERIES) {
        text.truncate(end);
        text.push('…');
    }
    format!(" {{{text}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (0.912345, "0.9123"),
            (0.0123456, "0.01235"),
            (12.3456, "12.35"),
            (1834.4, "1834"),
            (123456.7, "123457"),
            (1e300, "1.000e300"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_value_never_looks_like_the_limit_it_is_above() {
        assert_eq!(number_beside(0.500001, 0.5), ("0.500001".into(), "0.5".into()));
        assert_eq!(number_beside(0.5, 0.5), ("0.5".into(), "0.5".into()));
    }

    #[test]
    fn integers_of_a_log_have_all_their_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1_000_000.0, "1000000"),
            (-9_007_199_254_740_991.0, "-9007199254740991"),
            (1e20, "100000000000000000000"),
            (1e21, "1.000e21"),
            (0.123456, "0.1235"),
        ] {
            assert_eq!(logged(value), text);
        }
        assert_eq!(logged_beside(2.5, 1e15), ("2.5".into(), "1000000000000000".into()));
        assert_eq!(logged_beside(0.123456, 0.1235), ("0.123456".into(), "0.1235".into()));
    }

    #[test]
    fn series_read_as_promql() {
        let labels = Labels::from([("__name__", "up"), ("job", "a\"b"), ("instance", "x:1")]);
        assert_eq!(series(&labels), r#" {instance="x:1", job="a\"b"}"#);
        assert_eq!(series(&Labels::new()), "");
    }
}

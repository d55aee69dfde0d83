//! What the `Date` of an answer says of the clock of whoever gave it.

use jiff::Timestamp;
use reqwest::header::{AGE, DATE, HeaderMap};

use crate::model::clock_skew::ClockSkew;

/// How far the clock is off that an answer was dated by, which was `asked` for and `came` at these
/// instants of this machine; nothing if it has no date.
pub(super) fn skew(headers: &HeaderMap, asked: Timestamp, came: Timestamp) -> Option<ClockSkew> {
    let text = |name| headers.get(name)?.to_str().ok();
    let date: Timestamp =
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text(DATE)?).ok()?;
    // A cache keeps the date, and says how old it is.
    let age = text(AGE).and_then(|age| age.trim().parse().ok()).unwrap_or(0.0);
    let seconds = |at: Timestamp| at.as_millisecond() as f64 / 1000.0;
    let date = seconds(date) + age;
    Some(ClockSkew { least_s: date - seconds(came), most_s: date + 1.0 - seconds(asked) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_known_to_the_second_and_within_the_round_trip() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (asked, came) = (at("2026-01-31T12:00:00.5Z"), at("2026-01-31T12:00:02Z"));
        let skew = |headers: &[(&'static str, &'static str)]| {
            let headers =
                headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            skew(&HeaderMap::from_iter(headers), asked, came)
        };
        for (headers, expected) in [
            (&[("date", "Sat, 31 Jan 2026 12:00:01 GMT")][..], Some((-1.0, 1.5))),
            (&[("date", "Sat, 31 Jan 2026 12:10:01 GMT")], Some((599.0, 601.5))),
            (&[("date", "Sat, 31 Jan 2026 11:50:01 GMT")], Some((-601.0, -598.5))),
            (&[("date", "Sat, 31 Jan 2026 11:50:01 GMT"), ("age", "600")], Some((-1.0, 1.5))),
            (&[("date", "yesterday")], None),
            (&[("age", "600")], None),
        ] {
            let expected = expected.map(|(least_s, most_s)| ClockSkew { least_s, most_s });
            assert_eq!(skew(headers), expected, "{headers:?}");
        }
    }
}

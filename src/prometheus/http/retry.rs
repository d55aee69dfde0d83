//! When a request is worth another try, and after what pause.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::{Page, TransportError};

/// So often at most: the pauses add up to 3.1 s.
const MOST_TRIES: u32 = 6;
/// The first pause; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long to wait before the next try; `None` to leave it at that.
pub(super) fn pause(
    tries: u32,
    result: &Result<Page, TransportError>,
    remaining: Duration,
) -> Option<Duration> {
    let asked = match result {
        Ok(page) if matches!(page.status, 429 | 502 | 503 | 504) => page.retry_after,
        Err(error) if error.may_pass() => None,
        _ => return None,
    };
    if tries >= MOST_TRIES {
        return None;
    }
    let pause = (FIRST_PAUSE * 2_u32.pow(tries - 1)).max(asked.unwrap_or_default());
    // After a longer one there would be no time left for an answer.
    (pause < remaining).then_some(pause)
}

/// What the server says about the next try: seconds, or a date.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date: Timestamp = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    SystemTime::from(date).duration_since(SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::Journey;
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn page(status: u16, retry_after: Option<u64>) -> Result<Page, TransportError> {
        let retry_after = retry_after.map(Duration::from_secs);
        let (content_type, body, clock) = (None, Vec::new(), None);
        let journey = Journey::default();
        Ok(Page {
            status,
            content_type,
            body,
            says_its_end: true,
            clock,
            age: None,
            retry_after,
            journey,
        })
    }

    #[test]
    fn pauses_grow_and_come_to_an_end() {
        let pauses: Vec<_> =
            (1..).map_while(|tries| pause(tries, &page(503, None), LONG)).collect();
        assert_eq!(pauses.len(), 5);
        assert!(pauses.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(pauses.iter().sum::<Duration>(), Duration::from_millis(3100));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [200, 204, 302, 400, 401, 403, 404, 422, 500] {
            assert_eq!(pause(1, &page(status, Some(1)), LONG), None, "{status}");
        }
        for error in [TransportError::TooLarge(4), TransportError::Timeout(LONG)] {
            assert_eq!(pause(1, &Err(error), LONG), None);
        }
        assert!(pause(1, &Err(TransportError::Refused(String::new())), LONG).is_some());
    }

    #[test]
    fn the_server_may_ask_for_a_longer_pause_but_not_beyond_the_deadline() {
        let pause = |after, remaining| pause(1, &page(429, Some(after)), remaining);
        assert_eq!(pause(7, LONG), Some(Duration::from_secs(7)));
        assert_eq!(pause(0, LONG), Some(FIRST_PAUSE));
        assert_eq!(pause(7, Duration::from_secs(7)), None);
        assert_eq!(pause(u64::MAX, LONG), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |text| after(&HeaderMap::from_iter([(RETRY_AFTER, text)]));
        let text = |text: &'static str| after(text.parse().unwrap());
        assert_eq!(text("12"), Some(Duration::from_secs(12)));
        assert!(text("Thu, 31 Dec 2099 23:59:59 GMT") > Some(LONG));
        for nothing in ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-1", ""] {
            assert_eq!(text(nothing), None, "{nothing}");
        }
    }
}

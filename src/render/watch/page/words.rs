//! Times as people say them.

use std::time::Duration;

use jiff::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A moment to the second, UTC.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    let time: String = time.chars().take(8).collect();
    format!("{day} {time} UTC")
}

/// How long ago something was.
pub(super) fn ago(now: Timestamp, at: Timestamp) -> String {
    let since = now.duration_since(at);
    let words = period(since.unsigned_abs());
    if since.is_negative() { format!("{words} ahead of now") } else { format!("{words} ago") }
}

/// A time in its two largest units; the smaller one only where it says something.
pub(super) fn period(time: Duration) -> String {
    let seconds = time.as_secs();
    let both = |large: u64, unit: &str, small: u64, of: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {of}"),
    };
    match seconds {
        ..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => both(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        HOUR..DAY => both(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        DAY.. => both(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_two_units() {
        let said = |seconds| period(Duration::from_secs(seconds));
        assert_eq!([0, 59, 60, 61].map(said), ["0 s", "59 s", "1 min", "1 min 1 s"]);
        assert_eq!([3599, 3600, 3660].map(said), ["59 min 59 s", "1 h", "1 h 1 min"]);
        assert_eq!([86_399, 86_400, 100_000].map(said), ["23 h 59 min", "1 d", "1 d 3 h"]);
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!(ago(at(130), at(10)), "2 min ago");
        assert_eq!(ago(at(10), at(130)), "2 min ahead of now", "a clock was wrong");
        assert_eq!(moment(at(1_700_000_000)), "2023-11-14 22:13:20 UTC");
    }
}

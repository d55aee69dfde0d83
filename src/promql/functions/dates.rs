//! Functions of a date, given in seconds since the Unix epoch, in UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::ValueFunction;

#[rustfmt::skip] // A table.
pub(super) fn function(name: &str) -> Option<ValueFunction> {
    Some(match name {
        "minute" => |v, _| Some(part(v, |date| date.minute().into())),
        "hour" => |v, _| Some(part(v, |date| date.hour().into())),
        "day_of_week" => |v, _| Some(part(v, |date| date.weekday().to_sunday_zero_offset().into())),
        "day_of_month" => |v, _| Some(part(v, |date| date.day().into())),
        "day_of_year" => |v, _| Some(part(v, |date| date.day_of_year().into())),
        "days_in_month" => |v, _| Some(part(v, |date| date.days_in_month().into())),
        "month" => |v, _| Some(part(v, |date| date.month().into())),
        "year" => |v, _| Some(part(v, |date| date.year().into())),
        _ => return None,
    })
}

/// A part of a date; `NaN` of what is no date within some 10,000 years.
fn part(seconds: f64, part: fn(DateTime) -> f64) -> f64 {
    if seconds.is_nan() {
        return f64::NAN;
    }
    // `as` saturates, and the largest integers are no dates.
    let date = Timestamp::from_second(seconds as i64);
    date.map_or(f64::NAN, |date| part(TimeZone::UTC.to_datetime(date)))
}

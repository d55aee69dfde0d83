//! Words and marks that several parts of the page share.

use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::blame::shortened;
use crate::model::quantity::{number, series};
use crate::report::OriginEntry;
use crate::storage::Labels;

/// A text that is longer than this is cut.
const LONGEST: usize = 2000;

/// A name that may go on in another line behind each underscore.
pub(super) fn name(name: &str) -> Markup {
    let name = shortened(name, LONGEST);
    html! {
        code {
            @for (index, part) in name.split('_').enumerate() {
                @if index > 0 { "_" wbr; }
                (part)
            }
        }
    }
}

/// Foreign text, such as a query, cut where nobody would read on.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (shortened(text, LONGEST)) } }
}

/// Foreign words, cut where nobody would read on.
pub(in crate::render) fn shown(text: &str) -> String {
    shortened(text, LONGEST)
}

/// Foreign words as a part of an address.
pub(in crate::render) fn address(text: &str) -> String {
    /// All but the characters that stand for themselves wherever they are (RFC 3986, 2.3).
    const OTHERS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, OTHERS).to_string()
}

/// The labels of a series, if it has any.
pub(super) fn labels(labels: Option<&Labels>) -> Markup {
    let text = labels.map(series).unwrap_or_default();
    html! {
        @if !text.is_empty() { " " code.quiet { (text.trim_start()) } }
    }
}

/// A place in a file of the configuration, if it is known.
pub(super) fn origin(origin: Option<&OriginEntry>) -> Markup {
    html! {
        @if let Some(place) = origin { " " code.quiet { (place.file) ":" (place.line) } }
    }
}

/// A value with its unit: unknown where there is none, and a bound where it may be more.
pub(in crate::render) fn value(value: Option<String>, is_lower_bound: bool, unit: &str) -> String {
    let at_least = if is_lower_bound { "≥ " } else { "" };
    match value {
        Some(value) => format!("{at_least}{value} {unit}").trim_end().to_owned(),
        None => "unknown".to_owned(),
    }
}

/// The word of a state, marked so that it is not told by its colour alone.
pub(in crate::render) fn badge(kind: Kind, word: &str) -> Markup {
    html! { span.badge.(kind.class()) { span aria-hidden="true" { (kind.sign()) } " " (word) } }
}

/// How something is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum Kind {
    Good,
    Warn,
    Unknown,
    Bad,
    Quiet,
}

impl Kind {
    pub(in crate::render) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn | Self::Unknown => "warn",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Warn => "!",
            Self::Unknown => "?",
            Self::Bad => "✗",
            Self::Quiet => "–",
        }
    }
}

/// Rows beyond those that are listed.
pub(super) fn more(count: usize, shown: usize, what: &str) -> Markup {
    let rest = count.saturating_sub(shown);
    html! {
        @if rest > 0 { p.quiet { (rest) " more " (what) " in the JSON report" } }
    }
}

/// Milliseconds since the Unix epoch of an instant in the report.
pub(super) fn instant(text: &str) -> Option<i64> {
    time_of(text).map(Timestamp::as_millisecond)
}

/// An instant in a report or an alert.
pub(in crate::render) fn time_of(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The time of day of an instant, UTC.
pub(super) fn clock(milliseconds: i64) -> String {
    let text = Timestamp::from_millisecond(milliseconds).unwrap_or_default().to_string();
    let time = text.split_once('T').map_or("", |(_, time)| time);
    time.chars().take(8).collect()
}

/// The month and the day of an instant, UTC.
pub(super) fn date(milliseconds: i64) -> String {
    let text = Timestamp::from_millisecond(milliseconds).unwrap_or_default().to_string();
    let mut parts = text.split('T').next().unwrap_or_default().rsplit('-');
    let (day, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{month}-{day}")
}

/// A duration as people say it.
pub(super) fn duration(seconds: f64) -> String {
    if seconds >= 120.0 && seconds % 60.0 == 0.0 {
        format!("{} min", number(seconds / 60.0))
    } else {
        format!("{} s", number(seconds))
    }
}

/// A percentage for a style or a coordinate, with two decimals and no more digits than it needs.
pub(in crate::render) fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Words that are joined by a middle dot.
pub(super) fn dotted(parts: &[String]) -> String {
    parts.join(" · ")
}

/// Nothing.
pub(in crate::render) fn nothing() -> Markup {
    PreEscaped(String::new())
}

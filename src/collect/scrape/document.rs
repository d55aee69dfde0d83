//! JSON documents in place of pages of metrics: their numbers as a page, and whether they are made anew.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::collect::error::PageProblem;
use crate::config::Shows;
use crate::exposition::Format;
use crate::exposition::json::{self, Made};
use crate::model::clock_skew::ClockSkew;
use crate::prometheus::http::Page;

/// What is asked for in place of a page of metrics.
pub(super) const ACCEPT: &str = "application/json,*/*;q=0.1";
/// So many intervals a document may be old, as a pause between scrapes may be so long.
const INTERVALS: u32 = 3;
/// So old it may be in any case: times are told in whole seconds, and a busy machine holds up whoever
/// writes it.
const LEAST: Duration = Duration::from_secs(3);

/// What a page shows, as text in one of the formats of pages.
pub(super) struct Text<'a> {
    pub(super) body: Cow<'a, [u8]>,
    pub(super) format: Format,
    /// When it was made, as it says itself.
    pub(super) made: Option<Made>,
}

impl<'a> Text<'a> {
    /// Reads an answer.
    ///
    /// # Errors
    /// It is no document.
    pub(super) fn of(page: &'a Page, shows: Shows) -> Result<Self, PageProblem> {
        if shows == Shows::Json {
            let document = json::read(&page.body)?;
            let (body, made) = (Cow::Owned(document.page), document.made);
            return Ok(Self { body, format: Format::Prometheus, made });
        }
        let format = Format::of_content_type(page.content_type.as_deref());
        // A service that has no metrics yet shows nothing at all.
        let is_blank = page.body.is_empty() && page.says_its_end;
        let body = if is_blank { &b"\n"[..] } else { page.body.as_slice() };
        Ok(Self { body: Cow::Borrowed(body), format, made: None })
    }
}

/// The newest document so far: one that goes on standing shows nothing of the time since.
pub(super) struct Standing {
    most: Duration,
    /// What it says, and when it said so first, in milliseconds.
    newest: Option<(Made, i64)>,
}

impl Standing {
    pub(super) fn new(interval: Duration) -> Self {
        Self { most: (interval * INTERVALS).max(LEAST), newest: None }
    }

    /// Takes what a document says that was asked for at this instant; `clock` tells of that of its
    /// service.
    ///
    /// # Errors
    /// It is an old one.
    pub(super) fn check(
        &mut self,
        made: Option<Made>,
        at: i64,
        clock: Option<ClockSkew>,
    ) -> Result<(), PageProblem> {
        let Some(made) = made else { return Ok(()) };
        let age = self.stands(&made, at).max(age(&made, at, clock));
        let age = Duration::from_millis(u64::try_from(age).unwrap_or_default());
        if age <= self.most {
            return Ok(());
        }
        let made = match made {
            Made::At(at) => at.to_string(),
            Made::Says(words) => words,
        };
        Err(PageProblem::Standing { made, age, most: self.most })
    }

    /// How long nothing newer has come, in milliseconds.
    fn stands(&mut self, made: &Made, at: i64) -> i64 {
        let Some((newest, since)) = &mut self.newest else {
            self.newest = Some((made.clone(), at));
            return 0;
        };
        // One that is older than another one before is a copy, or another program's.
        let behind = match (&*newest, made) {
            (Made::At(newest), Made::At(made)) => {
                Some(millis(*newest) - millis(*made)).filter(|it| *it >= 0)
            }
            (newest, made) => (newest == made).then_some(0),
        };
        if let Some(behind) = behind {
            return at - *since + behind;
        }
        (*newest, *since) = (made.clone(), at);
        0
    }
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// How old it is at least by the clock of its service, in milliseconds; where nothing tells of that,
/// only what stands is old.
fn age(made: &Made, at: i64, clock: Option<ClockSkew>) -> i64 {
    match (made, clock) {
        (Made::At(made), Some(clock)) => {
            at.saturating_add((clock.least_s * 1000.0) as i64).saturating_sub(millis(*made))
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000_000;

    /// How old the last of these documents is at most that are asked for at these milliseconds, by a
    /// clock that is right; `None` if it is too old.
    fn is_fresh(every: u64, documents: &[(i64, &str)], clock: Option<f64>) -> bool {
        let mut standing = Standing::new(Duration::from_millis(every));
        let clock = clock.map(|off| ClockSkew { least_s: off - 0.5, most_s: off + 0.5 });
        let checked = documents.iter().map(|(at, made)| {
            let made = made.parse().map(Made::At).unwrap_or_else(|_| Made::Says((*made).into()));
            standing.check(Some(made), START + at, clock).is_ok()
        });
        checked.collect::<Vec<_>>().ends_with(&[true])
    }

    #[test]
    fn a_document_that_stands_still_is_old_after_three_intervals_and_three_seconds() {
        let [zero, one, two] =
            ["2023-11-14T22:13:20Z", "2023-11-14T22:13:21Z", "2023-11-14T22:13:22Z"];
        for (every, documents, expected) in [
            (1000, &[(0, zero), (900, zero), (1900, one)][..], true),
            (1000, &[(0, zero), (1000, zero), (3000, zero)], true),
            (1000, &[(0, zero), (1000, zero), (3001, zero)], false),
            (100, &[(0, zero), (2900, zero)], true),
            (5000, &[(0, zero), (15_000, zero)], true),
            (5000, &[(0, zero), (15_001, zero)], false),
            // It moves on again.
            (1000, &[(0, zero), (4000, zero), (5000, two)], true),
            // An older one in between, as several caches show it.
            (1000, &[(0, zero), (1000, two), (2000, zero)], true),
            (1000, &[(0, zero), (1000, two), (2001, zero)], false),
            (1000, &[(0, "a"), (3001, "a")], false),
            (1000, &[(0, "a"), (3001, "b")], true),
        ] {
            assert_eq!(is_fresh(every, documents, None), expected, "{every} {documents:?}");
        }
    }

    #[test]
    fn the_clock_of_its_service_tells_how_old_the_first_one_is() {
        let zero = "2023-11-14T22:13:20Z";
        for (at, clock, expected) in [
            (3500, Some(0.0), true),
            (3501, Some(0.0), false),
            (3_600_000, None, true),
            // Both are an hour behind.
            (3_600_000, Some(-3600.0), true),
            (3_604_000, Some(-3600.0), false),
            // It was made ahead of time.
            (-10_000, Some(0.0), true),
        ] {
            assert_eq!(is_fresh(1000, &[(at, zero)], clock), expected, "{at} {clock:?}");
        }
    }
}

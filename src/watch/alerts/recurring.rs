//! The same trouble again and again: it goes away and comes back. What lasts without a break is no
//! pattern, and has an alert of its own that says since when.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Seen;
use super::findings::{domain, has};
use super::kind::{self, Draft, MODE, RECURRING};
use super::run::{compared_run, percent, shown};
use crate::model::check::Severity;
use crate::model::evidence::Rule;
use crate::model::mode::Mode;
use crate::watch::Entry;

/// How far back is looked.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So many audits of a day make it a pattern.
const FEWEST: usize = 3;
/// They are of at least so many times between which it was gone.
const TIMES: usize = 2;
/// From this part of the audits on it is no exception any more.
const OFTEN: f64 = 0.5;

/// How often something was seen in a day.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pattern {
    /// The audits that show it.
    shown: usize,
    /// The audits that tell.
    audits: usize,
    /// How often it came.
    times: usize,
    last: Timestamp,
}

pub(super) fn drafts(seen: &Seen<'_>) -> Vec<Draft> {
    let day = day(seen.entries, seen.now);
    let names = day.iter().flat_map(|entry| entry.modes.iter().chain(entry.broken.iter()));
    let names: BTreeSet<&str> = names.map(|it| &**it).collect();
    // What was not seen well enough is no failure of the service.
    let names = names.into_iter().filter(|name| Rule::from_key(name).is_none());
    names.filter_map(|name| draft(seen, name)).collect()
}

/// The audits of the day up to that time.
fn day(entries: &[Entry], end: Timestamp) -> &[Entry] {
    let from = end.checked_sub(DAY).unwrap_or(Timestamp::MIN);
    entries.get(entries.partition_point(|entry| entry.at <= from)..).unwrap_or_default()
}

fn shows(entry: &Entry, name: &str) -> bool {
    has(entry, name) || entry.modes.iter().any(|it| **it == *name)
}

/// How often it was seen in these audits, if that is a pattern.
fn pattern<'a>(day: impl Iterator<Item = &'a Entry>, name: &str) -> Option<Pattern> {
    let mut found = Pattern { shown: 0, audits: 0, times: 0, last: Timestamp::MIN };
    let mut was_shown = false;
    for entry in day {
        let Some(is_shown) = shown(entry, shows(entry, name)) else { continue };
        found.audits += 1;
        if is_shown {
            found.shown += 1;
            found.times += usize::from(!was_shown);
            found.last = entry.at;
        }
        was_shown = is_shown;
    }
    (found.shown >= FEWEST && found.times >= TIMES).then_some(found)
}

fn draft(seen: &Seen<'_>, name: &str) -> Option<Draft> {
    let Seen { report, newest, earlier, now, .. } = *seen;
    let found = pattern(day(seen.entries, now).iter(), name)?;
    let run = compared_run((newest, earlier), |entry, before| {
        let day = day(before, entry.at).iter().chain([entry]);
        Some(pattern(day, name).is_some())
    });
    let Pattern { shown, audits, times, last } = found;
    let share = shown as f64 / audits as f64;
    let detail = format!(
        "{name} was seen in {shown} of {audits} audits of the last 24 h ({}), and was gone in between: it \
         came {times} times, the last at {last:.0}. To do: see what these times have in common, such as a \
         job or a kind of load.",
        percent(share),
    );
    let check = report.checks.iter().find(|it| it.name == name);
    let of_mode = Mode::all().iter().find(|it| it.name == name);
    let usual = if share >= OFTEN { RECURRING.severity } else { Severity::Info };
    // Not more than the check itself weighs.
    let severity = match of_mode {
        Some(_) => usual,
        None => usual.min(check.map_or(Severity::Info, |it| it.severity)),
    };
    let domain = match of_mode.and_then(|it| it.checks.first()) {
        Some(first) => kind::domain_of(first).unwrap_or(MODE.domain).into(),
        None => domain(name, None, check),
    };
    let finding = json!({
        "what": name, "shown": shown, "audits": audits, "times": times, "last": last.to_string(),
    });
    let about = Some(name.to_owned());
    Some(Draft { about, severity, domain, ..Draft::new(&RECURRING, detail, finding, run.since) })
}

//! What is usual for a service, by its own history, and what is worse than that.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Seen;
use super::kind::{Draft, ERRORS, REGRESSION};
use super::run::{compared_run, is_whole, percent};
use crate::model::baseline::PREFIX;
use crate::model::check::Severity;
use crate::model::level::Status;
use crate::model::quantity::{number, number_beside};
use crate::watch::Entry;

/// What is usual is the median of a week, so that each hour and each day of it is in it.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Of fewer audits nothing is usual.
const FEWEST: usize = 5;
/// A mean or a ratio of fewer requests is a matter of luck.
pub(super) const MIN_REQUESTS: f64 = 20.0;
/// So many times the usual score is worse; the factor that the rule of spikes has by default.
const WORSE: f64 = 1.5;
/// The usual score counts as at least so much: a quarter of what is healthy by default, so that a calm
/// service may stir.
const LEAST_SCORE: f64 = 100.0;
/// So many audits in a row are worse for certain, though the service is healthy still; one alone may be
/// the machine's.
const LASTING: usize = 3;
/// So many times the usual part of failed requests is a spike, if it is also so much above it: on a
/// service that never fails, one request in a thousand is no spike.
const MORE_ERRORS: f64 = 2.0;
const LEAST_ERRORS: f64 = 0.05;

pub(super) fn drafts(seen: &Seen<'_>) -> Vec<Draft> {
    [regression(seen), errors(seen)].into_iter().flatten().collect()
}

/// The median of a value over the audits of the week before the newest; `None` if too few have one.
pub(super) fn usual(
    newest: &Entry,
    earlier: &[Entry],
    value: impl Fn(&Entry) -> Option<f64>,
) -> Option<f64> {
    let from = newest.at.checked_sub(WEEK).ok()?;
    let start = earlier.partition_point(|entry| entry.at < from);
    let week = earlier.get(start..)?.iter().filter(|entry| is_whole(entry));
    let mut values: Vec<_> = week.filter_map(value).filter(|it| it.is_finite()).collect();
    if values.len() < FEWEST {
        return None;
    }
    let middle = values.len() / 2;
    let (lower, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = lower.iter().copied().max_by(f64::total_cmp);
    match values.len() % 2 {
        1 => Some(upper),
        _ => lower.map(|lower| lower / 2.0 + upper / 2.0),
    }
}

/// The score, where it cannot be higher.
fn exact(entry: &Entry) -> Option<f64> {
    entry.score.filter(|_| !entry.score_is_lower_bound)
}

/// The score beside the usual one, if it is much higher.
fn risen(newest: &Entry, earlier: &[Entry]) -> Option<(f64, f64)> {
    let score = exact(newest).filter(|_| is_whole(newest))?;
    let usual = usual(newest, earlier, exact)?;
    (score > WORSE * usual.max(LEAST_SCORE)).then_some((score, usual))
}

fn is_compared(entry: &Entry) -> bool {
    entry.broken.iter().any(|it| it.starts_with(PREFIX))
}

fn regression(seen: &Seen<'_>) -> Option<Draft> {
    let Seen { report, newest, earlier, .. } = *seen;
    let risen_now = risen(newest, earlier);
    let compared = report.finding_details.iter().filter(|it| it.check.starts_with(PREFIX));
    let compared: Vec<_> = compared.collect();
    if risen_now.is_none() && compared.is_empty() {
        return None;
    }
    let run = compared_run((newest, earlier), |entry, before| {
        let is_worse = is_compared(entry) || risen(entry, before).is_some();
        (is_worse || exact(entry).is_some()).then_some(is_worse)
    });
    let words = risen_now.map(|(score, usual)| {
        let limit = WORSE * usual.max(LEAST_SCORE);
        let (score, limit) = number_beside(score, limit);
        let usual = number(usual);
        format!(
            "The score is {score}, over {limit}, where {usual} is usual (the median of a week)."
        )
    });
    let words = words.into_iter().chain(compared.iter().map(|it| it.message.clone()));
    let detail = words.collect::<Vec<_>>().join(" ")
        + " To do: see what was deployed before it was first seen, and compare the reports.";
    let finding = json!({
        "score": newest.score, "usual": risen_now.map(|(_, usual)| usual), "compared": compared,
    });
    let mut draft = Draft::new(&REGRESSION, detail, finding, run.since);
    let is_certain = newest.status != Status::Healthy || run.audits >= LASTING;
    let by_history = risen_now.map(|_| if is_certain { Severity::Warning } else { Severity::Info });
    let by_baseline = compared.iter().map(|it| it.severity);
    draft.severity = by_history.into_iter().chain(by_baseline).max().unwrap_or(draft.severity);
    Some(draft)
}

/// The part of failed requests beside the usual one, if it is much greater.
fn spiked(newest: &Entry, earlier: &[Entry]) -> Option<(f64, f64)> {
    let ratio = newest.error_ratio.filter(|_| is_whole(newest))?;
    let usual = usual(newest, earlier, |entry| entry.error_ratio)?;
    let is_spike = ratio > MORE_ERRORS * usual && ratio >= usual + LEAST_ERRORS;
    is_spike.then_some((ratio, usual))
}

fn errors(seen: &Seen<'_>) -> Option<Draft> {
    let Seen { newest, earlier, .. } = *seen;
    let (ratio, usual) = spiked(newest, earlier)?;
    let run = compared_run((newest, earlier), |entry, before| {
        entry.error_ratio.map(|_| spiked(entry, before).is_some())
    });
    let limit = (MORE_ERRORS * usual).max(usual + LEAST_ERRORS);
    let requests = newest.requests.map_or(Value::Null, |it| json!(it));
    let of = newest.requests.map(|it| format!(" of {}", number(it))).unwrap_or_default();
    let detail = format!(
        "{} of the requests{of} failed, where {} is usual and more than {} is a spike. To do: look at the \
         service's log for what they ask for.",
        percent(ratio),
        percent(usual),
        percent(limit),
    );
    let finding =
        json!({"error_ratio": ratio, "usual": usual, "limit": limit, "requests": requests});
    let mut draft = Draft::new(&ERRORS, detail, finding, run.since);
    if newest.requests.is_some_and(|it| it < MIN_REQUESTS) {
        draft.severity = Severity::Info;
    }
    Some(draft)
}

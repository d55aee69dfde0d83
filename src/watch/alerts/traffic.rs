//! Whether the service is used at all, and as much as usual.

use serde_json::json;

use super::Seen;
use super::kind::{DORMANT, Draft, THROUGHPUT};
use super::run::{compared_run, is_whole, percent, run};
use super::usual::{MIN_REQUESTS, usual};
use crate::model::check::Severity;
use crate::model::evidence::Rule;
use crate::model::quantity::{number, number_beside};
use crate::watch::Entry;

/// So many audits in a row without traffic are no pause between two tests any more.
const LASTING: usize = 3;
/// Less than this part of the usual traffic is an anomaly, and so is more than that many times as much.
/// Staging environments are used more on some hours than on others; half and double are beyond that.
const LEAST: f64 = 0.5;
const MOST: f64 = 2.0;

pub(super) fn drafts(seen: &Seen<'_>) -> Vec<Draft> {
    match dormant(seen) {
        // That there is none says it all.
        Some(dormant) => vec![dormant],
        None => throughput(seen).into_iter().collect(),
    }
}

/// Whether the service was hardly asked for anything; `None` where that is not known. Where every
/// request failed there were some.
fn is_dormant(entry: &Entry) -> Option<bool> {
    let is_short = entry.broken.iter().any(|it| **it == *Rule::MinRequests.key());
    let all_failed = entry.error_ratio.is_some_and(|it| it >= 1.0);
    match entry.requests {
        Some(requests) if requests <= 0.0 => Some(true),
        _ if is_short => Some(!all_failed),
        requests => (requests.is_some() || entry.has_verdict()).then_some(false),
    }
}

/// Whether there is an alert that the service is dormant.
pub(super) fn raises_dormant(seen: &Seen<'_>) -> bool {
    dormant(seen).is_some()
}

fn dormant(seen: &Seen<'_>) -> Option<Draft> {
    let Seen { report, newest, earlier, .. } = *seen;
    let key = Rule::MinRequests.key();
    let rule = report.evidence.rules.iter().find(|it| it.rule == key);
    // A worker serves no requests, and its configuration says so.
    let is_worker = rule.and_then(|it| it.to.parse().ok()).is_some_and(|least: f64| least <= 0.0);
    if is_worker || is_dormant(newest) != Some(true) {
        return None;
    }
    let run = run((newest, earlier), |entry, _| is_dormant(entry));
    let shortfall = report.evidence.shortfalls.iter().find(|it| it.rule == key);
    let what = shortfall.map_or("no request was seen", |it| &it.detail);
    let advice = shortfall.map_or_else(|| Rule::MinRequests.def().advice, |it| &it.advice);
    let count = match run.audits {
        1 => "this audit".to_owned(),
        audits => format!("each of {audits} audits"),
    };
    let detail = format!(
        "In {count} there was no traffic to judge by: {what}; an idle service is always calm. To do: \
         {advice}."
    );
    let finding = json!({"requests": newest.requests, "audits": run.audits});
    let mut draft = Draft::new(&DORMANT, detail, finding, run.since);
    if run.audits >= LASTING {
        draft.severity = Severity::Warning;
    }
    Some(draft)
}

/// The requests of an audit beside those that are usual, if these are far apart.
fn anomaly(newest: &Entry, earlier: &[Entry]) -> Option<(f64, f64)> {
    let now = newest.requests.filter(|_| is_whole(newest))?;
    let usual = usual(newest, earlier, |entry| entry.requests)?;
    let is_far = now < LEAST * usual || now > MOST * usual;
    (usual >= MIN_REQUESTS && is_far).then_some((now, usual))
}

fn throughput(seen: &Seen<'_>) -> Option<Draft> {
    let Seen { newest, earlier, .. } = *seen;
    let (now, usual) = anomaly(newest, earlier)?;
    let is_less = now < usual;
    let run = compared_run((newest, earlier), |entry, before| {
        let found = anomaly(entry, before).map(|(now, usual)| (now < usual) == is_less);
        entry.requests.map(|_| found.unwrap_or_default())
    });
    let (words, usual_words) = number_beside(now, usual);
    let limit = if is_less { LEAST } else { MOST };
    let (which, limit_words) = (if is_less { "below" } else { "above" }, number(limit * usual));
    let advice = match is_less {
        true => "see whether the load still reaches the service, and whether it is answered",
        false => "see who asks for so much more, and whether the service is meant to carry it",
    };
    let detail = format!(
        "{words} requests were seen, where {usual_words} are usual ({}): {which} {limit_words}, which is \
         {} of them. To do: {advice}.",
        percent(now / usual),
        percent(limit),
    );
    let finding = json!({"requests": now, "usual": usual, "limit": limit * usual});
    let mut draft = Draft::new(&THROUGHPUT, detail, finding, run.since);
    // Of a service that was restarted, or of a server, as little is seen at first.
    if !is_less || run.audits < LASTING {
        draft.severity = Severity::Info;
    }
    Some(draft)
}

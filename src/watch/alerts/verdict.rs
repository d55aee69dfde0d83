//! What the verdict itself raises: that the gate fails, that there is no verdict, and that a service is
//! sick where no gate says so.

use serde_json::json;

use super::Seen;
use super::kind::{Draft, FAILING, NO_VERDICT, NOT_AUDITED, STATUS};
use super::run::{run, shown, tells};
use crate::engine::Verdict;
use crate::model::check::Severity;
use crate::model::evidence::Rule;
use crate::model::level::Status;
use crate::model::quantity::number;
use crate::watch::Entry;

pub(super) fn drafts(seen: &Seen<'_>) -> Vec<Draft> {
    [failing(seen), status(seen), no_verdict(seen)].into_iter().flatten().collect()
}

fn failing(seen: &Seen<'_>) -> Option<Draft> {
    let Seen { report, newest, earlier, .. } = *seen;
    if !newest.has_failed() {
        return None;
    }
    let run = run((newest, earlier), |entry, _| shown(entry, entry.has_failed()));
    let detail = format!("The audit ended with {}: {}.", newest.verdict.words(), newest.reason);
    let finding = json!({
        "verdict": report.verdict, "reason": report.verdict_reason, "status": report.status,
        "score": report.runtime_health_score,
    });
    Some(Draft::new(&FAILING, detail, finding, run.since))
}

/// A status that fails no gate: because it passes one that is not so strict, or there is none.
fn status(seen: &Seen<'_>) -> Option<Draft> {
    let Seen { report, newest, earlier, .. } = *seen;
    let severity = match (newest.status, newest.verdict) {
        (Status::Healthy | Status::Inconclusive, _) => return None,
        _ if newest.has_failed() => return None,
        (_, Verdict::Pass) => Severity::Info,
        (Status::Degraded, _) => Severity::Warning,
        (Status::Critical | Status::CollapseRisk, _) => Severity::Critical,
    };
    let is_sick = |entry: &Entry| !matches!(entry.status, Status::Healthy | Status::Inconclusive);
    let run = run((newest, earlier), |entry, _| shown(entry, is_sick(entry)));
    let score = newest.score.map_or_else(|| "not known".to_owned(), number);
    let at_least = if newest.score_is_lower_bound { "at least " } else { "" };
    let detail = format!(
        "The status is {}, the score is {at_least}{score}: {}. To do: look at the report, or gate on it \
         (`fail_on`).",
        newest.status.name(),
        newest.reason,
    );
    let finding = json!({"status": report.status, "score": report.runtime_health_score});
    Some(Draft { severity, ..Draft::new(&STATUS, detail, finding, run.since) })
}

/// What was not seen is not calm.
fn no_verdict(seen: &Seen<'_>) -> Option<Draft> {
    let Seen { report, newest, earlier, .. } = *seen;
    if tells(newest) || is_dormant_alone(seen) {
        return None;
    }
    let run = run((newest, earlier), |entry, _| Some(!tells(entry)));
    let missing = report.evidence.shortfalls.iter().filter(|it| !it.allowed);
    let mut advice: Vec<&str> = missing.clone().map(|it| &*it.advice).collect();
    advice.dedup();
    let advice = match advice.as_slice() {
        [] => "look at the report, and at the log of the service".to_owned(),
        some => some.join("; "),
    };
    let verdict = newest.verdict.words();
    let detail = format!("The audit is {verdict}: {}. To do: {advice}.", newest.reason);
    let finding = json!({
        "verdict": report.verdict, "reason": report.verdict_reason, "error": report.error,
        "shortfalls": missing.collect::<Vec<_>>(),
    });
    // Telemetry that cannot be reached is more than a verdict that is missing: the service may be gone.
    let is_error = newest.verdict == Verdict::Error;
    let kind = if is_error { &NOT_AUDITED } else { &NO_VERDICT };
    let mut draft = Draft::new(kind, detail, finding, run.since);
    if shortfalls_of(seen).any(|rule| rule == Rule::GoneTargets.key()) {
        draft.severity = Severity::Critical;
    }
    Some(draft)
}

/// The rules of evidence that fall short, and are not relaxed.
fn shortfalls_of<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = &'a str> {
    let all = seen.report.evidence.shortfalls.iter();
    all.filter(|it| !it.allowed).map(|it| &*it.rule)
}

/// Whether nothing is missing but traffic, which is an alert of its own.
fn is_dormant_alone(seen: &Seen<'_>) -> bool {
    let is_traffic = |rule: &str| rule == Rule::MinRequests.key();
    let is_alone = shortfalls_of(seen).next().is_some() && shortfalls_of(seen).all(is_traffic);
    seen.newest.verdict == Verdict::Inconclusive && is_alone && super::traffic::raises_dormant(seen)
}

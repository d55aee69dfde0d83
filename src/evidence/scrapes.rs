//! Scrapes that failed, pauses between them, and how much of the time they cover.

use super::{QueryEvidence, Seen, TargetEvidence};
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::target_health::TargetHealth;

/// What failed scrapes and pauses hide may be in every query.
pub(super) fn shortfalls(seen: &Seen<'_>) -> Vec<Shortfall> {
    let shortfall = |rule, health: &TargetHealth, detail| Shortfall {
        rule,
        scope: Scope::Everything,
        target: Some(health.target.clone()),
        detail,
    };
    let failed = seen.targets.iter().filter_map(|health| {
        Some(shortfall(Rule::FailedScrapes, health, health.failed_scrapes()?))
    });
    // Where nothing tells of scrapes, what is not used need not be there all the time.
    let counted = seen.targets.iter().enumerate();
    let is_counted = |number| seen.up(number).is_some() || !seen.used[number].is_empty();
    let counted = counted.filter(|(number, _)| is_counted(*number));
    let gaps = counted.filter_map(|(_, health)| {
        Some(shortfall(Rule::MaxGap, health, health.gap(seen.criteria.evidence.max_gap)?))
    });
    failed.chain(gaps).collect()
}

/// What was seen of one target.
pub(super) fn target(seen: &Seen<'_>, number: usize) -> TargetEvidence {
    let (health, series) = (&seen.targets[number], &seen.of_target[number]);
    TargetEvidence {
        target: health.target.clone(),
        covered: covered(health),
        newest_sample_age_s: age(seen, series.iter().filter_map(|it| it.points.last())),
        ..TargetEvidence::default()
    }
}

/// What was seen of what one query uses.
pub(super) fn query(seen: &Seen<'_>, query: usize) -> QueryEvidence {
    let uses = seen.uses.get(query).copied().unwrap_or_default();
    let newest = uses.iter().flat_map(|it| {
        seen.storage.of_metric(it.metric()).filter(|series| it.matches(&series.labels))
    });
    let newest = age(seen, newest.filter_map(|series| series.points.last()));
    QueryEvidence { query, covered: None, newest_sample_age_s: newest }
}

/// The part of the scrapes that did not fail.
fn covered(health: &TargetHealth) -> Option<f64> {
    let good = health.tried.checked_sub(health.failed)?;
    (health.tried > 0).then(|| good as f64 / health.tried as f64)
}

/// How old the newest of these is at the instant of the audit, seconds.
fn age(seen: &Seen<'_>, newest: impl Iterator<Item = i64>) -> Option<f64> {
    let newest = newest.max()?;
    Some(seen.end.saturating_sub(newest).max(0) as f64 / 1000.0)
}

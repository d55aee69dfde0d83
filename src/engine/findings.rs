//! Findings: what stands against the service, the decisive number beside its limit.

use super::Circumstances;
use super::modes::evidence as evidence_of;
use crate::model::built_in::{GOOD_LATENCY, HIDDEN_LAG, LOAD_WARNING};
use crate::model::check::{Criteria, Judged, Severity};
use crate::model::evidence::Shortfall;
use crate::model::finding::{Evidence, Finding, LATE_SCRAPE};
use crate::model::interval::Interval;
use crate::target_health::TargetHealth;

/// The built-in checks that are findings by themselves, in the order of the report; lag and good
/// latency are one together.
const ORDER: [&str; 6] = [
    "event_loop_lag",
    "blocking_duration_avg",
    HIDDEN_LAG,
    LOAD_WARNING,
    "threadpool_backlog",
    "threadpool_queue_wait",
];

/// Every finding that the checks and the scrapes prove, in a fixed order: the built-in ones, those
/// of scrapes, then the configuration's own checks.
pub(super) fn findings(
    checks: &[Judged],
    circumstances: Circumstances<'_>,
    criteria: &Criteria,
) -> Vec<Finding> {
    let Circumstances { scrapes, evidence, .. } = circumstances;
    let broken =
        |id: &str| checks.iter().find(|it| it.check.id == id).filter(|it| it.passed == Some(false));
    let built_in = ORDER.iter().filter_map(|id| {
        let judged = broken(id)?;
        let mut found = vec![evidence_of(judged)];
        if *id == HIDDEN_LAG {
            found.push(evidence_of(broken(GOOD_LATENCY)?));
        }
        Some(finding(judged, judged.check.severity, found))
    });
    let is_listed = |it: &&Judged| it.check.is_requested && !ORDER.contains(&&*it.check.id);
    let own = checks
        .iter()
        .filter(is_listed)
        .filter_map(|judged| Some(finding(judged, judged.found()?, vec![evidence_of(judged)])));
    built_in
        .chain(scrapes.iter().filter_map(|target| late(target, criteria)))
        .chain(evidence.shortfalls.iter().map(|it| shortfall(it, criteria)))
        .chain(own)
        .collect()
}

fn finding(judged: &Judged, severity: Severity, evidence: Vec<Evidence>) -> Finding {
    Finding { check: judged.check.id.clone(), severity, evidence, detail: None }
}

/// A page that comes late: a loop that is held up cannot serve it.
fn late(scrapes: &TargetHealth, criteria: &Criteria) -> Option<Finding> {
    let check = criteria.check("event_loop_lag")?;
    let (slowest, limit) = (scrapes.slowest_s?, check.limit.number()?);
    (slowest > limit).then(|| Finding {
        check: LATE_SCRAPE.to_owned(),
        severity: Severity::Info,
        evidence: vec![Evidence {
            signal: None,
            observed: Interval::exactly(slowest),
            limit,
            unit: "s",
            series: Some(scrapes.target.clone()),
            origin: check.origin.clone(),
        }],
        detail: None,
    })
}

/// What was not seen may be worse than what was; or it is only told, where its rule is relaxed.
fn shortfall(shortfall: &Shortfall, criteria: &Criteria) -> Finding {
    let Shortfall { rule, detail, .. } = shortfall;
    let (key, advice) = (rule.key(), rule.def().advice);
    let detail = if criteria.evidence.allows(*rule) {
        format!("Not everything was seen: {detail} (allowed by `evidence: {key}`).")
    } else {
        format!("Not everything was seen: {detail} (rule `{key}`). To do: {advice}.")
    };
    Finding {
        check: key.to_owned(),
        severity: Severity::Info,
        evidence: Vec::new(),
        detail: Some(detail),
    }
}

//! Whether the gate could pass, and could fail, and what leads on.

use super::Finding;
use crate::audit::Audit;
use crate::config::{Plan, Source};
use crate::engine::Verdict;
use crate::model::evidence::Rule;
use crate::model::quantity::number;
use crate::model::reading::State;
use crate::model::signal::Signal;

/// Why the gate could not pass, whatever the service does: something is not known.
pub(super) fn cannot_pass(plan: &Plan, audit: &Audit) -> Option<String> {
    let assessment = &audit.assessment;
    if let Some(failure) = &audit.failure {
        return Some(failure.clone());
    }
    match assessment.verdict {
        Verdict::Inconclusive | Verdict::Error | Verdict::Interrupted => {
            Some(assessment.verdict_reason.clone())
        }
        Verdict::Pass | Verdict::NotGated => None,
        // What fails is proven; what is not known beside it would be missing for a pass.
        Verdict::Fail | Verdict::CommandFailed => {
            let score = &assessment.score;
            let blank = score.terms.iter().find(|term| !term.is_known() && !term.measured);
            let missing = blank.map(|term| format!("{} is not known", term.signal.key()));
            let rules = &plan.criteria.evidence;
            let not_seen = audit
                .evidence
                .shortfalls
                .iter()
                .find(|it| !rules.allows(it.rule) && is_lasting(it.rule));
            missing.or(not_seen.map(|it| format!("{} (rule `{}`)", it.detail, it.rule.key())))
        }
    }
}

/// Whether what falls short is not the fault of what failed: a loop that is held up serves no page.
const fn is_lasting(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::MinRequests
            | Rule::Workers
            | Rule::Timestamps
            | Rule::MaxClockSkew
            | Rule::MaxAge
            | Rule::NotVisible
    )
}

/// Why the gate could not fail, whatever the service does: nothing that it looks at can be bad.
pub(super) fn cannot_fail(plan: &Plan, queries: &[Finding]) -> Option<String> {
    if matches!(plan.spec.source, Source::Logs) {
        let is_any_known = queries.iter().any(|finding| finding.value.is_some());
        return (!is_any_known).then(|| "no check finds a value in its log".to_owned());
    }
    let of_the_loop: Vec<_> = match plan.criteria.evidence.allows(Rule::EventLoop) {
        true => Signal::OF_THE_LOOP.into_iter().chain([Signal::THREADPOOL_QUEUE_WAIT]).collect(),
        false => Signal::OF_THE_LOOP.to_vec(),
    };
    let looked_at = queries.iter().filter(|it| of_the_loop.iter().any(|at| at.key() == it.name));
    let mut reasons = Vec::new();
    for finding in looked_at {
        match (&finding.never_fails, &finding.value) {
            (Some(why), _) => reasons.push(format!("{}: {why}", finding.name)),
            (None, None) => reasons.push(format!("{} has no value", finding.name)),
            (None, Some(_)) => match too_low(plan, finding) {
                Some(why) => reasons.push(why),
                None => return None,
            },
        }
    }
    if reasons.is_empty() {
        return Some("nothing here is asked that shows a loop, or a wait for a thread".to_owned());
    }
    Some(reasons.join("; "))
}

/// That a quantile adds too little to the score, even where it is as high as its buckets reach.
fn too_low(plan: &Plan, finding: &Finding) -> Option<String> {
    let highest = finding.highest?;
    let level = plan.gate.level?;
    let weights = &plan.criteria.weights;
    let (_, weight) = weights.iter().find(|(signal, _)| signal.key() == finding.name)?;
    let (most, start) = (weight * highest, plan.criteria.levels.start_of(level));
    (most < start).then(|| {
        format!(
            "{} reaches {} at most, where its buckets end: {} of the score, and {} starts at {}",
            finding.name,
            number(highest),
            number(most),
            level.status().name(),
            number(start)
        )
    })
}

/// Signals that the configuration has no query for; of logs alone none is asked for.
pub(super) fn not_configured(plan: &Plan, audit: &Audit) -> Vec<&'static str> {
    if matches!(plan.spec.source, Source::Logs) {
        return Vec::new();
    }
    let parts = [Signal::THREADPOOL_TASKS_STARTED, Signal::THREADPOOL_TASKS_COMPLETED];
    let is_left_out = |signal: &Signal| {
        audit.readings.get(*signal).state == State::NotConfigured && !parts.contains(signal)
    };
    Signal::all().filter(is_left_out).map(Signal::key).collect()
}

/// The one thing that leads on.
pub(super) fn next(
    plan: &Plan,
    audit: &Audit,
    queries: &[Finding],
    cannot_pass: Option<&str>,
    cannot_fail: Option<&str>,
) -> String {
    let source = plan.options();
    if audit.failure.is_some() {
        return "mend that, and ask again".to_owned();
    }
    let needs = |rule| audit.evidence.shortfalls.iter().any(|it| it.rule == rule);
    let is_of_loop = |it: &&Finding| Signal::OF_THE_LOOP.iter().any(|at| at.key() == it.name);
    let blank = |it: &&Finding| cannot_pass.is_some() && it.value.is_none() && it.to_do.is_some();
    let to_do = |it: &Finding| it.to_do.clone().unwrap_or_default();
    if let Some(finding) = queries.iter().filter(is_of_loop).find(blank) {
        return to_do(finding);
    }
    let is_recording = matches!(plan.spec.source, Source::Recording(_));
    if cannot_pass.is_some() && needs(Rule::MinRequests) && is_recording {
        return "record a run again, with the service under a load".to_owned();
    }
    if cannot_pass.is_some() && needs(Rule::MinRequests) {
        return format!("put the service under a load: auditor doctor {source} -- COMMAND");
    }
    // Some metrics are there only once there was a request.
    if let Some(finding) = queries.iter().find(blank) {
        return to_do(finding);
    }
    let rules = &plan.criteria.evidence;
    let shortfall = audit.evidence.shortfalls.iter().find(|it| !rules.allows(it.rule));
    if let Some(shortfall) = shortfall.filter(|_| cannot_pass.is_some()) {
        return shortfall.rule.def().advice.to_owned();
    }
    if cannot_pass.is_some() || cannot_fail.is_some() {
        return "mend what stands above, and ask again".to_owned();
    }
    let is_scraped = matches!(plan.spec.source, Source::Scrape(_));
    let has_command = !plan.spec.command.is_empty();
    let command = if has_command || is_scraped { " -- COMMAND" } else { "" };
    format!("gate with it: auditor {source} --fail-on-critical{command}")
}

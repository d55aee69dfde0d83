//! Evidence: what was seen, and what was not. It looks at the telemetry beside the questions that
//! were asked of it, and says which [rules](crate::model::evidence::Rule) fall short, and what
//! they leave a lower bound.
//!
//! What is said of samples follows from the samples alone, so that a recording gives the verdict
//! that the run gave.

pub(crate) mod clock;
mod requests;
mod scrapes;
mod server;
mod stall;
mod timestamps;
mod top_bucket;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

pub use server::Inquiry;

use crate::collect::Telemetry;
use crate::config::Plan;
use crate::model::check::Criteria;
use crate::model::clock_skew::ClockSkew;
use crate::model::evidence::{Evidence, QueryEvidence, Shortfall, TargetEvidence};
use crate::model::question::Question;
use crate::model::reading::Readings;
use crate::promql::{Query, SelectorUse};
use crate::storage::{Labels, Series, Storage};
use crate::target_health::TargetHealth;

/// Samples, and what is used of them.
pub(crate) struct Seen<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) targets: &'a [TargetHealth],
    /// The series of each target, in the order of the targets.
    pub(crate) of_target: Vec<Vec<&'a Series>>,
    /// The selectors of each query of the plan, in its order.
    pub(crate) uses: Vec<&'a [SelectorUse]>,
    /// The first instant that counts, milliseconds since the Unix epoch.
    #[expect(dead_code, reason = "what looks for holes needs it next")]
    pub(crate) start: i64,
    /// The instant of the audit.
    pub(crate) end: i64,
    pub(crate) criteria: &'a Criteria,
}

/// What looks for shortfalls in samples, a file each.
const OF_SAMPLES: [fn(&Seen<'_>) -> Vec<Shortfall>; 3] =
    [scrapes::shortfalls, stall::shortfalls, timestamps::shortfalls];

/// Looks at what the readings at the instant `at` rest on; `clock` is that of the server, and `told`
/// what it tells of the evidence.
pub fn look(
    plan: &Plan,
    questions: &[Question],
    telemetry: &Telemetry,
    (readings, clock): (&Readings, Option<ClockSkew>),
    at: Timestamp,
    told: Evidence,
) -> Evidence {
    let mut evidence = told;
    if let Some(storage) = telemetry.storage() {
        let seen = seen(storage, plan, questions, telemetry, at);
        evidence.targets = (0..seen.targets.len()).map(|it| scrapes::target(&seen, it)).collect();
        evidence.queries = (0..seen.uses.len()).map(|it| scrapes::query(&seen, it)).collect();
        evidence.shortfalls = OF_SAMPLES.iter().flat_map(|look| look(&seen)).collect();
        let ends = top_bucket::ends(&seen);
        evidence.shortfalls.extend(top_bucket::shortfalls(plan, readings, &ends));
    }
    evidence.shortfalls.extend(clock::shortfall(plan, clock));
    requests::add(&mut evidence, plan, readings);
    evidence.shortfalls.sort_by_key(|shortfall| shortfall.rule);
    evidence
}

/// The samples up to an instant, and what is used of them.
fn seen<'a>(
    storage: &'a Storage,
    plan: &'a Plan,
    questions: &'a [Question],
    telemetry: &'a Telemetry,
    at: Timestamp,
) -> Seen<'a> {
    let targets = telemetry.targets();
    let end = at.as_millisecond();
    let length = telemetry.observed.window.and_then(|it| i64::try_from(it.as_millis()).ok());
    Seen {
        storage,
        targets,
        of_target: by_target(storage, targets),
        uses: questions.iter().map(selectors).collect(),
        start: end.saturating_sub(length.unwrap_or_default()),
        end,
        criteria: &plan.criteria,
    }
}

/// What a question selects; nothing if it cannot be evaluated on samples.
fn selectors(question: &Question) -> &[SelectorUse] {
    question.expr.parsed().map(Query::selectors).unwrap_or_default()
}

/// The series of each target: those that have all of its labels. In one pass, for there may be
/// thousands of targets.
fn by_target<'a>(storage: &'a Storage, targets: &[TargetHealth]) -> Vec<Vec<&'a Series>> {
    let names = |labels: &Labels| labels.iter().map(|(name, _)| name.to_owned()).collect();
    let kinds: BTreeSet<Vec<String>> = targets.iter().map(|it| names(&it.target)).collect();
    let numbers: HashMap<&Labels, usize> =
        targets.iter().enumerate().map(|(number, it)| (&it.target, number)).collect();
    let mut found = vec![Vec::new(); targets.len()];
    for (_, series) in storage.iter() {
        for kind in &kinds {
            let target: Labels =
                kind.iter().map(|name| (name.as_str(), series.labels.get(name))).collect();
            if let Some(number) = numbers.get(&target) {
                found[*number].push(series);
            }
        }
    }
    found
}

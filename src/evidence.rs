//! Evidence: what was seen, and what was not. It looks at the telemetry beside the questions that
//! were asked of it, and says which [rules](crate::model::evidence::Rule) fall short, and what
//! they leave a lower bound.
//!
//! What is said of samples follows from the samples alone, so that a recording gives the verdict
//! that the run gave.

mod absent;
pub(crate) mod clock;
mod gone;
mod holes;
mod pages;
mod processes;
mod requests;
mod run;
mod scrapes;
mod server;
mod stall;
mod targets;
mod timestamps;
mod top_bucket;
mod used;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use server::Inquiry;

use crate::collect::{Telemetry, UP};
use crate::config::Plan;
use crate::model::check::Criteria;
use crate::model::clock_skew::ClockSkew;
use crate::model::evidence::{Evidence, QueryEvidence, Shortfall, TargetEvidence};
use crate::model::question::Question;
use crate::model::reading::Readings;
use crate::promql::SelectorUse;
use crate::storage::{Labels, Series, Storage};
use crate::target_health::{TargetHealth, instance_and_job};
use targets::Finder;
use used::Used;

/// Samples, and what is used of them.
pub(crate) struct Seen<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) targets: &'a [TargetHealth],
    /// The series of each target, in the order of the targets.
    pub(crate) of_target: Vec<Vec<&'a Series>>,
    /// The selectors of each query of the plan, in its order.
    pub(crate) uses: Vec<&'a [SelectorUse]>,
    /// The series of each target that queries use, in the order of the targets.
    pub(crate) used: Vec<Vec<Used<'a>>>,
    /// Those that belong to no target, by their labels `instance` and `job`.
    pub(crate) strays: BTreeMap<Labels, Vec<Used<'a>>>,
    /// The queries that find no series at all.
    pub(crate) unmatched: Vec<usize>,
    /// Whether `up` tells of scrapes.
    pub(crate) has_up: bool,
    /// The instant of the audit.
    pub(crate) end: i64,
    pub(crate) criteria: &'a Criteria,
}

/// What looks for shortfalls in samples, a file each.
const OF_SAMPLES: [fn(&Seen<'_>) -> Vec<Shortfall>; 5] = [
    scrapes::shortfalls,
    run::shortfalls,
    gone::shortfalls,
    stall::shortfalls,
    timestamps::shortfalls,
];

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
        evidence.shortfalls.extend(absent::shortfalls(plan, &seen));
        evidence.shortfalls.extend(holes::add(&seen, &mut evidence.queries));
        evidence.shortfalls.extend(processes::add(&seen, &mut evidence.targets));
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
    let (targets, end) = (telemetry.targets(), at.as_millisecond());
    let finder = Finder::new(targets);
    let mut of_target = vec![Vec::new(); targets.len()];
    for (_, series) in storage.iter() {
        if let Some(number) = finder.target(&series.labels) {
            of_target[number].push(series);
        }
    }
    let mut used: Vec<_> = targets.iter().map(|_| Vec::new()).collect();
    let (mut strays, mut is_matched) = (BTreeMap::new(), vec![false; questions.len()]);
    for it in used::used(storage, questions, end) {
        it.by.iter().for_each(|by| is_matched[by.query] = true);
        match finder.target(&it.series.labels) {
            Some(number) => used[number].push(it),
            None => {
                let of = instance_and_job(&it.series.labels);
                strays.entry(of).or_insert_with(Vec::new).push(it);
            }
        }
    }
    Seen {
        storage,
        targets,
        of_target,
        uses: questions.iter().map(used::selectors).collect(),
        used,
        strays,
        unmatched: (0..questions.len()).filter(|query| !is_matched[*query]).collect(),
        has_up: storage.of_metric(Some(UP)).next().is_some(),
        end,
        criteria: &plan.criteria,
    }
}

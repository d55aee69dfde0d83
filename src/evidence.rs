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
mod no_series;
mod outside;
mod own_load;
mod own_requests;
mod pages;
mod processes;
mod requests;
mod run;
mod scrapes;
mod server;
mod stall;
pub(crate) mod stuck_pool;
mod targets;
mod timestamps;
mod top_bucket;
mod used;

use std::collections::HashMap;

use jiff::Timestamp;

pub use server::Inquiry;

use crate::collect::{self, Telemetry, UP};
use crate::config::Plan;
use crate::model::check::Criteria;
use crate::model::clock_skew::ClockSkew;
use crate::model::evidence::{Evidence, QueryEvidence, Shortfall, TargetEvidence};
use crate::model::question::Question;
use crate::model::reading::Readings;
use crate::promql::SelectorUse;
use crate::storage::{Labels, Series, Storage};
use crate::target_health::{TargetHealth, instance_and_job};
use pages::Pages;
use targets::Finder;
use used::Used;

/// Samples, and what is used of them.
pub(crate) struct Seen<'a> {
    pub(crate) storage: &'a Storage,
    /// Those that were scraped, and behind them what belongs to none of them, by `instance` and
    /// `job`.
    pub(crate) targets: Vec<TargetHealth>,
    /// The series of each target, in the order of the targets.
    pub(crate) of_target: Vec<Vec<&'a Series>>,
    /// The selectors of each query of the plan, in its order.
    pub(crate) uses: Vec<&'a [SelectorUse]>,
    /// The series of each target that queries use, in the order of the targets.
    pub(crate) used: Vec<Vec<Used<'a>>>,
    /// The queries that find no series at all.
    pub(crate) unmatched: Vec<usize>,
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
    let (mut asks_itself, mut own_load) = (false, None);
    if let Some(storage) = telemetry.storage() {
        let is_beside = questions.iter().any(|it| it.is_of_server);
        let at = if is_beside { telemetry.at_beside(at) } else { at };
        let seen = seen(storage, plan, questions, telemetry, at);
        let mut targets: Vec<_> =
            (0..seen.targets.len()).map(|it| scrapes::target(&seen, it)).collect();
        let mut queries: Vec<_> =
            (0..seen.uses.len()).map(|it| scrapes::query(&seen, it)).collect();
        evidence.shortfalls.extend(OF_SAMPLES.iter().flat_map(|look| look(&seen)));
        evidence.shortfalls.extend(absent::shortfalls(plan, &seen));
        evidence.shortfalls.extend(no_series::shortfalls(plan, &seen, readings));
        evidence.shortfalls.extend(holes::add(&seen, &mut queries));
        evidence.shortfalls.extend(processes::add(&seen, &mut targets));
        outside::processes(&seen, &mut targets, &mut evidence.shortfalls);
        evidence.shortfalls.extend(outside::shortfalls(plan, &seen));
        asks_itself = outside::asks_itself(plan, &seen);
        own_load = own_load::told(&seen, telemetry);
        // What a server told of the queries that it answers stays.
        let of_server =
            |it: &QueryEvidence| questions.get(it.query).is_some_and(|it| it.is_of_server);
        evidence.queries.retain(of_server);
        evidence.queries.extend(queries.into_iter().filter(|it| !of_server(it)));
        evidence.queries.sort_by_key(|it| it.query);
        evidence.targets.extend(targets);
        if !questions.iter().any(|it| it.is_of_server) {
            evidence.own_requests = own_requests::told(plan, &seen);
        }
        let ends = top_bucket::ends(&seen);
        evidence.shortfalls.extend(top_bucket::shortfalls(plan, readings, &ends));
    }
    evidence.shortfalls.extend(clock::shortfall(plan, clock));
    evidence.shortfalls.extend(stuck_pool::shortfall(plan, readings));
    requests::add(&mut evidence, plan, readings, telemetry, (asks_itself, own_load));
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
    let end = at.as_millisecond();
    let scraped = telemetry.targets();
    let finder = Finder::new(scraped);
    let mut of_target = vec![Vec::new(); scraped.len()];
    let mut others: HashMap<Labels, Vec<&Series>> = HashMap::new();
    for (_, series) in storage.iter() {
        match finder.target(&series.labels) {
            Some(number) => of_target[number].push(series),
            None => others.entry(instance_and_job(&series.labels)).or_default().push(series),
        }
    }
    let mut used: Vec<_> = scraped.iter().map(|_| Vec::new()).collect();
    let mut used_others: HashMap<Labels, Vec<Used<'a>>> = HashMap::new();
    let mut is_matched = vec![false; questions.len()];
    for it in used::used(storage, questions, end) {
        it.by.iter().for_each(|by| is_matched[by.query] = true);
        match finder.target(&it.series.labels) {
            Some(number) => used[number].push(it),
            None => used_others.entry(instance_and_job(&it.series.labels)).or_default().push(it),
        }
    }
    let is_unmatched = |query: &usize| !is_matched[*query] && !questions[*query].is_of_server;
    let unmatched = (0..questions.len()).filter(is_unmatched);
    let series_of_others = used_others.values().flatten().map(|it| it.series);
    let mut targets = scraped.to_vec();
    for other in collect::without_up(series_of_others, end) {
        of_target.push(others.remove(&other.target).unwrap_or_default());
        used.push(used_others.remove(&other.target).unwrap_or_default());
        targets.push(other);
    }
    Seen {
        storage,
        targets,
        of_target,
        uses: questions.iter().map(used::selectors).collect(),
        used,
        unmatched: unmatched.collect(),
        end,
        criteria: &plan.criteria,
    }
}

impl<'a> Seen<'a> {
    /// What scrapes say of a target: the series of that name with no labels but the target's.
    fn of_scrapes(&self, target: usize, name: &str) -> Option<&'a Series> {
        let labels = self.targets[target].target.len();
        let is_it =
            |it: &&&Series| it.labels.metric_name() == name && it.labels.len() == labels + 1;
        self.of_target[target].iter().find(is_it).copied()
    }

    /// The series `up` of a target, if it has one.
    fn up(&self, target: usize) -> Option<&'a Series> {
        self.of_scrapes(target, UP)
    }

    /// The pages that a target showed.
    fn pages(&self, target: usize) -> Pages {
        match self.up(target) {
            Some(up) => Pages::of_up(&up.points, self.end),
            None => Pages::of_samples(&self.used[target], self.end),
        }
    }
}

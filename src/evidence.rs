//! Evidence: what was seen, and what was not. It looks at the telemetry beside the questions that
//! were asked of it, and says which [rules](crate::model::evidence::Rule) fall short, and what
//! they leave a lower bound.
//!
//! What is said of samples follows from the samples alone, so that a recording gives the verdict
//! that the run gave.

mod gone;
mod holes;
mod pages;
mod processes;
mod requests;
mod scrapes;
mod used;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::collect::Telemetry;
use crate::config::Plan;
use crate::model::evidence::{Evidence, EvidenceRules, QueryEvidence, Shortfall, TargetEvidence};
use crate::model::question::Question;
use crate::model::reading::Readings;
use crate::promql::SelectorUse;
use crate::storage::{Labels, Series, Storage};
use crate::target_health::{TargetHealth, instance_and_job};
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
    pub(crate) rules: &'a EvidenceRules,
}

/// What looks for shortfalls in samples, a file each.
const OF_SAMPLES: [fn(&Seen<'_>) -> Vec<Shortfall>; 2] = [scrapes::shortfalls, gone::shortfalls];

/// What a scrape says of itself, beside its page; Prometheus adds them.
const OF_SCRAPE: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_sample_limit",
    "scrape_timeout_seconds",
    "scrape_body_size_bytes",
];

/// Looks at what the readings at the instant `at` rest on.
pub fn look(
    plan: &Plan,
    questions: &[Question],
    telemetry: &Telemetry,
    readings: &Readings,
    at: Timestamp,
) -> Evidence {
    let rules = &plan.criteria.evidence;
    let mut evidence = match telemetry.storage() {
        Some(storage) => of_samples(storage, questions, telemetry, rules, at),
        None => Evidence::default(),
    };
    requests::add(&mut evidence, plan, readings);
    evidence.shortfalls.sort_by_key(|shortfall| shortfall.rule);
    evidence
}

/// Whether the series is what a scrape of the target says of itself.
fn is_of_scrape(series: &Labels, target: &Labels) -> bool {
    OF_SCRAPE.contains(&series.metric_name()) && series.len() == target.len() + 1
}

/// Finds the target of a series: the one all of whose labels it has, and of several the one with
/// the most. There may be thousands.
struct Finder<'a> {
    /// The names of their labels, the most first.
    kinds: Vec<Vec<&'a str>>,
    numbers: HashMap<&'a Labels, usize>,
}

impl<'a> Finder<'a> {
    fn new(targets: &'a [TargetHealth]) -> Self {
        let names = |labels: &'a Labels| labels.iter().map(|(name, _)| name).collect();
        let kinds: BTreeSet<Vec<_>> = targets.iter().map(|it| names(&it.target)).collect();
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|kind| Reverse(kind.len()));
        let numbers = targets.iter().enumerate().map(|(number, it)| (&it.target, number));
        Self { kinds, numbers: numbers.collect() }
    }

    /// The number of the target.
    fn target(&self, series: &Labels) -> Option<usize> {
        self.kinds.iter().find_map(|kind| {
            let labels: Labels = kind.iter().map(|name| (*name, series.get(name))).collect();
            self.numbers.get(&labels).copied()
        })
    }
}

fn of_samples(
    storage: &Storage,
    questions: &[Question],
    telemetry: &Telemetry,
    rules: &EvidenceRules,
    at: Timestamp,
) -> Evidence {
    let uses: Vec<_> = questions.iter().map(used::selectors).collect();
    let end = at.as_millisecond();
    let targets = telemetry.targets();
    let finder = Finder::new(targets);
    let mut of_target = vec![Vec::new(); targets.len()];
    for (_, series) in storage.iter() {
        if let Some(number) = finder.target(&series.labels) {
            of_target[number].push(series);
        }
    }
    let mut used_of: Vec<_> = targets.iter().map(|_| Vec::new()).collect();
    let (mut strays, mut is_matched) = (BTreeMap::<_, Vec<_>>::new(), vec![false; uses.len()]);
    for used in used::used(storage, questions, end) {
        used.by.iter().for_each(|by| is_matched[by.query] = true);
        match finder.target(&used.series.labels) {
            Some(number) => used_of[number].push(used),
            None => strays.entry(instance_and_job(&used.series.labels)).or_default().push(used),
        }
    }
    let unmatched = (0..uses.len()).filter(|query| !is_matched[*query]).collect();
    let has_up = storage.of_metric(Some("up")).next().is_some();
    let used = used_of;
    let seen =
        Seen { storage, targets, of_target, uses, used, strays, unmatched, has_up, end, rules };
    let mut targets: Vec<_> =
        (0..targets.len()).map(|target| scrapes::target(&seen, target)).collect();
    let holes = holes::look(&seen);
    let queries = holes.covered.iter().enumerate().map(|(query, covered)| QueryEvidence {
        covered: *covered,
        ..scrapes::query(&seen, query)
    });
    let queries = queries.collect();
    let mut shortfalls: Vec<_> = OF_SAMPLES.iter().flat_map(|look| look(&seen)).collect();
    shortfalls.extend(holes.shortfalls);
    shortfalls.extend(processes::look(&seen, &mut targets));
    Evidence { targets, queries, shortfalls, ..Evidence::default() }
}

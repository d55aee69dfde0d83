//! Targets that were not scraped for a while: the server was down itself, or had lost them. There is
//! no sample then that says so, and what goes on afterwards looks whole.

use std::collections::{BTreeMap, BTreeSet};

use super::looks::{Group, LOOK, milliseconds, within};
use super::targets::OfGroup;
use super::{AskAgain, Inquiry};
use crate::model::evidence::{EvidenceRules, Rule, Shortfall};
use crate::model::question::Probe;
use crate::promql::Expression;
use crate::storage::Labels;
use crate::target_health::{TargetHealth, instance_and_job};

/// The bit by which the server tells that a target may have paused.
pub(super) const BIT: u64 = 16;
/// A pause may be too long from so many times the usual interval on; it is looked at closely then.
/// Three times are too long.
const DOUBTFUL: f64 = 2.7;
/// A pause of three usual intervals takes the place of so many samples.
const IN_A_PAUSE: i64 = 3;
/// So many times within a look it is asked when the newest sample came: first of all targets, then
/// of those that are in doubt.
const STEPS: [i64; 2] = [180, 450];
/// And no more often than this, milliseconds.
const SHORTEST_STEP: i64 = 250;

/// The targets that may have paused for too long; nothing where no such pause fits into the time.
///
/// The newest sample is nearly as old as a pause is long before it ends; or it is not found any
/// more.
pub(super) fn may_be(group: &Group, rules: &EvidenceRules) -> Option<String> {
    let longest = rules.max_gap.map(milliseconds);
    if longest.is_some_and(|longest| longest >= group.range) {
        return None;
    }
    let (step, up) = (step(group.range, STEPS[0]), group.now("up"));
    let age = within(&format!("(time() - timestamp({up}))"), group.range, step);
    let age = format!("max_over_time({age}{})", group.modifiers());
    let (range_s, step_s) = (seconds(group.range), seconds(step));
    let is_long = match longest {
        Some(longest) => format!("{age} + {step_s} > {}", seconds(longest)),
        None => {
            let count = format!("count_over_time({})", group.over("up", group.range));
            format!("({age} + {step_s}) * ({count} + {IN_A_PAUSE}) > {DOUBTFUL} * {range_s}")
        }
    };
    let found = within(&up, group.range, step);
    let times = group.range / step;
    Some(format!("{is_long} or count_over_time({found}{}) < {times}", group.modifiers()))
}

/// How often is asked, milliseconds.
fn step(range: i64, steps: i64) -> i64 {
    (range / steps).max(SHORTEST_STEP)
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// The longest pause of a target, and the usual one.
///
/// Of samples that come more often than is asked, both are told as at most one step longer.
fn probes(target: &Labels, group: &Group, instant: i64) -> [Probe; 2] {
    let step = step(group.range, STEPS[1]);
    let from = seconds(instant.saturating_sub(group.range));
    let times = within(&format!("(timestamp(up{target}) >= {from:.3})"), group.range, step);
    let longest = seconds(group.range);
    // VictoriaMetrics tells the first of all times as a pause since 1970.
    let pauses = within(&format!("(idelta({times}) > 0 <= {longest})"), group.range, step);
    let pauses = format!("{pauses}{}", group.modifiers());
    [format!("max(max_over_time({pauses}))"), format!("max(quantile_over_time(0.5, {pauses}))")]
        .map(|expr| Probe { expr: Expression::new(expr), span: None })
}

/// A target that may have paused.
struct Doubtful<'a> {
    target: Labels,
    group: &'a Group,
    looks: BTreeSet<usize>,
}

fn doubtful<'a>(answers: &[OfGroup<'a>]) -> Vec<Doubtful<'a>> {
    let of_group = |(group, samples): &OfGroup<'a>| {
        let mut found = BTreeMap::<Labels, BTreeSet<usize>>::new();
        for sample in samples.as_deref().unwrap_or_default() {
            let look: Option<usize> = sample.labels.get(LOOK).parse().ok();
            if sample.value as u64 & BIT != 0 {
                found.entry(instance_and_job(&sample.labels)).or_default().extend(look);
            }
        }
        let group = *group;
        found.into_iter().map(move |(target, looks)| Doubtful { target, group, looks })
    };
    answers.iter().flat_map(of_group).collect()
}

/// The pauses that are too long.
pub(super) fn shortfalls(
    inquiry: &Inquiry<'_>,
    answers: &[OfGroup<'_>],
    ask_again: AskAgain<'_>,
) -> Vec<Shortfall> {
    let doubtful = doubtful(answers);
    let probes = doubtful.iter().flat_map(|it| {
        let look = it.group.looks.first().and_then(|look| inquiry.looks.get(*look));
        probes(&it.target, it.group, look.map_or(0, |look| look.instant))
    });
    let probes: Vec<_> = probes.collect();
    if probes.is_empty() {
        return Vec::new();
    }
    let mut values = ask_again(&probes).into_iter().map(|answer| inquiry.value(&answer));
    let mut next = || values.next().unwrap_or_else(|| Err("it was not asked".to_owned()));
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for it in doubtful {
        match (next(), next()) {
            (Ok(pause), Ok(usual)) => found.extend(too_long(inquiry, it, pause, usual)),
            (Err(error), _) | (_, Err(error)) => unknown.push((it, error)),
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    told(inquiry, &found).into_iter().chain(not_known(inquiry, &unknown)).collect()
}

/// A pause in seconds, what is to be said of it, and where it was.
type Pause<'a> = (f64, String, Doubtful<'a>);

fn too_long<'a>(
    inquiry: &Inquiry<'_>,
    of: Doubtful<'a>,
    pause: Option<f64>,
    usual: Option<f64>,
) -> Option<Pause<'a>> {
    let pause = pause?;
    let health = TargetHealth {
        target: of.target.clone(),
        tried: 0,
        failed: 0,
        slowest_s: None,
        interval_s: usual,
        longest_pause_s: pause,
        ended_s: None,
    };
    Some((pause, health.gap(inquiry.plan.criteria.evidence.max_gap)?, of))
}

/// One shortfall for all of them: a server that was down was so for all.
fn told(inquiry: &Inquiry<'_>, found: &[Pause<'_>]) -> Option<Shortfall> {
    let (_, words, longest) = found.last()?;
    let (others, target) = match found.len() {
        1 => (String::new(), Some(longest.target.clone())),
        2 => ("; another instance had such a pause, too".to_owned(), None),
        count => (format!("; {} other instances had such pauses, too", count - 1), None),
    };
    let looks = found.iter().flat_map(|(.., it)| it.looks.iter().copied());
    Some(Shortfall { target, ..inquiry.shortfall(Rule::MaxGap, looks, format!("{words}{others}")) })
}

fn not_known(inquiry: &Inquiry<'_>, unknown: &[(Doubtful<'_>, String)]) -> Option<Shortfall> {
    let (_, error) = unknown.first()?;
    let looks = unknown.iter().flat_map(|(it, _)| it.looks.iter().copied());
    let detail = format!("it cannot be told whether targets were scraped all the time: {error}");
    Some(inquiry.shortfall(Rule::MaxGap, looks, detail))
}

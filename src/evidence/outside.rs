//! What the probe could not see, or of what the machine is to blame and not the service.

use super::{Seen, own_requests};
use crate::config::Plan;
use crate::model::blame::JOB as PROBE_JOB;
use crate::model::evidence::{Rule, Scope, Shortfall, TargetEvidence};
use crate::model::quantity::{number, series, time};
use crate::model::signal::Signal;
use crate::promql::SelectorUse;
use crate::storage::Series;

/// So many of what was to be sent may be left out while nothing waits, as a part of all.
const MAY_BE_LEFT_OUT: f64 = 0.1;

/// Workers that ended, and that were started, since what is seen counts.
const ENDS: &str = "auditor_worker_ends_total";
const STARTS: &str = "auditor_worker_starts_total";

pub(super) fn shortfalls(plan: &Plan, seen: &Seen<'_>) -> Vec<Shortfall> {
    let of_probe = |target: &usize| seen.targets[*target].target.get("job") == PROBE_JOB;
    let targets: Vec<_> = (0..seen.targets.len()).filter(of_probe).collect();
    if !(0..seen.uses.len()).any(|query| is_of_probe(seen, query)) {
        // It is looked at beside, and its limits judge nothing; a stall that it proves still counts.
        return targets.iter().filter_map(|it| not_shown(plan, seen, *it)).collect();
    }
    let looks = [busy_machine, slow_answers, not_met, restarts];
    let told = targets.iter().flat_map(|target| {
        looks.iter().filter_map(|look| look(plan, seen, *target)).collect::<Vec<_>>()
    });
    let not_visible = |target: &usize| {
        let mut told = not_visible(seen, *target);
        told.extend(unknown_limit(seen, *target));
        told.extend(starved_pool(seen, *target));
        told
    };
    let not_shown = targets.iter().filter_map(|target| not_shown(plan, seen, *target));
    told.chain(targets.iter().flat_map(not_visible)).chain(not_shown).collect()
}

/// Whether the probe met a stall over the limit while the lag that is judged is the service's own: a
/// gauge that is set once a second may never show it.
fn not_shown(plan: &Plan, seen: &Seen<'_>, target: usize) -> Option<Shortfall> {
    let signal = Signal::EVENT_LOOP_LAG;
    let lag = plan.queries.iter().position(|query| query.signal() == Some(signal))?;
    if is_of_probe(seen, lag) {
        return None;
    }
    let limit = seen.criteria.limit(signal.key())?;
    let met = worst(seen, target, "auditor_probe_lag_seconds").filter(|met| *met > limit)?;
    let labels = &seen.targets[target].target;
    let detail = format!(
        "the probe met a stall of {} s, over {} s; {} is the service's own and need not show it{}",
        number(met),
        number(limit),
        signal.key(),
        series(labels)
    );
    Some(Shortfall {
        rule: Rule::NotVisible,
        scope: seen.scope_of(vec![lag]),
        target: Some(labels.clone()),
        detail,
    })
}

/// How many processes serve, as the probe has found them, in place of what a page would tell. What
/// start times tell of restarts is left out where the ends of workers were counted.
pub(super) fn processes(
    seen: &Seen<'_>,
    targets: &mut [TargetEvidence],
    shortfalls: &mut Vec<Shortfall>,
) {
    for (number, target) in targets.iter_mut().enumerate() {
        if target.target.get("job") == PROBE_JOB {
            let most = worst(seen, number, "auditor_processes").filter(|most| *most > 0.0);
            target.processes = most.map(|most| most as usize);
            target.restarts = target.restarts.filter(|_| most.is_some());
            let Some((ended, started)) = turnover(seen, number) else { continue };
            let replaced = ended.min(started) as usize;
            target.restarts = target.restarts.map(|known| known.max(replaced)).or(Some(replaced));
            shortfalls.retain(|it| {
                let is_of_starts = matches!(it.rule, Rule::Restarts | Rule::Workers);
                !is_of_starts || it.target.as_ref() != Some(&target.target)
            });
        }
    }
}

/// Whether what tells of requests tells of those of the probe alone.
pub(super) fn asks_itself(plan: &Plan, seen: &Seen<'_>) -> bool {
    let uses = own_requests::query(plan).and_then(|(query, _)| seen.uses.get(query).copied());
    let mut names = uses.unwrap_or_default().iter().map(SelectorUse::metric).peekable();
    names.peek().is_some()
        && names.all(|name| name.is_some_and(|name| name.starts_with("auditor_probe_")))
}

/// Whether the loop stood because it waited for a CPU, for so long that it may decide.
fn busy_machine(plan: &Plan, seen: &Seen<'_>, target: usize) -> Option<Shortfall> {
    let limit = deciding(plan, seen)?;
    let words = |seconds: f64, what: &str| {
        format!("{what} {} s, over {} s", number(seconds), number(limit))
    };
    let waited = worst(seen, target, "auditor_machine_lag_seconds").filter(|it| *it > limit);
    let gap = worst(seen, target, "auditor_probe_gap_seconds").filter(|it| *it > limit);
    let untold = worst(seen, target, "auditor_untold_answer_seconds").filter(|it| *it > limit);
    let detail = match (waited, gap, untold) {
        (Some(waited), _, _) => {
            words(waited, "the runner is too busy: the service's loop waited for a CPU for")
        }
        (_, Some(gap), _) => words(gap, "the runner is too busy: the probe could ask nothing for"),
        (_, _, Some(untold)) => words(
            untold,
            "the runner is too busy: it cannot be told what an answer waited for, for",
        ),
        (None, None, None) => left_out(seen, target)?,
    };
    Some(shortfall(seen, target, Rule::BusyMachine, detail))
}

/// That the probe itself was late so often that little is known.
fn left_out(seen: &Seen<'_>, target: usize) -> Option<String> {
    let count = |result: &str| {
        let is_it = |it: &&&Series| it.labels.get("result") == result;
        let mut all = named(seen, target, "auditor_probe_requests_total");
        let series = all.find(|it| is_it(&it));
        series.and_then(|it| it.points.latest(seen.end)).map(|it| it.value)
    };
    let (left_out, answered) = (count("late")?, count("answered")?);
    let part = left_out / (left_out + answered).max(1.0);
    (part > MAY_BE_LEFT_OUT).then(|| {
        let percent = number((part * 100.0).round());
        format!("the runner is too busy: the probe was late itself in {percent}% of its requests")
    })
}

/// Whether answers took long though the loop read the requests at once.
fn slow_answers(_: &Plan, seen: &Seen<'_>, target: usize) -> Option<Shortfall> {
    let limit = seen.criteria.limit(Signal::EVENT_LOOP_LAG.key())?;
    let occupied = worst(seen, target, "auditor_probe_occupied_seconds");
    if let Some(occupied) = occupied.filter(|it| *it > limit) {
        let (occupied, limit) = (number(occupied), number(limit));
        let detail = format!(
            "the probe could ask nothing for {occupied} s, over {limit} s, because the answers before \
             did not end: what it asks for is a stream"
        );
        return Some(shortfall(seen, target, Rule::SlowAnswers, detail));
    }
    let slowest = worst(seen, target, "auditor_slow_answer_seconds").filter(|it| *it > limit)?;
    let (slowest, limit) = (number(slowest), number(limit));
    let detail = format!(
        "an answer to the probe took {slowest} s, over {limit} s, though its request was read before: \
         what it asks for waits for something else, or a proxy stands before the service"
    );
    Some(shortfall(seen, target, Rule::SlowAnswers, detail))
}

/// Whether a worker of the service has none of the probe's connections.
fn not_met(_: &Plan, seen: &Seen<'_>, target: usize) -> Option<Shortfall> {
    let name = "auditor_workers_not_met";
    let now = named(seen, target, name).filter_map(|it| it.points.latest(seen.end));
    let now = now.map(|point| point.value).reduce(f64::max).filter(|it| *it > 0.0)?;
    let detail = format!("{} workers of the service were not met by the probe", number(now));
    Some(shortfall(seen, target, Rule::Workers, detail))
}

/// Whether workers ended, or came, while it counted.
fn restarts(_: &Plan, seen: &Seen<'_>, target: usize) -> Option<Shortfall> {
    let (ended, started) = turnover(seen, target)?;
    let points = [ENDS, STARTS].into_iter().flat_map(|name| named(seen, target, name));
    let points = points.flat_map(|it| it.points.iter());
    let first = points.filter(|it| it.at <= seen.end && it.value > 0.0).map(|it| it.at).min()?;
    let were = |count: f64| if count == 1.0 { "was" } else { "were" };
    let workers = if ended == 1.0 { "worker" } else { "workers" };
    let detail = format!(
        "{} {workers} ended and {} {} started, first at {}{}",
        number(ended),
        number(started),
        were(started),
        time(first),
        series(&seen.targets[target].target)
    );
    Some(Shortfall {
        rule: Rule::Restarts,
        scope: Scope::Everything,
        target: Some(seen.targets[target].target.clone()),
        detail,
    })
}

/// How many workers ended, and how many were started; `None` where none did or nothing tells.
fn turnover(seen: &Seen<'_>, target: usize) -> Option<(f64, f64)> {
    let [ended, started] =
        [ENDS, STARTS].map(|name| worst(seen, target, name).unwrap_or_default().max(0.0));
    (ended + started > 0.0).then_some((ended, started))
}

/// What cannot be seen, where queries use it, each with the reason.
fn not_visible(seen: &Seen<'_>, target: usize) -> Vec<Shortfall> {
    let queries: Vec<_> =
        seen.unmatched.iter().copied().filter(|query| is_of_probe(seen, *query)).collect();
    if queries.is_empty() {
        return Vec::new();
    }
    let of_reason = |it: &Series| {
        let (what, why) = (it.labels.get("what"), it.labels.get("why"));
        let words = series(&seen.targets[target].target);
        let detail = format!("{what} cannot be seen: {why}{words}");
        Shortfall {
            rule: Rule::NotVisible,
            scope: Scope::Queries(queries.clone()),
            target: Some(seen.targets[target].target.clone()),
            detail,
        }
    };
    named(seen, target, "auditor_not_seen").map(of_reason).collect()
}

/// Whether a pool was busy as a whole, of which it is not known whether it may have more threads.
fn unknown_limit(seen: &Seen<'_>, target: usize) -> Option<Shortfall> {
    let name = "auditor_pool_limit_unknown_threads";
    let threads = worst(seen, target, name).filter(|threads| *threads > 0.0)?;
    let threads = number(threads);
    let detail = format!(
        "all {threads} threads of the pool were busy for a second while further requests waited, and \
         it is not known whether it may have more: say how many (--pool-threads)"
    );
    of_pool(seen, shortfall(seen, target, Rule::NotVisible, detail))
}

/// Whether no thread of a pool was idle because they waited for a CPU.
fn starved_pool(seen: &Seen<'_>, target: usize) -> Option<Shortfall> {
    let name = "auditor_pool_starved_threads";
    let threads = worst(seen, target, name).filter(|threads| *threads > 0.0)?;
    let threads = number(threads);
    let detail = format!(
        "the runner is too busy: for a second the {threads} threads of the pool waited for a CPU, \
         and requests for them"
    );
    of_pool(seen, shortfall(seen, target, Rule::BusyMachine, detail))
}

/// A shortfall of the queries that are answered from the pool alone, if there are any.
fn of_pool(seen: &Seen<'_>, told: Shortfall) -> Option<Shortfall> {
    let is_of_pool = |query: &usize| {
        let mut uses = seen.uses.get(*query).copied().unwrap_or_default().iter();
        uses.any(|it| it.metric().is_some_and(|name| name.starts_with("auditor_pool_")))
    };
    let queries: Vec<_> = (0..seen.uses.len()).filter(is_of_pool).collect();
    (!queries.is_empty()).then(|| Shortfall { scope: seen.scope_of(queries), ..told })
}

fn is_of_probe(seen: &Seen<'_>, query: usize) -> bool {
    let mut uses = seen.uses.get(query).copied().unwrap_or_default().iter();
    uses.any(|it| it.metric().is_some_and(|name| name.starts_with("auditor_")))
}

/// From how long on a lag decides: that of its limit, or of what fails the gate.
fn deciding(plan: &Plan, seen: &Seen<'_>) -> Option<f64> {
    let signal = Signal::EVENT_LOOP_LAG;
    let weight = seen.criteria.weights.iter().find(|(it, _)| *it == signal).map(|it| it.1);
    let weight = weight.filter(|weight| *weight > 0.0);
    let level = plan.gate.level.map(|level| seen.criteria.levels.start_of(level));
    let of_gate = level.zip(weight).map(|(level, weight)| level / weight);
    let limits = [seen.criteria.limit(signal.key()), of_gate];
    limits.into_iter().flatten().reduce(f64::min)
}

fn shortfall(seen: &Seen<'_>, target: usize, rule: Rule, detail: String) -> Shortfall {
    let of_probe = (0..seen.uses.len()).filter(|query| is_of_probe(seen, *query));
    let labels = &seen.targets[target].target;
    Shortfall {
        rule,
        scope: seen.scope_of(of_probe.collect()),
        target: Some(labels.clone()),
        detail: format!("{detail}{}", series(labels)),
    }
}

/// The highest value of a series of a target up to the end.
fn worst(seen: &Seen<'_>, target: usize, name: &str) -> Option<f64> {
    let points = named(seen, target, name).flat_map(|it| it.points.iter());
    let until = points.filter(|point| point.at <= seen.end && point.value.is_finite());
    until.map(|point| point.value).reduce(f64::max)
}

/// The series of that name of a target.
fn named<'s>(seen: &'s Seen<'_>, target: usize, name: &'s str) -> impl Iterator<Item = &'s Series> {
    seen.of_target[target].iter().copied().filter(move |it| it.labels.metric_name() == name)
}

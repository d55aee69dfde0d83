//! Restarts, and several workers behind one page.

use std::collections::HashMap;

use super::used::Used;
use super::{Seen, TargetEvidence};
use crate::collect::PROCESSES;
use crate::model::evidence::{Rule, Scope, Shortfall};
use crate::model::quantity::{series, time};
use crate::processes::{Change, Column, History, Kind, Usage, columns};
use crate::storage::{Labels, Series};

/// What was found of one target.
#[derive(Debug, Default)]
struct Found {
    processes: Option<usize>,
    restarts: Option<usize>,
    shortfalls: Vec<Shortfall>,
}

/// Looks at the processes behind each target, and adds to what is known of it.
pub(super) fn add(seen: &Seen<'_>, targets: &mut [TargetEvidence]) -> Vec<Shortfall> {
    let mut shortfalls = Vec::new();
    for (number, evidence) in targets.iter_mut().enumerate() {
        let Some(scope) = seen.scope(number) else { continue };
        let found = target(seen, number, scope);
        evidence.processes = found.processes;
        evidence.restarts = found.restarts;
        shortfalls.extend(found.shortfalls);
    }
    shortfalls
}

fn target(seen: &Seen<'_>, number: usize, scope: Scope) -> Found {
    let (labels, used) = (&seen.targets[number].target, &seen.used[number]);
    let of_target = &seen.of_target[number];
    let pages = seen.pages(number);
    let at_once = at_once(of_target, seen.end);
    let uses: HashMap<*const Series, Usage> =
        used.iter().map(|it| (std::ptr::from_ref(it.series), usage(it))).collect();
    let usage = |it: &Series| *uses.get(&std::ptr::from_ref(it)).unwrap_or(&Usage::Unused);
    let mut columns = columns(seen.storage, of_target.iter().copied(), usage, false);
    if columns.is_empty() && at_once.is_none() {
        return Found::default();
    }
    let history = History::of(&mut columns, &pages.instants);
    let changes = history.changes();
    let shortfall =
        |rule, scope, detail| Shortfall { rule, scope, target: Some(labels.clone()), detail };
    let kind = history.kind();
    let mut shortfalls = Vec::new();
    if let Some(count) = at_once {
        let target = series(labels);
        let detail = format!(
            "several processes ({count} were seen) showed the same page, which was asked for a few \
             times at once{target}"
        );
        shortfalls.push(shortfall(Rule::Workers, scope.clone(), detail));
    } else if kind == Some(Kind::Workers) {
        let detail = several(history.processes(), changes, labels);
        shortfalls.push(shortfall(Rule::Workers, scope.clone(), detail));
    }
    if kind == Some(Kind::Restarts) {
        let detail = restarted(changes, labels);
        shortfalls.push(shortfall(Rule::Restarts, scope.clone(), detail));
    }
    if !shortfalls.is_empty() {
        // Of several in turn nobody knows which of them was started anew.
        let restarts = (kind == Some(Kind::Restarts)).then_some(changes.len());
        let processes = Some(history.processes().max(at_once.unwrap_or_default()));
        return Found { processes, restarts, shortfalls };
    }
    let resets = history.resets(&columns).into_iter().map(|reset| {
        let name = reset.column.name(labels);
        let (at, target) = (time(reset.first), series(labels));
        if reset.is_shared {
            let detail = format!("{name} goes back and forth, first at {at}{target}");
            return shortfall(Rule::Workers, scope.clone(), detail);
        }
        let times = times(reset.times);
        let detail = format!("{name} fell back {times}, first at {at}{target}");
        let queries = queries(reset.column, used);
        shortfall(Rule::Restarts, seen.scope_of(queries), detail)
    });
    Found { processes: Some(1), restarts: Some(0), shortfalls: resets.collect() }
}

/// How many processes were seen before the load or after it, if they were several.
fn at_once(of_target: &[&Series], end: i64) -> Option<usize> {
    let noted = of_target.iter().find(|it| it.labels.metric_name() == PROCESSES)?;
    // No later scrape brings it, and so ends it.
    let mut noted = noted.points.iter().take_while(|point| point.at <= end);
    noted.find(|point| point.value > 1.0).map(|point| point.value as usize)
}

fn usage(used: &Used<'_>) -> Usage {
    if used.is_counter { Usage::AsCounter } else { Usage::Used }
}

/// The queries that use it.
fn queries(column: &Column<'_>, used: &[Used<'_>]) -> Vec<usize> {
    let of_it = used.iter().find(|it| std::ptr::eq(it.series, column.series));
    of_it.map(|it| it.by.iter().map(|by| by.query).collect()).unwrap_or_default()
}

fn restarted(changes: &[Change], labels: &Labels) -> String {
    let (count, target) = (times(changes.len()), series(labels));
    let Some(Change { before, at, by }) = changes.first() else { return String::new() };
    let (between, and) = (time(*before), time(*at));
    let first = if changes.len() > 1 { "first " } else { "" };
    format!("it restarted {count}, {first}between {between} and {and} ({by}){target}")
}

fn several(processes: usize, changes: &[Change], labels: &Labels) -> String {
    let target = series(labels);
    let Some(Change { at, by, .. }) = changes.first() else { return String::new() };
    let (count, at) = (times(changes.len()), time(*at));
    format!(
        "several processes ({processes} were seen) show the same page in turn: it went from one to \
         another {count}, first at {at} ({by}){target}"
    )
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

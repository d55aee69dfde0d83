//! The raw numbers of `GET /metrics.json`, section by section.

use std::thread;

use super::kept::{Kept, Snapshot};
use super::processes::WatchedProcess;
use crate::outside::host;
use crate::watch::raw::{Agent, AggregateCost, Cost, Counts, Envelope, Queue, RunningCost, Stage};

/// The whole, of what is known at a moment.
pub(super) fn envelope(snapshot: &Snapshot) -> Envelope {
    let ticks = host::ticks_per_second();
    let (audits, usage) = ((stages(snapshot), queue(snapshot)), (agents(snapshot), cost(snapshot)));
    Envelope::new(snapshot.now, ticks, audits, usage)
}

fn named(snapshot: &Snapshot) -> impl Iterator<Item = (&String, &Kept)> {
    snapshot.names.iter().zip(&snapshot.kept)
}

/// The audits that are under way, and for how long.
fn under_way(snapshot: &Snapshot) -> Vec<(String, f64)> {
    let seconds = |kept: &Kept| kept.under_way.map(|began| tenths(began.elapsed().as_secs_f64()));
    named(snapshot).filter_map(|(name, kept)| Some((name.clone(), seconds(kept)?))).collect()
}

fn stages(snapshot: &Snapshot) -> Vec<Stage> {
    let stage = |(service, age_in_stage_s)| Stage { service, stage: "auditing", age_in_stage_s };
    under_way(snapshot).into_iter().map(stage).collect()
}

fn queue(snapshot: &Snapshot) -> Option<Queue> {
    let queued = snapshot.kept.iter().filter(|kept| kept.is_queued).count();
    let counts = Counts {
        queued,
        running: snapshot.kept.iter().filter(|kept| kept.under_way.is_some()).count(),
        done: snapshot.kept.iter().map(|kept| kept.audits.0).sum(),
        failed: snapshot.kept.iter().map(|kept| kept.failed).sum(),
    };
    let max_concurrency = thread::available_parallelism().map_or(1, usize::from);
    let poll_interval = snapshot.every.as_secs_f64();
    Some(Queue {
        counts,
        depth: queued,
        retries: None,
        breaker: None,
        max_concurrency,
        poll_interval,
    })
}

fn agents(snapshot: &Snapshot) -> Vec<Agent> {
    let now_s = snapshot.now.as_millisecond() as f64 / 1000.0;
    let of = |(name, kept): (&String, &Kept)| -> Vec<Agent> {
        kept.processes.iter().map(|process| process.usage(name, now_s)).collect()
    };
    let own = WatchedProcess::own().map(|process| process.usage("auditor", now_s));
    named(snapshot).flat_map(of).chain(own).collect()
}

fn cost(snapshot: &Snapshot) -> Option<Cost> {
    let running = under_way(snapshot).into_iter();
    let running = running.map(|(service, seconds)| RunningCost { service, seconds }).collect();
    let aggregate = AggregateCost {
        audits: snapshot.kept.iter().map(|kept| kept.audits.0).sum(),
        seconds: tenths(snapshot.kept.iter().map(|kept| kept.audits.1.as_secs_f64()).sum()),
        reports: snapshot.kept.iter().map(|kept| kept.entries.len()).sum(),
    };
    Some(Cost { running, aggregate: Some(aggregate) })
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

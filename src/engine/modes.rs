//! Failure modes: which conjunctions of checks are broken, with their evidence.

use super::quantity::quantity;
use crate::model::check::{Judged, Observed};
use crate::model::finding::{Evidence, FailureMode, Unassessable};
use crate::model::mode::{Cause, Mode};
use crate::model::reading::{Readings, State};
use crate::model::signal::Signal;

/// Every mode that is proven, and every mode that cannot be told.
pub(super) fn assess(
    readings: &Readings,
    checks: &[Judged],
) -> (Vec<FailureMode>, Vec<Unassessable>) {
    let (mut proven, mut open) = (Vec::new(), Vec::new());
    for mode in Mode::all() {
        let conditions: Vec<_> =
            checks.iter().filter(|it| mode.checks.contains(&it.check.id.as_str())).collect();
        let asked: Vec<_> = conditions.iter().filter(|it| !is_absent(readings, it)).collect();
        let is_whole = asked.len() == conditions.len();
        let is_told = |it: &&&Judged| is_whole || mode.alone.contains(&it.check.id.as_str());
        if asked.is_empty() || !asked.iter().all(is_told) {
            // The service has no such thing.
        } else if asked.iter().all(|it| it.passed == Some(false)) {
            let cause = mode.has_cause.then(|| cause(readings)).flatten();
            let evidence = asked.into_iter().map(|it| evidence(it)).collect();
            proven.push(FailureMode { mode, evidence, cause });
        } else if !asked.iter().any(|it| it.passed == Some(true)) {
            let unknown = asked.iter().filter(|it| it.passed.is_none());
            let unknown = unknown.flat_map(|it| unknown_inputs(readings, it)).collect();
            open.push(Unassessable { mode, unknown });
        }
    }
    (proven, open)
}

/// Whether the configuration asks for nothing that the check observes.
fn is_absent(readings: &Readings, judged: &Judged) -> bool {
    let Observed::Signal(signal) = judged.check.observes else { return false };
    let quantity = quantity(readings, signal);
    quantity.reading.state == State::NotConfigured
        && quantity.value.exact().is_some()
        && quantity.inputs.iter().all(|it| readings.get(*it).state == State::NotConfigured)
}

fn unknown_inputs(readings: &Readings, judged: &Judged) -> Vec<Signal> {
    let Observed::Signal(signal) = judged.check.observes else { return Vec::new() };
    let inputs = quantity(readings, signal).inputs;
    let own = [signal];
    let inputs = if inputs.is_empty() { own.as_slice() } else { inputs };
    inputs.iter().copied().filter(|it| readings.get(*it).value.exact().is_none()).collect()
}

/// The evidence that a broken check gives.
pub(super) fn evidence(judged: &Judged) -> Evidence {
    let signal = match judged.check.observes {
        Observed::Signal(signal) => Some(signal),
        Observed::Query | Observed::Log | Observed::Check(_) | Observed::Score => None,
    };
    Evidence {
        signal,
        observed: judged.observed,
        limit: judged.expected.unwrap_or_default(),
        unit: signal.map_or("", Signal::unit),
        series: judged.series.clone(),
        origin: judged.check.origin.clone(),
    }
}

fn cause(readings: &Readings) -> Option<Cause> {
    let cpu = readings.get(Signal::PROCESS_CPU_CORES);
    let cores = cpu.value.exact().filter(|_| cpu.measured)?;
    Some(if cores >= Cause::CPU_BOUND_CORES {
        Cause::CpuBound
    } else if cores <= Cause::BLOCKED_CORES {
        Cause::Blocked
    } else {
        Cause::Mixed
    })
}

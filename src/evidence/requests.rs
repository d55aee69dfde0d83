//! Whether the service was asked for anything: an idle service is always calm.

use crate::config::Plan;
use crate::model::evidence::{Evidence, Rule, Scope, Shortfall};
use crate::model::quantity::{number, number_beside};
use crate::model::reading::{Reading, Readings, State};
use crate::model::signal::Signal;

/// Takes the requests from the readings, and says if they are too few.
pub(super) fn add(evidence: &mut Evidence, plan: &Plan, readings: &Readings) {
    let known = |signal| known(readings.get(signal));
    evidence.requests = known(Signal::REQUESTS_TOTAL);
    evidence.error_ratio = known(Signal::ERROR_RATIO);
    let wanted = plan.criteria.evidence.min_requests;
    // Where nothing at all was seen, the signals say so.
    let is_anything_seen = readings.iter().any(|(_, reading)| reading.measured);
    if wanted > 0.0
        && is_anything_seen
        && let Some(detail) = too_few(evidence, readings, wanted)
    {
        let scope = Scope::Everything;
        evidence.shortfalls.push(Shortfall {
            rule: Rule::MinRequests,
            scope,
            target: None,
            detail,
        });
    }
}

/// What was measured, a lower bound too: that is enough to be asked for.
fn known(reading: &Reading) -> Option<f64> {
    let is_read = reading.measured && reading.state != State::NotConfigured;
    is_read.then_some(reading.value.least).filter(|value| value.is_finite())
}

/// Why there is no latency of requests.
const fn words(state: &State) -> &'static str {
    match state {
        State::NoData => "no data",
        State::NotANumber => "NaN",
        State::Infinite => "infinite",
        State::Partial(_) => "not whole",
        State::Failed(_) => "the query failed",
        State::Ok | State::NotConfigured => "not known",
    }
}

/// Why that is less than `wanted`, if it is.
fn too_few(evidence: &Evidence, readings: &Readings, wanted: f64) -> Option<String> {
    let p99 = readings.get(Signal::P99_LATENCY);
    let failed = evidence.error_ratio.unwrap_or_default();
    let Some(requests) = evidence.requests else {
        // Who asks for more than one has a query that counts them.
        let is_served = known(p99).is_some() && wanted <= 1.0;
        if is_served && failed < 1.0 {
            return None;
        }
        if is_served {
            return Some("100% of the requests failed (error_ratio is 1)".to_owned());
        }
        return Some(format!("no request was seen (p99_latency: {})", words(&p99.state)));
    };
    if requests < wanted {
        let (requests, wanted) = number_beside(requests, wanted);
        return Some(format!("{requests} requests were seen, fewer than {wanted}"));
    }
    if requests * (1.0 - failed) < wanted {
        let (requests, wanted) = (number(requests), number(wanted));
        let percent = number((failed * 100.0).min(100.0));
        return Some(format!(
            "{percent}% of {requests} requests failed; fewer than {wanted} succeeded"
        ));
    }
    None
}

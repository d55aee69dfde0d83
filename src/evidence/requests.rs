//! Whether the service was asked for anything: an idle service is always calm.

use super::own_load::OwnLoad;
use crate::collect::Telemetry;
use crate::config::Plan;
use crate::model::evidence::{Evidence, OwnRequests, Rule, Scope, Shortfall};
use crate::model::quantity::{number, number_beside};
use crate::model::reading::{Note, Reading, Readings, State};
use crate::model::signal::Signal;

/// That what tells of requests tells of the probe's.
const OF_PROBE: &str = "no request was seen but those of the probe, which are no load; a query \
     requests_total of auditor_requests_seen_total counts those of others";

/// Takes the requests from the readings, and says if they are too few. What only tells of the requests
/// of the probe tells of none.
pub(super) fn add(
    evidence: &mut Evidence,
    plan: &Plan,
    readings: &Readings,
    telemetry: &Telemetry,
    (is_of_probe, own_load): (bool, Option<OwnLoad>),
) {
    let known = |signal| known(readings.get(signal));
    evidence.requests = known(Signal::REQUESTS_TOTAL);
    evidence.error_ratio = known(Signal::ERROR_RATIO);
    let wanted = plan.criteria.evidence.min_requests;
    // Where nothing at all was seen, the signals say so.
    let is_anything_seen = readings.iter().any(|(_, reading)| reading.measured);
    if wanted > 0.0
        && is_anything_seen
        && let Some(detail) = if is_of_probe {
            Some(OF_PROBE.to_owned())
        } else {
            let of_own = || {
                // A counter that shows nothing is missing by itself.
                let is_counted = plan.query(Signal::REQUESTS_TOTAL).is_some();
                let own = own_load.filter(|own| !is_counted || own.tells(evidence.requests))?;
                let failed = || own.all_failed(evidence.requests, evidence.error_ratio);
                own.short(evidence.requests, wanted).or_else(failed)
            };
            too_few(evidence, readings, wanted).or_else(of_own)
        }
    {
        let detail = detail + &short_load(telemetry).unwrap_or_default();
        let scope = Scope::Everything;
        evidence.shortfalls.push(Shortfall {
            rule: Rule::MinRequests,
            scope,
            target: None,
            detail,
        });
    }
}

/// That a server has hardly any sample of the command's time.
fn short_load(telemetry: &Telemetry) -> Option<String> {
    let interval = telemetry.settling.as_ref()?.interval?.as_secs_f64();
    let took = telemetry.command.as_ref()?.took.as_secs_f64();
    let (least, interval_words, took_words) =
        (number(2.0 * interval), number(interval), number(took));
    (took < 2.0 * interval).then(|| {
        format!(
            "; the command took {took_words} s where samples come every {interval_words} s: let it \
             run for {least} s or more"
        )
    })
}

/// What was measured, a lower bound too: that is enough to be asked for.
fn known(reading: &Reading) -> Option<f64> {
    let is_read = reading.measured && reading.state != State::NotConfigured;
    is_read.then_some(reading.value.least).filter(|value| value.is_finite())
}

/// Whether the latency is one of requests, and no 0 that stands for none.
fn is_of_requests(p99: &Reading) -> bool {
    let is_put_in = p99.notes.iter().any(|it| matches!(it, Note::NanAsZero | Note::NoDataAsZero));
    known(p99).is_some_and(|value| value > 0.0 || !is_put_in)
}

/// Why it is not known how many requests failed, though it was asked. A service that has never
/// failed may well have no counter of failures.
fn failures_unknown(readings: &Readings) -> Option<&'static str> {
    let reading = readings.get(Signal::ERROR_RATIO);
    let is_expected = matches!(reading.state, State::Ok | State::NoData | State::NotConfigured);
    (!is_expected && known(reading).is_none()).then(|| words(reading))
}

/// Why there is no such number.
const fn words(reading: &Reading) -> &'static str {
    match reading.state {
        State::NoData | State::NotLogged(_) => "no data",
        State::NotANumber => "NaN",
        State::Infinite => "infinite",
        State::Partial(_) => "not whole",
        State::Failed(_) => "the query failed",
        State::Ok if reading.series == 0 => "no data",
        State::Ok if reading.measured => "NaN",
        State::Ok | State::NotConfigured => "not known",
    }
}

/// That what was seen may be the requests for the page itself.
fn own_alone(requests: f64, own: f64) -> String {
    let (requests, own) = (number(requests), number(own));
    format!(
        "{requests} requests were seen, of which {own} are one more at each scrape: those for the \
         page of metrics itself, which is to be left out of what counts requests"
    )
}

/// Why that is less than `wanted`, if it is.
fn too_few(evidence: &Evidence, readings: &Readings, wanted: f64) -> Option<String> {
    let p99 = readings.get(Signal::P99_LATENCY);
    let failed = evidence.error_ratio.unwrap_or_default();
    let Some(requests) = evidence.requests else {
        // Who asks for more than one has a query that counts them.
        let is_served = is_of_requests(p99) && wanted <= 1.0;
        let OwnRequests { own, others } = evidence.own_requests;
        if is_served && own > 0.0 && others < wanted {
            return Some(own_alone(own + others, own));
        }
        if is_served && failed < 1.0 {
            return failures_unknown(readings).map(|why| {
                format!("it is not known how many requests failed (error_ratio: {why})")
            });
        }
        if is_served {
            return Some("100% of the requests failed (error_ratio is 1)".to_owned());
        }
        return Some(format!("no request was seen (p99_latency: {})", words(p99)));
    };
    let OwnRequests { own, .. } = evidence.own_requests;
    if own > 0.0 && requests >= wanted && requests - own < wanted {
        return Some(own_alone(requests, own));
    }
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
    failures_unknown(readings).map(|why| {
        let requests = number(requests);
        format!("it is not known how many of {requests} requests failed (error_ratio: {why})")
    })
}

//! Findings in words: the sentences of schema 1.

use crate::model::built_in::{HIDDEN_LAG, LOAD_WARNING};
use crate::model::finding::{Evidence, Finding, LATE_SCRAPE};
use crate::model::interval::Interval;
use crate::model::quantity::{beside, series};

/// The finding as one sentence, the decisive number beside its limit. `violation` says what a
/// check of the configuration's own found.
pub(super) fn sentence(finding: &Finding, violation: Option<String>) -> String {
    if let Some(detail) = &finding.detail {
        return detail.clone();
    }
    let [what, over] = match finding.check.as_str() {
        "event_loop_lag" => ["The event loop runs late by up to", ", over its limit of"],
        "blocking_duration_avg" => {
            ["Synchronous calls block the loop for", " on average, over the limit of"]
        }
        LOAD_WARNING => ["Requests in flight peak at", ", above the warning level of"],
        "threadpool_backlog" => ["The thread pool has a backlog of", ", over its limit of"],
        "threadpool_queue_wait" => {
            ["Tasks wait for a thread of the pool for", " on average, over the limit of"]
        }
        LATE_SCRAPE => ["The service was late to show its metrics:", ", over the loop's limit of"],
        HIDDEN_LAG => return hidden(finding),
        _ => return own(finding, violation),
    };
    finding.evidence.first().map(|it| over_limit(it, what, over)).unwrap_or_default()
}

fn over_limit(evidence: &Evidence, what: &str, over: &str) -> String {
    let (value, limit) = beside(evidence.observed, evidence.limit, evidence.unit);
    let series = evidence.series.as_ref().map(series).unwrap_or_default();
    // "at least" is in the value.
    let is_exact = evidence.observed.exact().is_some();
    let what = if is_exact { what } else { what.trim_end_matches(" up to") };
    format!("{what} {value}{over} {limit}{series}.")
}

/// Latency that looks fine only because the requests that suffer are not in it.
fn hidden(finding: &Finding) -> String {
    let [lag, p99] = finding.evidence.as_slice() else { return String::new() };
    let (lag, _) = beside(lag.observed, lag.limit, lag.unit);
    let good = Interval::exactly(p99.observed.most);
    let (p99, limit) = beside(good, p99.limit, p99.unit);
    format!("Request latency hides it: p99 is {p99} (below {limit}) while the loop lags by {lag}.")
}

fn own(finding: &Finding, violation: Option<String>) -> String {
    let violation = violation.unwrap_or_else(|| finding.check.clone());
    let labels = finding.evidence.first().and_then(|it| it.series.as_ref());
    let series = labels.map(series).unwrap_or_default();
    format!("The check `{}` found {violation}{series}.", finding.check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::Severity;

    #[test]
    fn a_lower_bound_is_no_upper_one() {
        let sentence_of = |observed| {
            let (unit, limit) = ("s", 0.5);
            let evidence =
                vec![Evidence { signal: None, observed, limit, unit, series: None, origin: None }];
            let (check, severity) = ("event_loop_lag".to_owned(), Severity::Critical);
            sentence(&Finding { check, severity, evidence, detail: None }, None)
        };
        for (observed, value) in [
            (Interval::exactly(0.9), "up to 0.9"),
            (Interval { least: 0.9, most: f64::INFINITY }, "at least 0.9"),
        ] {
            let words = format!("The event loop runs late by {value} s, over its limit of 0.5 s.");
            assert_eq!(sentence_of(observed), words);
        }
    }
}

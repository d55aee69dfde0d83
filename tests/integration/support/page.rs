//! A small page of metrics, and a configuration that asks for all of it.

use super::fake::Response;

pub(crate) const CONFIG: &str = "
queries:
  p99_latency: latency_seconds
  event_loop_lag: max_over_time(lag_seconds[$window])
  peak_active_requests: max_over_time(active[$window])
";

/// The page of a calm service. It has no counters, so nobody asks who shows it: the n-th request is
/// the n-th scrape.
pub(crate) const CALM: &str = "latency_seconds 0.1\nlag_seconds 0.01\nactive 3\n";

/// The page of a service whose loop lags by so many seconds.
pub(crate) fn page(lag: f64) -> String {
    CALM.replace("0.01", &lag.to_string())
}

/// The same as an answer.
pub(crate) fn metrics(lag: f64) -> Response {
    let kind: &dyn std::fmt::Display = &"text/plain; version=0.0.4";
    Response::with_headers(200, &[("Content-Type", kind)], page(lag))
}

//! What the watcher's own process shows at `/metrics`.

use crate::outside::host;
use crate::render::watch::{Metric, MetricKind};
use crate::serve::Counters;

/// The metrics of the process and of its HTTP server.
pub(super) fn metrics(counters: &Counters) -> Vec<Metric<'static>> {
    let (cpu, memory) = host::own().map_or((f64::NAN, f64::NAN), |(cpu, it)| (cpu, it as f64));
    let single =
        |name, help, kind, value| Metric { name, help, kind, samples: vec![(Vec::new(), value)] };
    let by_code = |(code, count): (&'static str, u64)| (vec![("code", code)], count as f64);
    vec![
        Metric {
            name: "auditor_http_requests_total",
            help: "Requests that were answered, by the class of their status.",
            kind: MetricKind::Counter,
            samples: counters.requests().into_iter().map(by_code).collect(),
        },
        single(
            "auditor_http_connections",
            "Connections that are open.",
            MetricKind::Gauge,
            counters.connections_open() as f64,
        ),
        single(
            "auditor_http_connections_refused_total",
            "Connections that were turned away because there were too many.",
            MetricKind::Counter,
            counters.connections_refused_total() as f64,
        ),
        single(
            "auditor_http_slow_connections_closed_total",
            "Connections that were closed because their client was too slow.",
            MetricKind::Counter,
            counters.slow_connections_closed_total() as f64,
        ),
        single(
            "process_cpu_seconds_total",
            "CPU time that the watcher has used.",
            MetricKind::Counter,
            cpu,
        ),
        single(
            "process_resident_memory_bytes",
            "Memory that the watcher has in use.",
            MetricKind::Gauge,
            memory,
        ),
    ]
}

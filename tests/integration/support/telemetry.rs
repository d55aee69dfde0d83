//! The telemetry of made-up services, under the metric names of `default_metrics.yaml`.

use std::fmt::Write as _;

/// Seconds between two scrapes.
const STEP: i64 = 15;

/// One instance of a service that behaves the same all the time.
#[derive(Clone, Copy)]
pub(crate) struct Instance {
    pub(crate) job: &'static str,
    pub(crate) instance: &'static str,
    /// Event loop lag, seconds.
    pub(crate) lag: f64,
    /// Mean blocking time, seconds; without any there are no blocking events either.
    pub(crate) blocking: f64,
    pub(crate) active: f64,
    /// Mean queue wait, seconds.
    pub(crate) wait: f64,
    /// Tasks started and not completed.
    pub(crate) backlog: f64,
}

pub(crate) const CALM: Instance = Instance {
    job: "calm",
    instance: "calm-a:8000",
    lag: 0.004,
    blocking: 0.0,
    active: 7.0,
    wait: 0.002,
    backlog: 1.0,
};

/// A calm service, one with a sick instance, and one whose pool is saturated.
pub(crate) const FLEET: [Instance; 4] = [
    CALM,
    Instance { job: "half-sick", instance: "well:8000", ..CALM },
    Instance { job: "half-sick", instance: "sick:8000", lag: 1.35, blocking: 1.2, ..CALM },
    Instance {
        job: "pool",
        instance: "pool-a:8000",
        wait: 2.75,
        backlog: 70.0,
        active: 80.0,
        ..CALM
    },
];

/// How timestamps are written.
#[derive(Clone, Copy)]
pub(crate) enum Format {
    /// Seconds, with the end mark that promtool asks for.
    OpenMetrics,
    /// Milliseconds.
    Prometheus,
}

/// The telemetry of `instances` from `start` to `end`, Unix seconds.
pub(crate) fn text(instances: &[Instance], start: i64, end: i64, format: Format) -> String {
    let mut out = String::new();
    for instance in instances {
        for time in (start..=end).step_by(STEP as usize) {
            let scrapes = (time - start) / STEP + 1;
            for (name, value) in instance.scrape(scrapes as f64) {
                let (name, more) = name.split_once('|').unwrap_or((name, ""));
                let stamp = match format {
                    Format::OpenMetrics => time,
                    Format::Prometheus => time * 1000,
                };
                let Instance { job, instance, .. } = instance;
                writeln!(
                    out,
                    "{name}{{job=\"{job}\",instance=\"{instance}\"{more}}} {value} {stamp}"
                )
                .expect("memory");
            }
        }
    }
    if matches!(format, Format::OpenMetrics) {
        out.push_str("# EOF\n");
    }
    out
}

impl Instance {
    /// Every sample of the scrape with that number.
    pub(crate) fn scrape(&self, n: f64) -> Vec<(&'static str, f64)> {
        let events = if self.blocking > 0.0 { n } else { 0.0 };
        vec![
            ("http_request_duration_seconds_bucket|,le=\"0.1\"", n * 995.0),
            ("http_request_duration_seconds_bucket|,le=\"1\"", n * 1000.0),
            ("http_request_duration_seconds_bucket|,le=\"+Inf\"", n * 1000.0),
            ("asyncio_event_loop_lag_seconds", self.lag),
            ("blocking_events_total", events),
            ("blocking_duration_seconds_sum", events * self.blocking),
            ("blocking_duration_seconds_count", events),
            ("active_requests", self.active),
            ("threadpool_queue_wait_seconds_sum", n * 10.0 * self.wait),
            ("threadpool_queue_wait_seconds_count", n * 10.0),
            ("threadpool_tasks_started_total", n * 10.0 + self.backlog),
            ("threadpool_tasks_completed_total", n * 10.0),
        ]
    }
}

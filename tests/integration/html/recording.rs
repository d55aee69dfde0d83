//! Recordings of a minute in the life of a service, a scrape a second.

use std::fmt::Write as _;

use crate::support::directory_with;

pub(super) const START: i64 = 1_700_000_000;
pub(super) const SECONDS: i64 = 60;

/// What a service shows in one second.
#[derive(Clone, Copy)]
pub(super) struct Second {
    pub(super) lag: f64,
    pub(super) active: f64,
    pub(super) started: f64,
    pub(super) completed: f64,
}

pub(super) const CALM: Second = Second { lag: 0.004, active: 3.0, started: 5.0, completed: 5.0 };

pub(super) const CONFIG: &str = "\
queries:
  p99_latency: max_over_time(latency_seconds[$window])
  event_loop_lag: max_over_time(lag_seconds[$window])
  blocking_duration_avg: rate(blocked_seconds_sum[$window]) / rate(blocked_seconds_count[$window])
  peak_active_requests: active_requests
  threadpool_tasks_started: started_total
  threadpool_tasks_completed: completed_total
checks:
  errors: {query: 'errors_total', on_no_data: zero, max: 5}
evidence: {min_requests: 0}
";

/// The recording in OpenMetrics; `None` for a second in which nothing was scraped.
pub(super) fn recording(second: impl Fn(i64) -> Option<Second>) -> String {
    let mut lines = Vec::new();
    for at in 0..=SECONDS {
        let Some(it) = second(at) else { continue };
        let served = at as f64;
        for (name, value) in [
            ("active_requests", it.active),
            ("blocked_seconds_count", served),
            ("blocked_seconds_sum", served * 0.01),
            ("completed_total", it.completed),
            ("lag_seconds", it.lag),
            ("latency_seconds", 0.05),
            ("started_total", it.started),
            ("up", 1.0),
        ] {
            let time = START + at;
            lines.push(format!("{name}{{instance=\"shop:8000\",job=\"shop\"}} {value} {time}"));
        }
    }
    // OpenMetrics keeps the samples of a metric together.
    lines.sort_by_key(|line| line.split('{').next().map(str::to_owned));
    let mut text = lines.join("\n");
    writeln!(text, "\n# EOF").unwrap();
    text
}

/// A directory with that recording, `run.om`, and a configuration.
pub(super) fn directory(config: &str, recording: &str) -> tempfile::TempDir {
    let directory = directory_with(config);
    std::fs::write(directory.path().join("run.om"), recording).unwrap();
    directory
}

/// Several recordings in one; OpenMetrics keeps the samples of a metric together.
pub(super) fn together(recordings: &[&str]) -> String {
    let lines = recordings.iter().flat_map(|it| it.lines()).filter(|line| *line != "# EOF");
    let mut lines: Vec<_> = lines.collect();
    lines.sort_by_key(|line| line.split('{').next());
    lines.join("\n") + "\n# EOF\n"
}

/// A target that is scraped at `instants`, seconds after the start, with one metric beside `up`.
pub(super) fn target(
    name: &str,
    metric: &str,
    instants: impl Iterator<Item = i64>,
    value: impl Fn(i64) -> f64,
) -> String {
    let labels = format!("{{instance=\"{name}:1\",job=\"{name}\"}}");
    let (mut ups, mut values) = (String::new(), String::new());
    for at in instants {
        let (time, value) = (START + at, value(at));
        writeln!(ups, "up{labels} 1 {time}").unwrap();
        writeln!(values, "{metric}{labels} {value} {time}").unwrap();
    }
    format!("{values}{ups}# EOF\n")
}

//! The telemetry of a service that asks for evidence: what each of its scrapes brought, whole and
//! calm or whole and sick, and how to spoil it. It is written down for each kind of source.
//!
//! A scrape is told by its number, 0 first; a series by its name and labels, as on the page.

#![allow(dead_code, reason = "each theme uses a part of this")]

use std::fmt::Write as _;
use std::ops::RangeBounds;

use super::source::Source;

/// How many scrapes there are.
pub(crate) const SCRAPES: usize = 20;
/// The first scrape that shows the sickness, if there is one.
pub(crate) const SICK_FROM: usize = 6;

pub(crate) const LAG: &str = "asyncio_event_loop_lag_seconds";
pub(crate) const ACTIVE: &str = "active_requests";
pub(crate) const BLOCKED: &str = "blocking_duration_seconds";
pub(crate) const WAIT: &str = "threadpool_queue_wait_seconds";
pub(crate) const REQUESTS: &str = "http_request_duration_seconds";
pub(crate) const STARTED: &str = "threadpool_tasks_started_total";
pub(crate) const START_TIME: &str = "process_start_time_seconds";
pub(crate) const CPU: &str = "process_cpu_seconds_total";

/// What one or more targets showed.
#[derive(Debug, Clone)]
pub(crate) struct Telemetry {
    pub(crate) source: Source,
    pub(crate) targets: Vec<Target>,
}

/// What one target showed.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Without `job` in the live source, which gives its own labels; empty for none.
    pub(crate) instance: String,
    pub(crate) job: &'static str,
    pub(crate) scrapes: Vec<Scrape>,
}

/// One scrape.
#[derive(Debug, Clone)]
pub(crate) struct Scrape {
    /// When, milliseconds.
    pub(crate) at: i64,
    /// `None` where nothing says whether it succeeded. Only a recording can lack it.
    pub(crate) up: Option<f64>,
    pub(crate) page: Page,
}

/// The samples of a page, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) samples: Vec<(String, f64)>,
    /// Comments, as lines.
    pub(crate) comments: String,
}

/// How a service fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fares {
    Well,
    /// Its loop is blocked now and then, from [`SICK_FROM`] on.
    Ill,
}

impl Telemetry {
    /// One target that fares like this all the time, and misses nothing.
    pub(crate) fn whole(source: Source, fares: Fares) -> Self {
        let (start, step) = source.start_and_step();
        let scrape = |n: usize| Scrape {
            at: start + n as i64 * step,
            up: (source != Source::Bare).then_some(1.0),
            page: Page::of_default_queries(n, fares, start),
        };
        let instance = "a:8000".to_owned();
        let target = Target { instance, job: "api", scrapes: (0..SCRAPES).map(scrape).collect() };
        Self { source, targets: vec![target] }
    }

    /// The first target, which is the only one unless others were added.
    pub(crate) fn first(&mut self) -> &mut Target {
        &mut self.targets[0]
    }

    /// Adds a target that shows what the first one does so far.
    pub(crate) fn add(&mut self, instance: &str) -> &mut Target {
        let added = Target { instance: instance.to_owned(), ..self.targets[0].clone() };
        self.targets.push(added);
        self.targets.last_mut().unwrap()
    }

    /// The Unix time of a scrape, seconds; the number may lie beyond the scrapes.
    pub(crate) fn seconds(&self, scrape: f64) -> f64 {
        let (_, step) = self.source.start_and_step();
        (self.targets[0].scrapes[0].at as f64 + scrape * step as f64) / 1000.0
    }

    /// Changes each of these pages of the first target; it is given the number of the scrape.
    pub(crate) fn each(
        &mut self,
        scrapes: impl RangeBounds<usize>,
        mut change: impl FnMut(usize, &mut Page),
    ) {
        for (n, scrape) in self.targets[0].scrapes.iter_mut().enumerate() {
            if scrapes.contains(&n) {
                change(n, &mut scrape.page);
            }
        }
    }

    /// Takes away the series of that name from these pages.
    pub(crate) fn without(&mut self, scrapes: impl RangeBounds<usize>, name: &str) {
        self.each(scrapes, |_, page| page.remove(name));
    }

    /// Gives the series this value in these pages.
    pub(crate) fn set(&mut self, scrapes: impl RangeBounds<usize>, series: &str, value: f64) {
        self.each(scrapes, |_, page| page.set(series, value));
    }

    /// Leaves nothing of these pages.
    pub(crate) fn blank(&mut self, scrapes: impl RangeBounds<usize>) {
        self.each(scrapes, |_, page| *page = Page::default());
    }

    /// As a recording in OpenMetrics.
    pub(crate) fn recording(&self) -> String {
        let mut lines = Vec::new();
        for Target { instance, job, scrapes } in &self.targets {
            let own = match instance.as_str() {
                "" => String::new(),
                instance => format!("instance=\"{instance}\",job=\"{job}\""),
            };
            for scrape in scrapes {
                let up = scrape.up.map(|up| ("up".to_owned(), up));
                let is_there = scrape.up.is_none_or(|up| up == 1.0);
                let samples = scrape.page.samples.iter().filter(|_| is_there).cloned();
                for (series, value) in up.into_iter().chain(samples) {
                    let (name, labels) = split(&series);
                    let comma = if labels.is_empty() || own.is_empty() { "" } else { "," };
                    let at = scrape.at as f64 / 1000.0;
                    let value = number(value);
                    lines.push(format!("{name}{{{own}{comma}{labels}}} {value} {at:.3}"));
                }
            }
        }
        // OpenMetrics keeps the samples of a metric together.
        lines.sort_by(|a, b| a.split('{').next().cmp(&b.split('{').next()));
        lines.join("\n") + "\n# EOF\n"
    }
}

impl Target {
    /// Keeps these scrapes alone.
    pub(crate) fn keep(&mut self, scrapes: impl RangeBounds<usize>) {
        let mut n = 0..;
        self.scrapes.retain(|_| scrapes.contains(&n.next().unwrap()));
    }

    /// These scrapes fail.
    pub(crate) fn fail(&mut self, scrapes: impl RangeBounds<usize>) {
        let numbered = self.scrapes.iter_mut().enumerate();
        numbered.filter(|(n, _)| scrapes.contains(n)).for_each(|(_, it)| it.up = Some(0.0));
    }
}

impl Page {
    /// What `default_metrics.yaml` asks for, and what else a Python service shows. Ten requests are
    /// answered from one scrape to the next, and two tasks go through the pool.
    fn of_default_queries(n: usize, fares: Fares, start: i64) -> Self {
        let is_ill = fares == Fares::Ill && n >= SICK_FROM;
        let (scrapes, lag) = (n as f64 + 1.0, if is_ill { 1.4 } else { 0.004 });
        let blocks = if is_ill { (n - SICK_FROM + 1) as f64 } else { 0.0 };
        let mut page = Self::default();
        let bucket = |name: &str, le: &str| format!("{name}_bucket{{le=\"{le}\"}}");
        for (le, part) in [("0.1", 9.0), ("1.0", 10.0), ("+Inf", 10.0)] {
            page.set(&bucket(REQUESTS, le), scrapes * part);
        }
        page.set(&format!("{REQUESTS}_sum"), scrapes * 0.5);
        page.set(&format!("{REQUESTS}_count"), scrapes * 10.0);
        page.set(LAG, lag);
        page.set("blocking_events_total", blocks);
        page.set(&format!("{BLOCKED}_sum"), blocks * 1.3);
        page.set(&format!("{BLOCKED}_count"), blocks);
        page.set(ACTIVE, 3.0);
        page.set(&format!("{WAIT}_sum"), scrapes * 0.002);
        page.set(&format!("{WAIT}_count"), scrapes * 2.0);
        page.set(STARTED, scrapes * 2.0 + 1.0);
        page.set("threadpool_tasks_completed_total", scrapes * 2.0);
        page.set(START_TIME, start as f64 / 1000.0 - 20.25);
        page.set(CPU, 1.5 + scrapes * 0.05);
        page.set("python_gc_collections_total{generation=\"0\"}", 90.0 + scrapes);
        page.set("process_open_fds", 11.0);
        page
    }

    /// Gives a series this value, behind all others if it is new.
    pub(crate) fn set(&mut self, series: &str, value: f64) {
        match self.samples.iter_mut().find(|(name, _)| name == series) {
            Some((_, old)) => *old = value,
            None => self.samples.push((series.to_owned(), value)),
        }
    }

    /// The value of a series.
    pub(crate) fn get(&self, series: &str) -> f64 {
        let found = self.samples.iter().find(|(name, _)| name == series);
        found.unwrap_or_else(|| panic!("no {series}")).1
    }

    /// Takes away the series of a name, or of a histogram.
    pub(crate) fn remove(&mut self, name: &str) {
        let is_of = |series: &str| {
            let (of, labels) = split(series);
            let parts = ["", "_bucket", "_sum", "_count"].map(|part| format!("{name}{part}"));
            parts.iter().any(|part| part == of) || format!("{of}{{{labels}}}") == name
        };
        self.samples.retain(|(series, _)| !is_of(series));
    }

    /// In the Prometheus text format, as a service shows it. What is blank has a newline: nothing
    /// at all is a page that failed.
    pub(crate) fn text(&self) -> String {
        let mut text = self.comments.clone();
        for (series, value) in &self.samples {
            writeln!(text, "{series} {}", number(*value)).unwrap();
        }
        if text.is_empty() { "\n".to_owned() } else { text }
    }
}

/// The name of a series, and what stands between the braces.
fn split(series: &str) -> (&str, &str) {
    series
        .split_once('{')
        .map_or((series, ""), |(name, labels)| (name, labels.trim_end_matches('}')))
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

//! A fleet of made-up services under a load that rises and falls, scraped each second, as a
//! recording of it would be. The same at every run.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use auditor::exposition;
use auditor::storage::{Labels, METRIC_NAME, Point, Storage};

/// When the first second begins, in milliseconds: all of it fits into one block of Prometheus.
const START: i64 = 1_700_000_000_000;
const SECONDS: u64 = 900;
/// The end of the last second. No sample lies at the edge of a window that ends here.
pub(crate) const END: i64 = START + SECONDS as i64 * 1000;

const INSTANCES: u64 = 115;
const HANDLERS: [&str; 5] = ["/api/orders", "/api/orders/{id}", "/api/users", "/health", "/login"];
const BUCKET: &str = "http_request_duration_seconds_bucket";
const COUNT: &str = "http_request_duration_seconds_count";
const BOUNDS: [&str; 14] = [
    "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0",
    "10.0", "+Inf",
];
const OTHERS: [&str; 12] = [
    "active_requests",
    "asyncio_event_loop_lag_seconds",
    "blocking_duration_seconds_count",
    "blocking_duration_seconds_sum",
    "blocking_events_total",
    "http_request_failures_total",
    "scrape_duration_seconds",
    "threadpool_queue_wait_seconds_count",
    "threadpool_queue_wait_seconds_sum",
    "threadpool_tasks_completed_total",
    "threadpool_tasks_started_total",
    "up",
];

/// How much was written.
pub(crate) struct Written {
    pub(crate) series: usize,
    pub(crate) samples: u64,
    pub(crate) bytes: u64,
}

/// Writes the recording, series by series, so that this process stays a small one.
pub(crate) fn write(path: &Path) -> Written {
    let mut all: Vec<_> = (0..INSTANCES).flat_map(series_of).collect();
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    let mut out = BufWriter::new(File::create(path).unwrap());
    let mut text = Vec::new();
    for series in &all {
        text.clear();
        exposition::write(&series.storage(), &mut text).unwrap();
        out.write_all(text.strip_suffix(b"# EOF\n").unwrap()).unwrap();
    }
    out.write_all(b"# EOF\n").unwrap();
    let bytes = out.into_inner().unwrap().metadata().unwrap().len();
    Written { series: all.len(), samples: all.len() as u64 * SECONDS, bytes }
}

struct Series {
    labels: Labels,
    name: &'static str,
    instance: u64,
    /// The place of its handler, and its bound, of a bucket; the count has all of them.
    handler: u64,
    bound: f64,
}

fn series_of(instance: u64) -> impl Iterator<Item = Series> {
    let address = format!("10.0.{}.{}:8000", instance / 50, instance % 50 + 10);
    let labels = move |name: &str| -> Labels {
        let pairs = [(METRIC_NAME, name), ("instance", address.as_str()), ("job", "api")];
        pairs.into_iter().collect()
    };
    let mut all: Vec<_> = OTHERS
        .into_iter()
        .map(|name| Series { labels: labels(name), name, instance, handler: 0, bound: 0.0 })
        .collect();
    for (handler, path) in (0..).zip(HANDLERS) {
        let mut count = labels(COUNT);
        count.set("handler", path);
        all.push(Series { labels: count, name: COUNT, instance, handler, bound: f64::INFINITY });
        for le in BOUNDS {
            let mut labels = labels(BUCKET);
            labels.set("handler", path);
            labels.set("le", le);
            let bound = le.parse().unwrap();
            all.push(Series { labels, name: BUCKET, instance, handler, bound });
        }
    }
    all.into_iter()
}

impl Series {
    fn storage(&self) -> Storage {
        let mut storage = Storage::default();
        let id = storage.series(self.labels.clone());
        let mut value = self.before();
        for second in 0..SECONDS {
            value = self.next(value, second);
            storage.push(id, Point { at: self.at(second), value }).unwrap();
        }
        storage
    }

    /// Each target has its place within the second, and is never quite on time.
    fn at(&self, second: u64) -> i64 {
        let (place, late) = (self.random(1, 0) * 800.0, self.random(2, second) * 5.0);
        START + second as i64 * 1000 + 100 + (place + late) as i64
    }

    /// Counters were running for a while.
    fn before(&self) -> f64 {
        match self.name {
            BUCKET | COUNT => (100_000.0 * share(self.bound, 0.5)).floor(),
            name if name.ends_with("_sum") => 123.456_789,
            _ => 10_000.0,
        }
    }

    fn next(&self, before: f64, second: u64) -> f64 {
        let load = (second as f64 / SECONDS as f64 * std::f64::consts::PI).sin();
        // What belongs together is drawn by the same number.
        let tasks = |second| (self.random(3, second) * 8.0 * load).floor();
        let blocked = f64::from(u8::from(self.random(4, second) < 0.3 * load));
        match self.name {
            BUCKET | COUNT => {
                let most = 40.0 / (1 + self.handler * 4) as f64;
                let requests = (self.random(5 + self.handler, second) * most * load).floor();
                before + (requests * share(self.bound, load)).floor()
            }
            "active_requests" => (self.random(10, second) * 60.0 * load).floor(),
            "asyncio_event_loop_lag_seconds" => self.random(11, second) * (0.001 + 0.02 * load),
            "blocking_duration_seconds_sum" => {
                before + blocked * (0.05 + self.random(12, second) * 0.1)
            }
            "blocking_duration_seconds_count" | "blocking_events_total" => before + blocked,
            "http_request_failures_total" => {
                before + f64::from(u8::from(self.random(15, second) < 0.1 * load))
            }
            "scrape_duration_seconds" => 0.004 + self.random(13, second) * 0.004,
            "threadpool_queue_wait_seconds_sum" => {
                before + tasks(second) * self.random(14, second) * 0.01
            }
            "threadpool_queue_wait_seconds_count" | "threadpool_tasks_started_total" => {
                before + tasks(second)
            }
            "threadpool_tasks_completed_total" => before + second.checked_sub(1).map_or(0.0, tasks),
            "up" => 1.0,
            name => unreachable!("{name}"),
        }
    }

    /// A number from 0 to below 1 that looks random, but follows from the instance, the purpose
    /// and the second (SplitMix64).
    fn random(&self, purpose: u64, second: u64) -> f64 {
        let mut bits = self.instance << 32 | purpose << 16 | second;
        bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The share of requests that take no longer than so many seconds.
fn share(bound: f64, load: f64) -> f64 {
    1.0 - (-bound / (0.02 + 0.1 * load)).exp()
}

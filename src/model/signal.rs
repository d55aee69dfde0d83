//! The runtime signals that an audit reads: a table, a row each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is fixed about a runtime signal. A new signal is a new row of [`SIGNALS`].
#[derive(Debug)]
pub struct SignalDef {
    /// What stands under `queries:` in `metrics.yaml`, and in the report.
    pub key: &'static str,
    /// The unit that its query has to return; seconds are `s`.
    pub unit: &'static str,
    /// What it measures, in a few words.
    pub description: &'static str,
    /// Whether what its query selects has to be there: a lag that no worker exports is not calm.
    pub has_to_be_there: bool,
    /// How several series become one unless the configuration says otherwise.
    pub reduce: Reduce,
    /// What `NaN` stands for unless the configuration says otherwise.
    pub on_nan: OnMissing,
}

/// Every signal, in the order of the report.
pub const SIGNALS: [SignalDef; 12] = [
    needed("p99_latency", "s", "99th percentile of request latency"),
    needed("event_loop_lag", "s", "how late the event loop runs its callbacks"),
    count("blocking_events_total", "events", "how often synchronous code blocked the loop"),
    SignalDef {
        on_nan: OnMissing::Zero,
        ..needed("blocking_duration_avg", "s", "mean time a synchronous call blocks the loop")
    },
    needed("peak_active_requests", "requests", "peak of the requests in flight"),
    SignalDef {
        on_nan: OnMissing::Zero,
        ..optional("threadpool_queue_wait", "s", "mean time a task waits for a thread")
    },
    count("threadpool_tasks_started", "tasks", "tasks handed to the thread pool"),
    count("threadpool_tasks_completed", "tasks", "tasks that the thread pool has finished"),
    optional("threadpool_backlog", "tasks", "tasks that wait in the pool"),
    optional("process_cpu_cores", "cores", "CPU used by the process"),
    count("requests_total", "requests", "requests that were served"),
    optional("error_ratio", "ratio", "the part of them that failed, 0 to 1"),
];

const fn optional(key: &'static str, unit: &'static str, description: &'static str) -> SignalDef {
    SignalDef {
        key,
        unit,
        description,
        has_to_be_there: false,
        reduce: Reduce::Max,
        on_nan: OnMissing::Inconclusive,
    }
}

const fn needed(key: &'static str, unit: &'static str, description: &'static str) -> SignalDef {
    SignalDef { has_to_be_there: true, ..optional(key, unit, description) }
}

const fn count(key: &'static str, unit: &'static str, description: &'static str) -> SignalDef {
    SignalDef { reduce: Reduce::Sum, ..optional(key, unit, description) }
}

/// A runtime signal: a row of [`SIGNALS`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(usize);

/// How the values of several series become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reduce {
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The sum of the values.
    Sum,
    /// The arithmetic mean of the values.
    Avg,
}

/// What an empty or `NaN` answer stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// The signal is unknown.
    Inconclusive,
    /// Nothing happened: the signal is 0.
    Zero,
}

impl Signal {
    /// 99th percentile of request latency.
    pub const P99_LATENCY: Self = Self::named("p99_latency");
    /// How late the event loop runs its callbacks.
    pub const EVENT_LOOP_LAG: Self = Self::named("event_loop_lag");
    /// How often synchronous code blocked the loop.
    pub const BLOCKING_EVENTS_TOTAL: Self = Self::named("blocking_events_total");
    /// Mean time for which such a call blocked the loop: a sum over a count. One that did not
    /// move is 0/0, and nothing happened in the window.
    pub const BLOCKING_DURATION_AVG: Self = Self::named("blocking_duration_avg");
    /// Peak of the requests in flight.
    pub const PEAK_ACTIVE_REQUESTS: Self = Self::named("peak_active_requests");
    /// Mean time a task waited for a thread of the pool; of `NaN` the same holds.
    pub const THREADPOOL_QUEUE_WAIT: Self = Self::named("threadpool_queue_wait");
    /// Tasks handed to the thread pool.
    pub const THREADPOOL_TASKS_STARTED: Self = Self::named("threadpool_tasks_started");
    /// Tasks the thread pool has finished.
    pub const THREADPOOL_TASKS_COMPLETED: Self = Self::named("threadpool_tasks_completed");
    /// Tasks waiting in the pool; replaces started − completed where given.
    pub const THREADPOOL_BACKLOG: Self = Self::named("threadpool_backlog");
    /// CPU used by the process.
    pub const PROCESS_CPU_CORES: Self = Self::named("process_cpu_cores");
    /// Requests served while it was watched: an idle service is always calm.
    pub const REQUESTS_TOTAL: Self = Self::named("requests_total");
    /// The part of them that failed.
    pub const ERROR_RATIO: Self = Self::named("error_ratio");

    /// Those that see whether the event loop is held up; one of them is needed.
    pub const OF_THE_LOOP: [Self; 2] = [Self::EVENT_LOOP_LAG, Self::BLOCKING_DURATION_AVG];

    /// Every signal, in the order of the report.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + Clone {
        (0..SIGNALS.len()).map(Self)
    }

    /// The signal with that key, for constants: a key that is in no row does not compile.
    const fn named(key: &str) -> Self {
        let mut row = 0;
        while !is_same(SIGNALS[row].key.as_bytes(), key.as_bytes()) {
            row += 1;
        }
        Self(row)
    }

    /// The signal with that key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::all().find(|signal| signal.key() == key)
    }

    /// What is fixed about it.
    pub const fn def(self) -> &'static SignalDef {
        const TABLE: &[SignalDef] = &SIGNALS;
        // Proof: every constructor takes the number of a row.
        &TABLE[self.0]
    }

    /// The number of its row.
    pub const fn index(self) -> usize {
        self.0
    }

    /// The key under `queries:` and in the report.
    pub const fn key(self) -> &'static str {
        self.def().key
    }

    /// The unit its query has to return; seconds are `s`.
    pub const fn unit(self) -> &'static str {
        self.def().unit
    }
}

/// Equality of bytes, as constants may use it.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl Reduce {
    /// Every reduction, as the configuration spells it.
    pub const ALL: [(&'static str, Self); 4] =
        [("max", Self::Max), ("min", Self::Min), ("sum", Self::Sum), ("avg", Self::Avg)];
}

impl OnMissing {
    /// Every choice, as the configuration spells it.
    pub const ALL: [(&'static str, Self); 2] =
        [("inconclusive", Self::Inconclusive), ("zero", Self::Zero)];
}

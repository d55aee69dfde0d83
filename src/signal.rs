//! The runtime signals an audit reads, and what is fixed about each of them.

use serde::Serialize;

/// A runtime signal; its key is what stands under `queries:` in `metrics.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// 99th percentile of request latency, seconds.
    P99Latency,
    /// How late the event loop runs its callbacks, seconds.
    EventLoopLag,
    /// Number of times the loop was blocked by synchronous code.
    BlockingEventsTotal,
    /// Mean time for which such a call blocked the loop, seconds.
    BlockingDurationAvg,
    /// Peak of the requests in flight.
    PeakActiveRequests,
    /// Mean time a task waited for a thread of the pool, seconds.
    ThreadpoolQueueWait,
    /// Tasks handed to the thread pool.
    ThreadpoolTasksStarted,
    /// Tasks the thread pool has finished.
    ThreadpoolTasksCompleted,
    /// Tasks waiting in the pool; replaces started − completed where given.
    ThreadpoolBacklog,
    /// CPU used by the process, cores.
    ProcessCpuCores,
}

/// How the values of several series become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// Every signal, in the order of the report.
    pub const ALL: [Self; 10] = [
        Self::P99Latency,
        Self::EventLoopLag,
        Self::BlockingEventsTotal,
        Self::BlockingDurationAvg,
        Self::PeakActiveRequests,
        Self::ThreadpoolQueueWait,
        Self::ThreadpoolTasksStarted,
        Self::ThreadpoolTasksCompleted,
        Self::ThreadpoolBacklog,
        Self::ProcessCpuCores,
    ];

    /// The key under `queries:` and in the report.
    pub const fn key(self) -> &'static str {
        match self {
            Self::P99Latency => "p99_latency",
            Self::EventLoopLag => "event_loop_lag",
            Self::BlockingEventsTotal => "blocking_events_total",
            Self::BlockingDurationAvg => "blocking_duration_avg",
            Self::PeakActiveRequests => "peak_active_requests",
            Self::ThreadpoolQueueWait => "threadpool_queue_wait",
            Self::ThreadpoolTasksStarted => "threadpool_tasks_started",
            Self::ThreadpoolTasksCompleted => "threadpool_tasks_completed",
            Self::ThreadpoolBacklog => "threadpool_backlog",
            Self::ProcessCpuCores => "process_cpu_cores",
        }
    }

    /// The signal with that key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.key() == key)
    }

    /// The unit its query has to return; seconds are `s`.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::P99Latency
            | Self::EventLoopLag
            | Self::BlockingDurationAvg
            | Self::ThreadpoolQueueWait => "s",
            Self::BlockingEventsTotal => "events",
            Self::PeakActiveRequests => "requests",
            Self::ThreadpoolTasksStarted
            | Self::ThreadpoolTasksCompleted
            | Self::ThreadpoolBacklog => "tasks",
            Self::ProcessCpuCores => "cores",
        }
    }

    /// Whether a configuration without its query is refused.
    pub const fn is_required(self) -> bool {
        matches!(
            self,
            Self::P99Latency
                | Self::EventLoopLag
                | Self::BlockingDurationAvg
                | Self::PeakActiveRequests
        )
    }

    /// How several series become one unless the configuration says otherwise.
    pub const fn default_reduce(self) -> Reduce {
        match self {
            Self::BlockingEventsTotal
            | Self::ThreadpoolTasksStarted
            | Self::ThreadpoolTasksCompleted => Reduce::Sum,
            _ => Reduce::Max,
        }
    }

    /// What `NaN` stands for unless the configuration says otherwise.
    pub const fn default_on_nan(self) -> OnMissing {
        match self {
            // A sum over a count that did not move is 0/0: nothing happened in the window.
            Self::BlockingDurationAvg | Self::ThreadpoolQueueWait => OnMissing::Zero,
            _ => OnMissing::Inconclusive,
        }
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

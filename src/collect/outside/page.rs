//! The series that come of what is seen from outside: one sample of each at every interval, as if a
//! page of the service were scraped. What could not be seen has no sample.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Requests;
use super::census::Turnover;
use super::sight::{Pool, Processes, Seen};
use crate::model::blame::{self, StallCause};
use crate::outside::host::pool::Unsure;
use crate::outside::place::Place;
use crate::outside::stalls::{STALL, Stall, Told};
use crate::storage::{Labels, METRIC_NAME, Point, Storage};

/// The ends of the buckets of how long an answer took, seconds.
const BUCKETS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The line that held the loop, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Culprit {
    pub(super) place: Place,
    /// `py-spy` or `inspector`.
    pub(super) found_by: &'static str,
    /// Whether another thread was there, and kept the lock of the interpreter from the loop.
    pub(super) is_other: bool,
}

/// What was seen up to now.
pub(super) struct Page {
    target: Labels,
    /// When a sample of each was taken last.
    last: Option<i64>,
    answered: u64,
    failed: u64,
    /// Of those that failed, how many have an answer.
    errors: u64,
    left_out: u64,
    late: u64,
    buckets: [u64; BUCKETS.len()],
    took_s: f64,
    /// Seconds and number by cause.
    stalls: [(f64, u64); StallCause::ALL.len()],
    blocked: BTreeMap<(Culprit, StallCause), Blocked>,
    requests: u64,
    /// Those of them that may be requests for a page of metrics of the same port.
    own_requests: u64,
    /// Those of others that were told.
    told_requests: u64,
    newest_start_s: f64,
    turnover: Option<Turnover>,
    interval: Interval,
}

/// What a place has held up.
#[derive(Default)]
struct Blocked {
    seconds: f64,
    stalls: u64,
    is_new: bool,
}

/// The worst since the sample before.
#[derive(Default)]
struct Interval {
    lag: Duration,
    machine_lag: Duration,
    slow_answer: Duration,
    untold_answer: Duration,
    gap: Duration,
    occupied: Duration,
    has_failed: bool,
    active: Option<u64>,
    accept_queue: Option<u32>,
    unread_bytes: Option<u64>,
    has_requests: bool,
    pool: Option<Pool>,
    processes: Option<Processes>,
}

impl Page {
    /// A page of that target.
    pub(super) fn new(target: Labels) -> Self {
        Self {
            target,
            last: None,
            answered: 0,
            failed: 0,
            errors: 0,
            left_out: 0,
            late: 0,
            buckets: [0; BUCKETS.len()],
            took_s: 0.0,
            stalls: Default::default(),
            blocked: BTreeMap::new(),
            requests: 0,
            own_requests: 0,
            told_requests: 0,
            newest_start_s: 0.0,
            turnover: None,
            interval: Interval::default(),
        }
    }

    /// So many requests for pages of metrics have been sent to the same port.
    pub(super) const fn own_requests(&mut self, requests: u64) {
        self.own_requests = requests;
    }

    /// What became of the requests.
    pub(super) const fn requests(&self) -> Requests {
        // An error is an answer too, and counted as one.
        let made = self.answered + self.failed - self.errors;
        Requests { made, failed: self.failed, left_out: self.left_out }
    }

    /// Takes what the ledger tells. `gap` is the longest time in which nothing was asked and nothing
    /// was waited for.
    pub(super) fn tell(&mut self, told: &Told, gap: Duration) {
        self.left_out += told.left_out as u64;
        self.late += told.late as u64;
        self.failed += told.failed.len() as u64;
        self.errors += told.errors as u64;
        let interval = &mut self.interval;
        interval.has_failed |= !told.failed.is_empty();
        interval.lag = interval.lag.max(told.lag);
        interval.gap = interval.gap.max(gap);
        interval.slow_answer = interval.slow_answer.max(told.slow);
        interval.untold_answer = interval.untold_answer.max(told.untold);
        for took in &told.answers {
            self.answered += 1;
            let took = took.as_secs_f64();
            self.took_s += took;
            for (count, end) in self.buckets.iter_mut().zip(BUCKETS) {
                *count += u64::from(took <= end);
            }
        }
    }

    /// Takes for how long no connection was free though none waited for an answer: answers went on.
    pub(super) fn occupied(&mut self, time: Duration) {
        self.interval.occupied = self.interval.occupied.max(time);
    }

    /// Takes a stall, or a shorter time of the kind, and the line that held the loop, if it is known.
    /// Stalls are told at their end too, as a sample of that instant.
    pub(super) fn stall(
        &mut self,
        stall: &Stall,
        culprit: Option<&Culprit>,
        ended: i64,
        storage: &mut Storage,
    ) {
        let interval = &mut self.interval;
        interval.lag = interval.lag.max(stall.of_service());
        interval.machine_lag = interval.machine_lag.max(stall.machine);
        if stall.to - stall.from < STALL {
            return;
        }
        let seconds = stall.counted().as_secs_f64();
        let (sum, count) = &mut self.stalls[stall.cause as usize];
        *sum += seconds;
        *count += 1;
        let line = culprit.map(|it| it.place.line.to_string()).unwrap_or_default();
        let (file, function) = culprit
            .map(|it| (it.place.file.as_str(), it.place.function.as_str()))
            .unwrap_or_default();
        let cause = stall.cause.name();
        let labels = [("cause", cause), ("file", file), ("line", &line), ("function", function)];
        self.push(storage, blame::STALL_DURATION, &labels, ended, seconds);
        if let Some(culprit) = culprit {
            let blocked = self
                .blocked
                .entry((culprit.clone(), stall.cause))
                .or_insert_with(|| Blocked { is_new: true, ..Blocked::default() });
            blocked.seconds += seconds;
            blocked.stalls += 1;
        }
    }

    /// Takes what the process and its sockets showed.
    pub(super) fn see(&mut self, seen: &Seen) {
        let interval = &mut self.interval;
        if let Some(sockets) = &seen.sockets {
            interval.active = interval.active.max(sockets.active);
            interval.accept_queue = interval.accept_queue.max(sockets.accept_queue);
            interval.unread_bytes = interval.unread_bytes.max(Some(sockets.unread_bytes));
            interval.has_requests = true;
            self.requests += sockets.requests;
        }
        interval.has_failed |= seen.fault.is_some();
        if let Some(processes) = &seen.processes {
            self.newest_start_s = self.newest_start_s.max(processes.newest_start_s);
            interval.processes = Some(processes.clone());
        }
        self.turnover = seen.turnover.or(self.turnover);
    }

    /// Takes how the pool of threads did in the interval.
    pub(super) fn pool(&mut self, pool: Option<Pool>) {
        self.interval.pool = pool;
    }

    /// What cannot be seen, and why.
    pub(super) fn not_seen(&self, what: &str, why: &str, at: i64, storage: &mut Storage) {
        self.push(storage, "auditor_not_seen", &[("what", what), ("why", why)], at, 1.0);
    }

    /// Why the line that holds the loop cannot be named.
    pub(super) fn not_blamed(&self, why: &str, at: i64, storage: &mut Storage) {
        self.push(storage, blame::NOT_BLAMED, &[("reason", why)], at, 1.0);
    }

    /// Writes a sample of each series, and begins the next interval.
    pub(super) fn write(&mut self, at: i64, storage: &mut Storage) {
        let at = self.last.map_or(at, |last| at.max(last + 1));
        let interval = std::mem::take(&mut self.interval);
        // What was sent may not have been seen yet, and a counter does not fall.
        let of_others = self.requests.saturating_sub(self.own_requests);
        self.told_requests = self.told_requests.max(of_others);
        let mut one = |name: &str, labels: &[(&str, &str)], value: f64| {
            self.push(storage, name, labels, at, value);
        };
        one("up", &[], f64::from(u8::from(!interval.has_failed)));
        for (result, count) in [
            ("answered", self.answered - self.errors),
            ("failed", self.failed),
            ("left_out", self.left_out),
            ("late", self.late),
        ] {
            one("auditor_probe_requests_total", &[("result", result)], count as f64);
        }
        for (end, count) in BUCKETS.iter().zip(self.buckets) {
            let end = end.to_string();
            one("auditor_probe_duration_seconds_bucket", &[("le", &end)], count as f64);
        }
        let answered = self.answered as f64;
        one("auditor_probe_duration_seconds_bucket", &[("le", "+Inf")], answered);
        one("auditor_probe_duration_seconds_sum", &[], self.took_s);
        one("auditor_probe_duration_seconds_count", &[], answered);
        for (name, value) in [
            ("auditor_probe_lag_seconds", interval.lag),
            ("auditor_machine_lag_seconds", interval.machine_lag),
            ("auditor_slow_answer_seconds", interval.slow_answer),
            ("auditor_untold_answer_seconds", interval.untold_answer),
            ("auditor_probe_gap_seconds", interval.gap),
            ("auditor_probe_occupied_seconds", interval.occupied),
        ] {
            one(name, &[], value.as_secs_f64());
        }
        for (cause, (sum, count)) in StallCause::ALL.iter().zip(self.stalls) {
            one(blame::STALL_SUM, &[("cause", cause.name())], sum);
            one(blame::STALL_COUNT, &[("cause", cause.name())], count as f64);
        }
        if let Some(active) = interval.active {
            one(blame::ACTIVE, &[], active as f64);
        }
        if interval.has_requests {
            one("auditor_requests_seen_total", &[], self.told_requests as f64);
        }
        if let Some(queue) = interval.accept_queue {
            one("auditor_accept_queue", &[], f64::from(queue));
        }
        if let Some(bytes) = interval.unread_bytes {
            one("auditor_unread_bytes", &[], bytes as f64);
        }
        if let Some(pool) = &interval.pool {
            one("auditor_pool_threads", &[("state", "busy")], pool.busy as f64);
            one("auditor_pool_threads", &[("state", "idle")], pool.idle as f64);
            // Where it is not known, it is this at least, and the other series says so.
            one("auditor_pool_backlog", &[], pool.backlog.unwrap_or_default());
            let unsure = |why| if pool.unsure == Some(why) { pool.busy as f64 } else { 0.0 };
            one("auditor_pool_limit_unknown_threads", &[], unsure(Unsure::Limit));
            one("auditor_pool_starved_threads", &[], unsure(Unsure::Cpu));
            if let Some(wait_s) = pool.wait_s.or(pool.backlog.is_none().then_some(0.0)) {
                one("auditor_pool_wait_seconds", &[], wait_s);
            }
        }
        if let Some(processes) = &interval.processes {
            one("auditor_processes", &[], processes.count as f64);
            one("auditor_workers_not_met", &[], processes.not_met as f64);
            one("process_start_time_seconds", &[], self.newest_start_s);
            if let Some((cpu, run_queue)) = processes.of_loops {
                one("auditor_loop_cpu_seconds_total", &[], cpu.as_secs_f64());
                one(blame::RUN_QUEUE, &[], run_queue.as_secs_f64());
            }
        }
        if let Some(turnover) = self.turnover {
            one("auditor_worker_ends_total", &[], turnover.ended as f64);
            one("auditor_worker_starts_total", &[], turnover.started as f64);
        }
        self.write_blocked(at, storage);
        self.last = Some(at);
    }

    fn write_blocked(&mut self, at: i64, storage: &mut Storage) {
        let before = self.last;
        let mut blocked = std::mem::take(&mut self.blocked);
        for ((Culprit { place, found_by, is_other }, cause), it) in &mut blocked {
            let line = place.line.to_string();
            let labels = [
                ("file", place.file.as_str()),
                ("line", &line),
                ("function", &place.function),
                ("source", &place.source),
                ("cause", cause.name()),
                ("found_by", found_by),
                ("thread", if *is_other { blame::OTHER_THREAD } else { "" }),
            ];
            for (name, value) in
                [(blame::BLOCKED, it.seconds), (blame::BLOCKED_STALLS, it.stalls as f64)]
            {
                // It had held up nothing before.
                if let Some(before) = before.filter(|_| it.is_new) {
                    self.push(storage, name, &labels, before, 0.0);
                }
                self.push(storage, name, &labels, at, value);
            }
            it.is_new = false;
        }
        self.blocked = blocked;
    }

    fn push(
        &self,
        storage: &mut Storage,
        name: &str,
        labels: &[(&str, &str)],
        at: i64,
        value: f64,
    ) {
        let mut all = self.target.clone();
        for (label, value) in labels {
            all.set(*label, *value);
        }
        all.set(METRIC_NAME, name);
        let id = storage.series(all);
        // Nobody else writes these series, and each instant of theirs comes once; of two stalls of
        // one kind that end in one millisecond the first is told.
        let _ = storage.push(id, Point { at, value });
    }
}

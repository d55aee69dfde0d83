//! Since when a service stood, until when, and why: what the probe, the sockets and the scheduler
//! say together. It does no I/O and knows no clock.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::probe::{ConnectionId, Done, End, Look, Sent};
use crate::model::blame::StallCause;

/// From here on it is asked why a request had to wait.
const HELD_UP: Duration = Duration::from_millis(50);
/// A request that was not read for so long met a stall.
pub(crate) const STALL: Duration = Duration::from_millis(100);
/// A duration from here on of which more than half was the probe's own delay says nothing.
const TELLING: Duration = Duration::from_millis(50);
/// So far apart looks are at most, unless whoever looks is late itself: of a request that came and
/// went in between, or was there for so long already, nobody knows when it was read.
const LOOKS_APART: Duration = Duration::from_millis(80);
/// The scheduler is remembered for so long: longer than a probe waits for an answer.
const MEMORY: Duration = Duration::from_secs(60);

/// From here on a status says that the service fails.
const ERRORS: u16 = 500;

/// Requests that one thread of the service reads: those of one worker.
pub(crate) type Lane = u32;

/// A time in which a service read nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stall {
    pub(crate) lane: Lane,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    pub(crate) cause: StallCause,
    /// Of that time, how long the loop's thread waited for a CPU.
    pub(crate) machine: Duration,
}

impl Stall {
    /// How long the service itself took: what is left without the wait for a CPU.
    pub(crate) fn of_service(&self) -> Duration {
        (self.to - self.from).saturating_sub(self.machine)
    }

    /// How long it counts, as a stall of its cause.
    pub(crate) fn counted(&self) -> Duration {
        if self.cause == StallCause::Machine { self.to - self.from } else { self.of_service() }
    }
}

/// What a loop's thread has had of the CPUs since it began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scheduled {
    pub(crate) on_cpu: Duration,
    pub(crate) run_queue: Duration,
    /// How long it waited for another thread of its process, which waited for a CPU.
    pub(crate) behind: Duration,
}

/// What is seen at one instant.
#[derive(Debug, Default)]
pub(crate) struct Seen<'a> {
    /// Whether there are unread bytes, of each connection of which that can be seen. It was looked at
    /// after the probe.
    pub(crate) unread: &'a [(ConnectionId, bool)],
    /// The lane of each connection.
    pub(crate) lanes: &'a [(ConnectionId, Lane)],
    /// The loop's thread of each lane; or threads one of which it is, by numbers that are no lane's.
    pub(crate) scheduled: &'a [(Lane, Scheduled)],
}

/// What came of the requests since it was asked before.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Told {
    /// How long each answer took, from the request on.
    pub(crate) answers: Vec<Duration>,
    /// The longest time that an answer took once its request was read, without stalls in that time.
    pub(crate) slow: Duration,
    /// Why requests failed.
    pub(crate) failed: Vec<String>,
    /// How many of these have an answer all the same: it says that the service fails.
    pub(crate) errors: usize,
    /// Requests that were not sent.
    pub(crate) left_out: usize,
    /// Requests of which nothing can be said, as the probe itself was late.
    pub(crate) late: usize,
    /// The longest time of an answer of which it is not known what it waited for.
    pub(crate) untold: Duration,
    /// The worst wait of a request that met no stall.
    pub(crate) lag: Duration,
    /// Times of more than [`HELD_UP`] in which nothing was read; those of [`STALL`] are stalls.
    pub(crate) stalls: Vec<Stall>,
}

/// A request that waits.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    sent: Instant,
    lane: Lane,
    /// When it was first seen that it had been read.
    read: Option<Instant>,
    /// Whether it may have been read long before.
    is_vague: bool,
}

/// A time of a lane.
#[derive(Debug, Clone, Copy)]
struct Span {
    lane: Lane,
    from: Instant,
    to: Instant,
}

impl Span {
    /// How much of this time the other one has.
    fn overlap(&self, other: &Self) -> Duration {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        if self.lane == other.lane { to.saturating_duration_since(from) } else { Duration::ZERO }
    }
}

/// Puts together what is seen of one service.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    waiting: HashMap<ConnectionId, Waiting>,
    lanes: HashMap<ConnectionId, Lane>,
    /// Times that are not over yet.
    open: HashMap<Lane, Span>,
    /// Those of late that are.
    closed: Vec<Span>,
    /// Answers that took long once their requests were read.
    slow: Vec<Span>,
    scheduled: HashMap<Lane, Vec<(Instant, Scheduled)>>,
    /// The only loop's, where there is one.
    only: Option<Lane>,
    /// The status of an answer before the load that was no error of the service, if there was one.
    calm: Option<u16>,
    /// Connections that were opened for one request each.
    visitors: HashSet<ConnectionId>,
    /// Times in which such a request was not read.
    visits: Vec<Span>,
    /// Requests that wait for a connection: since when, and when that was seen last.
    connecting: Vec<(Instant, Instant)>,
    told: Told,
    /// Requests from before that tell nothing.
    since: Option<Instant>,
}

impl Ledger {
    /// From now on what is seen counts: of requests that wait already nothing is known.
    pub(crate) fn begin(&mut self, at: Instant) {
        let (calm, visitors) = (self.calm, std::mem::take(&mut self.visitors));
        *self = Self { since: Some(at), calm, visitors, ..Self::default() };
    }

    /// Takes a request that was answered before the load.
    pub(crate) fn calm(&mut self, done: &Done) {
        if let End::Answered(status) = done.end
            && status < ERRORS
        {
            self.calm = Some(status);
        }
    }

    /// Takes what the probe and the sockets showed at the instant `at`.
    pub(crate) fn see(&mut self, at: Instant, look: &Look, seen: &Seen<'_>) {
        self.lanes.extend(seen.lanes.iter().copied());
        self.only = if let [(only, _)] = seen.scheduled { Some(*only) } else { None };
        self.visitors.extend(&look.visitors);
        self.remember(at, seen.scheduled);
        self.told.left_out += look.left_out;
        let counts = |sent: &Sent| self.since.is_none_or(|since| sent.at >= since);
        let done: Vec<_> = look.done.iter().filter(|it| counts(&it.sent)).collect();
        let waiting: Vec<_> = look.waiting.iter().filter(|it| counts(it)).collect();
        for done in done {
            self.end(done, !seen.unread.is_empty());
        }
        let is_open = |id: ConnectionId| look.connections.iter().any(|it| it.id == id);
        self.lanes.retain(|id, _| is_open(*id));
        self.visitors.retain(|id| is_open(*id));
        let waits = |id: ConnectionId, since: Instant| {
            look.waiting.iter().any(|it| it.connection == Some(id) && it.at == since)
        };
        self.waiting.retain(|id, it| waits(*id, it.sent));
        for sent in &waiting {
            self.wait(at, sent, seen.unread);
        }
        let connecting = waiting.iter().filter(|it| it.connection.is_none());
        self.connecting = connecting.map(|it| (it.at, at)).collect();
        self.close(at);
        self.tell_visits();
        self.tell_slow();
        self.closed.retain(|it| at.saturating_duration_since(it.to) < MEMORY);
    }

    /// What was told since, and forgets it.
    pub(crate) fn take(&mut self) -> Told {
        std::mem::take(&mut self.told)
    }

    /// Whether a request waits now that has not been read, and has waited for so long; and in which
    /// lanes.
    pub(crate) fn held_up(&self, at: Instant, for_at_least: Duration) -> Vec<Lane> {
        let is_held = |it: &&Waiting| {
            it.read.is_none() && at.saturating_duration_since(it.sent) >= for_at_least
        };
        let mut lanes: Vec<_> = self.waiting.values().filter(is_held).map(|it| it.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    /// Whether requests wait that were read, and none that was not: whoever is to notice a stall has to
    /// ask over another connection.
    pub(crate) fn is_occupied(&self, at: Instant) -> bool {
        let is_old = |it: &&Waiting| at.saturating_duration_since(it.sent) >= HELD_UP;
        let old = || self.waiting.values().filter(is_old);
        old().any(|it| it.read.is_some()) && old().all(|it| it.read.is_some())
    }

    /// Ends everything that is still open at the instant `at`: the time is over.
    pub(crate) fn finish(&mut self, at: Instant) {
        for (id, it) in std::mem::take(&mut self.waiting) {
            let to = it.read.unwrap_or(at);
            self.add(Some(id), it.lane, it.sent, to);
            self.slow.extend(it.read.map(|from| Span { lane: it.lane, from, to: at }));
        }
        let connecting = std::mem::take(&mut self.connecting).into_iter().map(|it| it.0).min();
        let waited = connecting.map(|since| at.saturating_duration_since(since));
        if let Some(waited) = waited.filter(|it| *it >= STALL) {
            self.told.failed.push(format!("no connection within {waited:.1?}"));
        }
        self.close(at);
        self.tell_visits();
        self.tell_slow();
    }

    fn remember(&mut self, at: Instant, scheduled: &[(Lane, Scheduled)]) {
        for (lane, now) in scheduled {
            let kept = self.scheduled.entry(*lane).or_default();
            kept.push((at, *now));
            // One from before the memory is kept, to measure from.
            let old =
                |(then, _): &(Instant, Scheduled)| at.saturating_duration_since(*then) > MEMORY;
            let stale = kept.iter().take_while(|it| old(it)).count().saturating_sub(1);
            if stale > 256 {
                kept.drain(..stale);
            }
        }
    }

    fn lane(&self, connection: Option<ConnectionId>) -> Lane {
        let known = connection.and_then(|id| self.lanes.get(&id).copied());
        known.or(self.only).unwrap_or_default()
    }

    /// Until when it is known that a request was not read, of the time in which it had no connection.
    fn unread_until(&self, sent: Instant) -> Instant {
        let connecting = self.connecting.iter().find(|it| it.0 == sent);
        connecting.map_or(sent, |it| it.1)
    }

    /// Takes a request that waits for its answer.
    fn wait(&mut self, at: Instant, sent: &Sent, unread: &[(ConnectionId, bool)]) {
        let Some(id) = sent.connection else { return };
        let lane = self.lane(sent.connection);
        let since = self.unread_until(sent.at);
        let is_vague = at.saturating_duration_since(since) >= LOOKS_APART;
        let new = Waiting { sent: sent.at, lane, read: None, is_vague };
        let waiting = self.waiting.entry(id).or_insert(new);
        waiting.lane = lane;
        let is_unread = unread.iter().find(|(it, _)| *it == id).map(|(_, unread)| *unread);
        match is_unread {
            Some(false) => drop(waiting.read.get_or_insert(at)),
            // What is unread now was not read before: the bytes had not come yet.
            Some(true) => (waiting.read, waiting.is_vague) = (None, false),
            None => {}
        }
    }

    /// Takes a request that has ended. `sees_reads` is whether it is seen when requests are read.
    fn end(&mut self, done: &Done, sees_reads: bool) {
        let Sent { connection, at: sent } = done.sent;
        let waited = connection.and_then(|id| self.waiting.get(&id).copied());
        let waited = waited.filter(|it| it.sent == sent);
        let whole = done.at.saturating_duration_since(sent);
        let took = whole.saturating_sub(done.own_delay);
        if whole >= TELLING && done.own_delay * 2 > whole {
            self.told.late += 1;
            return;
        }
        if let End::Answered(status @ ERRORS..) = &done.end {
            self.told.errors += 1;
            let calm = self.calm.map(|calm| format!(", and {calm} before the load"));
            self.told.failed.push(format!("answered {status}{}", calm.unwrap_or_default()));
        }
        let read = waited.and_then(|it| it.read);
        let lane = self.lane(connection);
        let is_vague = match waited {
            Some(waited) => waited.is_vague && waited.read.is_some(),
            None => {
                let unread = self.unread_until(sent);
                sees_reads && done.at.saturating_duration_since(unread) >= LOOKS_APART
            }
        };
        if let (true, End::Answered(_)) = (is_vague, &done.end) {
            self.told.answers.push(took);
            self.told.untold = self.told.untold.max(took);
            self.told.late += 1;
            return;
        }
        match &done.end {
            End::Answered(_) => {
                self.told.answers.push(took);
                let until_read = read.map(|at| at.saturating_duration_since(sent).min(took));
                let lag = until_read.unwrap_or(took);
                self.add(connection, lane, sent, sent + lag);
                if took - lag >= HELD_UP {
                    self.slow.push(Span { lane, from: sent + lag, to: sent + took });
                }
            }
            End::Failed(why) => {
                self.told.failed.push(why.clone());
                // Nobody answered, and nobody had read it either: the loop stood.
                if connection.is_some() && whole >= STALL {
                    let lag = read.map_or(took, |at| at.saturating_duration_since(sent).min(took));
                    self.add(connection, lane, sent, sent + lag);
                }
            }
        }
    }

    /// Adds a time in which a request of that connection was not read.
    fn add(&mut self, of: Option<ConnectionId>, lane: Lane, from: Instant, to: Instant) {
        if of.is_some_and(|id| self.visitors.contains(&id)) {
            self.visits.push(Span { lane, from, to });
            return;
        }
        // A request that was read with another one may be answered after the stall of that one was
        // told: what it waited until then is no stall of its own.
        let told = self.closed.iter().filter(|it| it.lane == lane).map(|it| it.to).max();
        let from = told.map_or(from, |told| from.max(told));
        let lag = to.saturating_duration_since(from);
        if lag < HELD_UP {
            self.told.lag = self.told.lag.max(lag);
            return;
        }
        let open = self.open.entry(lane).or_insert(Span { lane, from, to });
        if from > open.to {
            // The one before has ended, though it was not closed yet.
            let before = std::mem::replace(open, Span { lane, from, to });
            self.tell(before);
        } else {
            *open = Span { lane, from: open.from.min(from), to: open.to.max(to) };
        }
    }

    /// Closes the times to which no request that still waits belongs.
    fn close(&mut self, at: Instant) {
        let is_open = |lane: Lane, open: &Span| {
            self.waiting.iter().any(|(id, it)| {
                let is_held = at.saturating_duration_since(it.sent) >= HELD_UP;
                let is_kept = !self.visitors.contains(id);
                is_kept && it.lane == lane && it.read.is_none() && is_held && it.sent <= open.to
            })
        };
        let over: Vec<_> =
            self.open.iter().filter(|(lane, it)| !is_open(**lane, it)).map(|(it, _)| *it).collect();
        for lane in over {
            if let Some(open) = self.open.remove(&lane) {
                self.tell(open);
            }
        }
    }

    /// Tells of the requests over new connections, once it is known what the others met meanwhile: of
    /// a stall of the loop these tell as well, and it is told once.
    fn tell_visits(&mut self) {
        let (open, waiting, visitors) = (&self.open, &self.waiting, &self.visitors);
        let is_open = |it: &Span| {
            let may_tell = |(id, other): (&ConnectionId, &Waiting)| {
                !visitors.contains(id)
                    && (other.lane, other.read) == (it.lane, None)
                    && other.sent < it.to
            };
            open.contains_key(&it.lane) || waiting.iter().any(may_tell)
        };
        let (unknown, over): (Vec<_>, Vec<_>) = self.visits.drain(..).partition(is_open);
        self.visits = unknown;
        for it in over {
            let met: Duration = self.closed.iter().map(|stall| it.overlap(stall)).sum();
            let Span { lane, from, to } = it;
            let alone = (to - from).saturating_sub(met);
            if alone < STALL {
                self.told.lag = self.told.lag.max(alone);
                continue;
            }
            let (cause, machine) = self.cause(lane, from, to);
            self.told.stalls.push(Stall { lane, from, to, cause, machine });
        }
    }

    /// Tells how long answers took without the stalls that they met, once those are over.
    fn tell_slow(&mut self) {
        let (open, closed, waiting) = (&self.open, &self.closed, &self.waiting);
        let visits = &self.visits;
        // What waits yet may tell of a stall in that time.
        let is_open = |it: &Span| {
            let may_tell = |other: &Waiting| other.lane == it.lane && other.sent < it.to;
            let is_met = |visit: &Span| visit.lane == it.lane && visit.from < it.to;
            open.contains_key(&it.lane)
                || waiting.values().any(may_tell)
                || visits.iter().any(is_met)
        };
        let (waiting, over): (Vec<_>, Vec<_>) = self.slow.drain(..).partition(is_open);
        for it in over {
            let met: Duration = closed.iter().map(|stall| it.overlap(stall)).sum();
            let mut slow = (it.to - it.from).saturating_sub(met);
            if let Some(used) = self.used(it.lane, it.from, it.to) {
                // Whether it would have waited for something else, too, nobody knows.
                let machine = slow.min(used.run_queue + used.behind);
                self.told.untold = self.told.untold.max(machine);
                // What waits for something else leaves the loop asleep.
                slow = slow.min(
                    (it.to - it.from).saturating_sub(used.on_cpu + used.run_queue + used.behind),
                );
            }
            self.told.slow = self.told.slow.max(slow);
        }
        self.slow = waiting;
    }

    fn tell(&mut self, span: Span) {
        self.closed.push(span);
        let Span { lane, from, to } = span;
        let (cause, machine) = self.cause(lane, from, to);
        self.told.stalls.push(Stall { lane, from, to, cause, machine });
    }

    /// What the loop's thread had of the CPUs in that time, as far as the looks around it tell.
    fn used(&self, lane: Lane, from: Instant, to: Instant) -> Option<Scheduled> {
        let known = self.scheduled.get(&lane)?;
        let (_, before) = known.iter().rev().find(|(at, _)| *at <= from)?;
        let (ended, after) = known.iter().find(|(at, _)| *at >= to).or(known.last())?;
        if *ended <= from {
            return None;
        }
        let whole = to.saturating_duration_since(from);
        // What it had in the moments around is no part of it, as far as there was room for more.
        Some(Scheduled {
            on_cpu: after.on_cpu.saturating_sub(before.on_cpu).min(whole),
            run_queue: after.run_queue.saturating_sub(before.run_queue).min(whole),
            behind: after.behind.saturating_sub(before.behind).min(whole),
        })
    }

    /// What the loop's thread did in that time, and how long it waited for a CPU.
    fn cause(&self, lane: Lane, from: Instant, to: Instant) -> (StallCause, Duration) {
        let whole = to.saturating_duration_since(from);
        let Some(used) = self.used(lane, from, to) else {
            // Nobody knows which loop that is: where one of them waited for a CPU, it may have been it,
            // and it is not known how long the service took.
            let of_all = self.scheduled.keys().filter_map(|lane| self.used(*lane, from, to));
            let machine = of_all.map(|it| it.run_queue + it.behind).max().unwrap_or_default();
            let may_decide = machine * 4 > whole;
            let machine = if may_decide { whole } else { machine };
            let cause = if may_decide { StallCause::Machine } else { StallCause::Unknown };
            return (cause, machine);
        };
        let cpu = used.on_cpu;
        let machine = (used.run_queue + used.behind).min(whole.saturating_sub(cpu));
        let asleep = whole.saturating_sub(cpu + machine);
        let cause = if machine * 2 > whole {
            StallCause::Machine
        } else if cpu >= asleep {
            StallCause::Cpu
        } else {
            StallCause::Asleep
        };
        (cause, machine)
    }
}

#[cfg(test)]
#[path = "stalls/tests.rs"]
mod tests;

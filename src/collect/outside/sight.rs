//! What can be seen of the process behind the port: who it is, its sockets, its threads.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::blamer::Blamer;
use super::census::{Census, Turnover};
use crate::outside::host::{self, Accepted, Owner, Process, Sockets, Thread, Watch, pool};
use crate::outside::probe::{Connection, ConnectionId, Look, Prober};
use crate::outside::stalls::{self, Lane, Scheduled};

/// How often it is looked for workers that are new.
const WORKERS_EVERY: Duration = Duration::from_secs(2);
/// How often the owner of a connection is looked for that was not found.
const OWNERS_EVERY: Duration = Duration::from_millis(200);
/// How long it may take until every worker is met.
const MEETING: Duration = Duration::from_secs(3);
/// Of so many connections it is looked who has accepted them before it is known who serves.
const SOME: usize = 4;
/// The most connections that are opened to meet them.
const MOST_CONNECTIONS: usize = 64;
/// So many connections are opened for each loop of a process that has several: the kernel deals
/// them out at random, and none should be without.
const FOR_A_LOOP: usize = 8;
/// For so many loops of a process at most there are as many requests as for one.
const MOST_LOOPS: usize = 8;
/// A listing of sockets that changes meanwhile may leave one out; two in a row do not.
const LOOKS_WITHOUT: usize = 2;
/// From so many requests in flight on the stacks of pools are of interest.
const BUSY: u64 = 4;
/// The same of what waits in executors, which is read less often.
const FRESH_QUEUES: Duration = Duration::from_millis(700);
/// Stacks of a pool that are older say nothing of now.
const FRESH: Duration = Duration::from_millis(150);
/// Where stacks are missing for no longer than this, what the pool does is not asked of the kernel.
const WITHOUT_STACKS: Duration = Duration::from_secs(1);

/// The pool of threads over an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pool {
    pub(super) busy: usize,
    pub(super) idle: usize,
    /// `None` where it is not known; `unsure` says why.
    pub(super) backlog: Option<f64>,
    pub(super) unsure: Option<pool::Unsure>,
    /// `None` where it is not known.
    pub(super) wait_s: Option<f64>,
}

/// The sockets at one instant, without the probe's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct SocketCounts {
    /// Requests that wait for an answer; `None` where nothing tells.
    pub(super) active: Option<u64>,
    pub(super) accept_queue: Option<u32>,
    pub(super) unread_bytes: u64,
    /// Requests since the look before, at least.
    pub(super) requests: u64,
}

/// The processes at one instant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Processes {
    pub(super) count: usize,
    /// Those that have none of the probe's connections.
    pub(super) not_met: usize,
    pub(super) newest_start_s: f64,
    /// What the threads of the loops have had of the CPUs, and how long they waited for them.
    pub(super) of_loops: Option<(Duration, Duration)>,
}

/// What is seen at one instant; `None` of what is not.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) sockets: Option<SocketCounts>,
    pub(super) processes: Option<Processes>,
    /// What shows that the service is not up, though it may answer yet.
    pub(super) fault: Option<String>,
    /// What became of the workers since what is seen counts.
    pub(super) turnover: Option<Turnover>,
    unread: Vec<(ConnectionId, bool)>,
    lanes: Vec<(ConnectionId, Lane)>,
    scheduled: Vec<(Lane, Scheduled)>,
}

impl Seen {
    /// What concerns the requests of the probe.
    pub(super) fn of_probe(&self) -> stalls::Seen<'_> {
        stalls::Seen { unread: &self.unread, lanes: &self.lanes, scheduled: &self.scheduled }
    }
}

/// Looks at the process behind the port.
pub(super) struct Sight {
    given: Vec<u32>,
    /// The process that was started.
    started: Option<Process>,
    blamer: Option<Arc<Blamer>>,
    began: Instant,
    /// The address of the service, as connections have it.
    peer: Option<SocketAddr>,
    /// Who has accepted each connection that is open.
    owners: HashMap<ConnectionId, Owner>,
    owners_at: Option<Instant>,
    /// Of so many connections it was found who has accepted them, also if they are over.
    found: usize,
    /// Whether that was looked for of each that is open.
    are_looked_at: bool,
    /// The processes that have accepted one, also if it is over.
    met: BTreeMap<u32, Process>,
    workers: Vec<Process>,
    workers_at: Option<Instant>,
    census: Census,
    /// Whether the census is to begin with the workers that are found next.
    census_is_due: bool,
    /// When a worker was last seen to have ended.
    ended_at: Option<Instant>,
    watch: Option<(Vec<u32>, SocketAddr, Watch)>,
    /// Connections that are open for one request.
    visitors: Vec<ConnectionId>,
    /// For how many looks nobody has listened who did before; `None` before.
    without_listener: Option<usize>,
    /// How many loops a process has, as far as its listening sockets tell.
    loops: usize,
    /// Why something could not be seen, by what it is.
    reasons: BTreeMap<&'static str, String>,
    pool_threads: Option<usize>,
    pool: pool::Judge,
    /// When the stacks of all threads were there.
    had_stacks: Option<Instant>,
    /// Requests that were answered since the sample before, about.
    answered: Option<u64>,
    /// Of workers that have ended, what their loops had of the CPUs.
    of_ended: (Duration, Duration),
    of_loops: HashMap<u32, (Duration, Duration)>,
    /// Of each process, how long its loop waited for another thread that waited for a CPU.
    behind: HashMap<u32, Behind>,
}

/// How long a thread waited for another one of its process, which waited for a CPU.
#[derive(Debug, Default)]
struct Behind {
    sum: Duration,
    /// How long each thread had waited for a CPU at the look before.
    before: HashMap<u32, Duration>,
}

impl Behind {
    /// Takes a look; `is_locked` is whether the thread waits for a lock.
    fn look(&mut self, threads: &[Thread], is_locked: bool) -> Duration {
        let now: HashMap<u32, Duration> =
            threads.iter().filter_map(|it| Some((it.tid, it.run_queue?))).collect();
        if is_locked {
            let grown = now.iter().filter_map(|(tid, now)| {
                self.before.get(tid).map(|before| now.saturating_sub(*before))
            });
            self.sum += grown.max().unwrap_or_default();
        }
        self.before = now;
        self.sum
    }
}

/// Whether a thread that waits there waits for a lock, and so for another thread.
fn is_lock(waits_in: Option<&str>) -> bool {
    waits_in.is_some_and(|it| it.starts_with("futex"))
}

/// Of two processes that started within that time it is not told which was first, seconds.
const SAME_START_S: f64 = 0.05;

const SOCKETS: &str = "requests in flight";
const THREADS: &str = "threads";
const PROCESS: &str = "the process";
const POOL: &str = "which threads are busy";

impl Sight {
    /// Nothing is seen yet. `given` are the processes that the command line names, `started` is the
    /// one that was started, and `pool_threads` is how many a pool may have.
    pub(super) fn new(
        given: &[u32],
        started: Option<u32>,
        pool_threads: Option<usize>,
        blamer: Option<Arc<Blamer>>,
    ) -> Self {
        Self {
            given: given.to_vec(),
            started: started.and_then(|pid| host::process(pid).ok()),
            blamer,
            began: Instant::now(),
            peer: None,
            owners: HashMap::new(),
            owners_at: None,
            found: 0,
            are_looked_at: false,
            met: BTreeMap::new(),
            workers: Vec::new(),
            workers_at: None,
            census: Census::default(),
            census_is_due: false,
            ended_at: None,
            watch: None,
            visitors: Vec::new(),
            without_listener: None,
            loops: 1,
            reasons: BTreeMap::new(),
            pool_threads,
            pool: pool::Judge::new(pool_threads),
            had_stacks: None,
            answered: None,
            of_ended: Default::default(),
            of_loops: HashMap::new(),
            behind: HashMap::new(),
        }
    }

    /// From now on what is seen counts.
    pub(super) fn begin(&mut self) {
        self.pool = pool::Judge::new(self.pool_threads);
        self.answered = Some(0);
        (self.workers_at, self.census_is_due) = (None, true);
    }

    /// Looks at what belongs to the connections of the probe.
    pub(super) fn look(&mut self, look: &Look, prober: &Prober) -> Seen {
        self.peer = look.connections.last().map(|it| it.peer).or(self.peer);
        self.visitors.extend(&look.visitors);
        self.visitors.retain(|id| look.connections.iter().any(|it| it.id == *id));
        self.find_owners(&look.connections);
        let is_looked_at = |it: &Connection| self.owners.contains_key(&it.id);
        self.are_looked_at =
            !look.connections.is_empty() && look.connections.iter().all(is_looked_at);
        self.find_workers(look, prober);
        let mut seen = Seen { lanes: self.lanes(&look.connections), ..Seen::default() };
        self.see_sockets(look, prober, &mut seen);
        self.see_threads(&mut seen);
        seen.turnover = self.census.turnover();
        seen
    }

    /// Whether it is known how far the process can be seen.
    pub(super) fn is_explored(&self) -> bool {
        let is_settled = |it: &Owner| !matches!(it, Owner::NotAccepted);
        let are_met = self.not_met() == 0 || self.began.elapsed() > MEETING;
        let is_tried = |it: &Process| {
            self.blamer.as_ref().is_none_or(|blamer| blamer.readable(it.pid).is_some())
        };
        let is_late = self.began.elapsed() > 2 * MEETING;
        let is_known =
            self.found >= SOME || self.are_looked_at && self.owners.values().all(is_settled);
        is_late || is_known && are_met && self.workers.iter().all(is_tried)
    }

    /// What cannot be seen, and why.
    pub(super) fn not_seen(&self) -> Vec<(&'static str, String)> {
        self.reasons.iter().map(|(what, why)| (*what, why.clone())).collect()
    }

    /// Why the line that holds the loop cannot be named, if so.
    pub(super) fn not_blamed(&self) -> Option<String> {
        let Some(blamer) = &self.blamer else { return None };
        if self.workers.is_empty() {
            let why = self.reasons.get(PROCESS).cloned();
            return Some(why.unwrap_or_else(|| "the process was not found".to_owned()));
        }
        let unread = |it: &Process| match blamer.readable(it.pid) {
            Some(Ok(())) => None,
            Some(Err(why)) if why.starts_with("process ") => Some(why),
            Some(Err(why)) => Some(format!("process {} ({}): {why}", it.pid, it.name)),
            None => Some(format!("process {} ({}) did not let itself be read", it.pid, it.name)),
        };
        self.workers.iter().find_map(unread)
    }

    /// That somebody else answers in place of the service that was started, in words, if so: a process
    /// that was there before it.
    pub(super) fn not_started(&self) -> Option<String> {
        let started = self.started.as_ref()?.started_s - SAME_START_S;
        let is_older = |owner: &&Owner| matches!(owner, Owner::Process { process, is_proxy: false } if process.started_s < started);
        let Owner::Process { process: Process { pid, name, .. }, .. } =
            self.owners.values().find(is_older)?
        else {
            return None;
        };
        Some(format!(
            "{name} (process {pid}) answers, which was there before --start has started the service: \
             stop it, or leave --start out to audit it"
        ))
    }

    /// What is to be told before the load, a line each.
    pub(super) fn remarks(&self, blames: bool) -> Vec<String> {
        let unseen = self.reasons.iter().map(|(what, why)| format!("{what} cannot be seen: {why}"));
        let not_blamed = self.not_blamed().filter(|_| blames && !self.workers.is_empty());
        let not_blamed = not_blamed.map(|why| format!("no line will be named: {why}"));
        unseen.chain(not_blamed).collect()
    }

    /// How the pool of threads did since this was asked before.
    pub(super) fn pool(&mut self) -> Option<Pool> {
        let answered = self.answered.replace(0);
        let pool = self.pool.end_interval(answered)?;
        let backlog = pool.backlog.map(|backlog| backlog as f64);
        let wait_s = pool.wait.map(|wait| wait.as_secs_f64());
        let pool::Pool { busy, idle, unsure, .. } = pool;
        Some(Pool { busy, idle, backlog, unsure, wait_s })
    }

    /// Finds out who has accepted the connections that are new.
    fn find_owners(&mut self, connections: &[Connection]) {
        self.owners.retain(|id, _| connections.iter().any(|it| it.id == *id));
        // Who hands connections on to others does so from the first on: before it counts, and once a
        // worker has ended, it is looked who has accepted each.
        let is_alone = self.met.len() == 1 && self.answered.is_some() && self.ended_at.is_none();
        if let ([only], true) = (self.workers.as_slice(), is_alone) {
            // Nobody else can have accepted it; to look for that takes a while.
            let owner = Owner::Process { process: only.clone(), is_proxy: false };
            for it in connections {
                if !matches!(self.owners.get(&it.id), Some(Owner::Process { .. })) {
                    self.owners.insert(it.id, owner.clone());
                }
            }
            return;
        }
        let is_due = |at: Instant| at.elapsed() >= OWNERS_EVERY;
        let is_open = |it: &&Connection| match self.owners.get(&it.id) {
            None => self.met.is_empty() || self.owners_at.is_none_or(is_due),
            Some(Owner::Process { .. }) => false,
            // It may have been asked in the moment before it was accepted.
            Some(_) => self.owners_at.is_none_or(is_due),
        };
        let open: Vec<_> = connections.iter().filter(is_open).copied().collect();
        if open.is_empty() {
            return;
        }
        self.owners_at = Some(Instant::now());
        let ends: Vec<_> = open.iter().map(|it| (it.local, it.peer)).collect();
        let mut found = false;
        for (connection, owner) in open.iter().zip(host::find(&ends)) {
            if let Owner::Process { process, is_proxy: false } = &owner {
                self.census.serves(process.pid);
            }
            // Whom a connection met that will be closed is without one then.
            if let Owner::Process { process, is_proxy: false } = &owner
                && !self.visitors.contains(&connection.id)
            {
                found |= self.met.insert(process.pid, process.clone()).is_none();
            }
            self.found += usize::from(matches!(owner, Owner::Process { .. }));
            self.owners.insert(connection.id, owner);
        }
        if found {
            self.workers_at = None;
        }
        self.tell_owner();
    }

    /// Keeps why no process is seen, if none is.
    fn tell_owner(&mut self) {
        let mut why = None;
        if !self.met.is_empty() {
            self.reasons.remove(PROCESS);
            return;
        }
        for owner in self.owners.values() {
            match owner {
                Owner::Process { process, is_proxy: true } => {
                    let (pid, name) = (process.pid, &process.name);
                    why = Some(format!(
                        "the port leads to a proxy, {name} (process {pid}): give --probe the \
                         address of the service itself, or --pid"
                    ));
                }
                Owner::Hidden { why: reason, .. } | Owner::Elsewhere(reason) => {
                    why.get_or_insert_with(|| reason.to_string());
                }
                Owner::Process { is_proxy: false, .. } | Owner::NotAccepted => {}
            }
        }
        match why.filter(|_| self.given.is_empty()) {
            Some(why) => drop(self.reasons.insert(PROCESS, why)),
            None => drop(self.reasons.remove(PROCESS)),
        }
    }

    /// The processes that serve, as far as connections and the command line tell.
    fn pids(&self) -> Vec<u32> {
        let mut pids: Vec<_> = self.given.iter().chain(self.met.keys()).copied().collect();
        if pids.is_empty() && self.owners.values().any(|it| matches!(it, Owner::Hidden { .. })) {
            pids.extend(self.started.as_ref().map(|it| it.pid));
        }
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    fn find_workers(&mut self, look: &Look, prober: &Prober) {
        // Where one has ended, another one may come in its place at once.
        let is_soon = self.ended_at.is_some_and(|at| at.elapsed() < WORKERS_EVERY);
        let every = if is_soon { OWNERS_EVERY } else { WORKERS_EVERY };
        if self.workers_at.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        self.workers_at = Some(Instant::now());
        self.find_ended();
        self.met.retain(|pid, _| host::process(*pid).is_ok());
        let pids = self.pids();
        let Some(peer) = self.peer else { return };
        let before: Vec<_> = self.workers.iter().map(|it| it.pid).collect();
        self.workers = if pids.is_empty() { Vec::new() } else { host::workers(&pids, peer.port()) };
        let workers: Vec<_> = self.workers.iter().map(|it| it.pid).collect();
        if self.census_is_due {
            self.census_is_due = false;
            self.census.begin(self.serving(&before).into_iter());
        }
        if self.watch.as_ref().is_none_or(|(of, at, _)| *of != workers || *at != peer) {
            self.watch = Some((workers.clone(), peer, Watch::new(&workers, peer)));
        }
        let lanes = self.lanes(&look.connections);
        let lane_of = |pid: u32| workers.iter().position(|it| *it == pid).unwrap_or_default();
        prober.lanes(lanes.iter().map(|(id, pid)| (*id, lane_of(*pid))).collect());
        if self.not_met() > 0 && look.connections.len() < MOST_CONNECTIONS {
            prober.connections(look.connections.len() + 2 * workers.len());
        }
    }

    /// The processes that serve for certain. `before` are the workers of the look before: what a
    /// worker starts holds its sockets too for a moment, and serves nothing.
    fn serving(&self, before: &[u32]) -> Vec<u32> {
        let mut pids = self.pids();
        if !self.met.is_empty() {
            let workers = self.workers.iter().map(|it| it.pid);
            pids.extend(workers.filter(|pid| before.contains(pid)));
        }
        pids
    }

    /// Forgets the workers that have ended.
    fn find_ended(&mut self) {
        let ended = self.census.ended();
        if ended.is_empty() {
            return;
        }
        self.met.retain(|pid, _| !ended.contains(pid));
        self.workers.retain(|it| !ended.contains(&it.pid));
        (self.ended_at, self.workers_at) = (Some(Instant::now()), None);
    }

    /// Workers that have none of the connections.
    fn not_met(&self) -> usize {
        // Where it is not seen who has accepted what, nobody knows.
        if self.met.is_empty() {
            return 0;
        }
        self.workers.iter().filter(|it| !self.met.contains_key(&it.pid)).count()
    }

    fn lanes(&self, connections: &[Connection]) -> Vec<(ConnectionId, Lane)> {
        let lane = |it: &Connection| match self.owners.get(&it.id) {
            Some(Owner::Process { process, is_proxy: false }) => Some((it.id, process.pid)),
            _ => None,
        };
        connections.iter().filter_map(lane).collect()
    }

    fn see_sockets(&mut self, look: &Look, prober: &Prober, seen: &mut Seen) {
        let Some((_, _, watch)) = &mut self.watch else { return };
        let sockets = match watch.sockets(|| prober.ports()) {
            Ok(sockets) => sockets,
            Err(reason) => {
                self.reasons.insert(SOCKETS, reason.to_string());
                return;
            }
        };
        match &sockets.why_little {
            Some(why) => drop(self.reasons.insert(SOCKETS, why.to_string())),
            None => drop(self.reasons.remove(SOCKETS)),
        }
        let by_end: HashMap<SocketAddr, &Accepted> =
            sockets.accepted.iter().map(|it| (plain(it.remote), it)).collect();
        for connection in &look.connections {
            // A proxy reads everything at once, whatever the service behind it does.
            let is_proxy = matches!(
                self.owners.get(&connection.id),
                Some(Owner::Process { is_proxy: true, .. })
            );
            let it = by_end.get(&plain(connection.local)).filter(|_| !is_proxy);
            seen.unread.extend(it.map(|it| (connection.id, it.unread > 0)));
        }
        let counts = counts(&sockets);
        self.see_listeners(&sockets, prober, seen);
        if let Some(answered) = &mut self.answered {
            *answered += counts.requests;
        }
        seen.sockets = Some(counts);
    }

    /// Sees who listens: whether anybody does yet, and whether a process has several loops.
    fn see_listeners(&mut self, sockets: &Sockets, prober: &Prober, seen: &mut Seen) {
        self.without_listener = match (sockets.listeners, self.without_listener) {
            (0, before) => before.map(|looks| looks + 1),
            _ => Some(0),
        };
        if self.without_listener.is_some_and(|looks| looks >= LOOKS_WITHOUT) {
            let port = self.peer.map(|it| it.port()).unwrap_or_default();
            seen.fault = Some(format!(
                "nobody listens at port {port} any longer: whoever comes new is refused, though \
                 connections are open yet"
            ));
        }
        let loops = sockets.listeners.div_ceil(self.workers.len().max(1)).clamp(1, MOST_LOOPS);
        if loops != self.loops && sockets.listeners > 0 {
            self.loops = loops;
            prober.at_once(loops);
        }
        if loops > 1 {
            prober.connections(FOR_A_LOOP * sockets.listeners);
        }
    }

    fn see_threads(&mut self, seen: &mut Seen) {
        let Some((pids, _, watch)) = &mut self.watch else { return };
        if pids.is_empty() {
            return;
        }
        let (mut all, mut loops, mut stacks) = (Vec::new(), Vec::new(), Vec::new());
        let mut has_stacks = self.blamer.is_some();
        let mut is_unread = false;
        for pid in pids.iter().copied() {
            let threads = match watch.threads(pid) {
                Ok(threads) => threads,
                Err(reason) => {
                    is_unread = true;
                    self.reasons.insert(THREADS, reason.to_string());
                    continue;
                }
            };
            let found = self.blamer.as_ref().and_then(|blamer| blamer.loop_of(pid));
            let of_loop = found.unwrap_or(pid);
            loops.push(of_loop);
            let of_loop = threads.iter().find(|it| it.tid == of_loop);
            if let Some((on_cpu, run_queue)) = of_loop.and_then(|it| it.on_cpu.zip(it.run_queue)) {
                let behind = self.behind.entry(pid).or_default();
                let is_locked = of_loop.is_some_and(|it| is_lock(it.waits_in.as_deref()));
                let behind = behind.look(&threads, is_locked);
                if self.loops == 1 {
                    seen.scheduled.push((pid, Scheduled { on_cpu, run_queue, behind }));
                }
                self.of_loops.insert(pid, (on_cpu, run_queue));
            }
            if self.loops > 1 {
                seen.scheduled.extend(threads.iter().filter_map(of_unknown_loop));
            }
            all.extend(threads);
            match self.blamer.as_ref().and_then(|blamer| blamer.latest(pid, FRESH)) {
                Some(latest) => stacks.extend(latest),
                None => has_stacks = false,
            }
        }
        if all.iter().any(|it| it.waits_in.is_some()) || has_stacks {
            self.reasons.remove(POOL);
        } else if let Some(Err(why)) = pids.first().map(|pid| host::reason::memory(*pid)) {
            // What a thread waits for is hidden from whoever may not read the memory.
            self.reasons.insert(POOL, why.to_string());
        }
        let active = seen.sockets.and_then(|it| it.active);
        if let Some(blamer) = &self.blamer {
            blamer.want(pids, active.is_some_and(|active| active >= BUSY));
        }
        self.see_pool(&all, &loops, has_stacks.then_some(stacks.as_slice()), active);
        if is_unread {
            self.find_ended();
        }
        seen.processes = Some(self.processes());
    }

    fn see_pool(
        &mut self,
        threads: &[Thread],
        loops: &[u32],
        stacks: Option<&[crate::outside::stacks::Stack]>,
        requests_active: Option<u64>,
    ) {
        if threads.is_empty() {
            return;
        }
        let at = Instant::now();
        if stacks.is_some() {
            self.had_stacks = Some(at);
        } else if requests_active.is_some_and(|active| active >= BUSY)
            && self.had_stacks.is_some_and(|had| at - had < WITHOUT_STACKS)
        {
            // A thread that waits for a lock looks idle without its stack. They come again.
            return;
        }
        let queued = stacks.and_then(|_| self.queued());
        self.pool.look(&pool::Look { at, threads, loops, stacks, queued, requests_active });
    }

    /// How much work waits in executors, of all workers the most; `None` where that was not read.
    fn queued(&self) -> Option<Option<u64>> {
        let blamer = self.blamer.as_ref()?;
        let read: Option<Vec<_>> =
            self.workers.iter().map(|it| blamer.queued(it.pid, FRESH_QUEUES)).collect();
        Some(read?.into_iter().flatten().max())
    }

    fn processes(&mut self) -> Processes {
        // What a worker used that has ended was used all the same.
        let pids: Vec<_> = self.workers.iter().map(|it| it.pid).collect();
        let ended: Vec<_> =
            self.of_loops.keys().filter(|pid| !pids.contains(pid)).copied().collect();
        for (cpu, run_queue) in ended.into_iter().filter_map(|pid| self.of_loops.remove(&pid)) {
            self.of_ended = (self.of_ended.0 + cpu, self.of_ended.1 + run_queue);
        }
        let sum =
            |sum: (Duration, Duration), it: &(Duration, Duration)| (sum.0 + it.0, sum.1 + it.1);
        let of_loops = self.of_loops.values().fold(self.of_ended, sum);
        // What a worker starts holds its sockets too for a while, and serves nothing.
        let serves = |it: &&Process| self.met.is_empty() || self.met.contains_key(&it.pid);
        let starts = self.workers.iter().filter(serves).map(|it| it.started_s);
        Processes {
            count: self.workers.len(),
            not_met: self.not_met(),
            newest_start_s: starts.fold(0.0, f64::max),
            of_loops: (!self.of_loops.is_empty()).then_some(of_loops),
        }
    }
}

/// A thread of a process that has several loops: whose loop it is, nobody knows.
fn of_unknown_loop(thread: &Thread) -> Option<(Lane, Scheduled)> {
    let (on_cpu, run_queue) = thread.on_cpu.zip(thread.run_queue)?;
    // Numbers of processes and threads are below this bit.
    Some((thread.tid | 1 << 31, Scheduled { on_cpu, run_queue, behind: Duration::ZERO }))
}

fn counts(sockets: &Sockets) -> SocketCounts {
    let others = sockets.accepted.iter().filter(|it| !it.is_ours);
    SocketCounts {
        active: sockets.requests_active(),
        accept_queue: sockets.accept_queue,
        unread_bytes: others.map(|it| u64::from(it.unread)).sum(),
        requests: sockets.requests_seen(),
    }
}

/// The same address in the form in which both ends have it.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

//! Looks at one URL: what its probe, its process and its sockets show becomes samples.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Control;
use super::blamer::Blamer;
use super::page::{Culprit, Page};
use super::sight::Sight;
use crate::collect::clock::Clock;
use crate::collect::own_requests::OwnRequests;
use crate::config::{Blaming, Endpoint, Outside, ScrapedPage};
use crate::model::blame::StallCause;
use crate::outside::place::{Judge, Roots};
use crate::outside::probe::{Done, Look, Prober};
use crate::outside::stalls::{Ledger, Stall};
use crate::storage::Storage;

/// How often it is looked at the process and its sockets.
const LOOK: Duration = Duration::from_millis(50);
/// The same while a request waits.
const CLOSE_LOOK: Duration = Duration::from_millis(20);
/// A request that has waited for so long is looked at closely.
const SUSPICIOUS: Duration = Duration::from_millis(30);
/// So many connections are opened at most for requests that are answered slowly.
const MOST_CONNECTIONS: usize = 24;
/// So many answers have to come before the load.
const CALM_ANSWERS: usize = 8;
/// What the load does at its end may come a moment later: until then it is looked at least, and as
/// long as it takes what has begun by then.
const AFTERMATH: Duration = Duration::from_millis(500);
/// A request is given up after that time. A loop that stands for longer has failed by any measure.
const PATIENCE: Duration = Duration::from_secs(30);

/// Looks at one URL.
pub(super) struct Watcher {
    control: Arc<Control>,
    prober: Arc<Prober>,
    sight: Sight,
    blamer: Option<Arc<Blamer>>,
    blame: Blaming,
    judges: HashMap<u32, Judge>,
    ledger: Ledger,
    page: Page,
    storage: Arc<Mutex<Storage>>,
    /// Requests for pages of metrics, and how many there were before any counted.
    own: OwnRequests,
    own_before: u64,
    endpoint: Endpoint,
    clock: Clock,
    /// The interval between samples.
    every: Duration,
    /// When a request was last sent or waited for.
    asked: Instant,
    /// Stalls of processes whose stacks come at the end.
    unjudged: Vec<Stall>,
    /// Since when the load is over.
    over_since: Option<Instant>,
    /// Since when the aftermath of that is over, too.
    aftermath_over: Option<Instant>,
    /// Whether a request has ended that was sent since then.
    has_asked_since: bool,
    /// The status of the last answer before the load.
    status: Option<u16>,
    /// Whether it was told why a request failed.
    has_told_failure: bool,
    /// Whether it was told what shows that the service is not up.
    has_told_fault: bool,
}

impl Watcher {
    /// Looks at the URL of `page` as the command line says.
    ///
    /// # Errors
    /// Why the URL cannot be asked.
    pub(super) fn new(
        page: &ScrapedPage,
        outside: &Outside,
        started: Option<u32>,
        clock: Clock,
        (storage, own): (&Arc<Mutex<Storage>>, &OwnRequests),
        control: &Arc<Control>,
    ) -> Result<Self, String> {
        let prober = Prober::start(&page.endpoint, outside.probe_every, PATIENCE);
        let prober = Arc::new(prober.map_err(|error| error.to_string())?);
        let opens_inspector = matches!(outside.blame, Blaming::Node | Blaming::Require);
        let blamer = (outside.blame != Blaming::Off).then(|| {
            let prober = Arc::clone(&prober);
            Arc::new(Blamer::start(prober, outside.blame_after, opens_inspector))
        });
        let target = [("instance", page.instance.as_str()), ("job", page.job.as_str())].into_iter();
        Ok(Self {
            control: Arc::clone(control),
            sight: Sight::new(&outside.pids, started, outside.pool_threads, blamer.clone()),
            prober,
            blamer,
            blame: outside.blame,
            judges: HashMap::new(),
            ledger: Ledger::default(),
            page: Page::new(target.collect()),
            storage: Arc::clone(storage),
            own: own.clone(),
            own_before: 0,
            endpoint: page.endpoint.clone(),
            clock,
            every: outside.every,
            asked: Instant::now(),
            unjudged: Vec::new(),
            over_since: None,
            aftermath_over: None,
            has_asked_since: false,
            status: None,
            has_told_failure: false,
            has_told_fault: false,
        })
    }

    /// Looks until it is told to end.
    pub(super) fn run(mut self) {
        self.explore();
        if !self.control.phase().counts {
            // It was ended before, and nothing of it is known to be the service's.
            return;
        }
        let mut due = self.begin();
        loop {
            let (look, at) = self.look();
            if !self.prober.is_running() {
                let why = "the probe ended by itself; this is a bug of auditor".to_owned();
                self.control.phase().broken = Some(why);
                return;
            }
            let ends_by = self.control.phase().ends_by;
            if ends_by.is_some_and(|by| at >= by || self.is_seen_after(&look, at)) {
                return self.end(at);
            }
            if at >= due {
                self.write(at);
                due = (due + self.every).max(at);
            }
            let is_suspicious = look.waiting.iter().any(|it| at - it.at >= SUSPICIOUS);
            let pause = if is_suspicious { CLOSE_LOOK } else { LOOK };
            self.control.wait(pause.saturating_sub(at.elapsed()));
        }
    }

    /// Whether it was seen how the service is once the load is over: nothing waits for an answer any
    /// more, and a request has ended that was sent [`AFTERMATH`] later, as one was over a new
    /// connection. What the load does at its end,
    /// it may do to a service that had answered all before.
    fn is_seen_after(&mut self, look: &Look, at: Instant) -> bool {
        if at < *self.over_since.get_or_insert(at) + AFTERMATH {
            return false;
        }
        let over = *self.aftermath_over.get_or_insert_with(|| {
            let over = Instant::now();
            self.prober.visit();
            over
        });
        self.has_asked_since |= look.done.iter().any(|it| it.sent.at >= over);
        let from_before = look.waiting.iter().any(|it| it.at < over);
        let is_settled = self.has_asked_since && !from_before && !self.prober.is_visiting();
        is_settled && self.ledger.held_up(at, SUSPICIOUS).is_empty()
    }

    /// Looks until some requests are answered, and it is known what can be seen. Nothing of it counts.
    fn explore(&mut self) {
        loop {
            let look = self.prober.look();
            self.sight.look(&look, &self.prober);
            look.done.iter().for_each(|it| self.ledger.calm(it));
            self.status = look.done.iter().rev().find_map(Done::status).or(self.status);
            let took = look.done.iter().filter_map(Done::took);
            let is_explored = {
                let mut phase = self.control.phase();
                for took in took {
                    phase.answered += 1;
                    phase.fastest = phase.fastest.into_iter().chain([took]).min();
                }
                let failed = look.done.iter().rev().find_map(Done::failure);
                phase.failed = failed.map(str::to_owned).or(phase.failed.take());
                let is_explored = phase.answered >= CALM_ANSWERS && self.sight.is_explored();
                if is_explored {
                    let not_blamed = self.sight.not_blamed();
                    let not_blamed = not_blamed.filter(|_| self.blame == Blaming::Require);
                    let not_blamed = not_blamed.map(|why| {
                        format!("the line that holds the loop could not be named (--blame require): {why}")
                    });
                    phase.lacks = self.sight.not_started().or(not_blamed);
                }
                phase.is_explored = is_explored;
                if phase.ends_by.is_some() || phase.counts {
                    return;
                }
                is_explored
            };
            self.control.wait(if is_explored { CLOSE_LOOK } else { LOOK });
        }
    }

    /// Writes the first samples: from now on what is seen counts. When the next ones are due.
    fn begin(&mut self) -> Instant {
        let now = Instant::now();
        self.asked = now;
        self.own_before = self.own.to(&self.endpoint);
        self.sight.begin();
        self.ledger.begin(now);
        let look = self.prober.look();
        look.done.iter().for_each(|it| self.ledger.calm(it));
        let seen = self.sight.look(&look, &self.prober);
        self.page.see(&seen);
        let at = self.clock.at(now).as_millisecond();
        {
            let mut storage = self.storage.lock().unwrap_or_else(PoisonError::into_inner);
            for (what, why) in self.sight.not_seen() {
                self.page.not_seen(what, &why, at, &mut storage);
            }
            let why = self.sight.not_blamed().filter(|_| self.blame != Blaming::Off);
            if let Some(why) = why {
                self.page.not_blamed(&why, at, &mut storage);
            }
        }
        if let Some(status) = self.status.filter(|status| *status >= 400) {
            let text = format!("it is answered with status {status}; is it the URL that is meant?");
            self.control.phase().remarks.push(text);
        }
        let remarks = self.sight.remarks(self.blame != Blaming::Off);
        self.control.phase().remarks.extend(remarks);
        self.write(now);
        self.control.phase().has_begun = true;
        now + self.every
    }

    /// Looks once at everything.
    fn look(&mut self) -> (Look, Instant) {
        let look = self.prober.look();
        let seen = self.sight.look(&look, &self.prober);
        let at = Instant::now();
        self.ledger.see(at, &look, &seen.of_probe());
        let sent = look.done.iter().map(|it| it.sent.at).chain(look.waiting.iter().map(|it| it.at));
        let gap = sent.min().map(|first| first.saturating_duration_since(self.asked));
        let gap = gap.unwrap_or_else(|| at.saturating_duration_since(self.asked));
        // Until then something was asked, or waited for.
        let asked =
            if look.waiting.is_empty() { look.done.iter().map(|it| it.at).max() } else { Some(at) };
        self.asked = asked.unwrap_or(self.asked).max(self.asked);
        let told = self.ledger.take();
        let open = look.connections.len();
        if look.left_out > 0 && open < MOST_CONNECTIONS && self.ledger.is_occupied(at) {
            self.prober.connections(open + 1);
        }
        if let Some(why) = told.failed.first().filter(|_| !self.has_told_failure) {
            self.has_told_failure = true;
            self.control.phase().remarks.push(format!("a request failed: {why}"));
        }
        if let Some(why) = seen.fault.as_ref().filter(|_| !self.has_told_fault) {
            self.has_told_fault = true;
            self.control.phase().remarks.push(why.clone());
        }
        if look.left_out > 0 {
            self.page.occupied(gap);
            self.page.tell(&told, Duration::ZERO);
        } else {
            self.page.tell(&told, gap);
        }
        self.page.see(&seen);
        told.stalls.into_iter().for_each(|stall| self.stall(stall));
        (look, at)
    }

    /// Keeps a stall, with the line that held the loop.
    fn stall(&mut self, stall: Stall) {
        let is_inspected = |blamer: &Arc<Blamer>| blamer.is_inspected(stall.lane);
        if self.blamer.as_ref().is_some_and(is_inspected) {
            self.unjudged.push(stall);
            return;
        }
        let (stall, culprit) = self.culprit(stall);
        self.keep(&stall, culprit.as_ref());
    }

    fn keep(&mut self, stall: &Stall, culprit: Option<&Culprit>) {
        let ended = self.clock.at(stall.to).as_millisecond();
        let mut storage = self.storage.lock().unwrap_or_else(PoisonError::into_inner);
        self.page.stall(stall, culprit, ended, &mut storage);
    }

    /// The line that held the loop, as far as most of the stacks of that time tell; and the stall with
    /// what the thread of that line did, if another thread kept the lock of the interpreter.
    fn culprit(&mut self, stall: Stall) -> (Stall, Option<Culprit>) {
        let Some(blamer) = self.blamer.as_ref() else { return (stall, None) };
        let taken = blamer.between(stall.lane, stall.from, stall.to);
        if stall.cause == StallCause::Machine {
            // Where it was then is told, and is no reason for it.
            let stacks: Vec<_> = taken.into_iter().map(|it| it.stack).collect();
            let place = self.judge(stall.lane).culprit(&stacks);
            let culprit = place.map(|place| Culprit { place, found_by: "py-spy", is_other: false });
            return (stall, culprit);
        }
        let others: Vec<_> = taken.iter().filter_map(|it| it.other).collect();
        let is_other = taken.len() > 1 && others.len() * 2 > taken.len();
        let turns = taken.iter().filter(|it| it.takes_turns && it.other.is_none()).count();
        let works = turns + taken.iter().filter(|it| it.stack.has_lock).count() - others.len();
        let cause = match others.iter().filter(|is_computing| **is_computing).count() {
            // It computes, though others that do so had most of the turns.
            _ if turns > 0 && works * 2 > taken.len() => StallCause::Cpu,
            _ if !is_other => stall.cause,
            computing if computing * 2 >= others.len() => StallCause::Cpu,
            _ => StallCause::Asleep,
        };
        let stacks: Vec<_> = taken.into_iter().map(|it| it.stack).collect();
        let place = self.judge(stall.lane).culprit(&stacks);
        let culprit = place.map(|place| Culprit { place, found_by: "py-spy", is_other });
        (Stall { cause, ..stall }, culprit)
    }

    fn judge(&mut self, pid: u32) -> &mut Judge {
        self.judges.entry(pid).or_insert_with(|| Judge::new(Roots::of(pid)))
    }

    fn write(&mut self, at: Instant) {
        self.page.pool(self.sight.pool());
        self.page.own_requests(self.own.to(&self.endpoint) - self.own_before);
        let at = self.clock.at(at).as_millisecond();
        self.control.phase().requests = self.page.requests();
        let mut storage = self.storage.lock().unwrap_or_else(PoisonError::into_inner);
        self.page.write(at, &mut storage);
    }

    /// Ends what is open, and writes the last samples.
    fn end(mut self, at: Instant) {
        if !self.control.phase().has_begun {
            return;
        }
        self.ledger.finish(at);
        let told = self.ledger.take();
        self.page.tell(&told, Duration::ZERO);
        told.stalls.into_iter().for_each(|stall| self.stall(stall));
        self.judge_by_profiles();
        self.write(at);
    }

    /// Names the lines of stalls whose stacks a profile has.
    fn judge_by_profiles(&mut self) {
        let unjudged = std::mem::take(&mut self.unjudged);
        if unjudged.is_empty() {
            return;
        }
        let profiles = self.blamer.as_ref().map(|it| it.profiles()).unwrap_or_default();
        for stall in unjudged {
            let profile = profiles.get(&stall.lane).and_then(|it| it.as_ref().ok());
            let stacks = profile.map(|it| it.stacks(stall.from, stall.to)).unwrap_or_default();
            let place = self.judge(stall.lane).culprit(&stacks);
            let culprit =
                place.map(|place| Culprit { place, found_by: "inspector", is_other: false });
            self.keep(&stall, culprit.as_ref());
        }
        let failed = profiles.into_values().filter_map(Result::err);
        let remarks = failed.map(|why| format!("the profile of Node could not be had: {why}"));
        self.control.phase().remarks.extend(remarks);
    }
}

//! What the thread of a probe and its owner share.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Connection, ConnectionId, Done, FIRST_CONNECTIONS, Look, Sent};

/// From so many ports on those of long ago are forgotten.
const MANY_PORTS: usize = 4096;
/// The number of the seat whose connections carry one request each. It is in no lane: connections that
/// are kept say nothing of how whoever comes new fares.
pub(super) const VISITOR: usize = usize::MAX;
/// The kernel keeps a connection that is over for a minute.
const KEPT_WHEN_CLOSED: Duration = Duration::from_secs(70);

/// What the thread of a probe and its owner share.
#[derive(Debug)]
pub(super) struct Shared {
    start: Instant,
    is_closing: AtomicBool,
    /// Whether it shall be asked over a new connection.
    is_visit_due: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seats: Vec<Seat>,
    /// That of [`VISITOR`], since it was first used.
    visitor: Option<Seat>,
    /// The connections that it had since the last look.
    visitors: Vec<ConnectionId>,
    /// How many requests a lane has at once, at least one.
    at_once: usize,
    lanes: HashMap<ConnectionId, usize>,
    done: Vec<Done>,
    left_out: usize,
    /// The ports that it has connected from, and when.
    ports: HashMap<u16, Instant>,
}

/// A place for one connection.
#[derive(Debug, Clone)]
struct Seat {
    /// `None` until it is opened, and once it is lost.
    connection: Option<Connection>,
    at_work: AtWork,
}

/// What a seat does.
#[derive(Debug, Clone, Copy)]
enum AtWork {
    /// Nothing, since then.
    Free(Instant),
    /// It waits for the answer to the request that was sent then.
    Waiting(Instant),
    /// It reads an answer to its end.
    Reading,
}

impl Seat {
    fn waiting(&self) -> Option<Sent> {
        let AtWork::Waiting(at) = self.at_work else { return None };
        Some(Sent { connection: self.connection.map(|it| it.id), at })
    }
}

impl Shared {
    pub(super) fn new(start: Instant) -> Self {
        let (is_closing, is_visit_due) = (AtomicBool::new(false), AtomicBool::new(false));
        let shared = Self { start, is_closing, is_visit_due, state: Mutex::default() };
        shared.grow(FIRST_CONNECTIONS);
        shared
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No change is made in steps that a panic could part.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    pub(super) fn visit(&self) {
        self.is_visit_due.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to visit; it is told so once.
    pub(super) fn takes_visit(&self) -> bool {
        self.is_visit_due.swap(false, Ordering::Relaxed)
    }

    pub(super) fn look(&self) -> Look {
        let mut state = self.lock();
        let (done, left_out) = (std::mem::take(&mut state.done), state.left_out);
        state.left_out = 0;
        let connections = state.all().filter_map(|seat| seat.connection).collect();
        let waiting = state.all().filter_map(Seat::waiting).collect();
        let visitors = std::mem::take(&mut state.visitors);
        Look { connections, visitors, waiting, done, left_out }
    }

    pub(super) fn waiting(&self) -> Vec<Sent> {
        self.lock().all().filter_map(Seat::waiting).collect()
    }

    pub(super) fn set_at_once(&self, at_once: usize) {
        self.lock().at_once = at_once;
    }

    pub(super) fn set_lanes(&self, lanes: HashMap<ConnectionId, usize>) {
        self.lock().lanes = lanes;
    }

    /// Sees to it that there are so many seats.
    pub(super) fn grow(&self, at_least: usize) {
        let mut state = self.lock();
        let seats = state.seats.len().max(at_least);
        // A new one is the first that is used.
        let new = Seat { connection: None, at_work: AtWork::Free(self.start) };
        state.seats.resize(seats, new);
    }

    /// The connection that a seat has now.
    pub(super) fn connection(&self, seat: usize) -> Option<ConnectionId> {
        Some(self.lock().seat(seat)?.connection?.id)
    }

    /// Whether any connection is open.
    pub(super) fn has_connections(&self) -> bool {
        self.lock().seats.iter().any(|seat| seat.connection.is_some())
    }

    /// Picks for each lane the free seat that was idle for longest, or as many as it has at once, and
    /// has them wait from `now` on. What finds no free seat in its lane is left out.
    pub(super) fn pick(&self, now: Instant) -> Vec<usize> {
        let mut state = self.lock();
        let mut lanes: BTreeMap<usize, (usize, Vec<(Instant, usize)>)> = BTreeMap::new();
        for (number, seat) in state.seats.iter().enumerate() {
            let (seats, free) = lanes.entry(state.lane(seat)).or_default();
            *seats += 1;
            if let AtWork::Free(since) = seat.at_work {
                free.push((since, number));
            }
        }
        let mut picked = Vec::with_capacity(lanes.len());
        for (seats, mut free) in lanes.into_values() {
            let due = state.at_once.clamp(1, seats);
            free.sort_unstable();
            free.truncate(due);
            state.left_out += due - free.len();
            picked.extend(free.into_iter().map(|(_, number)| number));
        }
        for number in &picked {
            state.seats[*number].at_work = AtWork::Waiting(now);
        }
        picked
    }

    /// Has the visitor wait from `now` on, unless it does already.
    pub(super) fn pick_visitor(&self, now: Instant) -> bool {
        let visitor = &mut self.lock().visitor;
        let is_free = visitor.as_ref().is_none_or(|it| matches!(it.at_work, AtWork::Free(_)));
        if is_free {
            *visitor = Some(Seat { connection: None, at_work: AtWork::Waiting(now) });
        }
        is_free
    }

    /// What was due for every lane could not be sent.
    pub(super) fn leave_out(&self) {
        let mut state = self.lock();
        let lanes: BTreeSet<_> = state.seats.iter().map(|seat| state.lane(seat)).collect();
        state.left_out += lanes.len() * state.at_once.max(1);
    }

    /// Says from which port a connection will be opened.
    pub(super) fn connects_from(&self, port: u16) {
        let mut state = self.lock();
        state.ports.insert(port, Instant::now());
        if state.ports.len() > MANY_PORTS {
            state.ports.retain(|_, at| at.elapsed() < KEPT_WHEN_CLOSED);
        }
    }

    /// The ports that it connects from, or did so of late.
    pub(super) fn ports(&self) -> HashSet<u16> {
        self.lock().ports.keys().copied().collect()
    }

    /// Says which connection a seat has now.
    pub(super) fn connected(&self, seat: usize, connection: Option<Connection>) {
        let mut state = self.lock();
        if seat == VISITOR {
            state.visitors.extend(connection.map(|it| it.id));
        }
        if let Some(seat) = state.seat(seat) {
            seat.connection = connection;
        }
    }

    /// The request of a seat has ended; `is_read` is whether nothing is left to read of its answer.
    pub(super) fn ended(&self, seat: usize, done: Done, is_read: bool) {
        let at_work = if is_read { AtWork::Free(done.at) } else { AtWork::Reading };
        let mut state = self.lock();
        state.done.push(done);
        if let Some(seat) = state.seat(seat) {
            seat.at_work = at_work;
        }
    }

    /// Nothing is left to read of a seat's answer.
    pub(super) fn freed(&self, seat: usize, at: Instant) {
        if let Some(seat) = self.lock().seat(seat) {
            seat.at_work = AtWork::Free(at);
        }
    }
}

impl State {
    fn all(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().chain(&self.visitor)
    }

    fn seat(&mut self, number: usize) -> Option<&mut Seat> {
        if number == VISITOR { self.visitor.as_mut() } else { self.seats.get_mut(number) }
    }

    fn lane(&self, seat: &Seat) -> usize {
        let lane = seat.connection.and_then(|it| self.lanes.get(&it.id));
        lane.copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::probe::End;

    fn connection(id: ConnectionId) -> Option<Connection> {
        let address = "127.0.0.1:1".parse().unwrap();
        Some(Connection { id, local: address, peer: address })
    }

    /// The request of the seat was answered at that instant.
    fn answer(shared: &Shared, seat: usize, at: Instant) {
        let sent = shared.lock().seats[seat].waiting().unwrap();
        let done = Done { sent, at, own_delay: Duration::ZERO, end: End::Answered(200) };
        shared.ended(seat, done, true);
    }

    #[test]
    fn the_seats_of_a_lane_take_turns_and_what_finds_none_is_left_out() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let shared = Shared::new(start);
        let picked: Vec<_> = (0..4).map(|n| shared.pick(at(n))).collect();
        assert_eq!(picked, [[0], [1], [2], [3]]);
        assert!(shared.pick(at(4)).is_empty());
        assert_eq!(
            shared.waiting().iter().map(|it| it.at).collect::<Vec<_>>(),
            [0, 1, 2, 3].map(at)
        );
        answer(&shared, 2, at(5));
        answer(&shared, 1, at(6));
        assert_eq!([shared.pick(at(7)), shared.pick(at(8))], [[2], [1]]);
        let look = shared.look();
        assert_eq!((look.left_out, look.done.len(), look.waiting.len()), (1, 2, 4));
        let look = shared.look();
        assert_eq!((look.left_out, look.done.len(), look.waiting.len()), (0, 0, 4));
    }

    #[test]
    fn each_lane_has_its_request_however_its_neighbour_stands() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let shared = Shared::new(start);
        (0..4).for_each(|seat| shared.connected(seat, connection(seat as u64 + 10)));
        shared.set_lanes(HashMap::from([(11, 1), (13, 7)]));
        assert_eq!(shared.pick(at(1)), [0, 1, 3]);
        // Lane 0 has one seat more; lanes 1 and 7 have to wait.
        assert_eq!(shared.pick(at(2)), [2]);
        assert_eq!(shared.look().left_out, 2);
        answer(&shared, 3, at(3));
        assert_eq!(shared.pick(at(4)), [3]);
        assert_eq!(shared.look().left_out, 2);
        shared.leave_out();
        assert_eq!(shared.look().left_out, 3);
        // A connection that was opened anew is known to nobody.
        answer(&shared, 3, at(5));
        shared.connected(3, connection(99));
        assert_eq!(shared.pick(at(6)), [3]);
    }

    #[test]
    fn several_at_once_are_those_that_were_idle_for_longest() {
        let start = Instant::now();
        let shared = Shared::new(start);
        shared.set_lanes(HashMap::from([(13, 7)]));
        (0..4).for_each(|seat| shared.connected(seat, connection(seat as u64 + 10)));
        shared.set_at_once(2);
        // Lane 7 has one seat, and cannot have two requests.
        assert_eq!(shared.pick(start), [0, 1, 3]);
        assert_eq!(shared.look().left_out, 0);
        assert_eq!(shared.pick(start), [2]);
        assert_eq!(shared.look().left_out, 2);
    }

    #[test]
    fn the_visitor_is_in_no_lane_and_comes_once_at_a_time() {
        let start = Instant::now();
        let shared = Shared::new(start);
        assert_eq!(shared.look().visitors, [0; 0]);
        assert!(shared.pick_visitor(start) && !shared.pick_visitor(start));
        assert_eq!((0..6).flat_map(|_| shared.pick(start)).collect::<Vec<_>>(), [0, 1, 2, 3]);
        shared.connected(VISITOR, connection(9));
        let look = shared.look();
        assert_eq!((look.visitors, look.connections.len(), look.waiting.len()), (vec![9], 1, 5));
        let sent = Sent { connection: Some(9), at: start };
        let done = Done { sent, at: start, own_delay: Duration::ZERO, end: End::Answered(200) };
        shared.ended(VISITOR, done, false);
        assert!(!shared.pick_visitor(start), "its answer is being read");
        shared.connected(VISITOR, None);
        shared.freed(VISITOR, start);
        let look = shared.look();
        assert_eq!((look.connections.len(), look.done.len(), look.waiting.len()), (0, 1, 4));
        assert!(shared.pick_visitor(start));
    }

    #[test]
    fn there_are_never_less_seats_and_an_answer_that_is_read_is_none_that_is_waited_for() {
        let start = Instant::now();
        let shared = Shared::new(start);
        shared.grow(6);
        shared.grow(2);
        assert_eq!(shared.lock().seats.len(), 6);
        assert_eq!(shared.pick(start), [0]);
        let sent = shared.waiting()[0];
        let done = Done { sent, at: start, own_delay: Duration::ZERO, end: End::Answered(200) };
        shared.ended(0, done, false);
        assert!(shared.waiting().is_empty());
        let others: Vec<_> = (0..6).flat_map(|_| shared.pick(start)).collect();
        assert_eq!(others, [1, 2, 3, 4, 5]);
        shared.freed(0, start);
        assert_eq!(shared.pick(start), [0]);
    }
}

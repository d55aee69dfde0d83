use std::net::SocketAddr;

use super::*;
use crate::outside::probe::Connection;

/// A service that is looked at every 20 ms, in milliseconds since it began.
struct Course {
    began: Instant,
    ledger: Ledger,
    told: Told,
}

/// A request: connection, sent, read, answered.
type Request = (ConnectionId, u64, u64, u64);

impl Course {
    fn new() -> Self {
        Self { began: Instant::now(), ledger: Ledger::default(), told: Told::default() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.began + Duration::from_millis(ms)
    }

    fn ms(&self, at: Instant) -> u64 {
        (at - self.began).as_millis() as u64
    }

    /// Looks until so many milliseconds have passed. `sees_reads` says whether sockets can be looked
    /// at, and `used` what the loop has had of the CPUs by an instant.
    fn run(
        &mut self,
        requests: &[Request],
        until: u64,
        sees_reads: bool,
        used: Option<&dyn Fn(u64) -> (u64, u64)>,
    ) -> Told {
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let connections: Vec<_> =
            (1..=4).map(|id| Connection { id, local: address, peer: address }).collect();
        let lanes: Vec<_> = connections.iter().map(|it| (it.id, 7)).collect();
        for now in (0..=until).step_by(20) {
            let sent = |it: &Request| Sent { connection: Some(it.0), at: self.at(it.1) };
            let waits = |it: &&Request| it.1 <= now && now < it.3;
            let waiting: Vec<_> = requests.iter().filter(waits).map(sent).collect();
            let ended = |it: &&Request| it.3 <= now && it.3 + 20 > now;
            let done = requests.iter().filter(ended).map(|it| Done {
                sent: sent(it),
                at: self.at(it.3),
                own_delay: Duration::ZERO,
                end: End::Answered(200),
            });
            let look = Look {
                connections: connections.clone(),
                waiting,
                done: done.collect(),
                ..Look::default()
            };
            let unread = requests.iter().filter(waits).map(|it| (it.0, now < it.2));
            let unread: Vec<_> = unread.filter(|_| sees_reads).collect();
            let scheduled = used.map(|used| {
                let (on_cpu, run_queue) = used(now);
                let [on_cpu, run_queue] = [on_cpu, run_queue].map(Duration::from_millis);
                (7, Scheduled { on_cpu, run_queue, behind: Duration::ZERO })
            });
            let scheduled: Vec<_> = scheduled.into_iter().collect();
            let seen = Seen { unread: &unread, lanes: &lanes, scheduled: &scheduled };
            self.ledger.see(self.at(now), &look, &seen);
            let told = self.ledger.take();
            self.told.answers.extend(told.answers);
            self.told.stalls.extend(told.stalls);
            self.told.lag = self.told.lag.max(told.lag);
            self.told.slow = self.told.slow.max(told.slow);
            self.told.untold = self.told.untold.max(told.untold);
        }
        std::mem::take(&mut self.told)
    }
}

/// Requests every 50 ms on four connections, to a loop that stands for these times.
fn stalled(times: &[(u64, u64)], until: u64) -> Vec<Request> {
    let mut free = [0_u64; 4];
    let mut requests = Vec::new();
    for sent in (0..until).step_by(50) {
        let Some(connection) = (0..4).find(|it| free[*it] <= sent) else { continue };
        let stall = times.iter().find(|(from, to)| *from <= sent && sent < *to);
        let answered = stall.map_or(sent, |(_, to)| *to) + 1;
        free[connection] = answered;
        requests.push((connection as u64 + 1, sent, answered - 1, answered));
    }
    requests
}

#[test]
fn a_stall_is_seen_from_the_first_request_in_it_to_its_end() {
    for sees_reads in [false, true] {
        let mut course = Course::new();
        let requests = stalled(&[(410, 720), (1030, 2230)], 3000);
        let told = course.run(&requests, 3000, sees_reads, None);
        let spans: Vec<_> =
            told.stalls.iter().map(|it| (course.ms(it.from), course.ms(it.to))).collect();
        // The request is answered a millisecond after it was read.
        let [(450, 720 | 721), (1050, 2230 | 2231)] = spans[..] else {
            panic!("reads seen: {sees_reads}: {spans:?}")
        };
        assert!(told.lag < Duration::from_millis(50), "{:?}", told.lag);
        assert!(told.stalls.iter().all(|it| it.cause == StallCause::Unknown));
    }
}

#[test]
fn the_scheduler_says_why() {
    // From 1000 to 2000 the loop stands, and in each millisecond of it: on a CPU, waiting for one.
    for ((cpu, queue), cause, of_service) in [
        ((0, 0), StallCause::Asleep, 950),
        ((100, 0), StallCause::Cpu, 950),
        ((60, 30), StallCause::Cpu, 650),
        ((0, 90), StallCause::Machine, 50),
        ((30, 20), StallCause::Asleep, 750),
    ] {
        let mut course = Course::new();
        let requests = stalled(&[(1010, 1999)], 2500);
        let used = |now: u64| {
            let within = now.clamp(1000, 2000) - 1000;
            (within * cpu / 100, within * queue / 100)
        };
        let told = course.run(&requests, 2500, true, Some(&used));
        let [stall] = told.stalls.as_slice() else { panic!("{:?}", told.stalls) };
        assert_eq!(stall.cause, cause, "{cpu} {queue}");
        let counted = stall.of_service().as_millis() as i64;
        assert!((counted - of_service).abs() <= 60, "{cpu} {queue}: {counted}");
    }
}

#[test]
fn a_slow_route_is_no_stall_where_reads_are_seen() {
    let requests: Vec<_> = (0..20).map(|n| (n % 4 + 1, n * 50, n * 50 + 1, n * 50 + 190)).collect();
    let told = Course::new().run(&requests, 1500, true, None);
    assert!(told.stalls.is_empty(), "{:?}", told.stalls);
    assert!(told.slow >= Duration::from_millis(150), "{:?}", told.slow);
    // Where they are not, nobody knows that the route is slow.
    let told = Course::new().run(&requests, 1500, false, None);
    assert!(!told.stalls.is_empty());
}

/// Of such an answer it is not known how long it would have taken on a machine with time.
#[test]
fn a_slow_answer_of_a_loop_that_waits_for_a_cpu_is_not_told_of() {
    let requests = [(1, 100, 101, 1300)];
    for (queue, slow_ms, untold_ms) in [(0, 1199, 0), (90, 120, 1080), (100, 0, 1199)] {
        let used = |now: u64| (0, (now.clamp(100, 1300) - 100) * queue / 100);
        let told = Course::new().run(&requests, 2000, true, Some(&used));
        for (found, expected) in [(told.slow, slow_ms), (told.untold, untold_ms)] {
            let off = (found.as_millis() as i64 - expected).abs();
            assert!(off <= 60, "{queue}: {found:?}, not {expected}");
        }
    }
}

#[test]
fn an_answer_that_waits_for_a_stall_is_not_slow_by_itself() {
    // The first one was read in the moment before the loop was held up, and is answered by a look
    // before the others, or at the same one.
    for earlier in [0, 1, 20] {
        let mut requests = stalled(&[(1010, 2219)], 2500);
        for it in requests.iter_mut().filter(|it| it.1 == 1000) {
            *it = (it.0, 1000, 1001, 2220 - earlier);
        }
        let told = Course::new().run(&requests, 3000, true, None);
        assert_eq!(told.stalls.len(), 1, "{earlier}: {:?}", told.stalls);
        assert!(told.slow < Duration::from_millis(100), "{earlier}: {:?}", told.slow);
    }
}

#[test]
fn what_is_open_at_the_end_counts_until_then() {
    let mut course = Course::new();
    let requests = stalled(&[(1010, 9000)], 2000);
    assert!(course.run(&requests, 2000, true, None).stalls.is_empty());
    let end = course.at(2000);
    course.ledger.finish(end);
    let told = course.ledger.take();
    let spans: Vec<_> =
        told.stalls.iter().map(|it| (course.ms(it.from), course.ms(it.to))).collect();
    assert_eq!(spans, [(1050, 2000)]);
}

#[test]
fn a_probe_that_was_late_itself_says_nothing() {
    let began = Instant::now();
    let sent = Sent { connection: Some(1), at: began };
    let done = |own_ms: u64| Done {
        sent,
        at: began + Duration::from_millis(400),
        own_delay: Duration::from_millis(own_ms),
        end: End::Answered(200),
    };
    for (own_ms, late, lag_ms) in [(300, 1, 0), (100, 0, 300), (0, 0, 400)] {
        let mut ledger = Ledger::default();
        let look = Look { done: vec![done(own_ms)], ..Look::default() };
        ledger.see(began + Duration::from_secs(1), &look, &Seen::default());
        let told = ledger.take();
        assert_eq!(told.late, late, "{own_ms}");
        let stalled = told.stalls.first().map(|it| it.to - it.from).unwrap_or_default();
        assert_eq!(stalled, Duration::from_millis(lag_ms), "{own_ms}");
    }
}

#[test]
fn a_worker_that_stands_is_told_beside_one_that_does_not() {
    let mut ledger = Ledger::default();
    let began = Instant::now();
    let ms = |ms: u64| began + Duration::from_millis(ms);
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let connections = [1, 2].map(|id| Connection { id, local: address, peer: address });
    let lanes = [(1, 10), (2, 20)];
    let done = |id, sent, at| Done {
        sent: Sent { connection: Some(id), at: ms(sent) },
        at: ms(at),
        own_delay: Duration::ZERO,
        end: End::Answered(200),
    };
    for now in (50..=600).step_by(50) {
        let waiting =
            if now < 500 { vec![Sent { connection: Some(1), at: ms(0) }] } else { vec![] };
        let mut ended = vec![done(2, now - 50, now - 49)];
        ended.extend((now == 500).then(|| done(1, 0, 500)));
        let look =
            Look { connections: connections.to_vec(), waiting, done: ended, ..Look::default() };
        ledger.see(ms(now), &look, &Seen { lanes: &lanes, ..Seen::default() });
    }
    let told = ledger.take();
    let stalls: Vec<_> = told.stalls.iter().map(|it| (it.lane, it.to - it.from)).collect();
    assert_eq!(stalls, [(10, Duration::from_millis(500))]);
    assert_eq!(told.answers.len(), 13);
}

/// Both waited for the same loop, and between their answers it was looked.
#[test]
fn what_is_answered_after_a_stall_was_told_is_no_stall_of_its_own() {
    let mut course = Course::new();
    let requests = [(1, 90, 699, 699), (2, 150, 700, 705)];
    let told = course.run(&requests, 1000, true, None);
    let spans: Vec<_> =
        told.stalls.iter().map(|it| (course.ms(it.from), course.ms(it.to))).collect();
    assert_eq!(spans, [(90, 699)]);
}

#[test]
fn requests_from_before_say_nothing() {
    let mut course = Course::new();
    course.ledger.begin(course.at(1000));
    // A route that takes 0.45 s by itself, asked every 50 ms.
    let requests: Vec<_> =
        (0..60).map(|n| (n % 12 + 1, n * 50, n * 50 + 1, n * 50 + 450)).collect();
    let told = course.run(&requests, 2900, true, None);
    assert!(told.stalls.is_empty(), "{:?}", told.stalls);
    assert!(told.lag < Duration::from_millis(50), "{:?}", told.lag);
}

#[test]
fn what_nobody_looked_at_meanwhile_is_not_known() {
    let began = Instant::now();
    let ms = |ms: u64| began + Duration::from_millis(ms);
    let sent = Sent { connection: Some(1), at: ms(10) };
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let connections = vec![Connection { id: 1, local: address, peer: address }];
    let done = Done { sent, at: ms(210), own_delay: Duration::ZERO, end: End::Answered(200) };
    // It was looked at all the time, or not for a while, or reads are never seen.
    for (looks, unread, late, stalls) in [
        (&[50, 100, 150, 200][..], &[(1, true)][..], 0, 1),
        (&[], &[(2, false)], 1, 0),
        (&[180], &[(1, false)], 1, 0),
        (&[], &[], 0, 1),
    ] {
        let mut ledger = Ledger::default();
        let connections = || connections.clone();
        for now in looks {
            let look = Look { connections: connections(), waiting: vec![sent], ..Look::default() };
            ledger.see(ms(*now), &look, &Seen { unread, ..Seen::default() });
        }
        let look = Look { connections: connections(), done: vec![done.clone()], ..Look::default() };
        ledger.see(ms(220), &look, &Seen { unread, ..Seen::default() });
        let told = ledger.take();
        assert_eq!((told.late, told.stalls.len()), (late, stalls), "{looks:?} {unread:?}");
        assert_eq!(told.answers.len(), 1, "it is an answer all the same");
        let untold = Duration::from_millis(if late > 0 { 200 } else { 0 });
        assert_eq!(told.untold, untold, "{looks:?} {unread:?}");
    }
}

#[test]
fn a_loop_that_waits_for_a_thread_that_waits_for_a_cpu_is_the_machines() {
    let mut ledger = Ledger::default();
    let began = Instant::now();
    let ms = |ms: u64| began + Duration::from_millis(ms);
    for now in [0, 1000] {
        let [on_cpu, run_queue] = [Duration::ZERO; 2];
        let behind = Duration::from_millis(now * 9 / 10);
        let scheduled = [(7, Scheduled { on_cpu, run_queue, behind })];
        ledger.see(ms(now), &Look::default(), &Seen { scheduled: &scheduled, ..Seen::default() });
    }
    let (cause, machine) = ledger.cause(7, ms(0), ms(1000));
    assert_eq!((cause, machine), (StallCause::Machine, Duration::from_millis(900)));
}

/// Looks every 20 ms, over a second, at one request over a new connection, and at those of connection
/// 1 that is kept: each of them sent and read so long after the begin.
fn visited(visit: (u64, u64), kept: &[(u64, u64)]) -> (Course, Told) {
    let mut course = Course::new();
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let of = |id| Connection { id, local: address, peer: address };
    for now in (0..=1000).step_by(20) {
        let requests = kept.iter().map(|it| (1, it)).chain([(9, &visit)]);
        let (mut waiting, mut done) = (Vec::new(), Vec::new());
        for (id, (sent, read)) in requests {
            let sent_at = Sent { connection: Some(id), at: course.at(*sent) };
            if *sent <= now && now < *read {
                waiting.push(sent_at);
            } else if *read <= now && read + 20 > now {
                let (at, own_delay) = (course.at(*read), Duration::ZERO);
                done.push(Done { sent: sent_at, at, own_delay, end: End::Answered(200) });
            }
        }
        let is_new = visit.0 <= now && now < visit.0 + 20;
        let visitors = if is_new { vec![9] } else { vec![] };
        let is_open = visit.0 <= now && now < visit.1;
        let connections = if is_open { vec![of(1), of(9)] } else { vec![of(1)] };
        let unread: Vec<_> = waiting.iter().filter_map(|it| Some((it.connection?, true))).collect();
        let lanes: Vec<_> = connections.iter().map(|it| (it.id, 7)).collect();
        let look = Look { connections, visitors, waiting, done, left_out: 0 };
        let seen = Seen { unread: &unread, lanes: &lanes, ..Seen::default() };
        course.ledger.see(course.at(now), &look, &seen);
    }
    let told = course.ledger.take();
    (course, told)
}

#[test]
fn a_new_connection_that_waits_alone_is_a_stall_and_one_that_waits_with_others_is_none() {
    let kept: Vec<_> = (0..19).map(|n| (n * 50, n * 50 + 1)).collect();
    let (course, told) = visited((200, 900), &kept);
    let spans = |course: &Course, told: &Told| -> Vec<_> {
        told.stalls.iter().map(|it| (course.ms(it.from), course.ms(it.to))).collect()
    };
    assert_eq!(spans(&course, &told), [(200, 900)]);
    // Stalls meanwhile, of which the others tell, are told beside it.
    let (course, told) = visited((200, 900), &[(210, 330), (500, 620), (950, 951)]);
    assert_eq!(spans(&course, &told), [(210, 330), (500, 620), (200, 900)]);
    // A stall of which all tell is told once, whoever is answered first.
    for visit in [(200, 700), (200, 690), (200, 719), (210, 721)] {
        let (course, told) = visited(visit, &[(200, 702), (800, 801)]);
        assert_eq!(spans(&course, &told), [(200, 702)], "{visit:?}");
        assert!(told.lag < Duration::from_millis(30), "{visit:?} {:?}", told.lag);
    }
}

#[test]
fn a_connection_that_was_not_had_at_the_end_is_a_failure() {
    let began = Instant::now();
    let ms = |ms: u64| began + Duration::from_millis(ms);
    for (since, failed) in [(0, 1), (950, 0)] {
        let mut ledger = Ledger::default();
        let waiting = vec![Sent { connection: None, at: ms(since) }];
        ledger.see(ms(980), &Look { waiting, ..Look::default() }, &Seen::default());
        ledger.finish(ms(1000));
        assert_eq!(ledger.take().failed.len(), failed, "{since}");
    }
}

#[test]
fn an_error_of_the_service_is_a_failure() {
    let at = Instant::now();
    let done = |status| Done {
        sent: Sent { connection: Some(1), at },
        at: at + Duration::from_millis(3),
        own_delay: Duration::ZERO,
        end: End::Answered(status),
    };
    for (before, under, failed) in [
        (vec![503, 200], 503, vec!["answered 503, and 200 before the load"]),
        (vec![404, 500], 500, vec!["answered 500, and 404 before the load"]),
        (vec![503], 503, vec!["answered 503"]),
        (vec![200], 404, vec![]),
        (vec![], 500, vec!["answered 500"]),
    ] {
        let mut ledger = Ledger::default();
        before.iter().for_each(|status| ledger.calm(&done(*status)));
        ledger.see(at, &Look { done: vec![done(under)], ..Look::default() }, &Seen::default());
        let told = ledger.take();
        assert_eq!(
            (&told.failed[..], told.errors),
            (&failed.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()[..], failed.len())
        );
        assert_eq!(told.answers.len(), 1, "its time counts: {before:?} {under}");
    }
}

/// The connection was had after 0.7 s, and its request was answered before it was looked again.
#[test]
fn the_time_without_a_connection_is_known_not_to_be_read() {
    let began = Instant::now();
    let ms = |ms: u64| began + Duration::from_millis(ms);
    let mut ledger = Ledger::default();
    let unread = [(1, false)];
    let seen = Seen { unread: &unread, ..Seen::default() };
    for now in (50..700).step_by(50) {
        let waiting = vec![Sent { connection: None, at: ms(0) }];
        ledger.see(ms(now), &Look { waiting, ..Look::default() }, &seen);
    }
    let sent = Sent { connection: Some(9), at: ms(0) };
    let done = Done { sent, at: ms(705), own_delay: Duration::ZERO, end: End::Answered(200) };
    let look = Look { done: vec![done], visitors: vec![9], ..Look::default() };
    ledger.see(ms(720), &look, &seen);
    let told = ledger.take();
    let stalls: Vec<_> = told.stalls.iter().map(|it| it.to - it.from).collect();
    assert_eq!((stalls, told.late), (vec![Duration::from_millis(705)], 0));
}

/// Nobody has accepted the connection, and every loop waited for a CPU.
#[test]
fn where_the_loop_is_not_known_the_machine_has_the_benefit() {
    for (waited_ms, cause, machine_ms) in [
        (900, StallCause::Machine, 1000),
        (300, StallCause::Machine, 1000),
        (200, StallCause::Unknown, 200),
    ] {
        let mut ledger = Ledger::default();
        let began = Instant::now();
        let ms = |ms: u64| began + Duration::from_millis(ms);
        for now in (0..=1100).step_by(50) {
            let of = |part: u64| Scheduled {
                on_cpu: Duration::ZERO,
                run_queue: Duration::from_millis(now.min(1000) * part / 1000),
                behind: Duration::ZERO,
            };
            let scheduled = [(10, of(waited_ms)), (20, of(10))];
            let sent = Sent { connection: Some(9), at: ms(0) };
            let end = End::Answered(200);
            let done = Done { sent, at: ms(1000), own_delay: Duration::ZERO, end };
            let done = if now == 1000 { vec![done] } else { vec![] };
            let look = Look { done, ..Look::default() };
            ledger.see(ms(now), &look, &Seen { scheduled: &scheduled, ..Seen::default() });
        }
        let told = ledger.take();
        let stalls: Vec<_> = told.stalls.iter().map(|it| (it.cause, it.machine)).collect();
        assert_eq!(stalls, [(cause, Duration::from_millis(machine_ms))]);
    }
}

use super::*;
use crate::outside::stacks::Frame;

const SLEEPS: Option<&str> = Some("hrtimer_nanosleep");
const QUEUE: Option<&str> = Some("futex_wait_queue");
const ANYIO_NAME: &str = "AnyIO worker thread";

fn thread(tid: u32, state: char, waits_in: Option<&str>) -> Thread {
    Thread {
        tid,
        name: "python3".to_owned(),
        state,
        waits_in: waits_in.map(str::to_owned),
        on_cpu: None,
        run_queue: None,
    }
}

fn threads(tids: std::ops::Range<u32>, waits_in: Option<&str>) -> Vec<Thread> {
    tids.map(|tid| thread(tid, 'S', waits_in)).collect()
}

/// Two intervals of 20 looks 50 ms apart, after a first look; the second interval.
fn judge(
    first: &[Thread],
    active: Option<u64>,
    stacks: Option<&[Stack]>,
    at: impl Fn(u32) -> Vec<Thread>,
) -> Option<Pool> {
    let begun = Instant::now();
    // A pool of one of these sizes is said to have no more.
    let of_pool = at(21).into_iter().filter(|thread| thread.name == "python3").count();
    let size = stacks.map_or(of_pool, <[Stack]>::len);
    let mut judge = Judge::new([4, 8, 40].into_iter().find(|it| *it == size));
    let look = |threads: &[Thread], number: u32, active: Option<u64>, judge: &mut Judge| {
        let mut all = vec![thread(1, 'S', Some("do_epoll_wait"))];
        all.extend_from_slice(threads);
        let at = begun + number * Duration::from_millis(50);
        let look =
            Look { at, threads: &all, loops: &[1], stacks, queued: None, requests_active: active };
        judge.look(&look);
    };
    look(first, 0, Some(0), &mut judge);
    (1..22).for_each(|number| look(&at(number), number, active, &mut judge));
    judge.end_interval(Some(40));
    (22..42).for_each(|number| look(&at(number), number, active, &mut judge));
    judge.end_interval(Some(40))
}

#[test]
fn a_full_pool_has_a_backlog_and_a_wait() {
    let full = |_| threads(2..42, SLEEPS);
    let pool = judge(&threads(2..42, QUEUE), Some(120), None, full).unwrap();
    assert_eq!((pool.busy, pool.idle, pool.backlog), (40, 0, Some(80)));
    let wait = pool.wait.unwrap().as_secs_f64();
    assert!((wait - 0.95 * 2.0).abs() < 0.01, "80 of 40 in 0.95 s: {wait}");
    // Born under the load, and never idle.
    let born = judge(&[], Some(120), None, full).unwrap();
    assert_eq!((born.busy, born.backlog), (40, Some(80)));
    // Without the requests nobody knows.
    let unknown = judge(&threads(2..42, QUEUE), None, None, full).unwrap();
    assert_eq!((unknown.busy, unknown.backlog, unknown.wait), (40, None, None));
}

#[test]
fn the_wait_is_counted_since_the_pool_is_full() {
    let begun = Instant::now();
    let mut judge = Judge::new(Some(40));
    let mut waits = Vec::new();
    // 40 threads are done together every other second, and 80 requests wait.
    for number in 0..200 {
        let threads = threads(2..42, if number == 0 { QUEUE } else { SLEEPS });
        let at = begun + number * Duration::from_millis(50);
        let (stacks, requests_active) = (None, Some(120));
        let queued = None;
        judge.look(&Look { at, threads: &threads, loops: &[1], stacks, queued, requests_active });
        if number % 20 == 19 {
            let answered = if number % 40 == 39 { 40 } else { 0 };
            waits.extend(judge.end_interval(Some(answered)).unwrap().wait);
        }
    }
    let last = waits.last().unwrap().as_secs_f64();
    assert!((3.5..4.5).contains(&last), "{waits:?}");
}

#[test]
fn a_healthy_service_has_no_backlog() {
    let no_backlog = |name: &str, pool: Option<Pool>| {
        assert_eq!(
            pool.map(|pool| (pool.backlog, pool.wait)),
            Some((Some(0), Some(Duration::ZERO))),
            "{name}"
        );
    };
    let none = |_| Vec::new();
    no_backlog("200 slow awaits", judge(&[], Some(200), None, none));
    let quiet = |_| threads(2..42, QUEUE);
    no_backlog("beside a quiet pool", judge(&threads(2..42, QUEUE), Some(200), None, quiet));
    let background = |_| threads(2..10, SLEEPS);
    no_backlog("threads of its own", judge(&threads(2..10, SLEEPS), Some(200), None, background));
    let three = |_| threads(2..5, SLEEPS);
    no_backlog("three threads", judge(&[], Some(200), None, three));
    let one_free = |_| [threads(2..41, SLEEPS), threads(41..42, QUEUE)].concat();
    no_backlog("one is free", judge(&threads(2..42, QUEUE), Some(200), None, one_free));
    let one_look = |number| threads(2..42, if number == 30 { QUEUE } else { SLEEPS });
    no_backlog("all free at a look", judge(&threads(2..42, QUEUE), Some(200), None, one_look));
    let often = |number| {
        let free = if number % 3 == 0 { QUEUE } else { SLEEPS };
        [threads(2..38, SLEEPS), threads(38..42, free)].concat()
    };
    no_backlog("some often", judge(&threads(2..42, QUEUE), Some(200), None, often));
    let twice = |number| {
        let free = if number == 30 || number == 31 { QUEUE } else { SLEEPS };
        [threads(2..38, SLEEPS), threads(38..42, free)].concat()
    };
    no_backlog("some for two looks", judge(&threads(2..42, QUEUE), Some(200), None, twice));
    let grows = |number| threads(2..10 + number, SLEEPS);
    no_backlog("it grows", judge(&[], Some(200), None, grows));
    let as_many = |_| threads(2..42, SLEEPS);
    no_backlog("as many as threads", judge(&threads(2..42, QUEUE), Some(40), None, as_many));
}

#[test]
fn below_its_limit_a_busy_pool_is_no_sign_of_a_backlog() {
    // Twenty clients of a handler in threads beside a hundred that await.
    let pool = judge(&[], Some(120), None, |_| threads(2..22, SLEEPS)).unwrap();
    assert_eq!((pool.busy, pool.idle, pool.backlog, pool.wait), (20, 0, None, None));
    let pool = judge(&[], Some(20), None, |_| threads(2..22, SLEEPS)).unwrap();
    assert_eq!((pool.busy, pool.backlog), (20, Some(0)));
    let limits = [ANYIO_NAME, "libuv-worker", "asyncio", "python3"].map(usual_limit);
    assert_eq!(limits, [Some(40), Some(4), None, None]);
}

/// An executor, whose queue is read.
#[test]
fn the_backlog_of_an_executor_is_what_is_in_its_queue() {
    let stacks: Vec<Stack> = (2..8)
        .map(|tid| stack(tid, &[("query", "/app/db.py"), ("run", EXECUTOR.1), EXECUTOR]))
        .collect();
    let all = threads(2..8, SLEEPS);
    for (queued, backlog, unsure) in [
        // Six jobs that never end beside a hundred requests that await something else.
        (Some(Some(0)), Some(0), None),
        (Some(Some(7)), Some(7), None),
        (Some(None), Some(0), None),
        (None, None, Some(Unsure::Limit)),
    ] {
        let mut judge = Judge::new(None);
        let begun = Instant::now();
        for number in 0..42 {
            let at = begun + number * Duration::from_millis(50);
            let (loops, requests_active) = (&[1][..], Some(100));
            let stacks = Some(stacks.as_slice());
            judge.look(&Look { at, threads: &all, loops, stacks, queued, requests_active });
            if number == 20 {
                judge.end_interval(Some(5));
            }
        }
        let pool = judge.end_interval(Some(5)).unwrap();
        assert_eq!((pool.busy, pool.backlog, pool.unsure), (6, backlog, unsure), "{queued:?}");
    }
}

/// AnyIO's pool may have 40 threads, whatever the executors beside it may have.
#[test]
fn anyio_with_a_few_busy_threads_has_room() {
    let anyio = |tid| Stack {
        thread_name: ANYIO_NAME.to_owned(),
        ..stack(tid, &[("query", "/app/db.py"), ANYIO])
    };
    for (count, backlog) in [(6, Some(0)), (39, Some(0)), (40, Some(60)), (41, None)] {
        let stacks: Vec<Stack> = (2..2 + count).map(anyio).collect();
        let all = threads(2..2 + count, SLEEPS);
        let mut judge = Judge::new(None);
        let begun = Instant::now();
        for number in 0..42 {
            let at = begun + number * Duration::from_millis(50);
            let (loops, requests_active) = (&[1][..], Some(100));
            let stacks = Some(stacks.as_slice());
            let queued = Some(None);
            judge.look(&Look { at, threads: &all, loops, stacks, queued, requests_active });
            if number == 20 {
                judge.end_interval(Some(5));
            }
        }
        assert_eq!(judge.end_interval(Some(5)).unwrap().backlog, backlog, "{count}");
    }
}

#[test]
fn the_pools_of_two_workers_are_exhausted_together() {
    let at_limit = |loops: &[u32], number: u32| {
        let mut judge = Judge::new(Some(40));
        let begun = Instant::now();
        for look in 0..30 {
            let waits_in = if look == 0 { QUEUE } else { SLEEPS };
            let threads = threads(10..10 + number, waits_in);
            let at = begun + look * Duration::from_millis(50);
            let (stacks, requests_active) = (None, Some(100));
            let queued = None;
            judge.look(&Look { at, threads: &threads, loops, stacks, queued, requests_active });
            if look == 1 {
                judge.end_interval(Some(1));
            }
        }
        judge.end_interval(Some(1)).unwrap().backlog
    };
    assert_eq!(at_limit(&[1, 2], 80), Some(20));
    assert_eq!(at_limit(&[1, 2], 40), Some(0));
    assert_eq!(at_limit(&[1], 40), Some(60));
}

#[test]
fn a_moment_between_two_pieces_of_work_is_no_room() {
    let at = |number| {
        let free = if number % 6 == 0 { QUEUE } else { SLEEPS };
        [threads(2..32, SLEEPS), threads(32..42, free)].concat()
    };
    let pool = judge(&threads(2..42, QUEUE), Some(120), None, at).unwrap();
    assert_eq!((pool.busy, pool.idle, pool.backlog), (40, 0, Some(80)));
}

#[test]
fn threads_that_are_born_at_rest_are_none_of_a_pool() {
    let late = |number| if number < 3 { Vec::new() } else { threads(2..10, SLEEPS) };
    let pool = judge(&[], Some(5), None, late).unwrap();
    assert_eq!((pool.busy, pool.idle), (0, 0));
}

#[test]
fn waiting_for_a_cpu_is_no_backlog_that_is_known() {
    let starved = |number: u32| -> Vec<Thread> {
        let waited = Some(Duration::from_millis(45) * number);
        (2..10).map(|tid| Thread { run_queue: waited, ..thread(tid, 'R', None) }).collect()
    };
    let pool = judge(&threads(2..10, QUEUE), Some(100), None, starved).unwrap();
    assert_eq!((pool.busy, pool.backlog, pool.unsure), (8, None, Some(Unsure::Cpu)));
    let computing = |_| (2..10).map(|tid| thread(tid, 'R', None)).collect();
    let pool = judge(&threads(2..10, QUEUE), Some(100), None, computing).unwrap();
    assert_eq!((pool.busy, pool.backlog), (8, Some(92)));
}

#[test]
fn a_pool_whose_threads_take_turns_on_the_cpus_has_a_backlog_that_is_not_known() {
    // Four threads that compute and share two CPUs: each waits for more than half of the time now
    // and then.
    let at = |number: u32| -> Vec<Thread> {
        let waited = |tid: u32| {
            let part = if (number + tid).is_multiple_of(3) { 20 } else { 30 };
            Some(Duration::from_millis(30) * (number - 1) + Duration::from_millis(part))
        };
        (2..6).map(|tid| Thread { run_queue: waited(tid), ..thread(tid, 'R', None) }).collect()
    };
    let quiet = threads(2..6, QUEUE);
    let pool = judge(&quiet, Some(50), None, at).unwrap();
    assert_eq!((pool.busy, pool.backlog, pool.unsure), (4, None, Some(Unsure::Cpu)));
    assert_eq!(pool.wait, None);
    // As many requests as threads: whoever waits, none waits for a thread.
    let pool = judge(&quiet, Some(4), None, at).unwrap();
    assert_eq!((pool.backlog, pool.unsure), (Some(0), None));
    // Of a pool that may have more threads, nobody knows either.
    let five = |number| [at(number), threads(6..7, SLEEPS)].concat();
    let pool = judge(&threads(2..7, QUEUE), Some(50), None, five).unwrap();
    assert_eq!((pool.backlog, pool.unsure), (None, Some(Unsure::Limit)));
    // One is idle beside them: there is room.
    let room = |number| [at(number), threads(6..10, QUEUE)].concat();
    let pool = judge(&threads(2..10, QUEUE), Some(50), None, room).unwrap();
    assert_eq!((pool.backlog, pool.unsure), (Some(0), None));
    let idle_for_two =
        |number| if number == 30 || number == 31 { quiet.clone() } else { at(number) };
    let pool = judge(&quiet, Some(50), None, idle_for_two).unwrap();
    assert_eq!((pool.backlog, pool.unsure), (Some(0), None));
}

#[test]
fn a_thread_waits_for_work_in_a_futex_and_in_poll_for_an_answer() {
    let does = |waits_in| by_kernel(&thread(2, 'S', Some(waits_in)));
    for waits_in in ["futex_wait_queue", "futex_do_wait", "ep_poll", "do_epoll_wait"] {
        assert_eq!(does(waits_in), Does::Nothing, "{waits_in}");
    }
    for waits_in in ["do_sys_poll", "poll_schedule_timeout", "do_select", "wait_woken", "do_wait"] {
        assert_eq!(does(waits_in), Does::Work, "{waits_in}");
    }
    let polls = |_| threads(2..42, Some("do_sys_poll"));
    let pool = judge(&threads(2..42, QUEUE), Some(120), None, polls).unwrap();
    assert_eq!((pool.busy, pool.backlog), (40, Some(80)));
}

#[test]
fn where_waiting_is_hidden_nothing_is_known() {
    let end = |threads: &[Thread]| {
        let mut judge = Judge::new(None);
        let (at, requests_active) = (Instant::now(), Some(9));
        let (stacks, queued) = (None, None);
        judge.look(&Look { at, threads, loops: &[1], stacks, queued, requests_active });
        judge.end_interval(Some(1))
    };
    let [the_loop, other] = [thread(1, 'S', None), thread(2, 'S', None)];
    let named = Thread { name: "asyncio_0".to_owned(), ..thread(3, 'S', None) };
    assert_eq!(end(&[the_loop.clone(), other.clone()]), None);
    assert_eq!(end(&[the_loop.clone(), other, named]), None);
    let alone = end(&[the_loop]).unwrap();
    assert_eq!((alone.busy, alone.idle, alone.backlog), (0, 0, Some(0)));
}

#[test]
fn a_quiet_pool_beside_a_full_one_changes_nothing() {
    let libuv = |tid| Thread { name: "libuv-worker".to_owned(), ..thread(tid, 'S', QUEUE) };
    let all = |waits_in| {
        let mut all = threads(2..42, waits_in);
        all.extend((50..54).map(libuv));
        all
    };
    let pool = judge(&all(QUEUE), Some(120), None, |_| all(SLEEPS)).unwrap();
    assert_eq!((pool.busy, pool.idle, pool.backlog), (40, 0, Some(80)));
}

#[test]
fn nodes_pool_is_full_beside_idle_threads_of_its_engine() {
    let node = |tid, waits_in| Thread { name: "node".to_owned(), ..thread(tid, 'S', waits_in) };
    let engine: Vec<Thread> = (2..7).map(|tid| node(tid, QUEUE)).collect();
    let busy = |_| engine.iter().cloned().chain((7..11).map(|tid| node(tid, SLEEPS))).collect();
    let pool = judge(&engine, Some(40), None, busy).unwrap();
    assert_eq!((pool.busy, pool.idle, pool.backlog), (4, 0, Some(36)));
}

#[test]
fn nodes_pool_that_had_work_before_is_told_from_its_engine() {
    let node = |tid, waits_in| Thread { name: "node".to_owned(), ..thread(tid, 'S', waits_in) };
    let mut engine: Vec<Thread> = (3..8).map(|tid| node(tid, QUEUE)).collect();
    engine.push(node(2, Some("do_epoll_wait")));
    engine.push(node(20, Some("ep_poll")));
    let all = |waits_in| {
        engine.iter().cloned().chain((8..12).map(move |tid| node(tid, waits_in))).collect()
    };
    let first: Vec<Thread> = all(QUEUE);
    assert_eq!(node_pool(&first, &[1]), [8, 9, 10, 11]);
    let pool = judge(&first, Some(40), None, |_| all(SLEEPS)).unwrap();
    assert_eq!((pool.busy, pool.idle, pool.backlog), (4, 0, Some(36)));
    assert_eq!(node_pool(&engine, &[1]), [0; 0]);
    assert_eq!(node_pool(&threads(2..30, QUEUE), &[1]), [0; 0]);
}

fn stack(tid: u32, frames: &[(&str, &str)]) -> Stack {
    let frames = frames.iter().map(|(function, file)| Frame {
        function: (*function).to_owned(),
        file: (*file).to_owned(),
        line: 1,
    });
    Stack {
        tid: Some(tid),
        thread_name: "Thread".to_owned(),
        has_lock: false,
        frames: frames.collect(),
    }
}

const EXECUTOR: (&str, &str) = ("_worker", "/usr/lib/python3.11/concurrent/futures/thread.py");
const ANYIO: (&str, &str) = ("run", "/x/site-packages/anyio/_backends/_asyncio.py");

#[test]
fn stacks_tell_who_works() {
    let idle = |frames: &[(&str, &str)]| is_idle_by_stack(&stack(2, frames));
    let queue = [("wait", "/l/threading.py"), ("get", "/l/queue.py")];
    assert_eq!(idle(&[EXECUTOR]), Some(true));
    assert_eq!(idle(&[("run", EXECUTOR.1), EXECUTOR]), Some(false), "it calls a function in C");
    assert_eq!(idle(&[("query", "/app/db.py"), ("run", EXECUTOR.1), EXECUTOR]), Some(false));
    assert_eq!(idle(&[queue[0], queue[1], ANYIO]), Some(true));
    // The same as CPython 3.11 and later have it.
    let anyio = ("WorkerThread.run", ANYIO.1);
    let queue_of_3_11 = [("Condition.wait", "/l/threading.py"), ("Queue.get", "/l/queue.py")];
    assert_eq!(idle(&[queue_of_3_11[0], queue_of_3_11[1], anyio]), Some(true));
    assert_eq!(idle(&[("get", "/v/requests/api.py"), ("work", "/app/a.py"), anyio]), Some(false));
    assert_eq!(idle(&[anyio]), Some(false));
    assert_eq!(idle(&[("Queue.get", "/app/myqueue.py"), anyio]), Some(false));
    assert_eq!(idle(&[("AsyncIOBackend.run", ANYIO.1)]), None, "it runs a loop");
    assert_eq!(idle(&[("_WorkItem.run", EXECUTOR.1), EXECUTOR]), Some(false));
    assert_eq!(idle(&[ANYIO]), Some(false), "it calls a function in C");
    assert_eq!(idle(&[queue[0], queue[1], ("take", "/app/db.py"), ANYIO]), Some(false));
    assert_eq!(idle(&[("main", "/app/main.py")]), None);
}

#[test]
fn with_stacks_a_pool_that_waits_for_a_lock_is_busy() {
    let stacks: Vec<Stack> = (2..10)
        .map(|tid| stack(tid, &[("query", "/app/db.py"), ("run", EXECUTOR.1), EXECUTOR]))
        .collect();
    let at = |_| threads(2..12, QUEUE);
    let pool = judge(&threads(2..12, QUEUE), Some(20), Some(&stacks), at).unwrap();
    // The two without a stack of a worker are none of the pool.
    assert_eq!((pool.busy, pool.idle, pool.backlog), (8, 0, Some(12)));
}

#[test]
fn stacks_that_do_not_say_of_which_thread_they_are_tell_of_a_pool() {
    let works = [("query", "/app/db.py"), ANYIO];
    let waits = [("wait", "/l/threading.py"), ("get", "/l/queue.py"), ANYIO];
    let of = |frames: &[(&str, &str)]| Stack { tid: None, ..stack(2, frames) };
    let full: Vec<Stack> = (0..8).map(|_| of(&works)).collect();
    let at = |_| threads(2..10, QUEUE);
    let pool = |stacks: &[Stack]| judge(&at(0), Some(20), Some(stacks), at).unwrap();
    assert_eq!((pool(&full).busy, pool(&full).backlog), (8, Some(12)));
    let one_idle: Vec<Stack> = full.iter().skip(1).cloned().chain([of(&waits)]).collect();
    assert_eq!(pool(&one_idle).backlog, Some(0));
    // One of all threads waits for a CPU, perhaps one of these.
    let starved = |number: u32| {
        let run_queue = Some(Duration::from_millis(45) * number);
        [threads(2..10, QUEUE), vec![Thread { run_queue, ..thread(11, 'R', None) }]].concat()
    };
    let pool = judge(&starved(0), Some(20), Some(&full), starved).unwrap();
    assert_eq!((pool.backlog, pool.unsure), (None, Some(Unsure::Cpu)));
}

#[test]
fn a_pool_is_known_by_the_names_of_its_threads() {
    let named =
        |name: &str| is_named(&Thread { name: name.to_owned(), ..thread(2, 'S', None) }, None);
    assert!(
        named("asyncio_12")
            && named("libuv-worker")
            && named("ThreadPoolExecu")
            && named("AnyIO worker th")
    );
    assert!(!named("asyncio_main") && !named("node") && !named("python3"));
}

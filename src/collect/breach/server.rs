//! Asks a server, while a command runs, whether its samples so far prove a breach.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::AT_MOST;
use crate::collect::clock::Clock;
use crate::collect::settle::of_the_server;
use crate::config::ObservedRange;
use crate::model::clock_skew::ClockSkew;

/// When the server is asked first: it may tell already how often it has samples.
const FIRST: Duration = Duration::from_secs(1);
/// How often it is asked then, unless its samples come more rarely.
const EVERY: Duration = Duration::from_secs(5);
/// What a server says of its samples makes it no rarer.
const RAREST: Duration = Duration::from_secs(300);

/// Finds the breach that a server's samples of a range prove.
type FindBreach = dyn Fn(&ObservedRange) -> Option<String> + Send + Sync;
/// Finds the interval between a server's samples up to an instant.
type FindInterval = dyn Fn(Timestamp) -> Option<Duration> + Send + Sync;

/// Asks a server for what it has seen so far. Both take their time.
#[derive(Clone)]
pub struct ServerTest {
    /// The breach that its samples of that range prove, in words, if they prove one.
    pub proven: Arc<FindBreach>,
    /// The usual interval between its samples up to an instant, if it can tell.
    pub interval: Arc<FindInterval>,
}

impl fmt::Debug for ServerTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTest")
    }
}

/// What came of asking once.
#[derive(Default)]
struct Answer {
    proven: Option<String>,
    interval: Option<Duration>,
}

/// What goes on.
enum State {
    /// Nothing, until that instant.
    Waits(Instant),
    /// It has been asked since that instant, in a thread that nobody waits for.
    Asks(Instant, Receiver<Answer>),
}

/// Asks a test at its time. An answer that is still under way when this goes is heard by nobody.
pub(in crate::collect) struct ServerWatch<'a> {
    test: &'a ServerTest,
    clock: Clock,
    /// How far the server's clock is off.
    skew: Option<ClockSkew>,
    /// When the load began.
    began: Instant,
    /// The shortest time from an answer to the next question.
    every: Duration,
    /// The usual interval between the server's samples, once it is known.
    interval: Option<Duration>,
    state: State,
}

impl<'a> ServerWatch<'a> {
    /// A watch over a load that begins now.
    pub(in crate::collect) fn new(
        test: &'a ServerTest,
        clock: Clock,
        skew: Option<ClockSkew>,
    ) -> Self {
        let (began, interval) = (Instant::now(), None);
        let state = State::Waits(began + FIRST);
        Self { test, clock, skew, began, every: EVERY, interval, state }
    }

    /// The breach that is proven by now, as far as the server has answered. It waits for nothing.
    pub(in crate::collect) fn proven(&mut self) -> Option<String> {
        match &self.state {
            State::Waits(due) if Instant::now() < *due => None,
            State::Waits(_) => {
                self.ask();
                None
            }
            State::Asks(since, answer) => {
                let answer = match answer.try_recv() {
                    Ok(answer) => answer,
                    Err(TryRecvError::Empty) => return None,
                    // It panicked, which proves nothing.
                    Err(TryRecvError::Disconnected) => Answer::default(),
                };
                let took = since.elapsed();
                let interval = answer.interval.map(|interval| interval.min(RAREST));
                self.interval = self.interval.or(interval);
                self.wait(took);
                answer.proven
            }
        }
    }

    /// Waits until the next time, when asking took so long.
    fn wait(&mut self, took: Duration) {
        let pause = self.every.max(self.interval.unwrap_or_default());
        let pause = pause.max(took.saturating_mul(AT_MOST));
        self.state = State::Waits(Instant::now() + pause);
    }

    fn ask(&mut self) {
        let now = Instant::now();
        let Some(observed) = range(self.began, now, self.clock, self.skew) else {
            return self.wait(Duration::ZERO);
        };
        let (sender, receiver) = mpsc::channel();
        let (test, is_interval_known) = (self.test.clone(), self.interval.is_some());
        let ask = move || {
            let proven = (test.proven)(&observed);
            let is_asked = proven.is_none() && !is_interval_known;
            let interval = if is_asked { (test.interval)(observed.at) } else { None };
            // Nobody waits for it any more if this fails.
            let _ = sender.send(Answer { proven, interval });
        };
        match Builder::new().spawn(ask) {
            Ok(_) => self.state = State::Asks(now, receiver),
            Err(_) => self.wait(Duration::ZERO),
        }
    }
}

/// What the server has of a load that began then, by its own clock: up to the latest instant that it may
/// be there, and in whole seconds that are over. So nothing of the time before is in it, however far
/// within its bounds the clock is off. `None` where that is no time at all.
fn range(
    began: Instant,
    now: Instant,
    clock: Clock,
    skew: Option<ClockSkew>,
) -> Option<ObservedRange> {
    let window = Duration::from_secs(now.saturating_duration_since(began).as_secs());
    let at = of_the_server(clock.at(now), skew);
    (!window.is_zero()).then_some(ObservedRange { at, window: Some(window), step: None })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::{panic, thread};

    use super::*;

    const QUICK: Duration = Duration::from_millis(50);

    fn test(
        proven: impl Fn(usize) -> Option<String> + Send + Sync + 'static,
        interval: Option<Duration>,
    ) -> (ServerTest, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let proven =
            Arc::new(move |_: &ObservedRange| proven(count.fetch_add(1, Ordering::Relaxed)));
        (ServerTest { proven, interval: Arc::new(move |_| interval) }, asked)
    }

    fn watch(test: &ServerTest) -> ServerWatch<'_> {
        let now = Instant::now();
        let clock = Clock::new(now, Timestamp::UNIX_EPOCH);
        // It began a while ago.
        let began = now.checked_sub(Duration::from_secs(2)).unwrap();
        let watch = ServerWatch::new(test, clock, None);
        ServerWatch { began, every: QUICK, state: State::Waits(now), ..watch }
    }

    /// What is found within a time; asking never takes long.
    fn found_within(watch: &mut ServerWatch<'_>, time: Duration) -> Option<String> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let began = Instant::now();
            let found = watch.proven();
            assert!(began.elapsed() < Duration::from_millis(500), "it waits");
            if found.is_some() {
                return found;
            }
            thread::sleep(Duration::from_millis(2));
        }
        None
    }

    #[test]
    fn no_sample_from_before_the_load_is_asked_for() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let origin = Instant::now();
        let clock = Clock::new(origin, at(1_000_000));
        let began = origin + Duration::from_secs(10);
        for (passed_ms, skew, expected) in [
            (999, None, None),
            (1000, None, Some((1_011_000, 1))),
            (7999, None, Some((1_017_999, 7))),
            (7000, Some((19.5, 20.5)), Some((1_037_500, 7))),
            (7000, Some((-20.5, -20.0)), Some((997_000, 7))),
        ] {
            let skew = skew.map(|(least_s, most_s)| ClockSkew { least_s, most_s });
            let range = range(began, began + Duration::from_millis(passed_ms), clock, skew);
            let found = range.map(|it| (it.at.as_millisecond(), it.window.unwrap().as_secs()));
            assert_eq!(found, expected, "{passed_ms} {skew:?}");
            let began_ms = 1_010_000 + skew.map_or(0, |it| (it.most_s * 1000.0) as i64);
            let first = found.map(|(at, window)| at - window as i64 * 1000);
            assert!(first.is_none_or(|first| first >= began_ms), "{first:?}");
        }
    }

    #[test]
    fn it_is_asked_again_until_a_breach_is_proven() {
        let (test, asked) = test(|number| (number == 2).then(|| "why".to_owned()), None);
        let found = found_within(&mut watch(&test), Duration::from_secs(10));
        assert_eq!((found.as_deref(), asked.load(Ordering::Relaxed)), (Some("why"), 3));
    }

    #[test]
    fn a_server_that_hangs_or_breaks_proves_nothing_and_delays_nothing() {
        let (hanging, asked) = test(
            |_| {
                thread::sleep(Duration::from_secs(20));
                Some("too late".to_owned())
            },
            None,
        );
        assert_eq!(found_within(&mut watch(&hanging), QUICK * 4), None);
        assert!(asked.load(Ordering::Relaxed) <= 1, "one at a time");
        let (broken, _) = test(
            |number| {
                if number == 0 {
                    panic::resume_unwind(Box::new("as it is told to"));
                }
                Some("why".to_owned())
            },
            None,
        );
        let found = found_within(&mut watch(&broken), Duration::from_secs(20));
        assert_eq!(found.as_deref(), Some("why"), "it is asked again");
    }

    #[test]
    fn it_is_asked_no_more_often_than_it_has_samples_or_can_bear() {
        let slow = Duration::from_millis(30);
        for (takes, interval, least) in [
            (Duration::ZERO, None, QUICK),
            (Duration::ZERO, Some(Duration::from_secs(30)), Duration::from_secs(30)),
            (Duration::ZERO, Some(Duration::MAX), RAREST),
            (slow, None, slow * AT_MOST),
        ] {
            let (test, asked) = test(
                move |_| {
                    thread::sleep(takes);
                    None
                },
                interval,
            );
            let mut watch = watch(&test);
            let give_up = Instant::now() + Duration::from_secs(10);
            let pause = loop {
                let before = Instant::now();
                watch.proven();
                match watch.state {
                    State::Waits(due) if asked.load(Ordering::Relaxed) > 0 => break due - before,
                    _ => assert!(before < give_up, "it never ends"),
                }
            };
            assert!(pause >= least, "{pause:?} {least:?}");
        }
    }
}

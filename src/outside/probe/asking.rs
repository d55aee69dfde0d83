//! One request and its answer.

use std::cell::Cell;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::{Body as _, Incoming};
use tokio::time::{timeout, timeout_at};

use super::connect::Live;
use super::error::{Unanswered, is_reset};
use super::room::Room;
use super::shared::VISITOR;
use super::{Done, End, Sent};

/// A body above this size, in bytes, is not read to its end: it costs a new connection instead.
const MOST_OF_A_BODY: u64 = 1 << 20;
/// A body is read for so long at most. Nothing waits for it but the next request of its connection.
const BODY_PATIENCE: Duration = Duration::from_secs(1);
/// A service that closes a connection for having been idle may cross a request on its way. Its end
/// then comes as soon as the request is there.
const CROSSED: Duration = Duration::from_millis(10);

/// Sends the request of a seat and waits for its answer; `at` is when it was due to be sent.
pub(super) async fn ask(room: &Room, seat: usize, at: Instant) {
    // Since it was due, only this thread had anything to do.
    let attempt = Attempt { room, seat, own_delay: Cell::new(at.elapsed()) };
    let patience = room.plan.patience;
    let kept = room.take(seat);
    let result = timeout_at((at + patience).into(), attempt.run(kept)).await;
    let noticed = Instant::now();
    let (end, answered) = match result {
        Ok(Ok((live, answer))) => (End::Answered(answer.status().as_u16()), Some((live, answer))),
        Ok(Err(why)) => (room.failed(&why), None),
        Err(_) => {
            // It was noticed by the alarm of its patience, which may have been late itself.
            attempt.add(room.lateness.now());
            (room.failed(&Unanswered::Late(patience)), None)
        }
    };
    let connection = room.shared.connection(seat);
    let own_delay = attempt.own_delay.get().min(noticed - at);
    let done = Done { sent: Sent { connection, at }, at: noticed, own_delay, end };
    let Some((live, answer)) = answered else {
        room.shared.connected(seat, None);
        return room.shared.ended(seat, done, true);
    };
    room.shared.ended(seat, done, false);
    match read_away(live, answer).await {
        Some(live) if seat != VISITOR => room.keep(seat, live),
        _ => room.shared.connected(seat, None),
    }
    room.shared.freed(seat, Instant::now());
}

/// The tries of one request.
struct Attempt<'a> {
    room: &'a Room,
    seat: usize,
    /// How long the probe itself held it up.
    own_delay: Cell<Duration>,
}

impl Attempt<'_> {
    fn add(&self, delay: Duration) {
        self.own_delay.set(self.own_delay.get() + delay);
    }

    async fn run(&self, mut kept: Option<Live>) -> Result<(Live, Response<Incoming>), Unanswered> {
        loop {
            let is_kept = kept.is_some();
            let mut live = match kept.take() {
                Some(live) => live,
                None => self.open().await?,
            };
            let (sent, before) = (Instant::now(), live.traffic.received());
            let result = live.sender.send_request(self.room.plan.request()).await;
            // Between these two only this thread had anything to do.
            let written = live.traffic.sent_at().filter(|at| *at > sent);
            self.add(written.map_or(Duration::ZERO, |at| at - sent));
            let error = match result {
                Ok(answer) => {
                    self.add(self.room.lateness.now());
                    return Ok((live, answer));
                }
                Err(error) => error,
            };
            let late = self.room.lateness.now();
            self.add(late);
            let has_begun = live.traffic.received() > before;
            let why = Unanswered::of(&error, has_begun);
            let crossed = CROSSED + live.took * 2 + late;
            let is_idle_close = why == Unanswered::Closed
                && (error.is_canceled() || is_reset(&error) || sent.elapsed() <= crossed);
            if !(is_kept && is_idle_close) {
                return Err(why);
            }
            self.room.shared.connected(self.seat, None);
        }
    }

    async fn open(&self) -> Result<Live, Unanswered> {
        let result = self.room.connector.open(&self.room.plan).await;
        self.add(self.room.lateness.now());
        match result {
            Ok(live) => {
                self.room.shared.connected(self.seat, Some(live.connection));
                Ok(live)
            }
            Err(why) => {
                if matches!(why, Unanswered::Refused(_)) && !self.room.shared.has_connections() {
                    self.room.connector.forget();
                }
                Err(why)
            }
        }
    }
}

/// Reads what is left of an answer, so that its connection can carry the next request; `None` where
/// it cannot.
async fn read_away(mut live: Live, answer: Response<Incoming>) -> Option<Live> {
    let mut body = answer.into_body();
    if body.size_hint().lower() > MOST_OF_A_BODY {
        return None;
    }
    let read = async {
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame.ok()?.data_ref().map_or(0, |data| data.len() as u64);
            if length > MOST_OF_A_BODY {
                return None;
            }
        }
        live.sender.ready().await.ok()
    };
    timeout(BODY_PATIENCE, read).await.ok()??;
    Some(live)
}

//! The thread of a probe: its clock, its connections, and what becomes of them.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep_until;

use super::End;
use super::asking::ask;
use super::connect::{Connector, Live};
use super::error::Unanswered;
use super::lateness::Lateness;
use super::plan::Plan;
use super::shared::{Shared, VISITOR};

/// The thread wakes at least that often: to hear that it shall end, and to notice where it was
/// held up itself. Not oftener where the kernel tells the latter: on a busy machine each wake-up waits
/// for a CPU, and an answer that comes meanwhile cannot be told from one that was there before.
const NAP: Duration = Duration::from_millis(if cfg!(target_os = "linux") { 20 } else { 5 });

/// What the requests of a probe share, on its thread.
pub(super) struct Room {
    pub(super) plan: Plan,
    pub(super) shared: Arc<Shared>,
    pub(super) lateness: Arc<Lateness>,
    pub(super) connector: Connector,
    /// The connections that carry no request, by their seats.
    idle: RefCell<Vec<Option<Live>>>,
}

/// Asks until it shall end. Whether it could begin is said first.
pub(super) fn run(plan: Plan, shared: Arc<Shared>, has_begun: &Sender<io::Result<()>>) {
    let lateness = Arc::new(Lateness::of_this_thread());
    let runtime = match runtime(&lateness) {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever started this waits for it.
            let _ = has_begun.send(Err(error));
            return;
        }
    };
    let _ = has_begun.send(Ok(()));
    let (connector, idle) = (Connector::new(Arc::clone(&shared)), RefCell::default());
    let room = Rc::new(Room { plan, shared, lateness, connector, idle });
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, conduct(&room));
    // The connections end with their tasks; a look-up of a name cannot be ended, and is left alone.
    drop(tasks);
    drop(room);
    runtime.shutdown_background();
}

fn runtime(lateness: &Arc<Lateness>) -> io::Result<Runtime> {
    let theirs = Arc::clone(lateness);
    let mut builder = Builder::new_current_thread();
    builder.enable_io().enable_time().on_thread_park(move || theirs.sleeps()).build()
}

/// Sends what is due, when it is due.
async fn conduct(room: &Rc<Room>) {
    let Plan { ticks, start, visit_every, .. } = room.plan;
    let (mut number, mut visit_at) = (0, start + visit_every);
    while !room.shared.is_closing() {
        let now = Instant::now();
        room.sweep();
        let due = start + ticks.due(number);
        if now < due {
            let alarm = due.min(now + NAP);
            room.lateness.set_alarm(alarm);
            sleep_until(alarm.into()).await;
            continue;
        }
        number += 1;
        if now - due > ticks.every() {
            // One that is so late would be sent together with the next.
            room.shared.leave_out();
            continue;
        }
        let mut picked = room.shared.pick(now);
        if room.shared.takes_visit() || now >= visit_at {
            visit_at = now + visit_every;
            picked.extend(room.shared.pick_visitor(now).then_some(VISITOR));
        }
        for seat in picked {
            let room = Rc::clone(room);
            drop(spawn_local(async move { ask(&room, seat, now).await }));
        }
    }
}

impl Room {
    /// Lets go of connections that the service has closed.
    fn sweep(&self) {
        for (seat, slot) in self.idle.borrow_mut().iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|live| live.sender.is_closed()) {
                *slot = None;
                self.shared.connected(seat, None);
            }
        }
    }

    /// The connection of a seat, if it has one that can carry a request.
    pub(super) fn take(&self, seat: usize) -> Option<Live> {
        let live = self.idle.borrow_mut().get_mut(seat)?.take()?;
        if live.sender.is_ready() {
            return Some(live);
        }
        self.shared.connected(seat, None);
        None
    }

    /// Keeps the connection of a seat for its next request.
    pub(super) fn keep(&self, seat: usize, live: Live) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() <= seat {
            idle.resize_with(seat + 1, || None);
        }
        if let Some(slot) = idle.get_mut(seat) {
            *slot = Some(live);
        }
    }

    /// How a request has ended that has no answer.
    pub(super) fn failed(&self, why: &Unanswered) -> End {
        End::Failed(self.plan.redact(&why.to_string()))
    }
}

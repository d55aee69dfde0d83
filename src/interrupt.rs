//! Interruption: what a signal that asks this process to end sets off, and what must not outlive
//! the process: the command that it runs, and its temporary files.
//!
//! Signals are sent to a process as a whole, so this is the one place with a state of its own.
//! Nobody is stopped by force: who waits for something asks here, and comes to an end.

mod group;
#[cfg(unix)]
mod signals;

use std::io;
use std::panic;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

pub(crate) use group::Group;

/// What is under way when a signal comes gets so long to come to its end. Some runners of
/// pipelines send a second signal after 7.5 s, and the command's own grace is a part of that.
const LAST_CHANCE: Duration = Duration::from_secs(1);
/// How often it is looked whether a signal has come.
const GLANCE: Duration = Duration::from_millis(10);

/// A signal that asked this process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// Its number.
    pub signal: i32,
    /// Its name: `SIGTERM`.
    pub name: &'static str,
    /// When it came.
    pub at: Instant,
}

/// What is known to the whole process.
struct State {
    is_listening: bool,
    received: Option<Interruption>,
    /// Commands that run: the load, the service.
    groups: Vec<Group>,
    /// Temporary files that are there.
    files: Vec<PathBuf>,
}

static STATE: Mutex<State> = Mutex::new(State {
    is_listening: false,
    received: None,
    groups: Vec::new(),
    files: Vec::new(),
});
static RECEIVED: Condvar = Condvar::new();

/// A panic of another thread leaves nothing half done.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on signals that ask the process to end interrupt what it does, where the system has
/// such signals. Without a thread to wait for them they end it, as they did before.
pub fn listen() {
    #[cfg(unix)]
    {
        let mut state = state();
        state.is_listening = state.is_listening || signals::listen();
    }
}

/// The signal that has come, if one has.
pub fn received() -> Option<Interruption> {
    state().received
}

/// Sleeps, unless a signal comes.
///
/// # Errors
/// The signal that came.
pub(crate) fn sleep(duration: Duration) -> Result<(), Interruption> {
    let waited = RECEIVED.wait_timeout_while(state(), duration, |it| it.received.is_none());
    let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
    state.received.map_or(Ok(()), Err)
}

/// Does `work`; or gives it up, when a signal has come and it does not come to its end soon. What
/// was given up goes on in its thread, and nobody hears of it any more.
///
/// # Errors
/// The signal that came.
pub(crate) fn race<T, F>(work: F) -> Result<T, Interruption>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if !state().is_listening {
        return Ok(work());
    }
    // The work goes to the thread once there is one, and so is still here if there is none.
    let (hand_over, handed_over) = mpsc::channel::<F>();
    let (sender, receiver) = mpsc::channel();
    let run = move || {
        if let Ok(work) = handed_over.recv() {
            // Nobody waits for it any more if this fails.
            let _ = sender.send(work());
        }
    };
    let Ok(thread) = Builder::new().spawn(run) else {
        // Without a thread it cannot be given up, but it can be done.
        return Ok(work());
    };
    // The thread waits for it, so this does not fail.
    let _ = hand_over.send(work);
    let began = Instant::now();
    loop {
        match receiver.recv_timeout(GLANCE) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panicked) => panic::resume_unwind(panicked),
                Ok(()) => unreachable!("it sends before it ends"),
            },
        }
        if let Some(interruption) = received()
            && interruption.at.max(began).elapsed() > LAST_CHANCE
        {
            return Err(interruption);
        }
    }
}

/// Starts a command in a group of processes of its own, which a signal to end at once ends too.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn start(command: &mut Command) -> io::Result<(Child, Group)> {
    group::lead(command);
    // No such signal is looked at before the group is known.
    let mut state = state();
    let child = command.spawn()?;
    let group = Group::of(&child);
    state.groups.push(group);
    Ok((child, group))
}

/// From now on the group is left to itself.
pub(crate) fn release(group: Group) {
    state().groups.retain(|it| *it != group);
}

/// Makes a temporary file, which goes with the process.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn own_file(
    make: impl FnOnce() -> io::Result<NamedTempFile>,
) -> io::Result<(NamedTempFile, OwnedFile)> {
    let mut state = state();
    let file = make()?;
    state.files.push(file.path().to_owned());
    let owned = OwnedFile(file.path().to_owned());
    Ok((file, owned))
}

/// Has a file go with the process for as long as the returned value is kept: what stands in it is not
/// settled yet.
pub(crate) fn own_path(path: PathBuf) -> OwnedFile {
    state().files.push(path.clone());
    OwnedFile(path)
}

/// Keeps a file in mind until it has gone, or is to stay.
pub(crate) struct OwnedFile(PathBuf);

impl Drop for OwnedFile {
    fn drop(&mut self) {
        state().files.retain(|path| *path != self.0);
    }
}

/// Ends the process as it is, and what must not outlive it first.
#[cfg(unix)]
#[allow(clippy::exit, reason = "whoever asks twice wants nothing more to be done")]
fn end_at_once(state: &mut State) -> ! {
    for group in &state.groups {
        group.kill();
    }
    for path in &state.files {
        let _ = std::fs::remove_file(path);
    }
    std::process::exit(crate::exit::Exit::NoVerdict.code().into());
}

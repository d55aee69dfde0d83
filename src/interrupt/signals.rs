//! The signals that are waited for, and what the first and the second of them do.

use std::sync::mpsc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::signal_name;

use super::{Interruption, RECEIVED, end_at_once, state};
use crate::output;

/// `SIGQUIT` is among them because it would leave the command behind.
const HEARD: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];
/// One signal may come twice at once: `timeout` sends it to a process and to its group, and so do
/// terminals that are closed. Nobody asks a second time so soon.
const ECHO: Duration = Duration::from_millis(100);

/// Waits for signals in a thread of its own. Whether it does.
pub(super) fn listen() -> bool {
    let (sender, receiver) = mpsc::channel();
    let listen = move || {
        let ignored = ignored();
        // What the caller let this process ignore, as `nohup` does, stays ignored.
        let heard = HEARD.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
        let signals = Signals::new(heard);
        let _ = sender.send(signals.is_ok());
        signals.into_iter().for_each(|mut signals| signals.forever().for_each(receive));
    };
    Builder::new().spawn(listen).is_ok() && receiver.recv().unwrap_or_default()
}

/// The signals that this process ignores, a bit each, where the system tells.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn receive(signal: i32) {
    let mut state = state();
    let now = Instant::now();
    match state.received {
        None if signal != SIGQUIT => {}
        Some(first) if first.signal == signal && now - first.at < ECHO => return,
        _ => end_at_once(&mut state),
    }
    let name = signal_name(signal).unwrap_or("a signal");
    state.received = Some(Interruption { signal, name, at: now });
    drop(state);
    RECEIVED.notify_all();
    output::message(&format!("interrupted by {name}; once more ends at once"));
}

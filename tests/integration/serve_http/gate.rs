//! An answer that takes until a test lets it come.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use auditor::serve::Settings;

use super::{NEVER, Server, text};

/// What `/slow` waits for.
#[derive(Default)]
pub(super) struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
    came: AtomicUsize,
    left: AtomicUsize,
}

impl Gate {
    /// A server in which `/slow` waits for the gate, and everything else does not.
    pub(super) fn before(settings: Settings) -> (Server, Arc<Self>) {
        let gate = Arc::<Self>::default();
        let theirs = Arc::clone(&gate);
        let server = Server::start(settings, move |request| {
            if request.path == "/slow" {
                theirs.pass();
            }
            text("done")
        });
        (server, gate)
    }

    fn pass(&self) {
        self.came.fetch_add(1, Ordering::Relaxed);
        let is_open = self.is_open.lock().unwrap();
        drop(self.opened.wait_timeout_while(is_open, NEVER, |is_open| !*is_open).unwrap());
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// How many came to it.
    pub(super) fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }

    /// How many went through it.
    pub(super) fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }
}

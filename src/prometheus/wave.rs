//! The pace of a wave of requests.
//!
//! A server that queues few connections (Python's queue five) drops what comes on top, and
//! the kernel tries a dropped connection again only after a second. So five requests go out
//! at once, and each one after them when an answer has come or a moment has passed.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Duration;

use super::http::{Failed, Journey, TransportError};

/// Requests under way without a pause.
const BURST: usize = 5;
/// The longest pause before another request.
const PACE: Duration = Duration::from_millis(1);

/// A request in a thread of its own, or why there is no thread.
pub(crate) type Spawned<'scope, T> = io::Result<ScopedJoinHandle<'scope, T>>;

/// Counts the requests under way.
#[derive(Default)]
pub(crate) struct Wave {
    under_way: Mutex<usize>,
    answered: Condvar,
}

impl Wave {
    /// Sends a request in a thread of its own, as soon as another one may go out.
    pub(crate) fn spawn<'scope, 'env, T: Send + 'scope>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        request: impl FnOnce() -> T + Send + 'scope,
    ) -> Spawned<'scope, T> {
        self.pace();
        // Unlike `scope.spawn`, it does not panic where the system has no thread to give.
        Builder::new().spawn_scoped(scope, || self.send(request))
    }

    /// Waits until another request may go out, and counts it as under way.
    fn pace(&self) {
        let full = |under_way: &mut usize| *under_way >= BURST;
        let waited = self.answered.wait_timeout_while(self.count(), PACE, full);
        let (mut under_way, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *under_way += 1;
    }

    /// Sends a request that `pace` has counted.
    fn send<T>(&self, request: impl FnOnce() -> T) -> T {
        let answer = request();
        *self.count() -= 1;
        self.answered.notify_one();
        answer
    }

    /// A panic of another thread cannot leave a number half written.
    fn count(&self) -> MutexGuard<'_, usize> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The result of a request; an error if its thread could not be started, or panicked.
pub(crate) fn join<T, E>(handle: Spawned<'_, Result<T, Failed<E>>>) -> Result<T, Failed<E>>
where
    E: std::error::Error + From<TransportError>,
{
    let lost = |error: TransportError| Failed { error: error.into(), journey: Journey::default() };
    let handle = handle.map_err(|error| lost(TransportError::Setup(error.to_string())))?;
    handle.join().unwrap_or_else(|_| Err(lost(TransportError::Panicked)))
}

//! Requests of auditor's own for pages of metrics: seen from outside they look like anybody's, and an
//! idle service is not put under load by them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Endpoint;

/// How many there were, by the port that they went to.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnRequests(Arc<Mutex<BTreeMap<u16, u64>>>);

impl OwnRequests {
    /// Notes a request before it is sent, so that nobody sees one that is not noted.
    pub(super) fn add(&self, endpoint: &Endpoint, requests: u64) {
        if let Some(port) = port(endpoint) {
            *self.all().entry(port).or_default() += requests;
        }
    }

    /// Those to the same port.
    pub(super) fn to(&self, endpoint: &Endpoint) -> u64 {
        port(endpoint).and_then(|port| self.all().get(&port).copied()).unwrap_or_default()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u16, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn port(endpoint: &Endpoint) -> Option<u16> {
    endpoint.target.page("").port_or_known_default()
}

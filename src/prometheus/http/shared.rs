//! Clients that audits share while they are under way: those of a suite which ask one server take
//! each other's connections, instead of a thread and a dozen connections each.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use reqwest::blocking::Client;

use super::{Connections, TransportError};
use crate::config::{HttpConfig, Target};

/// All that a client is built by; what is sent with a request is no part of it.
#[derive(PartialEq)]
pub(super) struct Key {
    /// Whether it is for https.
    secure: bool,
    ignores_environment: bool,
    /// URL and exceptions.
    proxy: Option<(String, Option<String>)>,
    authorities: Option<Vec<Vec<u8>>>,
    insecure_skip_verify: bool,
    /// The name that is looked up as the host behind it.
    server_name: Option<(String, Option<String>)>,
}

impl Key {
    /// `None` where the client is for one audit alone: each of its connections is to be new, or made
    /// with a certificate of our own.
    pub(super) fn new(
        target: &Target,
        config: &HttpConfig,
        connections: Connections,
        (secure, ignores_environment): (bool, bool),
    ) -> Option<Self> {
        if connections == Connections::Fresh || config.tls.identity.is_some() {
            return None;
        }
        let host = || target.page("").host_str().map(str::to_owned);
        let authorities = config.tls.authorities.as_ref();
        Some(Self {
            secure,
            ignores_environment,
            proxy: config.proxy.as_ref().map(|it| (it.url.to_string(), it.no_proxy.clone())),
            authorities: authorities.map(|all| all.iter().map(|it| it.to_vec()).collect()),
            insecure_skip_verify: config.tls.insecure_skip_verify,
            server_name: config.tls.server_name.clone().map(|name| (name, host())),
        })
    }
}

/// Those that some audit holds; they end with the last one that does.
static SHARED: Mutex<Vec<(Key, Weak<Client>)>> = Mutex::new(Vec::new());

/// The client that an audit under way has for the same, or else what `build` makes.
pub(super) fn get_or_build(
    key: Option<Key>,
    build: impl FnOnce() -> Result<Client, TransportError>,
) -> Result<Arc<Client>, TransportError> {
    let Some(key) = key else { return build().map(Arc::new) };
    // A panic of another thread leaves nothing half done. Whoever needs the same waits until it is built.
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let same = shared.iter().find(|(other, _)| *other == key);
    if let Some(client) = same.and_then(|(_, client)| client.upgrade()) {
        return Ok(client);
    }
    let client = Arc::new(build()?);
    shared.retain(|(_, client)| client.strong_count() > 0);
    shared.push((key, Arc::downgrade(&client)));
    Ok(client)
}

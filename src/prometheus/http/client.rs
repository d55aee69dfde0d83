//! The HTTP client: its TLS, its proxy, its names.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock, OnceLock, mpsc};
use std::thread::Builder;
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{NoProxy, Proxy, Url, redirect};

use super::error::root_cause;
use super::{Connections, TransportError, tls};
use crate::config::{HttpConfig, Target};

type Built = OnceLock<Result<Client, TransportError>>;

/// How long the end of a client is waited for.
const FAREWELL: Duration = Duration::from_millis(100);

/// The clients of one audit, built when they are needed: to read the system's certificates
/// takes longer than the whole rest of an audit. Their threads and connections end with this.
pub(super) struct Clients<'a> {
    target: &'a Target,
    config: &'a HttpConfig,
    connections: Connections,
    plain: Built,
    secure: Built,
}

impl<'a> Clients<'a> {
    pub(super) fn new(
        target: &'a Target,
        config: &'a HttpConfig,
        connections: Connections,
    ) -> Self {
        Self { target, config, connections, plain: Built::new(), secure: Built::new() }
    }

    /// The client for `url`.
    pub(super) fn get(&self, url: &Url) -> Result<&Client, TransportError> {
        let proxy = self.config.proxy.as_ref();
        let secure = url.scheme() == "https" || proxy.is_some_and(|p| p.url.scheme() == "https");
        let slot = if secure { &self.secure } else { &self.plain };
        slot.get_or_init(|| self.build(url, secure)).as_ref().map_err(Clone::clone)
    }

    fn build(&self, url: &Url, secure: bool) -> Result<Client, TransportError> {
        let setup = |error: reqwest::Error| TransportError::Setup(root_cause(&error));
        let mut builder = Client::builder()
            .user_agent(user_agent())
            .redirect(redirect::Policy::none())
            .tls_backend_preconfigured(tls::client_config(&self.config.tls, secure)?);
        if self.connections == Connections::Fresh {
            builder = builder.pool_max_idle_per_host(0);
        }
        if let Some(proxy) = &self.config.proxy {
            let no_proxy = proxy.no_proxy.as_deref().and_then(NoProxy::from_string);
            builder =
                builder.proxy(Proxy::all(proxy.url.clone()).map_err(setup)?.no_proxy(no_proxy));
        } else if self.ignores_environment(url) {
            builder = builder.no_proxy();
        }
        if let Some(name) = &self.config.tls.server_name {
            let host = self.target.page("").host_str().unwrap_or_default().to_owned();
            builder = builder.dns_resolver(Arc::new(Alias { name: name.clone(), host }));
        }
        builder.build().map_err(setup)
    }

    /// The proxy that stands between, as far as it is known.
    pub(super) fn via(&self, url: &Url) -> String {
        match &self.config.proxy {
            Some(proxy) => format!(" through the proxy {proxy}"),
            None if self.ignores_environment(url) => String::new(),
            None => {
                let names = [format!("{}_PROXY", url.scheme()), "ALL_PROXY".to_owned()];
                let names =
                    names.iter().flat_map(|name| [name.to_lowercase(), name.to_uppercase()]);
                let mut set = names.filter(|name| std::env::var_os(name).is_some());
                set.next().map(|name| format!(" (a proxy is set in {name})")).unwrap_or_default()
            }
        }
    }

    /// Whether the environment's proxies are left alone: no proxy reaches a loopback address,
    /// and one would look up `server_name` where it should reach the target.
    fn ignores_environment(&self, url: &Url) -> bool {
        let host = unbracketed(url.host_str().unwrap_or_default());
        let is_loopback = host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        is_loopback || host == "localhost" || self.config.tls.server_name.is_some()
    }
}

impl Drop for Clients<'_> {
    /// Ends the clients. A DNS look-up that outlives the deadline cannot be stopped, and a client
    /// waits for it; so that is done in a thread of its own, which is not waited for long.
    fn drop(&mut self) {
        let built = [self.plain.take(), self.secure.take()].into_iter().flatten();
        let clients: Vec<_> = built.filter_map(Result::ok).collect();
        if clients.is_empty() {
            return;
        }
        let (sender, receiver) = mpsc::channel();
        let end = move || {
            drop(clients);
            // Nobody waits any more if this fails.
            let _ = sender.send(());
        };
        if let Ok(thread) = Builder::new().spawn(end)
            && receiver.recv_timeout(FAREWELL).is_ok()
        {
            // It has nothing left to do, and nothing that could panic.
            let _ = thread.join();
        }
    }
}

/// With a number of the run: a service may show each reader of its page what happened since that
/// reader's page before, and two runs are two readers.
fn user_agent() -> String {
    static RUN: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    format!("auditor/{} (run {:x})", env!("CARGO_PKG_VERSION"), *RUN)
}

/// An IPv6 address without the brackets that it has in a URL.
fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Finds the address of `host` under `name`.
struct Alias {
    name: String,
    host: String,
}

impl Resolve for Alias {
    fn resolve(&self, name: Name) -> Resolving {
        let host = if name.as_str() == self.name { &self.host } else { name.as_str() };
        let addresses = (unbracketed(host), 0).to_socket_addrs();
        Box::pin(std::future::ready(match addresses {
            Ok(addresses) => Ok(Box::new(addresses) as Addrs),
            Err(error) => Err(error.into()),
        }))
    }
}

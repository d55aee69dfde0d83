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
use super::shared::{self, Key};
use super::{Connections, TransportError, tls};
use crate::config::{HttpConfig, Target};

type Built = OnceLock<Result<Arc<Client>, TransportError>>;

/// How long a connection is kept that nobody needs. Servers end such connections too, some after two
/// seconds, and a request that is sent meanwhile is lost.
const IDLE: Duration = Duration::from_secs(1);

/// How long the end of a client is waited for.
const FAREWELL: Duration = Duration::from_millis(100);

/// The clients of one audit, built when they are needed: to read the system's certificates
/// takes longer than the whole rest of an audit. Their threads and connections end with the last audit
/// that shares them.
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
        let built = slot.get_or_init(|| {
            let of_url = (secure, self.ignores_environment(url));
            let key = Key::new(self.target, self.config, self.connections, of_url);
            shared::get_or_build(key, || self.build(url, secure))
        });
        built.as_deref().map_err(Clone::clone)
    }

    fn build(&self, url: &Url, secure: bool) -> Result<Client, TransportError> {
        let setup = |error: reqwest::Error| TransportError::Setup(root_cause(&error));
        let mut builder = Client::builder()
            .user_agent(user_agent())
            .redirect(redirect::Policy::none())
            .pool_idle_timeout(IDLE)
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
    /// Ends the clients that no other audit has. A DNS look-up that outlives the deadline cannot be stopped, and a client
    /// waits for it; so that is done in a thread of its own, which is not waited for long.
    fn drop(&mut self) {
        let built = [self.plain.take(), self.secure.take()].into_iter().flatten();
        let clients: Vec<_> = built.filter_map(Result::ok).filter_map(Arc::into_inner).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Proxy;

    /// A configuration that needs no certificates of the system, and is changed in some way.
    fn config(change: impl FnOnce(&mut HttpConfig)) -> HttpConfig {
        let mut config = HttpConfig::default();
        config.tls.insecure_skip_verify = true;
        change(&mut config);
        config
    }

    fn through(proxy: &str) -> HttpConfig {
        let url = Url::parse(proxy).unwrap();
        config(|it| it.proxy = Some(Proxy { url, no_proxy: None }))
    }

    /// The client for an https server, by its address in memory.
    fn address(clients: &Clients<'_>) -> *const Client {
        clients.get(&Url::parse("https://a.example/").unwrap()).unwrap()
    }

    #[test]
    fn audits_share_a_client_exactly_where_it_would_be_built_the_same() {
        let target = Target::parse("https://a.example").unwrap();
        let usual = config(|_| ());
        let first = Clients::new(&target, &usual, Connections::Kept);
        let shared = address(&first);
        let tenant = config(|it| drop(it.headers.insert("x-scope-orgid", "b".parse().unwrap())));
        let trusting = config(|it| it.tls.authorities = Some(vec![vec![0].into()]));
        let named = config(|it| it.tls.server_name = Some("b.example".to_owned()));
        for (what, config, connections, is_shared) in [
            ("the same", &usual, Connections::Kept, true),
            ("other headers", &tenant, Connections::Kept, true),
            ("fresh connections", &usual, Connections::Fresh, false),
            ("other authorities", &trusting, Connections::Kept, false),
            ("another name", &named, Connections::Kept, false),
            ("a proxy", &through("http://127.0.0.1:1"), Connections::Kept, false),
        ] {
            let other = Clients::new(&target, config, connections);
            assert_eq!(address(&other) == shared, is_shared, "{what}");
        }
    }

    #[test]
    fn who_ends_first_leaves_the_client_to_the_others() {
        let target = Target::parse("https://a.example").unwrap();
        let config = through("http://127.0.0.1:2");
        let clients = || Clients::new(&target, &config, Connections::Kept);
        let (first, second, third) = (clients(), clients(), clients());
        let shared = address(&first);
        assert_eq!(address(&second), shared);
        drop(first);
        assert_eq!(address(&third), shared);
    }
}

//! The processes behind what is watched, as far as they are on this machine.

use std::net::{SocketAddr, ToSocketAddrs as _};

use crate::config::{Plan, ScrapedPage, Source};
use crate::outside::host;
use crate::watch::raw::Agent;

/// A process that serves what is watched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WatchedProcess {
    pid: u32,
    name: String,
    /// When it was started, in seconds since the Unix epoch.
    started_s: f64,
    /// The same in the ticks of the kernel, by which it is told from a later one of its number.
    since: u64,
}

impl WatchedProcess {
    /// This process.
    pub(super) fn own() -> Option<Self> {
        Self::new(host::process(std::process::id()).ok()?)
    }

    fn new(process: host::Process) -> Option<Self> {
        let since = host::running_since(process.pid).ok()??;
        let host::Process { pid, name, started_s } = process;
        Some(Self { pid, name, started_s, since })
    }

    /// What it has used until now, of the service of that name.
    pub(super) fn usage(&self, service: &str, now_s: f64) -> Agent {
        let cpu_ticks = host::cpu_ticks(self.pid, self.since);
        let runs = cpu_ticks.is_some();
        Agent {
            agent: service.to_owned(),
            pid: self.pid,
            process: self.name.clone(),
            runtime_s: runs.then(|| ((now_s - self.started_s).max(0.0) * 10.0).round() / 10.0),
            cpu_ticks,
        }
    }
}

/// The processes that serve the pages and URLs of a plan, and those that it names.
pub(super) fn watched(plan: &Plan) -> Vec<WatchedProcess> {
    let pages: &[ScrapedPage] = match &plan.spec.source {
        Source::Scrape(scrape) => &scrape.pages,
        _ => &[],
    };
    let outside = plan.spec.outside.as_ref();
    let probes = outside.map(|it| it.probes.as_slice()).unwrap_or_default();
    let addresses = pages.iter().chain(probes).flat_map(addresses);
    let serving = addresses.flat_map(host::serving_at);
    let named = outside.map(|it| it.pids.as_slice()).unwrap_or_default();
    let named = named.iter().filter_map(|pid| host::process(*pid).ok());
    let mut found: Vec<_> = serving.chain(named).filter_map(WatchedProcess::new).collect();
    found.sort_by_key(|it| it.pid);
    found.dedup_by_key(|it| it.pid);
    found
}

/// Where a page is, if that may be on this machine.
fn addresses(page: &ScrapedPage) -> Vec<SocketAddr> {
    let url = page.endpoint.target.as_given();
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Vec::new();
    };
    // A name of another machine may take its time to be looked up, and leads to no process here.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_here =
        host == "localhost" || host.parse().is_ok_and(|it: std::net::IpAddr| it.is_loopback());
    let found = if is_here { (host, port).to_socket_addrs().ok() } else { None };
    found.into_iter().flatten().collect()
}

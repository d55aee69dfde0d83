//! Looks for a page of metrics: at the URL that is given, where its body leads to, under the usual
//! paths, and on the other ports of the same process.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use reqwest::Url;

use super::html;
use super::inventory::Inventory;
use super::look::Trouble;
use crate::collect::{PageProblem, ScrapeError};
use crate::config::{Endpoint, Target};
use crate::exposition::Format;
use crate::interrupt;
use crate::outside::host::{self, Owner};
use crate::prometheus::http::{
    Connections, Failed, Http, Log, Page, RetryPolicy, TransportError, Wanted,
};
use crate::prometheus::is_html;
use crate::storage::Labels;

/// As an audit asks for a page.
const WANTED: Wanted = Wanted {
    accept: "application/openmetrics-text;version=1.0.0,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    at_most: 64 * 1024 * 1024,
    connections: Connections::Fresh,
};
/// Where services have their metrics.
const USUAL: [&str; 9] = [
    "/metrics",
    "/actuator/prometheus",
    "/q/metrics",
    "/prometheus",
    "/-/metrics",
    "/api/metrics",
    "/prometheus/metrics",
    "/management/prometheus",
    "/internal/metrics",
];
/// How long one of several places is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many other ports are looked at.
const MOST_PORTS: usize = 8;
/// How often it is looked who has accepted a connection, and with which pause.
const GLANCES: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// A page of metrics.
pub(super) struct Found {
    pub(super) target: Target,
    pub(super) inventory: Inventory,
}

/// What came of looking for one.
pub(super) struct Search {
    pub(super) found: Option<Found>,
    /// Where else it was looked, and what was there.
    pub(super) tried: Vec<String>,
    /// Somewhere credentials were asked for.
    pub(super) denied: Option<String>,
}

/// What an answer is.
enum Kind {
    Metrics(Inventory),
    /// Meant as one, and broken.
    Broken(PageProblem),
    Denied(u16),
    Other(String),
}

/// Looks for pages of a service.
pub(super) struct Looker<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) target: Labels,
    pub(super) started: Instant,
    pub(super) timeout: Duration,
    pub(super) log: Log<'a>,
}

impl Looker<'_> {
    /// Looks at the URL as at a page of metrics, and elsewhere where it is none.
    ///
    /// # Errors
    /// The service does not answer, or what it answers is broken.
    pub(super) fn page(&self) -> Result<Search, Trouble> {
        let page = self.first()?;
        let problem = match self.kind(&page) {
            Kind::Metrics(inventory) => {
                let target = self.endpoint.target.clone();
                let found = Some(Found { target, inventory });
                return Ok(Search { found, tried: Vec::new(), denied: None });
            }
            Kind::Broken(problem) => problem,
            Kind::Denied(status) => {
                let sent = self.endpoint.http.credential.as_ref().map(|it| it.origin.clone());
                PageProblem::Unauthorized(status, page.journey, sent)
            }
            Kind::Other(_) if page.status >= 500 => PageProblem::Status(page.status, page.journey),
            Kind::Other(what) => return self.elsewhere(&page, what),
        };
        Err(self.trouble(problem))
    }

    /// Looks for a page beside a URL that is to be probed.
    ///
    /// # Errors
    /// The service does not answer.
    pub(super) fn beside_probe(&self) -> Result<Search, Trouble> {
        let page = self.first()?;
        let what = match self.kind(&page) {
            Kind::Metrics(inventory) => {
                let found = Some(Found { target: self.endpoint.target.clone(), inventory });
                return Ok(Search { found, tried: Vec::new(), denied: None });
            }
            Kind::Other(what) => what,
            Kind::Denied(status) => format!("HTTP {status}"),
            Kind::Broken(problem) => self.redact(&problem.to_string()),
        };
        self.elsewhere(&page, what)
    }

    fn elsewhere(&self, page: &Page, what: String) -> Result<Search, Trouble> {
        let base = self.endpoint.target.page("");
        let mut search = Search { found: None, tried: Vec::new(), denied: None };
        search.tried.push(format!("{}: {what}", self.endpoint.target.printable_page("")));
        let mut places = html::links(&page.body, &base);
        if base.path() != "/" {
            let root = base.join("/").ok();
            let body = root.as_ref().and_then(|root| self.get(root).ok()).map(|page| page.body);
            let links = root.iter().zip(body).flat_map(|(root, body)| html::links(&body, root));
            places.extend(links);
            let path = base.path().trim_end_matches('/');
            let below = base.join(&format!("{path}/metrics")).ok();
            places.extend(below.filter(|_| !path.ends_with("metrics")));
        }
        places.extend(USUAL.iter().filter_map(|path| base.join(path).ok()));
        self.try_all(places, &base, &mut search)?;
        if search.found.is_none() {
            let ports = self.other_ports(&base);
            let paths = ["/metrics", "/"];
            let places =
                ports.iter().flat_map(|port| paths.iter().filter_map(|it| port.join(it).ok()));
            self.try_all(places.collect(), &base, &mut search)?;
        }
        Ok(search)
    }

    fn try_all(&self, places: Vec<Url>, base: &Url, search: &mut Search) -> Result<(), Trouble> {
        let mut seen = vec![base.clone()];
        for place in places {
            if search.found.is_some() || seen.contains(&place) {
                continue;
            }
            seen.push(place.clone());
            let what = match self.get(&place) {
                Err(Failed { error: TransportError::Interrupted, .. }) => {
                    return Err(Trouble::interrupted());
                }
                Err(failed) => self.redact(&failed.to_string()),
                Ok(page) => match self.kind(&page) {
                    Kind::Metrics(inventory) => {
                        let target = Target::parse_page(place.as_str());
                        search.found = target.ok().map(|target| Found { target, inventory });
                        continue;
                    }
                    Kind::Broken(problem) => self.redact(&problem.to_string()),
                    Kind::Denied(status) => {
                        search.denied.get_or_insert_with(|| format!("{place}: HTTP {status}"));
                        format!("HTTP {status}")
                    }
                    Kind::Other(what) => what,
                },
            };
            search.tried.push(format!("{place}: {what}"));
        }
        Ok(())
    }

    /// The URL itself. A service that has only just been started is given a moment.
    fn first(&self) -> Result<Page, Trouble> {
        let http = Http::new(self.endpoint, WANTED, self.started, self.timeout, self.log);
        http.interruptible().get("", &[], RetryPolicy::Deadline).map_err(|failed| {
            match failed.error {
                TransportError::Interrupted => Trouble::interrupted(),
                _ => self.trouble(failed.into()),
            }
        })
    }

    /// Another place. What is sent along is meant for the origin that was given, and stays there.
    fn get(&self, place: &Url) -> Result<Page, Failed<TransportError>> {
        let Ok(target) = Target::parse_probe(place.as_str()) else {
            let error = TransportError::Setup("this is no address".to_owned());
            return Err(Failed { error, journey: crate::prometheus::Journey::default() });
        };
        let mut http = self.endpoint.http.clone();
        if place.origin() != self.endpoint.target.page("").origin() {
            http.credential = None;
            http.headers.clear();
        }
        let endpoint = Endpoint { target, http };
        let http = Http::new(&endpoint, WANTED, self.started, self.timeout, self.log);
        http.interruptible().get("", &[], RetryPolicy::Once(PATIENCE))
    }

    fn kind(&self, page: &Page) -> Kind {
        if matches!(page.status, 401 | 403) {
            return Kind::Denied(page.status);
        }
        if page.status != 200 {
            return Kind::Other(format!("HTTP {}", page.status));
        }
        if is_html(&page.body) {
            return Kind::Other("an HTML page".to_owned());
        }
        let content_type = page.content_type.as_deref();
        let format = Format::of_content_type(content_type);
        let is_meant = format == Format::OpenMetrics
            || content_type.is_some_and(|it| it.contains("version=0.0.4"))
            || page.body.starts_with(b"# HELP")
            || page.body.starts_with(b"# TYPE");
        let is_blank = page.body.is_empty() && page.says_its_end && is_meant;
        let body = if is_blank { b"\n" } else { page.body.as_slice() };
        match Inventory::of_page(body, format, &self.target) {
            Ok((_, doubled)) if doubled > 0 => Kind::Broken(PageProblem::Duplicates(doubled)),
            Ok((inventory, _)) if inventory.size().0 > 0 || is_meant => Kind::Metrics(inventory),
            Ok(_) => Kind::Other("an empty page".to_owned()),
            Err(error) if is_meant => Kind::Broken(PageProblem::Syntax(error)),
            Err(_) => Kind::Other("no page of metrics".to_owned()),
        }
    }

    /// Where else the process listens that answers at that URL.
    fn other_ports(&self, base: &Url) -> Vec<Url> {
        let Some(pid) = process_behind(base) else { return Vec::new() };
        let port = base.port_or_known_default();
        let others = host::listens(pid).into_iter().filter(|it| Some(it.port()) != port);
        others.filter_map(|address| url_of(base, address)).take(MOST_PORTS).collect()
    }

    fn trouble(&self, problem: PageProblem) -> Trouble {
        let target = self.endpoint.target.to_string();
        Trouble::NoVerdict(self.redact(&ScrapeError { target, problem, meant: None }.to_string()))
    }

    fn redact(&self, words: &str) -> String {
        self.endpoint.http.redact(words)
    }
}

/// The process that accepts connections there, if it is one of this machine and no proxy.
fn process_behind(base: &Url) -> Option<u32> {
    let address = base.socket_addrs(|| None).ok()?.into_iter().next()?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    let ends = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
    for _ in 0..GLANCES {
        match host::find(&[ends]).into_iter().next() {
            Some(Owner::Process { process, is_proxy: false }) => return Some(process.pid),
            Some(Owner::NotAccepted) => interrupt::sleep(PAUSE).ok()?,
            _ => return None,
        }
    }
    None
}

/// A URL at that address; one that listens everywhere is reached by the host that is known.
fn url_of(base: &Url, address: SocketAddr) -> Option<Url> {
    let mut url = Url::parse("http://localhost/").ok()?;
    if address.ip().is_unspecified() {
        url.set_host(base.host_str()).ok()?;
    } else {
        url.set_ip_host(address.ip()).ok()?;
    }
    url.set_port(Some(address.port())).ok()?;
    Some(url)
}

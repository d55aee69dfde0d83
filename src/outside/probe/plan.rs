//! What a probe asks, whom, and how often: all that is known before its first request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderValue, InvalidHeaderValue, USER_AGENT,
};
use hyper::http::uri::InvalidUri;
use hyper::{Request, Uri};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::{ProbeError, Ticks};
use crate::config::{Endpoint, HttpConfig};
use crate::prometheus::http::tls_client_config;

/// Never the environment's words: which program asks should be plain in a log of requests.
const WE: &str = concat!("auditor/", env!("CARGO_PKG_VERSION"), " (probe)");

/// How often it is asked over a new connection.
pub(super) const VISIT_EVERY: Duration = Duration::from_secs(1);

/// What a probe asks, whom, and how often.
pub(super) struct Plan {
    pub(super) host: Host,
    pub(super) port: u16,
    /// `None` for plain HTTP.
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) ticks: Ticks,
    /// The instant that the ticks are counted from.
    pub(super) start: Instant,
    /// How long a request is waited for.
    pub(super) patience: Duration,
    /// How often it is asked over a new connection.
    pub(super) visit_every: Duration,
    uri: Uri,
    headers: HeaderMap,
    http: HttpConfig,
}

/// Where a service is looked for.
pub(super) enum Host {
    /// At these addresses, in this order.
    Known(Vec<IpAddr>),
    /// Where the name leads.
    Named(String),
}

impl Plan {
    /// # Errors
    /// If there is nothing that could be asked.
    pub(super) fn new(
        endpoint: &Endpoint,
        ticks: Ticks,
        patience: Duration,
        start: Instant,
    ) -> Result<Self, ProbeError> {
        let Endpoint { target, http } = endpoint;
        let url = target.as_given();
        let no_url = |what: &str| ProbeError::Url(format!("{target}: {what}"));
        let host = url.host_str().ok_or_else(|| no_url("it has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default().ok_or_else(|| no_url("it has no port"))?;
        let tls = if url.scheme() == "https" {
            let name = http.tls.server_name.as_deref().unwrap_or(host).to_owned();
            let name = ServerName::try_from(name)
                .map_err(|_| no_url("no certificate can bear the name of its host"))?;
            Some((Arc::new(tls_client_config(&http.tls)?), name))
        } else {
            None
        };
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let uri = format!("{}{query}", url.path()).parse();
        let uri = uri.map_err(|error: InvalidUri| no_url(&error.to_string()))?;
        let headers = headers(&target.authority(), http)
            .map_err(|_| no_url("its host cannot stand in a header"))?;
        let http = http.clone();
        let host = Host::of(host);
        let visit_every = VISIT_EVERY;
        Ok(Self { host, port, tls, ticks, start, patience, visit_every, uri, headers, http })
    }

    /// The request, which is always the same.
    pub(super) fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        request.uri_mut().clone_from(&self.uri);
        request.headers_mut().clone_from(&self.headers);
        request
    }

    /// The text without the secrets that are sent: a server may repeat them.
    pub(super) fn redact(&self, text: &str) -> String {
        self.http.redact(text)
    }
}

impl Host {
    fn of(host: &str) -> Self {
        if let Ok(address) = host.parse() {
            return Self::Known(vec![address]);
        }
        // Both, whatever the system's tables say of it: services listen on the one or the other.
        if host.eq_ignore_ascii_case("localhost") {
            return Self::Known(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]);
        }
        Self::Named(host.to_owned())
    }
}

/// The headers of the request; those that were given take the place of ours.
fn headers(authority: &str, http: &HttpConfig) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers = HeaderMap::from_iter([
        (HOST, HeaderValue::from_str(authority)?),
        (USER_AGENT, HeaderValue::from_static(WE)),
        (ACCEPT, HeaderValue::from_static("*/*")),
    ]);
    for name in http.headers.keys() {
        headers.remove(name);
    }
    for (name, value) in &http.headers {
        headers.append(name, value.clone());
    }
    if let Some(credential) = &http.credential {
        headers.insert(AUTHORIZATION, credential.value.clone());
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Target;
    use hyper::header::COOKIE;

    fn plan(url: &str, http: HttpConfig) -> Result<Plan, ProbeError> {
        let endpoint = Endpoint { target: Target::parse_page(url).unwrap(), http };
        let ticks = Ticks::new(Duration::from_millis(50));
        Plan::new(&endpoint, ticks, Duration::from_secs(10), Instant::now())
    }

    #[test]
    fn the_request_names_the_page_the_host_and_us() {
        let plan = plan("http://me:secret@h:81/a%20b?x=1#y", HttpConfig::default()).unwrap();
        let request = plan.request();
        assert_eq!(
            (request.method().as_str(), request.uri().to_string()),
            ("GET", "/a%20b?x=1".into())
        );
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(headers, [("host", "h:81"), ("user-agent", WE), ("accept", "*/*")]);
        assert!(matches!(plan.host, Host::Named(name) if name == "h"));
        assert_eq!(plan.port, 81);
    }

    #[test]
    fn headers_that_were_given_take_the_place_of_ours() {
        let mut http = HttpConfig::default();
        http.headers.append(ACCEPT, HeaderValue::from_static("text/html"));
        http.headers.append(COOKIE, HeaderValue::from_static("a=1"));
        http.headers.append(COOKIE, HeaderValue::from_static("b=2"));
        let request = plan("http://h/", http).unwrap().request();
        let all = |name| request.headers().get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all(ACCEPT), ["text/html"]);
        assert_eq!(all(COOKIE), ["a=1", "b=2"]);
        assert_eq!(all(HOST), ["h"]);
    }

    #[test]
    fn a_host_is_an_address_both_loopbacks_or_a_name() {
        let known = |url| match plan(url, HttpConfig::default()).unwrap().host {
            Host::Known(addresses) => addresses.iter().map(ToString::to_string).collect(),
            Host::Named(name) => vec![format!("named {name}")],
        };
        assert_eq!(known("http://[::1]:8000/x"), ["::1"]);
        assert_eq!(known("http://10.0.0.1/x"), ["10.0.0.1"]);
        assert_eq!(known("http://LOCALHOST:1/x"), ["::1", "127.0.0.1"]);
        assert_eq!(known("http://service.local/x"), ["named service.local"]);
    }
}

//! The pre-flight: is there a server, is it well, and which one is it?

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::Answered;
use super::http::{Failed, Page, TransportError};
use super::wire::{QueryError, is_html};
use crate::config::Credential;
use crate::one_line::one_line;

/// Which server answered, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Backend {
    /// `Prometheus`, `VictoriaMetrics`, …
    pub product: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// Why the server is not fit to be asked; in brackets stands what it says itself.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ServerProblem {
    #[error(transparent)]
    Transport(#[from] Failed<TransportError>),
    #[error(
        "the server is up, but answers no query within {0:?} (--timeout); allow more time, \
         or make the queries cheaper"
    )]
    Slow(Duration),
    #[error("the server wants credentials ({0}), and none were sent; {CREDENTIALS}")]
    NoCredentials(String),
    #[error("the server wants credentials ({0}); {1} stayed with the target, which redirects")]
    CredentialsNotSentOn(String, String),
    #[error("the server refuses {1} ({0})")]
    Credentials(String, String),
    #[error(
        "the server wants to know the tenant ({0}); name it: --header 'X-Scope-OrgID: TENANT', \
         or `http_headers` under `http`"
    )]
    NoTenant(String),
    #[error(
        "no Prometheus API below this URL ({0}); is a path missing? Common ones are /prometheus \
         and /api/prom; a service's own page of metrics is read by --scrape URL"
    )]
    NoSuchPath(String),
    #[error("the server is not ready yet ({0}); wait until it answers, then audit")]
    NotReady(String),
    #[error("a gateway gets no answer from the server behind it ({0})")]
    Gateway(String),
    #[error("the server limits how often it is asked ({0})")]
    Limited(String),
    #[error("the server speaks TLS there ({0}); write https://")]
    SpeaksTls(String),
    #[error("the server says that it is not healthy (HTTP {0} from /-/healthy)")]
    NotHealthy(u16),
    #[error(
        "this is no Prometheus API: {0}; a service's own page of metrics is read by --scrape URL"
    )]
    NoApi(String),
    #[error(
        "the server answers for {found}, and {asked} was asked for: VictoriaMetrics moves recent \
         instants back unless `nocache=1` reaches it, and a gateway may keep that from it; let the \
         gateway pass it on, start VictoriaMetrics with -search.latencyOffset=0s, or name an \
         earlier instant with --at"
    )]
    OtherInstant { found: String, asked: String },
    #[error("the proxy wants credentials ({0}); give them in proxy_url: http://USER:PASSWORD@HOST")]
    ProxyCredentials(String),
    #[error("every query failed: {0}")]
    Other(String),
}

/// Where credentials can be given.
const CREDENTIALS: &str = "set AUDITOR_BEARER_TOKEN or AUDITOR_BASIC_AUTH, or `authorization` or \
                           `basic_auth` under `http`";

/// What the health page tells of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    Prometheus,
    VictoriaMetrics,
    /// It has a health page, which names neither.
    Other,
    /// It has no health page.
    Unknown,
}

/// Judges the answer of the health page beside those of the queries. Many backends have no such
/// page: there the answers show that the API is there.
pub(crate) fn judge(
    healthy: Result<Page, Failed<TransportError>>,
    answers: &[Answered],
    credential: Option<&Credential>,
) -> Result<Product, ServerProblem> {
    // Where nothing was to be asked of it, nothing failed.
    if answers.is_empty() || answers.iter().any(is_from_api) {
        return match healthy {
            // A redirect or a page for people is some gateway's, not the server's.
            Err(failed) if failed.error.is_redirect() => Ok(Product::Unknown),
            Err(failed) => Err(failed.into()),
            Ok(page) if page.status >= 500 => Err(ServerProblem::NotHealthy(page.status)),
            Ok(page) if is_health_page(&page) => Ok(Product::of(&page.body)),
            Ok(_) => Ok(Product::Unknown),
        };
    }
    let is_up = healthy.is_ok_and(|page| is_health_page(&page));
    let failed = answers.iter().filter_map(|answer| answer.as_ref().err());
    let transport = |failed: &&Failed<QueryError>| matches!(failed.error, QueryError::Transport(_));
    // An answer says more than none.
    let decisive =
        failed.clone().find(|failed| !transport(failed)).or_else(|| failed.clone().next());
    Err(match decisive {
        Some(failed) => explain(failed, is_up, credential),
        None => ServerProblem::Other("none was sent".to_owned()),
    })
}

fn is_health_page(page: &Page) -> bool {
    matches!(page.status, 200..=299) && !page.journey.is_redirected() && !is_html(&page.body)
}

/// Whether the API itself spoke, if only to refuse a query.
fn is_from_api(answer: &Answered) -> bool {
    match answer {
        Ok(_) => true,
        Err(failed) => match failed.error {
            QueryError::Api { status, .. } => !matches!(status, 401 | 403 | 404),
            QueryError::WrongType(_) | QueryError::OtherInstant { .. } => true,
            _ => false,
        },
    }
}

/// What one failed query says about the server, if no query fared better.
fn explain(
    failed: &Failed<QueryError>,
    is_up: bool,
    credential: Option<&Credential>,
) -> ServerProblem {
    let said = failed.to_string();
    let status = match &failed.error {
        QueryError::Transport(TransportError::Timeout(limit)) if is_up => {
            return ServerProblem::Slow(*limit);
        }
        QueryError::Transport(error) => {
            let journey = failed.journey.clone();
            return ServerProblem::Transport(Failed { error: error.clone(), journey });
        }
        QueryError::Status { status, .. } | QueryError::Api { status, .. } => *status,
        QueryError::NotApi(why) => return ServerProblem::NoApi(format!("{why}{}", failed.journey)),
        QueryError::WrongType(_) | QueryError::OtherInstant { .. } => {
            return ServerProblem::Other(said);
        }
    };
    match status {
        _ if said.to_lowercase().contains("no org id") => ServerProblem::NoTenant(said),
        407 => ServerProblem::ProxyCredentials(said),
        401 | 403 => match credential {
            None => ServerProblem::NoCredentials(said),
            Some(credential) if failed.journey.left_origin => {
                ServerProblem::CredentialsNotSentOn(said, credential.origin.clone())
            }
            Some(credential) => ServerProblem::Credentials(said, credential.origin.clone()),
        },
        400 if said.contains("to an HTTPS server") || said.contains("to HTTPS port") => {
            ServerProblem::SpeaksTls(said)
        }
        404 | 405 | 410 => ServerProblem::NoSuchPath(said),
        429 => ServerProblem::Limited(said),
        502 | 504 => ServerProblem::Gateway(said),
        503 => ServerProblem::NotReady(said),
        _ => ServerProblem::Other(said),
    }
}

impl Product {
    /// The same, once it is known to speak MetricsQL: behind a gateway, or as a cluster,
    /// VictoriaMetrics may have no health page of its own.
    pub(crate) const fn speaks_metricsql(self) -> Self {
        match self {
            Self::Prometheus | Self::VictoriaMetrics => self,
            Self::Other | Self::Unknown => Self::VictoriaMetrics,
        }
    }

    fn of(health_page: &[u8]) -> Self {
        let text = String::from_utf8_lossy(health_page);
        if text.starts_with("VictoriaMetrics") {
            Self::VictoriaMetrics
        } else if text.starts_with("Prometheus") {
            Self::Prometheus
        } else {
            Self::Other
        }
    }
}

/// The build information of a server; empty where it has none to give.
#[derive(Debug, Default)]
pub(crate) struct BuildInfo {
    application: Option<String>,
    version: Option<String>,
}

impl BuildInfo {
    pub(crate) fn decode(page: &Page) -> Self {
        #[derive(Deserialize)]
        struct Envelope {
            data: HashMap<String, Value>,
        }
        match serde_json::from_slice::<Envelope>(&page.body) {
            Ok(Envelope { data }) if page.status == 200 => {
                let text = |key| data.get(key).and_then(Value::as_str).map(one_line);
                let text = |key| text(key).filter(|text| !text.is_empty());
                Self { application: text("application"), version: text("version") }
            }
            _ => Self::default(),
        }
    }
}

impl Backend {
    /// The same, in the words that `f` makes of its words.
    pub(crate) fn map(self, f: impl Fn(&str) -> String) -> Self {
        let map = |words: Option<String>| words.map(|words| f(&words));
        Self { product: map(self.product), version: map(self.version) }
    }

    /// Puts together what the health page and the page of build information tell.
    pub(crate) fn new(product: Option<Product>, build: BuildInfo) -> Self {
        match product {
            None => Self::default(),
            // It gives the version of the Prometheus whose API it follows, not its own.
            Some(Product::VictoriaMetrics) => {
                Self { product: Some("VictoriaMetrics".to_owned()), version: None }
            }
            Some(Product::Prometheus) => {
                Self { product: Some("Prometheus".to_owned()), version: build.version }
            }
            Some(Product::Other | Product::Unknown) => {
                Self { product: build.application, version: build.version }
            }
        }
    }
}

//! The pre-flight: is there a server, is it well, and which one is it?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::api::Server;
use super::http::{Page, TransportError};
use super::wire::QueryError;

/// Which server answered, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Backend {
    /// `Prometheus`, `VictoriaMetrics`, …
    pub product: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// Why the server is not fit to be asked.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum PreflightError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("the server wants credentials (HTTP {0} from /-/healthy)")]
    Credentials(u16),
    #[error("the server says that it is not healthy (HTTP {0} from /-/healthy)")]
    NotHealthy(u16),
    #[error("this is no Prometheus API: {0}")]
    NoApi(QueryError),
}

/// What the health page tells of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    Prometheus,
    VictoriaMetrics,
    Unknown,
}

/// Judges the answer of the health page. Where a backend has none, an instant query
/// shows whether the API is there, unless the wave of queries has shown it.
pub(super) fn judge(
    server: &Server,
    at: Timestamp,
    healthy: Result<Page, TransportError>,
    answered: bool,
) -> Result<Product, PreflightError> {
    let page = healthy?;
    match page.status {
        200..=299 => Ok(Product::of(&page.body)),
        401 | 403 => Err(PreflightError::Credentials(page.status)),
        300..=499 if answered => Ok(Product::Unknown),
        300..=499 => match server.query("vector(1)", at) {
            Ok(_) => Ok(Product::Unknown),
            Err(error) => Err(PreflightError::NoApi(error)),
        },
        status => Err(PreflightError::NotHealthy(status)),
    }
}

impl Product {
    fn of(health_page: &[u8]) -> Self {
        let text = String::from_utf8_lossy(health_page);
        if text.starts_with("VictoriaMetrics") {
            Self::VictoriaMetrics
        } else if text.starts_with("Prometheus") {
            Self::Prometheus
        } else {
            Self::Unknown
        }
    }
}

/// The build information of a server; empty where it has none to give.
#[derive(Debug, Default, Deserialize)]
struct BuildInfo {
    application: Option<String>,
    version: Option<String>,
}

impl BuildInfo {
    fn decode(page: &Page) -> Self {
        #[derive(Deserialize)]
        struct Envelope {
            data: BuildInfo,
        }
        match serde_json::from_slice::<Envelope>(&page.body) {
            Ok(envelope) if page.status == 200 => envelope.data,
            _ => Self::default(),
        }
    }
}

impl Backend {
    /// Puts together what the health page and the page of build information tell.
    pub(super) fn new(product: Option<Product>, build_info: Option<&Page>) -> Self {
        let build = build_info.map(BuildInfo::decode).unwrap_or_default();
        let non_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
        match product {
            None => Self::default(),
            // It gives the version of the Prometheus whose API it follows, not its own.
            Some(Product::VictoriaMetrics) => {
                Self { product: Some("VictoriaMetrics".to_owned()), version: None }
            }
            Some(Product::Prometheus) => {
                Self { product: Some("Prometheus".to_owned()), version: non_empty(build.version) }
            }
            Some(Product::Unknown) => {
                Self { product: non_empty(build.application), version: non_empty(build.version) }
            }
        }
    }
}

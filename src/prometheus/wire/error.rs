//! Why a query has no answer, in words; and what the pages say that are none of the API's.

use serde::Deserialize;

use crate::one_line::one_line;
use crate::prometheus::http::TransportError;

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// There is no HTTP answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The server refused or failed, in its own words.
    #[error("{message} ({error_type}, HTTP {status})")]
    Api {
        /// HTTP status.
        status: u16,
        /// Prometheus' `errorType`.
        error_type: String,
        /// The server's message.
        message: String,
    },
    /// An HTTP error without the API's explanation.
    #[error("HTTP {status}{}", said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Status {
        /// HTTP status.
        status: u16,
        /// What the page says for people, if it is plain.
        said: Option<String>,
    },
    /// The answer is not what the API says.
    #[error("the answer is not the Prometheus API's: {0}")]
    NotApi(String),
    /// The query yields something else than numbers.
    #[error("{0}")]
    WrongType(&'static str),
    /// The answer is that of another time.
    #[error(
        "the answer is of {found}, and {asked} was asked for; a cache or a gateway on the way \
         answers for another time: ask the server itself"
    )]
    OtherInstant {
        /// The time in the answer.
        found: String,
        /// The time that was asked for.
        asked: String,
    },
}

/// What is wrong with a query that returns several values a series.
pub(crate) const RETURNS_RANGE: &str =
    "the query returns a range; wrap it, in max_over_time(…) for instance";
/// What is wrong with a query that returns a string.
pub(crate) const RETURNS_TEXT: &str = "the query returns text, not numbers";

impl QueryError {
    /// The query returns more than numbers.
    pub(super) const HISTOGRAMS: Self = Self::WrongType(
        "the query returns native histograms; wrap it, in histogram_quantile(…) for instance",
    );
    /// The same, in the words that `f` makes of its words.
    pub(crate) fn map(self, f: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Transport(error) => Self::Transport(error.map(f)),
            Self::Api { status, error_type, message } => {
                Self::Api { status, error_type: f(&error_type), message: f(&message) }
            }
            Self::Status { status, said } => Self::Status { status, said: said.map(|it| f(&it)) },
            Self::NotApi(why) => Self::NotApi(f(&why)),
            Self::WrongType(_) | Self::OtherInstant { .. } => self,
        }
    }

    pub(super) fn status(status: u16, body: &[u8]) -> Self {
        Self::Status { status, said: said(body) }
    }
}

/// What a page that is no answer of the API says: the message in its JSON, or its first line.
fn said(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Problem {
        Text(String),
        Object { message: String },
    }
    #[derive(Deserialize)]
    struct Page {
        #[serde(alias = "Message")]
        message: Option<String>,
        error: Option<Problem>,
    }
    let message = match serde_json::from_slice::<Page>(body) {
        Ok(Page { error: Some(Problem::Object { message } | Problem::Text(message)), .. })
        | Ok(Page { message: Some(message), .. }) => message,
        Ok(_) => return None,
        Err(_) if is_html(body) => title(body)?,
        Err(_) => {
            let text = std::str::from_utf8(body).ok()?;
            text.lines().map(str::trim).find(|line| !line.is_empty())?.to_owned()
        }
    };
    Some(one_line(&message))
}

/// The text may hold foreign words of any length.
pub(super) fn not_api(why: impl AsRef<str>) -> QueryError {
    QueryError::NotApi(one_line(why.as_ref()))
}

pub(super) fn not_json(body: &[u8], error: &serde_json::Error) -> QueryError {
    not_api(if is_html(body) {
        let title = title(body).map(|title| format!(", titled {title:?}"));
        format!("it is an HTML page, perhaps a login{}", title.unwrap_or_default())
    } else if body.is_empty() {
        "it is empty".to_owned()
    } else {
        error.to_string()
    })
}

fn title(page: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(&page[..page.len().min(64 * 1024)]);
    // As long as the page: only ASCII letters change.
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    Some(one_line(page[start..end].trim())).filter(|title| !title.is_empty())
}

pub(crate) fn is_html(body: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&body[..body.len().min(200)]).trim_start().to_lowercase();
    ["<!doctype", "<html", "<?xml", "<head", "<body"].iter().any(|tag| start.starts_with(tag))
}

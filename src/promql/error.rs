//! Why a query has no value.

/// Why a query has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no PromQL: the line and the column, from 1 on, and the reason.
    #[error("{0}")]
    Parse(String),
    /// It is PromQL, but cannot be evaluated here.
    #[error("{0}")]
    Unsupported(String),
    /// It cannot be evaluated over these samples.
    #[error("{0}")]
    Execution(String),
    /// The deadline came first.
    #[error("the query took too long")]
    Timeout,
}

impl Error {
    /// What Prometheus' HTTP API calls such errors.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Parse(_) | Self::Unsupported(_) => "bad_data",
            Self::Execution(_) => "execution",
            Self::Timeout => "timeout",
        }
    }

    /// Points to a byte of the text in the format of Prometheus.
    pub(super) fn parse(text: &str, at: usize, why: &str) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Self::Parse(format!("{line}:{column}: parse error: {why}"))
    }

    pub(super) fn unsupported(what: &str) -> Self {
        Self::Unsupported(format!("{what} cannot be evaluated here"))
    }
}

/// A piece of the text for a message: in quotes, on one line, and not too long.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

//! Why a query has no value.

/// Why a query has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no PromQL.
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
}

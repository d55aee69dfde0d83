//! The earlier audit that a report is compared with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::Verdict;

/// An earlier audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineReport {
    /// The file of its report; `null` where the same server was asked of an earlier time.
    pub path: Option<String>,
    /// How long before this one it looked, seconds; `null` for a file.
    pub offset_s: Option<f64>,
    /// Its evaluation instant, RFC 3339.
    pub evaluated_at: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why that was it, in one sentence.
    pub verdict_reason: String,
}

//! Values that checks take from logs instead of asking for them.

use crate::model::origin::Place;
use crate::model::signal::OnMissing;

/// The value of one check in a log: what stands after `key=` in the last line that contains a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLookup {
    /// The name of the check.
    pub check: String,
    /// The name of the log; the command line says which file that is.
    pub file: String,
    /// The token.
    pub line: String,
    /// The key.
    pub key: String,
    /// Whether a decimal is truncated to an integer, towards zero.
    pub is_integer: bool,
    /// What stands for a value that the log does not have.
    pub on_no_data: OnMissing,
    /// Where the log is named, if that is in a file.
    pub origin: Option<Place>,
}

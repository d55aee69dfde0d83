//! An expression as it is asked.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{Error, Query, parse};

/// An expression: its text, and what the PromQL of this crate makes of it. That is found out when
/// it is asked for, and once for all copies; a server may speak more than there is here.
#[derive(Clone)]
pub struct Expression(Arc<Inner>);

struct Inner {
    text: String,
    parsed: OnceLock<Result<Query, Error>>,
}

impl Expression {
    /// The expression with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Inner { text: text.into(), parsed: OnceLock::new() }))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// What can be evaluated on samples.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn parsed(&self) -> Result<&Query, Error> {
        self.0.parsed.get_or_init(|| parse(&self.0.text)).as_ref().map_err(Clone::clone)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.text.fmt(f)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl Eq for Expression {}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

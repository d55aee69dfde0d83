//! An expression that is parsed once, however often it is evaluated.

use crate::one_line::one_line;
use crate::promql;

/// A parsed expression, or why it cannot be parsed.
#[derive(Debug, Clone)]
pub struct Expression(Result<promql::Query, String>);

impl Expression {
    /// Parses an expression.
    pub fn new(text: &str) -> Self {
        Self(promql::parse(text).map_err(|error| one_line(&error.to_string())))
    }

    /// The parsed expression.
    ///
    /// # Errors
    /// Why it cannot be evaluated, on one line.
    pub(super) fn query(&self) -> Result<&promql::Query, &String> {
        self.0.as_ref()
    }
}

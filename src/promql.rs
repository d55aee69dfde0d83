//! Evaluates PromQL over a [`Storage`], at one instant, by the rules of Prometheus 3.
//!
//! ```text
//! text ──▶ lexer, parser ──▶ syntax ──▶ lower ──▶ plan ──▶ evaluate ──▶ Value
//!          grammar,          a tree     types,    what is    once for the query's instant,
//!          limits                       names     computed   once for each step of a subquery
//! ```
//!
//! What cannot be evaluated as Prometheus does it is refused by [`parse`], before any sample is
//! read: experimental functions and modifiers above all. Native histograms do not exist here;
//! functions that are only about them have no result, as in Prometheus over plain numbers.
//!
//! Ranges and the lookback of 5 minutes are open on the left and closed on the right. Names of
//! metrics are dropped at once, not late. Sums are compensated.

mod aggregate;
mod amount;
mod below_zero;
mod binary;
mod decoded;
mod error;
mod evaluate;
mod expression;
mod functions;
mod grouping;
mod lexer;
mod lower;
mod maximum;
mod parser;
mod pattern;
mod plan;
mod presence;
mod select;
mod selectors;
mod series_labels;
mod subquery;
mod sums;
mod syntax;
#[cfg(test)]
mod tests;
mod zero_by_zero;

use std::time::Instant;

pub use error::Error;
pub use expression::Expression;
pub use maximum::Maximum;
pub use selectors::{SelectorUse, selectors_by_braces};

use crate::storage::{Labels, Point, Storage};
use plan::Plan;
use presence::Need;

/// The least samples that one query may not hold in memory at once, as in Prometheus. Labels that
/// it computes count too, 16 bytes of them as a sample.
pub(crate) const TOO_MANY_SAMPLES: usize = 50_000_001;

/// A query that can be evaluated.
#[derive(Debug, Clone)]
pub struct Query {
    plan: Plan,
    selectors: Vec<SelectorUse>,
    need: Need,
    zero_by_zero: Option<Expression>,
    below_zero_by_reset: bool,
    is_amount: bool,
    maximum: Option<Maximum>,
    with_raw_increases: Option<Expression>,
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One number.
    Scalar(f64),
    /// A text.
    String(String),
    /// Series with a value each, no two with the same labels.
    Vector(Vec<Sample>),
    /// Series with their samples of a while, no two with the same labels; sorted by them.
    Matrix(Vec<Range>),
}

/// The value of a series.
///
/// In the order that `sort`, `sort_desc`, `topk` and `bottomk` demand; sorted by labels without.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The series, as far as its labels are left.
    pub labels: Labels,
    /// Its value; `NaN` and infinities included.
    pub value: f64,
}

/// The samples of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// The series.
    pub labels: Labels,
    /// Its samples, at least one, in the order of time.
    pub points: Vec<Point>,
}

/// Reads an expression, and refuses what cannot be evaluated.
///
/// # Errors
/// [`Error::Parse`] if it is no PromQL, [`Error::Unsupported`] if it is more than there is here.
pub fn parse(expr: &str) -> Result<Query, Error> {
    let tree = parser::parse(expr)?;
    Ok(Query {
        plan: lower::lower(expr, &tree)?,
        selectors: selectors::selectors(expr, &tree),
        need: Need::of(&tree),
        zero_by_zero: zero_by_zero::expression(expr, &tree).map(Expression::new),
        below_zero_by_reset: below_zero::is_by_reset(expr, &tree),
        is_amount: amount::is_amount(expr, &tree),
        maximum: maximum::of(&tree),
        with_raw_increases: amount::with_raw_increases(expr, &tree).map(Expression::new),
    })
}

impl Query {
    /// Which series it selects, in the order of the text.
    pub fn selectors(&self) -> &[SelectorUse] {
        &self.selectors
    }

    /// Whether it can have a value where only those selectors find something for which `is_there`
    /// holds: of alternatives beside `or`, one is enough. `None` where it selects nothing that it
    /// needs, as a constant does.
    pub fn can_have_value(&self, is_there: impl Fn(&SelectorUse) -> bool) -> Option<bool> {
        self.need.holds(&|number| self.selectors.get(number).is_some_and(&is_there))
    }

    /// An expression whose series are those of this one that are `NaN` because of 0/0 and nothing
    /// else, each with the value 0: both sides of the division are exactly 0. It says so on servers
    /// that leave `NaN` out, too. Without a division whose result shows there is none.
    pub fn zero_by_zero(&self) -> Option<&Expression> {
        self.zero_by_zero.as_ref()
    }

    /// Whether its value can only be below 0 because a counter was reset and the reset was missed:
    /// it is built on rates, increases and differences of counters, without another subtraction.
    pub const fn is_below_zero_by_reset(&self) -> bool {
        self.below_zero_by_reset
    }

    /// Whether its value grows with the window that it looks at, as an increase does; not a rate,
    /// nor one amount divided by another.
    pub const fn is_amount(&self) -> bool {
        self.is_amount
    }

    /// The maximum over one range that it is, if it is one: it can only grow with what comes later, as
    /// long as its range begins where it did.
    pub const fn maximum(&self) -> Option<Maximum> {
        self.maximum
    }

    /// The same with each `increase` as the difference of its samples, without what is added for the
    /// ends of a window; `None` where there is nothing to write so.
    pub fn with_raw_increases(&self) -> Option<&Expression> {
        self.with_raw_increases.as_ref()
    }

    /// The value at an instant, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`Error::Execution`] as Prometheus would have it, and [`Error::Timeout`] after the
    /// deadline. Samples that came late to an unsettled storage are not seen.
    pub fn evaluate(
        &self,
        storage: &Storage,
        at: i64,
        deadline: Option<Instant>,
    ) -> Result<Value, Error> {
        self.evaluate_step(storage, at, (at, at), deadline)
    }

    /// The same at one step of a range, which begins and ends at the instants of `range`: those
    /// that `@ start()` and `@ end()` mean.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn evaluate_step(
        &self,
        storage: &Storage,
        at: i64,
        range: (i64, i64),
        deadline: Option<Instant>,
    ) -> Result<Value, Error> {
        evaluate::Evaluator::new(storage, range, deadline).value(&self.plan, at)
    }
}

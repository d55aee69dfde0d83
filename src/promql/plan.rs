//! What a query computes: a tree in which each type of expression has a type of its own, so that
//! the evaluation has no types to check.
//!
//! Instants and durations are in milliseconds.

use super::functions::{HistogramFunction, RangeFunction, ValueFunction};
use super::grouping::Grouping;
use super::pattern::Pattern;
use crate::storage::Labels;

/// A whole query, or the argument of a function.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    Scalar(Scalar),
    Text(String),
    Vector(Vector),
    Range(Range),
}

/// One number.
#[derive(Debug, Clone)]
pub(super) enum Scalar {
    Number(f64),
    /// The instant of evaluation.
    Time,
    /// `scalar()`: the value of the only series, `NaN` if there are others or none.
    OfVector(Box<Vector>),
    Negative(Box<Scalar>),
    Binary(Operator, Box<Scalar>, Box<Scalar>),
}

/// Series with a value each. Large variants are boxed, since every level of the recursion has one
/// on its stack.
#[derive(Debug, Clone)]
pub(super) enum Vector {
    Selector(Box<Selector>),
    /// When the samples of a selector were taken.
    Timestamp(Box<Selector>),
    /// `vector()`: one series without labels.
    Constant(Scalar),
    /// A function of each value.
    ValueFunction(ValueFunction, Vec<Scalar>, Box<Vector>),
    /// A function of each range of samples.
    RangeFunction(RangeFunction, Vec<Scalar>, Box<Range>),
    /// 1 with these labels if there is no series.
    Absent(Labels, Box<Vector>),
    AbsentOverTime(Labels, Box<Range>),
    Sort(Order, Box<Vector>),
    LabelReplace(Box<LabelReplace>),
    LabelJoin(Box<LabelJoin>),
    /// A function of the buckets of each histogram.
    Histogram(HistogramFunction, Vec<Scalar>, Box<Vector>),
    Aggregate(Box<Aggregate>),
    /// An operator between each value and a number.
    WithScalar(Box<WithScalar>),
    Binary(Box<Binary>),
    Set(Box<Set>),
}

/// A range vector.
#[derive(Debug, Clone)]
pub(super) enum Range {
    Selector { selector: Box<Selector>, range: i64 },
    Subquery { of: Box<Vector>, range: i64, step: i64, modifiers: TimeModifiers },
}

/// Which series are selected, and the samples of which time.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    /// Different for each selector of a query: what a subquery has decoded is kept under it.
    pub(super) id: usize,
    /// The length of its text without range and modifiers, in bytes.
    pub(super) length: usize,
    /// The name of the metric, if there can be only one. It leads to the series directly.
    pub(super) metric: Option<String>,
    pub(super) matchers: Vec<Matcher>,
    /// How far back samples are selected; only the latest ones without.
    pub(super) range: Option<i64>,
    pub(super) modifiers: TimeModifiers,
}

/// What the value of a label must be; a missing label has an empty one.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    pub(super) label: String,
    pub(super) test: Test,
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    Equal(String),
    NotEqual(String),
    Matches(Pattern),
    MatchesNot(Pattern),
}

/// The modifiers `@` and `offset`, which move an instant of evaluation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TimeModifiers {
    pub(super) at: Option<At>,
    pub(super) offset: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Instant(i64),
    /// `start()`: the first instant at which the query is evaluated.
    Start,
    /// `end()`: the last one.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

#[derive(Debug, Clone)]
pub(super) struct LabelReplace {
    pub(super) of: Vector,
    pub(super) label: String,
    pub(super) replacement: String,
    pub(super) source: String,
    pub(super) pattern: Pattern,
}

#[derive(Debug, Clone)]
pub(super) struct LabelJoin {
    pub(super) of: Vector,
    pub(super) label: String,
    pub(super) separator: String,
    pub(super) sources: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    pub(super) aggregation: Aggregation,
    pub(super) grouping: Grouping,
    pub(super) of: Vector,
}

#[derive(Debug, Clone)]
pub(super) enum Aggregation {
    /// A function of the values, in the order of the series.
    Values(fn(&[f64]) -> f64),
    Quantile(Scalar),
    /// `topk`, and `bottomk` in ascending order.
    TopK(Order, Scalar),
    /// How many series there are of each value, which goes to this label.
    CountValues(String),
}

/// An operator between numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operator {
    Arithmetic(fn(f64, f64) -> f64),
    /// A filter, or 1 and 0 with `bool`.
    Comparison {
        holds: fn(&f64, &f64) -> bool,
        as_bool: bool,
    },
}

#[derive(Debug, Clone)]
pub(super) struct WithScalar {
    pub(super) operator: Operator,
    pub(super) vector: Vector,
    pub(super) scalar: Scalar,
    pub(super) scalar_is_left: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Binary {
    pub(super) operator: Operator,
    pub(super) left: Vector,
    pub(super) right: Vector,
    pub(super) grouping: Grouping,
    pub(super) cardinality: Cardinality,
}

/// How many series of either side may match, and which labels those of the many side take over
/// from the other one.
#[derive(Debug, Clone)]
pub(super) enum Cardinality {
    OneToOne,
    ManyToOne(Vec<String>),
    OneToMany(Vec<String>),
}

#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) operator: SetOperator,
    pub(super) left: Vector,
    pub(super) right: Vector,
    pub(super) grouping: Grouping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetOperator {
    And,
    Or,
    Unless,
}

impl Vector {
    /// Whether the order of its series means something.
    pub(super) fn is_ordered(&self) -> bool {
        match self {
            Self::Sort(..) => true,
            Self::Aggregate(aggregate) => matches!(aggregate.aggregation, Aggregation::TopK(..)),
            Self::ValueFunction(_, _, of) => of.is_ordered(),
            Self::LabelReplace(replace) => replace.of.is_ordered(),
            Self::LabelJoin(join) => join.of.is_ordered(),
            Self::WithScalar(operation) => operation.vector.is_ordered(),
            _ => false,
        }
    }
}

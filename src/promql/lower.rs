//! Turns a syntax tree into a plan: checks that types fit together, and finds what names mean.
//!
//! What cannot be evaluated as Prometheus does it is refused here, or by the parser.

mod binary;
mod call;

use super::Error;
use super::aggregate;
use super::functions::Type;
use super::grouping::Grouping;
use super::plan::{self, Aggregation, Order, Plan, Range, Scalar, Vector};
use super::syntax::{Aggregate, Expr, Kind, Subquery};

/// The step of a subquery that names none, in milliseconds: Prometheus' default interval of
/// evaluation.
const DEFAULT_STEP: i64 = 60_000;

/// The plan of an expression; `text` is what it was read from.
///
/// # Errors
/// [`Error::Parse`] and [`Error::Unsupported`].
pub(super) fn lower(text: &str, expr: &Expr) -> Result<Plan, Error> {
    Lowering { text }.any(expr)
}

struct Lowering<'a> {
    text: &'a str,
}

impl Plan {
    fn is_of(&self) -> Type {
        match self {
            Self::Scalar(_) => Type::Scalar,
            Self::Text(_) => Type::Text,
            Self::Vector(_) => Type::Vector,
            Self::Range(_) => Type::Range,
        }
    }
}

impl Lowering<'_> {
    fn any(&self, expr: &Expr) -> Result<Plan, Error> {
        match &expr.kind {
            Kind::Number(number) => Ok(Plan::Scalar(Scalar::Number(*number))),
            Kind::Text(text) => Ok(Plan::Text(text.clone())),
            Kind::Selector(selector) => Ok(match selector.range {
                None => Plan::Vector(Vector::Selector(selector.clone())),
                Some(range) => Plan::Range(Range::Selector { selector: selector.clone(), range }),
            }),
            Kind::Subquery(subquery) => self.subquery(subquery),
            Kind::Paren(inner) => self.any(inner),
            Kind::Plus(of) => self.signed(of),
            Kind::Minus(of) => Ok(match self.signed(of)? {
                Plan::Scalar(of) => Plan::Scalar(Scalar::Negative(Box::new(of))),
                Plan::Vector(of) => Plan::Vector(Vector::ValueFunction(
                    |value, _| Some(-value),
                    Vec::new(),
                    Box::new(of),
                )),
                other => other,
            }),
            Kind::Binary(binary) => self.binary(binary),
            Kind::Aggregate(aggregate) => self.aggregate(expr, aggregate),
            Kind::Call(call) => self.call(expr, call),
        }
    }

    fn refuse<T>(&self, at: usize, why: &str) -> Result<T, Error> {
        Err(Error::parse(self.text, at, why))
    }

    /// Says what type an expression is not of.
    fn mismatch<T>(
        &self,
        expr: &Expr,
        plan: &Plan,
        expected: &str,
        place: &str,
    ) -> Result<T, Error> {
        let found = plan.is_of().name();
        self.refuse(expr.span.start, &format!("expected {expected} {place}, got {found}"))
    }

    fn vector(&self, expr: &Expr, place: &str) -> Result<Vector, Error> {
        match self.any(expr)? {
            Plan::Vector(vector) => Ok(vector),
            other => self.mismatch(expr, &other, Type::Vector.name(), place),
        }
    }

    /// What may have a sign.
    fn signed(&self, expr: &Expr) -> Result<Plan, Error> {
        match self.any(expr)? {
            plan @ (Plan::Scalar(_) | Plan::Vector(_)) => Ok(plan),
            other => self.mismatch(expr, &other, "a scalar or an instant vector", "behind a sign"),
        }
    }

    fn subquery(&self, subquery: &Subquery) -> Result<Plan, Error> {
        Ok(Plan::Range(Range::Subquery {
            of: Box::new(self.vector(&subquery.of, "in a subquery")?),
            range: subquery.range,
            step: subquery.step.unwrap_or(DEFAULT_STEP),
            modifiers: subquery.modifiers,
        }))
    }

    fn aggregate(&self, expr: &Expr, aggregate: &Aggregate) -> Result<Plan, Error> {
        let Aggregate { operator, parameter, of, grouping } = aggregate;
        let place = format!("in {operator}()");
        let aggregation = match (aggregate::of_values(operator), parameter) {
            (Some(function), _) => Aggregation::Values(function),
            (None, Some(parameter)) => self.parametric(operator, parameter, &place)?,
            (None, None) => return self.refuse(expr.span.start, "a parameter is missing"),
        };
        let grouping = grouping.clone().unwrap_or(Grouping::By(Vec::new()));
        let of = self.vector(of, &place)?;
        let aggregate = plan::Aggregate { aggregation, grouping, of };
        Ok(Plan::Vector(Vector::Aggregate(Box::new(aggregate))))
    }

    /// An aggregation with a parameter.
    fn parametric(
        &self,
        operator: &str,
        parameter: &Expr,
        place: &str,
    ) -> Result<Aggregation, Error> {
        if matches!(operator, "limitk" | "limit_ratio") {
            return Err(Error::unsupported(&format!("the experimental aggregation {operator}")));
        }
        Ok(match (operator, self.any(parameter)?) {
            ("topk", Plan::Scalar(k)) => Aggregation::TopK(Order::Descending, k),
            ("bottomk", Plan::Scalar(k)) => Aggregation::TopK(Order::Ascending, k),
            ("quantile", Plan::Scalar(quantile)) => Aggregation::Quantile(quantile),
            ("count_values", Plan::Text(label)) if label.is_empty() => {
                return self.refuse(parameter.span.start, "a label has an empty name");
            }
            ("count_values", Plan::Text(label)) => Aggregation::CountValues(label),
            (_, other) => {
                let expected = if operator == "count_values" { Type::Text } else { Type::Scalar };
                return self.mismatch(parameter, &other, expected.name(), place);
            }
        })
    }
}

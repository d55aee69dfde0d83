//! Turns what the parser has read into a plan, and refuses what cannot be evaluated as
//! Prometheus does it.

mod binary;
mod call;
mod selector;

use std::sync::OnceLock;

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{
    AggregateExpr, Expr, Function, LabelModifier, SubqueryExpr, register_extra_functions,
};

use super::Error;
use super::aggregate;
use super::functions;
use super::grouping::Grouping;
use super::plan::{Aggregate, Aggregation, Order, Plan, Range, Scalar, Vector};

/// The step of a subquery that names none, in milliseconds: Prometheus' default interval of
/// evaluation.
const DEFAULT_STEP: i64 = 60_000;

/// Tells the parser the name that a function had before Prometheus 3.
pub(super) fn register_old_names() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let arguments = vec![ValueType::Matrix, ValueType::Scalar, ValueType::Scalar];
        let old = Function::new("holt_winters", arguments, 0, ValueType::Vector, false);
        // Where it is refused, the function is unknown.
        let _ = register_extra_functions(vec![old]);
    });
}

/// The plan of an expression.
///
/// # Errors
/// [`Error::Parse`] and [`Error::Unsupported`].
pub(super) fn lower(expr: &Expr) -> Result<Plan, Error> {
    Lowering::default().any(expr)
}

fn unsupported<T>(what: &str) -> Result<T, Error> {
    Err(Error::Unsupported(format!("{what} cannot be evaluated here")))
}

#[derive(Debug, Default)]
struct Lowering {
    selectors: usize,
}

impl Lowering {
    fn any(&mut self, expr: &Expr) -> Result<Plan, Error> {
        match expr {
            Expr::Paren(paren) => self.any(&paren.expr),
            Expr::NumberLiteral(number) => Ok(Plan::Scalar(Scalar::Number(number.val))),
            Expr::StringLiteral(text) => Ok(Plan::Text(text.val.clone())),
            Expr::VectorSelector(selector) => {
                Ok(Plan::Vector(Vector::Selector(Box::new(self.selector(selector)?))))
            }
            Expr::MatrixSelector(of) => {
                let selector = Box::new(self.selector(&of.vs)?);
                Ok(Plan::Range(Range::Selector { selector, range: selector::duration(of.range)? }))
            }
            Expr::Subquery(subquery) => self.subquery(subquery),
            Expr::Unary(unary) => self.negative(&unary.expr),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Call(call) => self.call(call),
            Expr::Extension(_) => unsupported("an extension"),
        }
    }

    fn negative(&mut self, expr: &Expr) -> Result<Plan, Error> {
        match self.any(expr)? {
            Plan::Scalar(of) => Ok(Plan::Scalar(Scalar::Negative(Box::new(of)))),
            Plan::Vector(of) => {
                Ok(Plan::Vector(Vector::Each(|value, _| Some(-value), Vec::new(), Box::new(of))))
            }
            Plan::Text(_) | Plan::Range(_) => mismatch("a scalar or a vector"),
        }
    }

    fn vector(&mut self, expr: &Expr) -> Result<Vector, Error> {
        match self.any(expr)? {
            Plan::Vector(vector) => Ok(vector),
            _ => mismatch("a vector"),
        }
    }

    fn subquery(&mut self, subquery: &SubqueryExpr) -> Result<Plan, Error> {
        Ok(Plan::Range(Range::Subquery {
            of: Box::new(self.vector(&subquery.expr)?),
            range: selector::duration(subquery.range)?,
            step: subquery.step.map_or(Ok(DEFAULT_STEP), selector::duration)?,
            timing: selector::timing(subquery.at.as_ref(), subquery.offset.as_ref())?,
        }))
    }

    fn aggregate(&mut self, expr: &AggregateExpr) -> Result<Plan, Error> {
        let name = expr.op.to_string();
        let parameter = expr.param.as_deref();
        let aggregation = match (aggregate::of_values(&name), parameter) {
            (Some(function), _) => Aggregation::Values(function),
            (None, Some(parameter)) => match (name.as_str(), self.any(parameter)?) {
                ("topk", Plan::Scalar(k)) => Aggregation::Last(Order::Descending, k),
                ("bottomk", Plan::Scalar(k)) => Aggregation::Last(Order::Ascending, k),
                ("quantile", Plan::Scalar(quantile)) => Aggregation::Quantile(quantile),
                ("count_values", Plan::Text(label)) => {
                    functions::labels::check_name(&label)?;
                    Aggregation::CountValues(label)
                }
                ("limitk" | "limit_ratio", _) => {
                    return unsupported(&format!("the experimental aggregation {name}"));
                }
                _ => return mismatch("another parameter"),
            },
            (None, None) => return unsupported(&name),
        };
        let grouping = match &expr.modifier {
            None => Grouping::By(Vec::new()),
            Some(modifier) => grouping(modifier),
        };
        let of = self.vector(&expr.expr)?;
        Ok(Plan::Vector(Vector::Aggregate(Box::new(Aggregate { aggregation, grouping, of }))))
    }
}

fn grouping(modifier: &LabelModifier) -> Grouping {
    match modifier {
        LabelModifier::Include(labels) => Grouping::By(labels.labels.clone()),
        LabelModifier::Exclude(labels) => Grouping::Without(labels.labels.clone()),
    }
}

fn mismatch<T>(expected: &str) -> Result<T, Error> {
    Err(Error::Parse(format!("the query is of another type where {expected} is expected")))
}

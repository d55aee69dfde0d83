//! Operators, and how they match.

use promql_parser::parser::{BinModifier, BinaryExpr, VectorMatchCardinality};

use super::{Error, Lowering, grouping, mismatch, unsupported};
use crate::promql::grouping::Grouping;
use crate::promql::plan::{
    Binary, Many, Operator, Plan, Scalar, Set, SetOperator, Vector, WithScalar,
};

impl Lowering {
    pub(super) fn binary(&mut self, expr: &BinaryExpr) -> Result<Plan, Error> {
        let default = BinModifier::default();
        let modifier = expr.modifier.as_ref().unwrap_or(&default);
        if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
            return unsupported("the experimental modifier fill");
        }
        let (left, right) = (self.any(&expr.lhs)?, self.any(&expr.rhs)?);
        let name = expr.op.to_string();
        let grouping = match &modifier.matching {
            None => Grouping::Without(Vec::new()),
            Some(matching) => grouping(matching),
        };
        if let Some(operator) = set_operator(&name) {
            let (Plan::Vector(left), Plan::Vector(right)) = (left, right) else {
                return mismatch("a vector");
            };
            return Ok(Plan::Vector(Vector::Set(Box::new(Set {
                operator,
                left,
                right,
                grouping,
            }))));
        }
        let Some(operator) = operator(&name, modifier.return_bool) else {
            return unsupported(&format!("the operator {name}"));
        };
        Ok(match (left, right) {
            (Plan::Scalar(left), Plan::Scalar(right)) => {
                if operator.is_filter() {
                    return mismatch("a vector, or bool behind the comparison,");
                }
                Plan::Scalar(Scalar::Binary(operator, Box::new(left), Box::new(right)))
            }
            (Plan::Vector(vector), Plan::Scalar(scalar)) => {
                with_scalar(operator, vector, scalar, false)
            }
            (Plan::Scalar(scalar), Plan::Vector(vector)) => {
                with_scalar(operator, vector, scalar, true)
            }
            (Plan::Vector(left), Plan::Vector(right)) => {
                let many = many(&modifier.card);
                let binary = Binary { operator, left, right, grouping, many };
                Plan::Vector(Vector::Binary(Box::new(binary)))
            }
            _ => return mismatch("a scalar or a vector"),
        })
    }
}

fn with_scalar(operator: Operator, vector: Vector, scalar: Scalar, scalar_is_left: bool) -> Plan {
    let operation = WithScalar { operator, vector, scalar, scalar_is_left };
    Plan::Vector(Vector::WithScalar(Box::new(operation)))
}

fn many(cardinality: &VectorMatchCardinality) -> Many {
    match cardinality {
        VectorMatchCardinality::ManyToOne(included) => Many::Left(included.labels.clone()),
        VectorMatchCardinality::OneToMany(included) => Many::Right(included.labels.clone()),
        // Many-to-many is about sets only.
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => Many::Neither,
    }
}

fn set_operator(name: &str) -> Option<SetOperator> {
    Some(match name {
        "and" => SetOperator::And,
        "or" => SetOperator::Or,
        "unless" => SetOperator::Unless,
        _ => return None,
    })
}

fn operator(name: &str, as_bool: bool) -> Option<Operator> {
    let compare = |holds| Some(Operator::Comparison { holds, as_bool });
    Some(Operator::Arithmetic(match name {
        "+" => |a, b| a + b,
        "-" => |a, b| a - b,
        "*" => |a, b| a * b,
        "/" => |a, b| a / b,
        "%" => |a, b| a % b,
        "^" => f64::powf,
        "atan2" => f64::atan2,
        "==" => return compare(f64::eq),
        "!=" => return compare(f64::ne),
        ">" => return compare(f64::gt),
        ">=" => return compare(f64::ge),
        "<" => return compare(f64::lt),
        "<=" => return compare(f64::le),
        _ => return None,
    }))
}

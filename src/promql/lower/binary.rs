//! Operators, and how they match.

use super::Lowering;
use crate::promql::Error;
use crate::promql::grouping::Grouping;
use crate::promql::plan::{
    self, Cardinality, Operator, Plan, Scalar, Set, SetOperator, Vector, WithScalar,
};
use crate::promql::syntax::{Binary, BinaryOperator};

/// What an operator does.
enum Meaning {
    /// With numbers.
    OfNumbers(Operator),
    /// With series, by their labels alone.
    OfSets(SetOperator),
}

impl Lowering<'_> {
    pub(super) fn binary(&self, binary: &Binary) -> Result<Plan, Error> {
        self.check_modifiers(binary)?;
        let (left, right) = (self.any(&binary.left)?, self.any(&binary.right)?);
        let at = binary.operator_span.start;
        let name = binary.operator.text();
        let matches_by_labels = binary.grouping.as_ref().is_some_and(|by| !by.labels().is_empty());
        if matches_by_labels && !matches!((&left, &right), (Plan::Vector(_), Plan::Vector(_))) {
            return self.refuse(at, "on and ignoring are only allowed between instant vectors");
        }
        let grouping = binary.grouping.clone().unwrap_or(Grouping::Without(Vec::new()));
        let vector = match (meaning(binary.operator, binary.as_bool), left, right) {
            (Meaning::OfSets(operator), Plan::Vector(left), Plan::Vector(right)) => {
                Vector::Set(Box::new(Set { operator, left, right, grouping }))
            }
            (Meaning::OfSets(_), Plan::Vector(_), other) => {
                let place = format!("on the right of {name}");
                return self.mismatch(&binary.right, &other, "an instant vector", &place);
            }
            (Meaning::OfSets(_), other, _) => {
                let place = format!("on the left of {name}");
                return self.mismatch(&binary.left, &other, "an instant vector", &place);
            }
            (Meaning::OfNumbers(operator), Plan::Scalar(left), Plan::Scalar(right)) => {
                if operator.is_filter() {
                    return self
                        .refuse(at, "comparisons between scalars must use the bool modifier");
                }
                return Ok(Plan::Scalar(Scalar::Binary(operator, Box::new(left), Box::new(right))));
            }
            (Meaning::OfNumbers(operator), Plan::Vector(vector), Plan::Scalar(scalar)) => {
                with_scalar(operator, vector, scalar, false)
            }
            (Meaning::OfNumbers(operator), Plan::Scalar(scalar), Plan::Vector(vector)) => {
                with_scalar(operator, vector, scalar, true)
            }
            (Meaning::OfNumbers(operator), Plan::Vector(left), Plan::Vector(right)) => {
                let cardinality = binary.cardinality.clone();
                Vector::Binary(Box::new(plan::Binary {
                    operator,
                    left,
                    right,
                    grouping,
                    cardinality,
                }))
            }
            (Meaning::OfNumbers(_), left, right) => {
                let (expr, plan) = match left {
                    Plan::Scalar(_) | Plan::Vector(_) => (&binary.right, right),
                    _ => (&binary.left, left),
                };
                let place = format!("as an operand of {name}");
                return self.mismatch(expr, &plan, "a scalar or an instant vector", &place);
            }
        };
        Ok(Plan::Vector(vector))
    }

    /// Refuses modifiers that the operator cannot have, or that contradict each other.
    fn check_modifiers(&self, binary: &Binary) -> Result<(), Error> {
        let at = binary.operator_span.start;
        let is_comparison = match meaning(binary.operator, false) {
            Meaning::OfNumbers(operator) => operator.is_filter(),
            Meaning::OfSets(_) => false,
        };
        if binary.as_bool && !is_comparison {
            return self.refuse(at, "the bool modifier can only be used on comparisons");
        }
        let (Cardinality::ManyToOne(included) | Cardinality::OneToMany(included)) =
            &binary.cardinality
        else {
            return Ok(());
        };
        if matches!(meaning(binary.operator, false), Meaning::OfSets(_)) {
            let name = binary.operator.text();
            return self.refuse(at, &format!("{name} allows neither group_left nor group_right"));
        }
        if let Some(Grouping::By(on)) = &binary.grouping
            && let Some(label) = included.iter().find(|label| on.contains(label))
        {
            let label = crate::promql::error::quoted(label);
            let why = format!("label {label} stands both behind on and behind a group modifier");
            return self.refuse(at, &why);
        }
        Ok(())
    }
}

fn with_scalar(operator: Operator, vector: Vector, scalar: Scalar, scalar_is_left: bool) -> Vector {
    Vector::WithScalar(Box::new(WithScalar { operator, vector, scalar, scalar_is_left }))
}

fn meaning(operator: BinaryOperator, as_bool: bool) -> Meaning {
    use BinaryOperator::*;
    let compare = |holds| Operator::Comparison { holds, as_bool };
    Meaning::OfNumbers(match operator {
        And => return Meaning::OfSets(SetOperator::And),
        Or => return Meaning::OfSets(SetOperator::Or),
        Unless => return Meaning::OfSets(SetOperator::Unless),
        Add => Operator::Arithmetic(|a, b| a + b),
        Subtract => Operator::Arithmetic(|a, b| a - b),
        Multiply => Operator::Arithmetic(|a, b| a * b),
        Divide => Operator::Arithmetic(|a, b| a / b),
        Modulo => Operator::Arithmetic(|a, b| a % b),
        Power => Operator::Arithmetic(f64::powf),
        Atan2 => Operator::Arithmetic(f64::atan2),
        Equal => compare(f64::eq),
        NotEqual => compare(f64::ne),
        Greater => compare(f64::gt),
        GreaterOrEqual => compare(f64::ge),
        Less => compare(f64::lt),
        LessOrEqual => compare(f64::le),
    })
}

//! The syntax tree of an expression.
//!
//! Every node knows its place in the text: errors about types point there, and what an
//! expression says about itself can be shown in the words of its author.

use super::grouping::Grouping;
use super::plan::{Cardinality, Selector, TimeModifiers};

/// A part of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    /// This part of the text.
    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// An expression, with whatever is within it.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// The number of nodes on the longest way down, this one included. It is bounded, because
    /// everything that walks the tree is recursive.
    pub(super) depth: usize,
}

impl Expr {
    /// Whether this is a selector, in however many parentheses.
    pub(super) fn is_selector(&self) -> bool {
        match &self.kind {
            Kind::Selector(_) => true,
            Kind::Paren(inner) => inner.is_selector(),
            _ => false,
        }
    }

    /// What this is without the parentheses around it.
    pub(super) fn bare(&self) -> &Self {
        match &self.kind {
            Kind::Paren(inner) => inner.bare(),
            _ => self,
        }
    }

    /// The nodes below this one, in the order of the text but for the parameter of an aggregation.
    pub(super) fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Number(_) | Kind::Text(_) | Kind::Selector(_) => Vec::new(),
            Kind::Subquery(subquery) => vec![&subquery.of],
            Kind::Paren(of) | Kind::Plus(of) | Kind::Minus(of) => vec![of],
            Kind::Binary(binary) => vec![&binary.left, &binary.right],
            Kind::Aggregate(aggregate) => {
                aggregate.parameter.iter().chain([&aggregate.of]).collect()
            }
            Kind::Call(call) => call.arguments.iter().collect(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Number(f64),
    Text(String),
    Selector(Box<Selector>),
    Subquery(Box<Subquery>),
    Paren(Box<Expr>),
    Plus(Box<Expr>),
    Minus(Box<Expr>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(Box<Call>),
}

#[derive(Debug, Clone)]
pub(super) struct Subquery {
    pub(super) of: Expr,
    pub(super) range: i64,
    pub(super) step: Option<i64>,
    pub(super) modifiers: TimeModifiers,
}

#[derive(Debug, Clone)]
pub(super) struct Binary {
    pub(super) operator: BinaryOperator,
    pub(super) operator_span: Span,
    pub(super) as_bool: bool,
    /// What stands behind `on` or `ignoring`.
    pub(super) grouping: Option<Grouping>,
    pub(super) cardinality: Cardinality,
    pub(super) left: Expr,
    pub(super) right: Expr,
}

#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    pub(super) operator: &'static str,
    pub(super) parameter: Option<Expr>,
    pub(super) of: Expr,
    pub(super) grouping: Option<Grouping>,
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) function: String,
    pub(super) arguments: Vec<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BinaryOperator {
    Or,
    And,
    Unless,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Atan2,
    Power,
}

use BinaryOperator::*;

const OPERATORS: [(&str, BinaryOperator); 16] = [
    ("or", Or),
    ("and", And),
    ("unless", Unless),
    ("==", Equal),
    ("!=", NotEqual),
    ("<", Less),
    ("<=", LessOrEqual),
    (">", Greater),
    (">=", GreaterOrEqual),
    ("+", Add),
    ("-", Subtract),
    ("*", Multiply),
    ("/", Divide),
    ("%", Modulo),
    ("atan2", Atan2),
    ("^", Power),
];

impl BinaryOperator {
    /// Words may be in capital letters.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let found = OPERATORS.iter().find(|(operator, _)| operator.eq_ignore_ascii_case(text))?;
        Some(found.1)
    }

    pub(super) fn text(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("", |(text, _)| text)
    }

    /// Operators of a higher precedence bind more tightly.
    pub(super) fn precedence(self) -> u8 {
        match self {
            Or => 1,
            And | Unless => 2,
            Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual => 3,
            Add | Subtract => 4,
            Multiply | Divide | Modulo | Atan2 => 5,
            Power => 6,
        }
    }

    /// The lowest precedence that an operator within the right operand has.
    pub(super) fn precedence_on_the_right(self) -> u8 {
        // `2 ^ 3 ^ 2` is `2 ^ (3 ^ 2)`, but `2 - 3 - 2` is `(2 - 3) - 2`.
        if self == Power { self.precedence() } else { self.precedence() + 1 }
    }
}

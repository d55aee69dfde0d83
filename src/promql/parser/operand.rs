//! What operators stand between.

use super::Parser;
use crate::promql::Error;
use crate::promql::lexer::TokenKind;
use crate::promql::syntax::{Aggregate, Call, Expr, Kind};

/// Aggregations, and whether they take a parameter.
const AGGREGATORS: [(&str, bool); 14] = [
    ("avg", false),
    ("bottomk", true),
    ("count", false),
    ("count_values", true),
    ("group", false),
    ("limit_ratio", true),
    ("limitk", true),
    ("max", false),
    ("min", false),
    ("quantile", true),
    ("stddev", false),
    ("stdvar", false),
    ("sum", false),
    ("topk", true),
];

/// Keywords that are no names of metrics; all others are, where no keyword can stand.
const RESERVED: [&str; 6] = ["atan2", "bool", "group_left", "group_right", "ignoring", "on"];

/// Whether a word is a number, and not a name.
pub(super) fn is_number(word: &str) -> bool {
    word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan")
}

impl<'a> Parser<'a> {
    pub(super) fn operand(&mut self) -> Result<Expr, Error> {
        let start = self.token.span.start;
        let kind = match &mut self.token.kind {
            TokenKind::Text(text) => {
                let text = std::mem::take(text);
                self.advance()?;
                Kind::Text(text)
            }
            TokenKind::Symbol("(") => return self.paren(start),
            TokenKind::Symbol("{") => return self.selector(None, start),
            TokenKind::Word(word) if !is_number(word) => {
                let word = *word;
                return self.named(word, start);
            }
            _ => Kind::Number(self.number("an expression")?),
        };
        self.node(kind, start, 0)
    }

    /// A number, or a duration as seconds.
    pub(super) fn number(&mut self, expected: &str) -> Result<f64, Error> {
        let number = match self.token.kind {
            TokenKind::Number(number) => number,
            TokenKind::Duration(milliseconds) => milliseconds as f64 / 1000.0,
            TokenKind::Word(word) if word.eq_ignore_ascii_case("inf") => f64::INFINITY,
            TokenKind::Word(word) if word.eq_ignore_ascii_case("nan") => f64::NAN,
            _ => return self.unexpected(expected),
        };
        self.advance()?;
        Ok(number)
    }

    fn paren(&mut self, start: usize) -> Result<Expr, Error> {
        self.advance()?;
        let inner = self.expression(0)?;
        self.expect(")", "an operator or \")\"")?;
        let depth = inner.depth;
        self.node(Kind::Paren(Box::new(inner)), start, depth)
    }

    /// What begins with a name: an aggregation, a call, or a selector.
    fn named(&mut self, name: &'a str, start: usize) -> Result<Expr, Error> {
        if RESERVED.iter().any(|keyword| name.eq_ignore_ascii_case(keyword)) {
            return self.unexpected("an expression");
        }
        self.advance()?;
        let is_called = self.is_at("(");
        let is_grouped = self.is_at_word("by") || self.is_at_word("without");
        let aggregator = AGGREGATORS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        match aggregator {
            Some((operator, has_parameter)) if is_called || is_grouped => {
                self.aggregate(operator, *has_parameter, start)
            }
            None if is_called && !name.contains(':') => {
                let arguments = self.arguments()?;
                let depth = deepest(&arguments);
                let call = Call { function: name.to_owned(), arguments };
                self.node(Kind::Call(Box::new(call)), start, depth)
            }
            _ => self.selector(Some(name), start),
        }
    }

    fn aggregate(
        &mut self,
        operator: &'static str,
        has_parameter: bool,
        start: usize,
    ) -> Result<Expr, Error> {
        let before = self.grouping()?;
        let mut arguments = self.arguments()?;
        let grouping = if before.is_some() { before } else { self.grouping()? };
        let depth = deepest(&arguments);
        let expected = if has_parameter { 2 } else { 1 };
        let count = arguments.len();
        let of = arguments.pop().filter(|_| count == expected);
        let Some(of) = of else {
            let why = format!("{operator}() takes {expected} argument(s), not {count}");
            return self.refuse(start, &why);
        };
        let aggregate = Aggregate { operator, parameter: arguments.pop(), of, grouping };
        self.node(Kind::Aggregate(Box::new(aggregate)), start, depth)
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, Error> {
        self.expect("(", "\"(\" and an expression")?;
        let mut arguments = Vec::new();
        if self.accept(")")? {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            if !self.accept(",")? {
                self.expect(")", "an operator, \",\" or \")\"")?;
                return Ok(arguments);
            }
        }
    }
}

fn deepest(exprs: &[Expr]) -> usize {
    exprs.iter().map(|expr| expr.depth).max().unwrap_or_default()
}

//! Reads an expression: by recursive descent, operators by precedence climbing.
//!
//! Which types fit together is not decided here, but in [`super::lower`].

mod labels;
mod operand;
mod selector;

use super::Error;
use super::error::quoted;
use super::lexer::{Lexer, Token, TokenKind};
use super::plan::Cardinality;
use super::syntax::{Binary, BinaryOperator, Expr, Kind, Span};

/// The longest text that is read.
const MAX_BYTES: usize = 64 * 1024;

/// The deepest that expressions may be nested; a chain of operators is a deep tree, too.
const MAX_DEPTH: usize = 250;

const TOO_DEEP: &str = "the expression is nested too deep";

/// The syntax tree of a text.
///
/// # Errors
/// [`Error::Parse`] if it is no expression, or too long or too deep a one, and
/// [`Error::Unsupported`] for syntax that is experimental in Prometheus.
pub(super) fn parse(text: &str) -> Result<Expr, Error> {
    if text.len() > MAX_BYTES {
        let why = format!("the expression is longer than {MAX_BYTES} bytes");
        return Err(Error::parse(text, 0, &why));
    }
    let mut lexer = Lexer::new(text);
    let token = lexer.token()?;
    let mut parser = Parser { text, lexer, token, end: 0, nesting: 0, selectors: 0 };
    let expr = parser.expression(0)?;
    match parser.token.kind {
        TokenKind::End => Ok(expr),
        _ => parser.unexpected("an operator or the end"),
    }
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token that is looked at.
    token: Token<'a>,
    /// Where the token before it ends.
    end: usize,
    /// How many expressions are begun and not ended.
    nesting: usize,
    /// How many selectors there are so far.
    selectors: usize,
}

impl<'a> Parser<'a> {
    fn refuse<T>(&self, at: usize, why: &str) -> Result<T, Error> {
        Err(Error::parse(self.text, at, why))
    }

    fn unexpected<T>(&self, expected: &str) -> Result<T, Error> {
        let Span { start, end } = self.token.span;
        let found = match self.token.kind {
            TokenKind::End => "the end".to_owned(),
            TokenKind::Text(_) => "a string".to_owned(),
            _ => quoted(self.text.get(start..end).unwrap_or_default()),
        };
        self.refuse(start, &format!("expected {expected}, found {found}"))
    }

    /// Goes on to the next token.
    fn advance(&mut self) -> Result<(), Error> {
        self.end = self.token.span.end;
        self.token = self.lexer.token()?;
        Ok(())
    }

    fn is_at(&self, symbol: &str) -> bool {
        matches!(self.token.kind, TokenKind::Symbol(found) if found == symbol)
    }

    /// Keywords may be in capital letters.
    fn is_at_word(&self, word: &str) -> bool {
        matches!(self.token.kind, TokenKind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn accept(&mut self, symbol: &str) -> Result<bool, Error> {
        let is_next = self.is_at(symbol);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn accept_word(&mut self, word: &str) -> Result<bool, Error> {
        let is_next = self.is_at_word(word);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    /// `expected` is for the message: other tokens may be allowed as well.
    fn expect(&mut self, symbol: &str, expected: &str) -> Result<(), Error> {
        if self.accept(symbol)? { Ok(()) } else { self.unexpected(expected) }
    }

    /// A node that begins at `start` and ends before the token that is looked at.
    fn node(&self, kind: Kind, start: usize, depth_below: usize) -> Result<Expr, Error> {
        if depth_below >= MAX_DEPTH {
            return self.refuse(start, TOO_DEEP);
        }
        let span = Span { start, end: self.end };
        Ok(Expr { kind, span, depth: depth_below + 1 })
    }

    /// An expression whose outermost operators have at least this precedence.
    fn expression(&mut self, precedence: u8) -> Result<Expr, Error> {
        self.nesting += 1;
        // The tree is not there yet, but the stack of the parser grows.
        if self.nesting > MAX_DEPTH {
            return self.refuse(self.token.span.start, TOO_DEEP);
        }
        let mut left = self.unary()?;
        while let Some(operator) = self.operator().filter(|op| op.precedence() >= precedence) {
            left = self.binary(left, operator)?;
        }
        self.nesting -= 1;
        Ok(left)
    }

    fn operator(&self) -> Option<BinaryOperator> {
        match self.token.kind {
            TokenKind::Symbol(text) | TokenKind::Word(text) => BinaryOperator::from_text(text),
            _ => None,
        }
    }

    fn unary(&mut self) -> Result<Expr, Error> {
        let start = self.token.span.start;
        let make = match self.token.kind {
            TokenKind::Symbol("+") => Kind::Plus,
            TokenKind::Symbol("-") => Kind::Minus,
            _ => return self.operand_with_modifiers(),
        };
        self.advance()?;
        // A sign binds like a multiplication: `-2 ^ 2` is -4.
        let of = self.expression(BinaryOperator::Power.precedence())?;
        let depth = of.depth;
        self.node(make(Box::new(of)), start, depth)
    }

    fn binary(&mut self, left: Expr, operator: BinaryOperator) -> Result<Expr, Error> {
        let operator_span = self.token.span;
        self.advance()?;
        let as_bool = self.accept_word("bool")?;
        let grouping = self.matching()?;
        let cardinality =
            if grouping.is_some() { self.cardinality()? } else { Cardinality::OneToOne };
        for fill in ["fill", "fill_left", "fill_right"] {
            // Otherwise it is the name of a metric.
            if self.is_at_word(fill) && self.lexer.is_before_parenthesis() {
                return Err(Error::unsupported("the experimental modifier fill"));
            }
        }
        let right = self.expression(operator.precedence_on_the_right())?;
        let (start, depth) = (left.span.start, left.depth.max(right.depth));
        let binary =
            Binary { operator, operator_span, as_bool, grouping, cardinality, left, right };
        self.node(Kind::Binary(Box::new(binary)), start, depth)
    }
}

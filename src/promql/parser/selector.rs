//! Selectors, and what modifies them: ranges, steps, `offset` and `@`.

use super::Parser;
use crate::promql::Error;
use crate::promql::error::quoted;
use crate::promql::lexer::{MAX_DURATION, TokenKind, duration_of_seconds};
use crate::promql::pattern::Pattern;
use crate::promql::plan::{At, Matcher, Selector, Test, TimeModifiers};
use crate::promql::syntax::{Expr, Kind, Subquery};
use crate::storage::METRIC_NAME;

impl Parser<'_> {
    /// A selector behind the name of its metric, if it has one.
    pub(super) fn selector(&mut self, name: Option<&str>, start: usize) -> Result<Expr, Error> {
        let mut matchers = Vec::new();
        if self.accept("{")? {
            while !self.accept("}")? {
                matchers.push(self.matcher()?);
                if self.is_at_word("or") {
                    return Err(Error::unsupported("\"or\" between matchers"));
                }
                if !self.accept(",")? {
                    self.expect("}", "\",\" or \"}\" behind a matcher")?;
                    break;
                }
            }
        }
        if name.is_some() && matchers.iter().any(|matcher| matcher.label == METRIC_NAME) {
            return self.refuse(start, "the name of the metric is set twice");
        }
        // Or else a slip of the pen would select every series that there is.
        if name.is_none() && matchers.iter().all(|matcher| matcher.test.holds("")) {
            return self.refuse(start, "at least one matcher must not match an empty value");
        }
        let named = |matcher: &Matcher| match &matcher.test {
            Test::Equal(name) if matcher.label == METRIC_NAME => Some(name.clone()),
            _ => None,
        };
        let metric = name.map(str::to_owned).or_else(|| matchers.iter().find_map(named));
        self.selectors += 1;
        let modifiers = TimeModifiers::default();
        let (id, length) = (self.selectors, self.end.saturating_sub(start));
        let selector = Selector { id, length, metric, matchers, range: None, modifiers };
        self.node(Kind::Selector(Box::new(selector)), start, 0)
    }

    fn matcher(&mut self) -> Result<Matcher, Error> {
        let is_quoted = matches!(self.token.kind, TokenKind::Text(_));
        let label = match &mut self.token.kind {
            TokenKind::Text(text) => std::mem::take(text),
            TokenKind::Word(word) if !word.contains(':') => (*word).to_owned(),
            _ => return self.unexpected("a label or \"}\""),
        };
        self.advance()?;
        let operator = match self.token.kind {
            TokenKind::Symbol(symbol @ ("=" | "!=" | "=~" | "!~")) => symbol,
            // `{"name"}` is the selector of names that only quotes can hold.
            _ if is_quoted => {
                return Ok(Matcher { label: METRIC_NAME.to_owned(), test: Test::Equal(label) });
            }
            _ => return self.unexpected("\"=\", \"!=\", \"=~\" or \"!~\" behind a label"),
        };
        self.advance()?;
        let start = self.token.span.start;
        let TokenKind::Text(text) = &mut self.token.kind else {
            return self.unexpected("a string");
        };
        let value = std::mem::take(text);
        self.advance()?;
        let test = match operator {
            "=" => Test::Equal(value),
            "!=" => Test::NotEqual(value),
            "=~" => Test::Matches(self.pattern(&value, start)?),
            _ => Test::MatchesNot(self.pattern(&value, start)?),
        };
        Ok(Matcher { label, test })
    }

    fn pattern(&self, regex: &str, at: usize) -> Result<Pattern, Error> {
        match Pattern::new(regex) {
            Some(pattern) => Ok(pattern),
            None => self.refuse(at, &format!("invalid regular expression {}", quoted(regex))),
        }
    }

    /// An operand with all that binds it more tightly than any operator.
    pub(super) fn operand_with_modifiers(&mut self) -> Result<Expr, Error> {
        let mut expr = self.operand()?;
        loop {
            if self.is_at("[") {
                expr = self.range_or_subquery(expr)?;
            } else if self.is_at("@") {
                let at = self.token.span.start;
                self.advance()?;
                let instant = self.instant()?;
                match modifiers_of(&mut expr) {
                    Some(TimeModifiers { at: at @ None, .. }) => *at = Some(instant),
                    Some(_) => return self.refuse(at, "@ is set twice"),
                    None => return self.refuse(at, "@ must follow a selector or a subquery"),
                }
            } else if self.is_at_word("offset") {
                let at = self.token.span.start;
                self.advance()?;
                let distance = self.offset()?;
                match modifiers_of(&mut expr) {
                    Some(TimeModifiers { offset: offset @ None, .. }) => *offset = Some(distance),
                    Some(_) => return self.refuse(at, "offset is set twice"),
                    None => return self.refuse(at, "offset must follow a selector or a subquery"),
                }
            } else if self.is_at_word("anchored") || self.is_at_word("smoothed") {
                return Err(Error::unsupported("an experimental modifier of ranges"));
            } else {
                return Ok(expr);
            }
            expr.span.end = self.end;
        }
    }

    /// `[5m]` or `[5m:1m]` behind an expression.
    fn range_or_subquery(&mut self, mut expr: Expr) -> Result<Expr, Error> {
        let at = self.token.span.start;
        self.advance()?;
        let range = self.length()?;
        if self.accept(":")? {
            let step = if self.is_at("]") { None } else { Some(self.length()?) };
            self.expect("]", "a duration or \"]\"")?;
            let (start, depth) = (expr.span.start, expr.depth);
            let subquery = Subquery { of: expr, range, step, modifiers: TimeModifiers::default() };
            return self.node(Kind::Subquery(Box::new(subquery)), start, depth);
        }
        self.expect("]", "\":\" or \"]\" behind a duration")?;
        let Kind::Selector(selector) = &mut expr.kind else {
            return self.refuse(at, "ranges only allowed for vector selectors");
        };
        if selector.range.is_some() {
            return self.refuse(at, "ranges only allowed for vector selectors");
        }
        if selector.modifiers.at.is_some() || selector.modifiers.offset.is_some() {
            return self.refuse(at, "a range must stand before offset and @");
        }
        selector.range = Some(range);
        Ok(expr)
    }

    /// A duration, in milliseconds, and not 0.
    fn length(&mut self) -> Result<i64, Error> {
        let at = self.token.span.start;
        match self.duration()? {
            0 => self.refuse(at, "a duration must be greater than 0"),
            length => Ok(length),
        }
    }

    fn duration(&mut self) -> Result<i64, Error> {
        let at = self.token.span.start;
        if let TokenKind::Duration(milliseconds) = self.token.kind {
            self.advance()?;
            return Ok(milliseconds);
        }
        let seconds = self.number("a duration")?;
        match duration_of_seconds(seconds) {
            Some(milliseconds) => Ok(milliseconds),
            None => {
                let most = MAX_DURATION / 1000;
                self.refuse(at, &format!("a duration must be a number up to {most} seconds"))
            }
        }
    }

    fn offset(&mut self) -> Result<i64, Error> {
        let is_negative = self.sign()?;
        let duration = self.duration()?;
        Ok(if is_negative { -duration } else { duration })
    }

    /// Passes a sign over. Whether it is a minus.
    fn sign(&mut self) -> Result<bool, Error> {
        let is_negative = self.accept("-")?;
        if !is_negative {
            self.accept("+")?;
        }
        Ok(is_negative)
    }

    /// What stands behind `@`.
    fn instant(&mut self) -> Result<At, Error> {
        let is_start = self.is_at_word("start");
        if is_start || self.is_at_word("end") {
            self.advance()?;
            self.expect("(", "\"()\"")?;
            self.expect(")", "\")\"")?;
            return Ok(if is_start { At::Start } else { At::End });
        }
        let at = self.token.span.start;
        let is_negative = self.sign()?;
        let seconds = self.number("a timestamp, start() or end()")?;
        let milliseconds = (if is_negative { -seconds } else { seconds } * 1000.0).round();
        if milliseconds.is_nan() || milliseconds.abs() >= i64::MAX as f64 {
            return self.refuse(at, "the timestamp is out of range");
        }
        Ok(At::Instant(milliseconds as i64))
    }
}

fn modifiers_of(expr: &mut Expr) -> Option<&mut TimeModifiers> {
    match &mut expr.kind {
        Kind::Selector(selector) => Some(&mut selector.modifiers),
        Kind::Subquery(subquery) => Some(&mut subquery.modifiers),
        _ => None,
    }
}

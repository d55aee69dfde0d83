//! Which series are selected, and when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use promql_parser::label::{self, MatchOp};
use promql_parser::parser::{AtModifier, Offset, VectorSelector};

use super::{Error, Lowering, unsupported};
use crate::promql::pattern::Pattern;
use crate::promql::plan::{At, Matcher, Selector, Test, Timing};
use crate::promql::text::MAX_DURATION;
use crate::storage::METRIC_NAME;

impl Lowering {
    pub(super) fn selector(&mut self, expr: &VectorSelector) -> Result<Selector, Error> {
        if !expr.matchers.or_matchers.is_empty() {
            return unsupported("\"or\" between matchers");
        }
        let mut matchers = Vec::new();
        for of in &expr.matchers.matchers {
            matchers.push(Matcher { label: of.name.clone(), test: test(of)? });
        }
        let named = |matcher: &Matcher| match &matcher.test {
            Test::Equal(name) if matcher.label == METRIC_NAME => Some(name.clone()),
            _ => None,
        };
        let metric = expr.name.clone().or_else(|| matchers.iter().find_map(named));
        self.selectors += 1;
        let timing = timing(expr.at.as_ref(), expr.offset.as_ref())?;
        Ok(Selector { id: self.selectors, metric, matchers, timing })
    }
}

fn test(matcher: &label::Matcher) -> Result<Test, Error> {
    let value = &matcher.value;
    Ok(match matcher.op {
        MatchOp::Equal => Test::Equal(value.clone()),
        MatchOp::NotEqual => Test::NotEqual(value.clone()),
        MatchOp::Re(_) => Test::Matches(Pattern::new(value)?),
        MatchOp::NotRe(_) => Test::MatchesNot(Pattern::new(value)?),
    })
}

/// A duration that is not empty, in milliseconds.
pub(super) fn duration(duration: Duration) -> Result<i64, Error> {
    match milliseconds(duration)? {
        0 => Err(Error::Parse("a duration must be greater than 0".to_owned())),
        milliseconds => Ok(milliseconds),
    }
}

fn milliseconds(duration: Duration) -> Result<i64, Error> {
    let milliseconds = i64::try_from(duration.as_millis()).ok();
    milliseconds
        .filter(|milliseconds| *milliseconds <= MAX_DURATION)
        .ok_or_else(|| Error::Parse("a duration is too long".to_owned()))
}

pub(super) fn timing(at: Option<&AtModifier>, offset: Option<&Offset>) -> Result<Timing, Error> {
    let at = match at {
        None => None,
        Some(AtModifier::Start | AtModifier::End) => Some(At::Query),
        Some(AtModifier::At(instant)) => Some(At::Instant(since_epoch(*instant)?)),
    };
    let offset = match offset {
        None => 0,
        Some(Offset::Pos(duration)) => milliseconds(*duration)?,
        Some(Offset::Neg(duration)) => -milliseconds(*duration)?,
    };
    Ok(Timing { at, offset })
}

fn since_epoch(instant: SystemTime) -> Result<i64, Error> {
    let (sign, distance) = match instant.duration_since(UNIX_EPOCH) {
        Ok(after) => (1, after),
        Err(before) => (-1, before.duration()),
    };
    let milliseconds = i64::try_from(distance.as_millis());
    let milliseconds = milliseconds.map_err(|_| Error::Parse("@ is out of range".to_owned()))?;
    Ok(sign * milliseconds)
}

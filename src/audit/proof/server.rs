//! What a server's samples prove while it still collects.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Prover, at_least};
use crate::collect::sample_interval;
use crate::config::{Endpoint, ObservedRange, Query, Source};
use crate::evaluate::{self, Error};
use crate::model::question::{Answer, Question, Values};
use crate::model::reading::Reading;
use crate::prometheus::Log;
use crate::promql::Expression;

/// How long an answer is worth waiting for: by then another one would tell more.
const PATIENCE: Duration = Duration::from_secs(10);

impl Prover {
    /// Whether a server's answers can prove anything.
    pub fn asks_server(&self) -> bool {
        !self.of_server(None).is_empty()
    }

    /// The breach that is proven by what the server has of a range, in words. An answer that is no
    /// answer, or a part of one where that is not accepted, proves nothing.
    pub fn proven_by_server(&self, observed: &ObservedRange, log: Log<'_>) -> Option<String> {
        let asked = self.of_server(Some(observed));
        let exprs = asked.iter().map(|(_, question)| question.expr.clone()).collect();
        let at = (self.endpoint()?, observed.at);
        let accept_partial = asked.iter().any(|(_, question)| question.accept_partial);
        let within = (Instant::now(), PATIENCE.min(self.plan.spec.timeout));
        let answers = evaluate::ask_meanwhile(exprs, accept_partial, at, within, log).ok()?;
        let known = asked.iter().zip(answers);
        let known = known.filter_map(|((index, _), answer)| {
            Some((*index, read(self.plan.queries.get(*index)?, answer)?))
        });
        let known: BTreeMap<_, _> = known.collect();
        self.judged(|index| known.get(&index).cloned())
    }

    /// The usual interval between the samples that can prove something, as far as the server tells.
    pub fn interval_of_server(&self, at: Timestamp, log: Log<'_>) -> Option<Duration> {
        let asked = self.of_server(None);
        let exprs: Vec<Expression> = asked.into_iter().map(|(_, question)| question.expr).collect();
        sample_interval(&exprs, self.endpoint()?, at, log)
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        match &self.plan.spec.source {
            Source::Server(endpoint) => Some(endpoint),
            Source::Scrape(_) | Source::Recording(_) | Source::Logs => None,
        }
    }

    /// The questions to a server whose values can only grow, with their numbers.
    fn of_server(&self, observed: Option<&ObservedRange>) -> Vec<(usize, Question)> {
        let questions = self.plan.questions(observed).into_iter().enumerate();
        let is_asked =
            |(index, it): &(usize, Question)| it.is_of_server && self.growing.contains(index);
        questions.filter(is_asked).collect()
    }
}

/// What an answer says of a query, if it says anything.
fn read(query: &Query, answer: Result<Answer, Error>) -> Option<Reading> {
    let Answer { values, incomplete, .. } = answer.ok()?;
    let Values::Vector(samples) = values else { return None };
    let is_whole = incomplete.is_none() || query.read_as.accept_partial;
    if is_whole { at_least(query, samples) } else { None }
}

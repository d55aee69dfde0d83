//! Whether what was seen so far proves a breach that nothing later can undo.
//!
//! Only maxima over all of what was observed count, each as a value that may still grow. All else is not
//! known yet: a mean that is high at first may sink, and a least value may come.

mod server;

use std::time::{Duration, Instant};

use crate::config::{Asked, ObservedRange, Plan, Query};
use crate::engine::{self, Circumstances, Verdict};
use crate::model::interval::Interval;
use crate::model::question::Question;
use crate::model::reading::{CheckReading, RangeReading, ReadAs, Reading, Readings, Sample, State};
use crate::model::signal::{Reduce, Signal};
use crate::promql::{Maximum, Value};
use crate::storage::Storage;

/// A window that no configuration has by itself: what looks back as far looks back over `$window`.
const WINDOW: Duration = Duration::from_millis(1_234_567_891);
/// Looking may take so long: samples that come wait meanwhile.
const PATIENCE: Duration = Duration::from_millis(30);

/// Judges what was seen so far.
#[derive(Debug)]
pub struct Prover {
    /// Its own, for it may be asked longer than the audit takes.
    plan: Plan,
    /// The numbers of the queries whose values can only grow.
    growing: Vec<usize>,
}

impl Prover {
    /// What can be proven by the queries of a plan; `None` where none can prove anything.
    pub fn new(plan: &Plan) -> Option<Self> {
        let at = plan.spec.instant();
        let observed = ObservedRange { at, window: Some(WINDOW), step: None };
        let questions = plan.questions(Some(&observed));
        let asked = plan.queries.iter().zip(&questions).enumerate();
        let growing = asked.filter(|(_, (query, question))| grows(query, question));
        let growing: Vec<_> = growing.map(|(index, _)| index).collect();
        let is_any = plan.gate.is_set() && !growing.is_empty();
        is_any.then(|| Self { plan: plan.clone(), growing })
    }

    /// The breach that is proven by what is in `storage` of what was observed, in words.
    pub fn proven(&self, storage: &Storage, observed: &ObservedRange) -> Option<String> {
        self.proven_by(storage, observed, Some(Instant::now() + PATIENCE))
    }

    /// The same, unless it takes longer.
    fn proven_by(
        &self,
        storage: &Storage,
        observed: &ObservedRange,
        deadline: Option<Instant>,
    ) -> Option<String> {
        let questions = self.plan.questions(Some(observed));
        self.judged(|index| {
            let (query, question) = (self.plan.queries.get(index)?, questions.get(index)?);
            // What a server answers is not among the samples at hand.
            let is_at_hand = self.growing.contains(&index) && !question.is_of_server;
            let seen = (storage, observed);
            if is_at_hand { read(query, question, seen, deadline) } else { None }
        })
    }

    /// The breach that is proven, in words, by what is known of queries by their numbers.
    fn judged(&self, known: impl Fn(usize) -> Option<Reading>) -> Option<String> {
        let mut readings = Readings::new(|_| None);
        for (index, query) in self.plan.queries.iter().enumerate() {
            set(&mut readings, query, known(index));
        }
        let circumstances = Circumstances {
            gate: self.plan.gate,
            queries: &self.plan.queries.iter().map(Query::signal).collect::<Vec<_>>(),
            ..Circumstances::default()
        };
        let assessment = engine::assess(&readings, &self.plan.criteria, circumstances);
        (assessment.verdict == Verdict::Fail).then_some(assessment.verdict_reason)
    }
}

/// Whether a query's reading can only grow while more is observed.
fn grows(query: &Query, question: &Question) -> bool {
    // A difference of two is not proven by either.
    const DIFFERENCE: [Signal; 2] =
        [Signal::THREADPOOL_TASKS_STARTED, Signal::THREADPOOL_TASKS_COMPLETED];
    if query.span.is_some() || query.signal().is_some_and(|signal| DIFFERENCE.contains(&signal)) {
        return false;
    }
    let maximum = question.expr.parsed().ok().and_then(|it| it.maximum());
    let Some(Maximum { range, adds_up }) = maximum else { return false };
    let is_whole = u128::try_from(range).is_ok_and(|range| range == WINDOW.as_millis());
    let ReadAs { reduce, is_signed, .. } = query.read_as;
    is_whole
        && match reduce {
            Reduce::Max => true,
            // Of a sum of which a part is missing nothing is known where it may be negative.
            Reduce::Sum => adds_up && !is_signed,
            Reduce::Min | Reduce::Avg => false,
        }
}

/// What the samples at hand say of a query.
fn read(
    query: &Query,
    question: &Question,
    (storage, observed): (&Storage, &ObservedRange),
    deadline: Option<Instant>,
) -> Option<Reading> {
    let parsed = question.expr.parsed().ok()?;
    let value = parsed.evaluate(storage, observed.at.as_millisecond(), deadline).ok()?;
    let Value::Vector(samples) = value else { return None };
    at_least(query, samples)
}

/// The least that the reading will be at the end; `None` where nothing was measured yet.
fn at_least(query: &Query, samples: Vec<Sample>) -> Option<Reading> {
    let reading = Reading::new(samples, &[], None, query.read_as);
    let is_there = reading.measured && reading.series > 0;
    let value = Interval::at_least(reading.value.least);
    is_there.then_some(Reading { value, ..reading })
}

fn set(readings: &mut Readings, query: &Query, known: Option<Reading>) {
    let state = || State::Failed("it is not known before the end".to_owned());
    match (&query.asked, query.span) {
        (Asked::Signal(signal), _) => {
            readings.set(*signal, known.unwrap_or_else(|| Reading::unknown(state())));
        }
        (Asked::Check(name), None) => {
            let reading = known.unwrap_or_else(|| Reading::unknown(state()));
            readings.set_check(name, CheckReading::Value(reading));
        }
        (Asked::Check(name), Some(_)) => {
            let (series, instants, notes) = (Vec::new(), Vec::new(), Vec::new());
            let reading = RangeReading { state: state(), series, instants, notes };
            readings.set_check(name, CheckReading::Range(reading));
        }
    }
}

#[cfg(test)]
mod tests;

//! Which series of each target the queries use, and over which time.

use std::collections::{BTreeMap, HashMap};

use super::Seen;
use crate::model::evidence::Scope;
use crate::model::question::Question;
use crate::promql::{Query, SelectorUse};
use crate::storage::{Series, Storage};

/// A series that queries use.
#[derive(Debug)]
pub(crate) struct Used<'a> {
    pub(crate) series: &'a Series,
    /// By which queries, each once, in the order of the plan.
    pub(crate) by: Vec<Use>,
    /// Whether a query reads it as a counter.
    pub(crate) is_counter: bool,
}

/// That a query uses a series, and over which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Use {
    /// The number of the query in the plan.
    pub(crate) query: usize,
    /// Samples after this instant count, milliseconds.
    pub(crate) after: i64,
    /// Up to this one.
    pub(crate) until: i64,
}

impl Use {
    /// What a selector sees of the time before `end`. Where it is not evaluated at the end alone,
    /// that is all of it; and of several instants one may be chosen for what it shows.
    fn of(query: usize, question: &Question, selector: &SelectorUse, end: i64) -> Self {
        let is_moved = question.span.is_some() || selector.is_fixed || selector.range == 0;
        let until = end.saturating_sub(selector.offset);
        match is_moved {
            true => Self { query, after: i64::MIN, until: end },
            false => Self { query, after: until.saturating_sub(selector.range), until },
        }
    }

    /// What either sees.
    pub(super) fn wider(self, other: Self) -> Self {
        let (after, until) = (self.after.min(other.after), self.until.max(other.until));
        Self { after, until, ..self }
    }
}

/// What a question selects of samples; nothing if it cannot be evaluated on them, or a server answers
/// it.
pub(super) fn selectors(question: &Question) -> &[SelectorUse] {
    if question.is_of_server {
        return &[];
    }
    question.expr.parsed().map(Query::selectors).unwrap_or_default()
}

/// The series that the questions use, in the order of the storage, up to the instant `end`.
pub(super) fn used<'a>(storage: &'a Storage, questions: &[Question], end: i64) -> Vec<Used<'a>> {
    let mut by_metric: HashMap<Option<&str>, Vec<(usize, &SelectorUse)>> = HashMap::new();
    for (query, question) in questions.iter().enumerate() {
        for selector in selectors(question) {
            by_metric.entry(selector.metric()).or_default().push((query, selector));
        }
    }
    let nameless = by_metric.remove(&None).unwrap_or_default();
    let all = storage.iter().map(|(_, series)| {
        let named = by_metric.get(&Some(series.labels.metric_name())).into_iter().flatten();
        let (mut by, mut is_counter) = (BTreeMap::<usize, Use>::new(), false);
        for (query, selector) in named.chain(&nameless) {
            if selector.matches(&series.labels) {
                let found = Use::of(*query, &questions[*query], selector, end);
                by.entry(*query).and_modify(|it| *it = it.wider(found)).or_insert(found);
                is_counter |= selector.is_counter;
            }
        }
        Used { series, by: by.into_values().collect(), is_counter }
    });
    all.filter(|used| !used.by.is_empty()).collect()
}

impl Seen<'_> {
    /// What depends on a target: the queries that use its series, and those that find no series at
    /// all, for which it may be the one that has them. `None` if nothing does.
    pub(super) fn scope(&self, target: usize) -> Option<Scope> {
        let of_target = self.used.get(target)?;
        if of_target.is_empty() {
            return None;
        }
        let of_target = of_target.iter().flat_map(|used| &used.by).map(|by| by.query);
        let mut queries: Vec<_> = of_target.chain(self.unmatched.iter().copied()).collect();
        queries.sort_unstable();
        queries.dedup();
        Some(self.scope_of(queries))
    }

    /// These queries.
    pub(super) fn scope_of(&self, queries: Vec<usize>) -> Scope {
        if queries.len() == self.uses.len() { Scope::Everything } else { Scope::Queries(queries) }
    }
}

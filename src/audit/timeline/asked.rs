//! What is asked for the line of a query, how often, and what its points say of their steps.

use std::time::Duration;

use super::grid::{Grid, Sampling};
use super::presence;
use crate::config::{ObservedRange, Plan, Query};
use crate::model::check::Rule;
use crate::model::question::Question;
use crate::model::signal::OnMissing;
use crate::promql::{self, SelectorUse};

/// A query is not evaluated more often than this in a step: Prometheus gives no more than 11 000
/// points.
const MOST_OFTEN: i64 = 90;

/// How the line of a query is drawn.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Over which time the whole is asked too.
    pub(super) question: Question,
    /// Whether each point is how much something has risen within its step alone.
    pub(super) is_amount: bool,
    /// Whether there may be something in a step that its points do not see.
    pub(super) is_partial: bool,
    /// Whether the lower values are the worse ones.
    pub(super) is_minimum: bool,
    /// Whether no series at all stands for a number, where there is a page.
    pub(super) needs_pages: bool,
    /// How far back each value looks.
    pub(super) looks_back: Option<Duration>,
    /// How much earlier than its step is what a point looks at.
    pub(super) offset: Option<Duration>,
}

/// What is asked for each query, in the order of the plan; `None` for what looks at a range of its own.
pub(super) fn asked(
    plan: &Plan,
    observed: &ObservedRange,
    grid: Grid,
    sampling: Sampling,
) -> Vec<Option<Asked>> {
    let over = |window| {
        let step = Some(sampling.interval);
        plan.questions(Some(&ObservedRange { at: observed.at, window: Some(window), step }))
    };
    let whole = plan.questions(Some(observed));
    let (told, wide) = (over(grid.step), over(sampling.range_for_rises(grid.step)));
    let narrow = over(sampling.range(grid.step, true));
    let ranges = told.into_iter().zip(narrow).zip(wide).zip(whole).zip(&plan.queries);
    let of =
        |((((told, narrow), wide), whole), query): ((((Question, _), _), Question), &Query)| {
            let narrow = if told.is_of_server { narrow } else { told.clone() };
            query.span.is_none().then(|| {
                let is_of_step = whole.expr.as_str() != told.expr.as_str();
                let ranges = Ranges { told, narrow, wide, is_of_step };
                let needs_pages = query.read_as.on_no_data == OnMissing::Zero;
                Asked { needs_pages, ..ranges.asked(is_minimum(plan, query), grid, sampling) }
            })
        };
    ranges.map(of).collect()
}

/// Whether the lower values are the worse ones.
fn is_minimum(plan: &Plan, query: &Query) -> bool {
    plan.criteria.check(query.name()).is_some_and(|check| check.limit.rule() == Rule::Min)
}

/// A query over several ranges.
struct Ranges {
    /// As long as a step.
    told: Question,
    /// That end where the step before does.
    narrow: Question,
    /// That reach to the last sample before the step.
    wide: Question,
    /// Whether the audit looks at another range.
    is_of_step: bool,
}

impl Ranges {
    fn asked(self, is_minimum: bool, grid: Grid, sampling: Sampling) -> Asked {
        let parsed = self.told.expr.parsed();
        // What cannot be read may be anything.
        let is_amount = self.is_of_step && parsed.map_or(true, promql::Query::is_amount);
        let question = if reads_rises(&self.told) { self.wide } else { self.narrow };
        let raw = question.expr.parsed().ok().and_then(promql::Query::with_raw_increases);
        let raw = raw.filter(|_| is_amount).cloned();
        let range = sampling.range(grid.step, question.is_of_server);
        let peak =
            presence::peak(&question.expr, is_minimum, (grid.step, range), sampling.interval);
        let times = evaluations(&question, grid.step, sampling.interval)
            .filter(|times| *times == 1 || *times <= MOST_OFTEN && !is_amount);
        // A subquery ends up to its resolution before the step does.
        let peak = peak.filter(|_| is_selector(&question) || times.is_none());
        let times = if peak.is_some() { Some(1) } else { times };
        let often = milliseconds(grid.step) / times.unwrap_or(1);
        let often = Duration::from_millis(u64::try_from(often).unwrap_or(u64::MAX));
        let expr = peak.or(raw).unwrap_or_else(|| question.expr.clone());
        Asked {
            is_amount,
            is_partial: times.is_none(),
            is_minimum,
            needs_pages: false,
            looks_back: looks_back(&self.told),
            offset: offset(&self.told),
            question: Question { expr, span: Some(grid.span(often)), ..question },
        }
    }
}

/// Whether a query is a selector and nothing else.
fn is_selector(question: &Question) -> bool {
    let uses = question.expr.parsed().map(promql::Query::selectors).unwrap_or_default();
    matches!(uses, [only] if only.text == question.expr.as_str().trim())
}

/// How often a query has to be evaluated within a step to see all of it; `None` where it does not see
/// all however often.
fn evaluations(question: &Question, step: Duration, interval: Duration) -> Option<i64> {
    let (step, interval) = (milliseconds(step), milliseconds(interval));
    let uses = question.expr.parsed().map(promql::Query::selectors).ok()?;
    let reach = |it: &SelectorUse| match it.range {
        _ if it.is_of_few => 0,
        // Twice within the interval: samples do not come quite evenly.
        0 => (interval / 2).max(1),
        range if reads_rise(it, uses) => range + 1 - interval,
        range => range + 1,
    };
    let shortest = uses.iter().filter(|it| !it.is_fixed).map(reach).min().unwrap_or(step);
    (shortest > 0).then(|| (step + shortest - 1) / shortest)
}

/// Whether a query reads how much something has risen: as a rate, or as the difference of what it
/// was at most and at least. What cannot be read may do so.
fn reads_rises(question: &Question) -> bool {
    let uses = question.expr.parsed().map(promql::Query::selectors);
    uses.map_or(true, |uses| uses.iter().any(|it| reads_rise(it, uses)))
}

fn reads_rise(it: &SelectorUse, uses: &[SelectorUse]) -> bool {
    it.is_counter || uses.iter().filter(|other| other.text == it.text).count() > 1
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The least that a query looks back all the same, milliseconds.
fn least_offset(question: &Question) -> i64 {
    let uses = question.expr.parsed().map(promql::Query::selectors).unwrap_or_default();
    uses.iter().filter(|it| !it.is_fixed).map(|it| it.offset).min().unwrap_or_default()
}

fn offset(question: &Question) -> Option<Duration> {
    let least = u64::try_from(least_offset(question)).ok().filter(|it| *it > 0);
    least.map(Duration::from_millis)
}

/// How far back a question looks, as far as its selectors say.
fn looks_back(question: &Question) -> Option<Duration> {
    let least = least_offset(question);
    let uses = question.expr.parsed().map(promql::Query::selectors).unwrap_or_default();
    let reach = |it: &SelectorUse| it.range.saturating_add(it.offset.saturating_sub(least));
    let furthest = uses.iter().filter(|it| !it.is_fixed).map(reach).max()?;
    u64::try_from(furthest).ok().filter(|it| *it > 0).map(Duration::from_millis)
}

//! What the queries of an audit look at: series, up to an instant, over a time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::collect::Telemetry;
use crate::config::Plan;
use crate::model::evidence::{Scope, Shortfall};
use crate::model::question::Question;
use crate::prometheus::escaped_length;
use crate::promql::{Query, SelectorUse, selectors_by_braces};
use crate::storage::METRIC_NAME;

/// The label by which the looks of one probe are told apart.
pub(super) const LOOK: &str = "auditor_look";
/// What instant selectors look back, unless the plan has a window.
const LOOKBACK: i64 = 300_000;
/// The longest text of the selectors of one probe, in bytes of a URL, and of one about counters. Its
/// own text comes on top, and each selector stands in it twice, or up to five times.
const LONGEST: [usize; 2] = [1200, 600];

/// What some queries look at.
#[derive(Clone)]
pub(super) struct Look {
    /// The selector.
    pub(super) text: String,
    /// Whether it selects metrics of one name alone.
    pub(super) is_named: bool,
    /// `offset` and `@`, a blank before them.
    modifiers: String,
    /// What is asked of the labels `job` and `instance`, in braces.
    matchers: String,
    /// The instant of the newest sample that it can see, milliseconds since the Unix epoch.
    pub(super) instant: i64,
    /// How far back it looks from there, milliseconds; above 0.
    pub(super) range: i64,
    /// Whether it is read as a counter.
    pub(super) is_counter: bool,
    /// The queries that look at it, by their numbers.
    pub(super) queries: Vec<usize>,
    /// Those of them that read it as the buckets of a quantile.
    pub(super) quantiles: Vec<usize>,
}

/// Looks at one time at targets of one kind, by their numbers.
pub(super) struct Group {
    pub(super) looks: Vec<usize>,
    /// How far back, milliseconds.
    pub(super) range: i64,
    modifiers: String,
    matchers: String,
}

impl Look {
    /// The same of the metric of that name alone.
    pub(super) fn named(&self, name: &str) -> Self {
        Self { is_named: true, ..self.with(&format!("{METRIC_NAME}={name:?}")) }
    }

    /// The same with another matcher.
    pub(super) fn with(&self, matcher: &str) -> Self {
        let text = match self.text.trim_end().strip_suffix('}') {
            None => format!("{}{{{matcher}}}", self.text),
            Some(all) => match all.trim_end().trim_end_matches(',') {
                none if none.ends_with('{') => format!("{none}{matcher}}}"),
                some => format!("{some},{matcher}}}"),
            },
        };
        Self { text, ..self.clone() }
    }

    /// A shortfall of its queries.
    pub(super) fn scoped(&self, shortfall: Shortfall) -> Shortfall {
        Shortfall { scope: Scope::Queries(self.queries.clone()), ..shortfall }
    }

    /// The selector of the latest samples.
    pub(super) fn latest(&self) -> String {
        format!("{}{}", self.text, self.modifiers)
    }

    /// The selector of the samples of a time, in milliseconds.
    pub(super) fn over(&self, range: i64) -> String {
        format!("{}[{}]{}", self.text, duration(range), self.modifiers)
    }
}

impl Group {
    /// A metric of the targets, at the instant of the looks.
    pub(super) fn latest(&self, metric: &str) -> String {
        format!("{metric}{}{}", self.matchers, self.modifiers)
    }

    /// A metric of the targets, over a time in milliseconds.
    pub(super) fn over(&self, metric: &str, range: i64) -> String {
        format!("{metric}{}[{}]{}", self.matchers, duration(range), self.modifiers)
    }

    /// A metric of the targets, at whatever instant.
    pub(super) fn now(&self, metric: &str) -> String {
        format!("{metric}{}", self.matchers)
    }

    /// `offset` and `@`, a blank before them.
    pub(super) fn modifiers(&self) -> &str {
        &self.modifiers
    }

    /// An expression of each of the looks, marked with its number.
    pub(super) fn each(&self, looks: &[Look], expr: impl Fn(&Look) -> String) -> String {
        let marked = self.looks.iter().filter_map(|number| {
            let expr = expr(looks.get(*number)?);
            Some(format!("label_replace({expr}, \"{LOOK}\", \"{number}\", \"\", \"\")"))
        });
        marked.collect::<Vec<_>>().join(" or ")
    }
}

/// What the questions look at, each once; and which of them cannot be read, and why.
pub(super) fn of(
    plan: &Plan,
    questions: &[Question],
    telemetry: &Telemetry,
    at: Timestamp,
) -> (Vec<Look>, Vec<(usize, String)>) {
    let window = plan.window(Some(&telemetry.observed)).map_or(LOOKBACK, milliseconds);
    let (mut looks, mut unread) = (BTreeMap::new(), Vec::new());
    let of_server = questions.iter().enumerate().filter(|(_, question)| question.is_of_server);
    for (number, question) in of_server {
        let uses = match question.expr.parsed().map(Query::selectors) {
            Ok(uses) => uses.to_vec(),
            Err(error) => {
                let (uses, other) = selectors_by_braces(question.expr.as_str());
                if uses.is_empty() || other.is_some() {
                    unread.push((number, other.unwrap_or(error).to_string()));
                }
                uses
            }
        };
        let longer = question.span.map_or(0, |span| milliseconds(span.window));
        for it in &uses {
            let found = look(it, at.as_millisecond(), longer, window);
            let known = looks.entry((found.text.clone(), found.modifiers.clone()));
            let known: &mut Look = known.or_insert(found);
            known.range = known.range.max(reach(it, longer, window));
            known.is_counter |= it.is_counter;
            if !known.queries.contains(&number) {
                known.queries.push(number);
            }
            if it.is_of_quantile && !known.quantiles.contains(&number) {
                known.quantiles.push(number);
            }
        }
    }
    (looks.into_values().collect(), unread)
}

fn look(it: &SelectorUse, at: i64, longer: i64, window: i64) -> Look {
    let mut modifiers = String::new();
    if let Some(at) = it.at {
        modifiers += &format!(" @ {:.3}", at as f64 / 1000.0);
    }
    match it.offset {
        0 => {}
        offset if offset < 0 => modifiers += &format!(" offset -{}", duration(-offset)),
        offset => modifiers += &format!(" offset {}", duration(offset)),
    }
    Look {
        text: it.text.clone(),
        is_named: it.metric().is_some(),
        modifiers,
        matchers: matchers(it),
        // What lies ahead cannot have been seen yet.
        instant: it.at.unwrap_or(at).saturating_sub(it.offset.max(0)),
        range: reach(it, longer, window),
        is_counter: it.is_counter,
        queries: Vec::new(),
        quantiles: Vec::new(),
    }
}

/// How far back it looks: its own range, or else the window.
fn reach(it: &SelectorUse, longer: i64, window: i64) -> i64 {
    let range = it.range.saturating_add(longer);
    if range > 0 { range } else { window }
}

/// What the selector asks of the labels that a target has in all of its series.
fn matchers(it: &SelectorUse) -> String {
    let is_plain =
        |value: &&str| value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/".contains(c));
    let matcher = |name| {
        let value = it.label(name).filter(is_plain).filter(|value| !value.is_empty())?;
        Some(format!("{name}=\"{value}\""))
    };
    let all: Vec<_> = ["job", "instance"].into_iter().filter_map(matcher).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

/// The looks of one time and one kind of targets, so many as fit into one probe.
pub(super) fn groups(looks: &[Look]) -> Vec<Group> {
    grouped(looks, LONGEST[0], |_| true)
}

/// The same of those that are read as counters.
pub(super) fn groups_of_counters(looks: &[Look]) -> Vec<Group> {
    grouped(looks, LONGEST[1], |look| look.is_counter)
}

/// The same of those that are chosen.
pub(super) fn groups_of(looks: &[Look], belongs: impl Fn(&Look) -> bool) -> Vec<Group> {
    grouped(looks, LONGEST[1], belongs)
}

fn grouped(looks: &[Look], longest: usize, belongs: impl Fn(&Look) -> bool) -> Vec<Group> {
    let mut groups: Vec<(usize, Group)> = Vec::new();
    for (number, look) in looks.iter().enumerate().filter(|(_, look)| belongs(look)) {
        let length = escaped_length(&look.text);
        let fits = |(taken, group): &&mut (usize, Group)| {
            let kind = (group.range, &group.modifiers, &group.matchers);
            kind == (look.range, &look.modifiers, &look.matchers) && *taken + length <= longest
        };
        match groups.iter_mut().find(fits) {
            Some((taken, group)) => {
                *taken += length;
                group.looks.push(number);
            }
            None => {
                let (modifiers, matchers) = (look.modifiers.clone(), look.matchers.clone());
                let looks = vec![number];
                groups.push((length, Group { looks, range: look.range, modifiers, matchers }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// A subquery.
pub(super) fn within(expr: &str, range: i64, step: i64) -> String {
    format!("{expr}[{}:{}]", duration(range), duration(step))
}

/// A duration as PromQL writes it.
pub(super) fn duration(milliseconds: i64) -> String {
    match (milliseconds / 1000, milliseconds % 1000) {
        (seconds, 0) => format!("{seconds}s"),
        _ => format!("{milliseconds}ms"),
    }
}

pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

//! Checks of the user's own, and limits of signals by the signal's name.

use super::limits::read_limit;
use super::logs;
use super::queries::{self, QUERY_KEYS, set};
use super::{Entry, Key, entries, find, unknown};
use crate::config::problems::{Problems, nearest};
use crate::config::vars::Vars;
use crate::config::yaml::{Node, Value};
use crate::config::{Asked, LogLookup, Query};
use crate::model::built_in::BuiltIn;
use crate::model::check::{Check, Criteria, Limit, Observed, Rule, Severity};
use crate::model::question::Span;
use crate::model::reading::ReadAs;
use crate::model::signal::Signal;

/// What a check may hold beside its rule and its query.
const KEYS: [&str; 3] = ["severity", "category", "description"];
/// The category of a check that names none.
const CATEGORY: &str = "custom";

/// Reads the section into the criteria, the queries and what is taken from logs. The queries
/// hold the signals' already.
pub(super) fn read_checks(
    node: &Node,
    vars: &Vars,
    criteria: &mut Criteria,
    (queries, lookups): (&mut Vec<Query>, &mut Vec<LogLookup>),
    problems: &mut Problems,
) {
    for entry in entries(node, "`checks`", problems) {
        let ((name, key), _) = entry;
        match Signal::from_key(name) {
            Some(signal) => read_signal_check(signal, entry, criteria, queries, problems),
            None if !is_name(name) => {
                problems.at(key, "a check's name has letters, digits, `_`, `-` and `.` only");
            }
            None if criteria.check(name).is_some() => {
                problems.at(key, format!("`{name}` is the name of a check that is built in"));
            }
            None => {
                if let Some((check, value)) = read_own(entry, vars, problems) {
                    criteria.checks.push(check);
                    match value {
                        Asking::Query(query) => queries.push(query),
                        Asking::Log(lookup) => lookups.push(lookup),
                    }
                }
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// What a check says beside its query.
struct Fields<'a> {
    entries: Vec<Entry<'a>>,
    limit: Option<(Limit, &'a Node)>,
    severity: Severity,
    category: String,
    description: Option<String>,
}

fn read_fields<'a>(
    (name, _): Key<'_>,
    node: &'a Node,
    allowed: &[&str],
    problems: &mut Problems,
) -> Option<Fields<'a>> {
    if !matches!(node.value, Value::Map(_)) {
        let found = node.value.kind();
        problems.at(node, format!("the check `{name}` must be a mapping, found {found}"));
        return None;
    }
    let entries = entries(node, name, problems);
    let rules = Rule::ALL.map(|(name, _)| name);
    for ((name, key), _) in &entries {
        if !allowed.contains(name) && !KEYS.contains(name) && !rules.contains(name) {
            let valid = allowed.iter().chain(&KEYS).chain(&rules).copied();
            problems.at(key, unknown("key", name, valid));
        }
    }
    let given: Vec<_> = entries.iter().filter(|((name, _), _)| rules.contains(name)).collect();
    if let [_, ((second, key), _), ..] = given.as_slice() {
        problems.at(key, format!("`{second}` is a second rule; a check has one"));
    }
    let limit = given
        .first()
        .and_then(|((rule, _), value)| Some((read_limit(rule, value, problems)?, *value)));
    let mut severity = Severity::Critical;
    if let Some((_, value)) = find(&entries, "severity") {
        set(&mut severity, value, Severity::ALL, problems);
    }
    let word = |key: &str, problems: &mut Problems| read_text(key, &entries, problems);
    let category = word("category", problems).unwrap_or_else(|| CATEGORY.to_owned());
    let description = word("description", problems);
    Some(Fields { limit, severity, category, description, entries })
}

fn read_text(key: &str, entries: &[Entry<'_>], problems: &mut Problems) -> Option<String> {
    let (_, node) = find(entries, key)?;
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        other => {
            problems.at(node, format!("`{key}` must be text, found {}", other.kind()));
            None
        }
    }
}

/// A limit of a signal, under the signal's own name.
fn read_signal_check(
    signal: Signal,
    (key, node): Entry<'_>,
    criteria: &mut Criteria,
    queries: &[Query],
    problems: &mut Problems,
) {
    let name = signal.key();
    for ((key, place), _) in entries(node, name, &mut Problems::default()) {
        if QUERY_KEYS.contains(&key) {
            let message = format!("the query of the signal `{name}` stands under `queries`");
            problems.at(place, message);
            return;
        }
        if key == logs::KEY {
            let message = format!(
                "`{name}` is a signal, and its value that of a query; give the check another name"
            );
            problems.at(place, message);
            return;
        }
    }
    let Some(fields) = read_fields(key, node, &[], problems) else { return };
    if !is_asked(signal, queries) {
        problems.at(key.1, format!("`{name}` has no query under `queries`, so nothing is checked"));
    }
    let built_in = criteria.checks.iter_mut().find(|check| check.id == name);
    let limit = match (&fields.limit, BuiltIn::of_signal(signal), &built_in) {
        (Some((Limit::Max(_), at)), Some(_), Some(before)) if before.origin.is_some() => {
            let threshold = BuiltIn::of_signal(signal).map_or("", |it| it.threshold);
            let message = format!("`{threshold}` under `thresholds` is the same limit; keep one");
            problems.at(at, message);
            return;
        }
        (Some((limit @ Limit::Max(_), at)), _, _) => (limit.clone(), at.place()),
        (Some((Limit::Min(_) | Limit::Budget { .. }, at)), Some(_), _) => {
            problems.at(at, format!("the limit of `{name}` is a `max`"));
            return;
        }
        // No check is read as a comparison, which has a section of its own.
        (Some((Limit::Spike(_) | Limit::Drift(_), at)), _, _) => {
            problems.at(at, "a spike needs a check with a `query` of its own");
            return;
        }
        (Some((limit, at)), None, _) => (limit.clone(), at.place()),
        (None, Some(_), Some(before)) => {
            (before.limit.clone(), before.origin.clone().or_else(|| node.place()))
        }
        (None, _, _) => {
            let rules = Rule::ALL.map(|(name, _)| name);
            if !entries(node, name, problems).iter().any(|((key, _), _)| rules.contains(key)) {
                problems.at(node, format!("the check `{name}` has no rule: max, min or budget"));
            }
            return;
        }
    };
    let check = Check {
        id: name.to_owned(),
        observes: Observed::Signal(signal),
        limit: limit.0,
        severity: fields.severity,
        category: fields.category,
        description: fields.description.unwrap_or_else(|| signal.def().description.to_owned()),
        origin: limit.1,
        is_requested: true,
    };
    match built_in {
        Some(before) => *before = check,
        None => criteria.checks.push(check),
    }
}

/// Whether there is a query that the signal is read by; the backlog may be made of two others.
pub(super) fn is_asked(signal: Signal, queries: &[Query]) -> bool {
    let has = |signal| queries.iter().any(|query| query.asked == Asked::Signal(signal));
    has(signal) || signal == Signal::THREADPOOL_BACKLOG && has(Signal::THREADPOOL_TASKS_STARTED)
}

/// Where a check of one's own has its value from.
enum Asking {
    Query(Query),
    Log(LogLookup),
}

fn read_own(
    (key, node): Entry<'_>,
    vars: &Vars,
    problems: &mut Problems,
) -> Option<(Check, Asking)> {
    let (name, _) = key;
    let allowed = [QUERY_KEYS.as_slice(), &[logs::KEY]].concat();
    let fields = read_fields(key, node, &allowed, problems)?;
    let rules = Rule::ALL.map(|(name, _)| name);
    if !fields.entries.iter().any(|((key, _), _)| rules.contains(key)) {
        problems.at(node, format!("the check `{name}` has no rule: max, min, budget or spike"));
    }
    let rule = fields.limit.as_ref().map_or(Rule::Max, |(limit, _)| limit.rule());
    let mut read_as = ReadAs::default_for_check(rule);
    queries::read_how(&mut read_as, &fields.entries, problems);
    let asking = match (find(&fields.entries, "query"), find(&fields.entries, logs::KEY)) {
        (Some(_), Some(((_, key), _))) => {
            let message = format!("the check `{name}` has a `query` and a `log`; keep one of them");
            problems.at(key, message);
            return None;
        }
        (Some((_, query)), None) => {
            read_query(name, query, (&fields, read_as), vars, problems).map(Asking::Query)
        }
        (None, Some((_, log))) => {
            refuse_with_log(&fields, problems);
            logs::read_lookup(name, log, read_as.on_no_data, problems).map(Asking::Log)
        }
        (None, None) => {
            let signal = nearest(name, Signal::all().map(Signal::key));
            let hint = signal.map(|it| format!("; or did you mean the signal `{it}`?"));
            let hint = hint.unwrap_or_default();
            problems.at(node, format!("the check `{name}` has no `query` and no `log`{hint}"));
            None
        }
    }?;
    let (limit, at) = fields.limit?;
    let check = Check {
        id: name.to_owned(),
        observes: match asking {
            Asking::Query(_) => Observed::Query,
            Asking::Log(_) => Observed::Log,
        },
        limit,
        severity: fields.severity,
        category: fields.category,
        description: fields.description.unwrap_or_default(),
        origin: at.place(),
        is_requested: true,
    };
    Some((check, asking))
}

fn read_query(
    name: &str,
    query: &Node,
    (fields, read_as): (&Fields<'_>, ReadAs),
    vars: &Vars,
    problems: &mut Problems,
) -> Option<Query> {
    if matches!(fields.limit, Some((Limit::Spike(_), _)))
        && let Some(((_, key), _)) = find(&fields.entries, "reduce")
    {
        problems.at(key, "of a spike each series is judged by itself; sum them in the query");
    }
    let template = queries::read_template(name, query, vars, problems)?;
    let span = match &fields.limit {
        Some((Limit::Spike(spike), _)) => Some(Span { window: spike.window, step: spike.step }),
        _ => None,
    };
    let (asked, origin) = (Asked::Check(name.to_owned()), query.place());
    Some(Query { asked, template, read_as, span, origin })
}

/// Refuses what is about the series of an answer: a log has one value.
fn refuse_with_log(fields: &Fields<'_>, problems: &mut Problems) {
    for ((name, key), _) in &fields.entries {
        match *name {
            "reduce" | "on_nan" => {
                problems
                    .at(key, format!("`{name}` is for a `query`; a log has one value, never NaN"));
            }
            "spike" => problems.at(key, "a spike needs a `query`; a log has one value"),
            _ => {}
        }
    }
}

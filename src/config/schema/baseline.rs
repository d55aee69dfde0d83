//! What is compared with an earlier audit, and how far it may have moved since.

use super::checks::is_asked;
use super::limits::read_bounded;
use super::queries::set;
use super::{Entry, Key, entries, find, unknown};
use crate::config::problems::Problems;
use crate::config::vars::{self, Vars};
use crate::config::yaml::{Node, Value};
use crate::config::{BaselineRequest, Query, Request, Source, SourceSpec, layers};
use crate::model::baseline::{Allowance, Direction, Drift, PREFIX, SCORE, SECTION};
use crate::model::check::{Check, Criteria, Limit, Observed, Severity};
use crate::model::signal::Signal;

/// What a comparison may hold beside how far its value may move.
const KEYS: [&str; 2] = ["floor", "severity"];
/// The category of the checks that comparisons are.
const CATEGORY: &str = "baseline";

/// Reads the section, a check for each comparison. The queries, and whether one of them is of the
/// score, are known already, and so are the other checks.
pub(super) fn read_baseline(
    node: &Node,
    criteria: &Criteria,
    queried: (&[Query], bool),
    problems: &mut Problems,
) -> Vec<Check> {
    let mut comparisons = Vec::new();
    for ((name, key), value) in entries(node, "`baseline`", problems) {
        let compared = observed((name, key), criteria, queried, problems);
        let fields = read_fields((name, key), value, problems);
        let (Some((observes, description)), Some((drift, severity, at))) = (compared, fields)
        else {
            continue;
        };
        comparisons.push(Check {
            id: format!("{PREFIX}{name}"),
            observes,
            limit: Limit::Drift(drift),
            severity,
            category: CATEGORY.to_owned(),
            description,
            origin: at.place(),
            is_requested: true,
        });
    }
    comparisons
}

/// What the name stands for, and what that means.
fn observed(
    (name, key): Key<'_>,
    criteria: &Criteria,
    (queries, is_scored): (&[Query], bool),
    problems: &mut Problems,
) -> Option<(Observed, String)> {
    let id = format!("{PREFIX}{name}");
    if criteria.check(&id).is_some() {
        problems.at(key, format!("the check `{id}` has the name of this comparison; rename it"));
    }
    let check = criteria.check(name);
    if name == SCORE {
        if check.is_some() {
            let message = "this is the score, and a check has the same name; rename the check";
            problems.at(key, message);
        } else if !is_scored {
            problems.at(key, "no signal that is queried has a weight, so that there is no score");
        }
        return Some((Observed::Score, "the runtime health score".to_owned()));
    }
    let of_check = check.and_then(|check| match check.observes {
        Observed::Signal(signal) => Some(signal),
        _ => None,
    });
    if let Some(signal) = of_check.or_else(|| Signal::from_key(name)) {
        if !is_asked(signal, queries) {
            let signal = signal.key();
            let message = format!("`{signal}` has no query under `queries`: nothing is compared");
            problems.at(key, message);
        }
        return Some((Observed::Signal(signal), signal.def().description.to_owned()));
    }
    match check {
        Some(check) if matches!(check.limit, Limit::Spike(_)) => {
            let message = format!(
                "`{name}` is a spike, which is held against its own past already; compare a check \
                 with `max`, `min` or `budget`"
            );
            problems.at(key, message);
            None
        }
        Some(check) => Some((Observed::Check(name.to_owned()), check.description.clone())),
        None => {
            let checks = criteria.checks.iter().map(|check| check.id.as_str());
            let mut names: Vec<&str> = Signal::all().map(Signal::key).collect();
            names.push(SCORE);
            names.extend(checks);
            names.sort_unstable();
            names.dedup();
            problems.at(key, unknown("name of a signal or check", name, names));
            None
        }
    }
}

/// How far the value may move, how much that weighs, and where it is said.
fn read_fields<'a>(
    (name, _): Key<'_>,
    node: &'a Node,
    problems: &mut Problems,
) -> Option<(Drift, Severity, &'a Node)> {
    let directions = Direction::ALL.map(|(key, _)| key);
    if !matches!(node.value, Value::Map(_)) {
        let found = node.value.kind();
        let message =
            format!("`{name}` must be a mapping such as {{max_increase: 10%}}, found {found}");
        problems.at(node, message);
        return None;
    }
    let entries = entries(node, name, problems);
    for ((key, place), _) in &entries {
        let valid = || directions.into_iter().chain(KEYS);
        if valid().all(|it| it != *key) {
            problems.at(place, unknown("key", key, valid()));
        }
    }
    let mut severity = Severity::Critical;
    if let Some((_, value)) = find(&entries, "severity") {
        set(&mut severity, value, Severity::ALL, problems);
    }
    let given: Vec<_> = entries.iter().filter(|((key, _), _)| directions.contains(key)).collect();
    if let [_, ((second, key), _), ..] = given.as_slice() {
        problems.at(key, format!("`{second}` is a second allowance; a comparison has one"));
    }
    let Some((key, value)) = given.first() else {
        problems.at(node, format!("`{name}` has no allowance: max_increase or max_decrease"));
        return None;
    };
    let (_, direction) = Direction::ALL.into_iter().find(|(it, _)| *it == key.0)?;
    let allowance = read_allowance(*key, value, direction, problems);
    let floor = read_floor(&entries, direction, problems);
    Some((Drift { direction, allowance: allowance?, floor }, severity, value))
}

fn read_floor(entries: &[Entry<'_>], direction: Direction, problems: &mut Problems) -> Option<f64> {
    let ((name, key), node) = find(entries, "floor")?;
    if direction == Direction::Decrease {
        let message = "`floor` goes with max_increase: the baseline counts as at least this";
        problems.at(key, message);
        return None;
    }
    read_bounded(name, node, "0 or more", |floor| floor >= 0.0, problems)
}

/// A percentage, or a number in the unit of the value.
fn read_allowance(
    (name, _): Key<'_>,
    node: &Node,
    direction: Direction,
    problems: &mut Problems,
) -> Option<Allowance> {
    let Value::Text(text) = &node.value else {
        if !matches!(node.value, Value::Int(_) | Value::Float(_)) {
            let found = node.value.kind();
            let message = format!("`{name}` must be a number or a percentage, found {found}");
            problems.at(node, message);
            return None;
        }
        let by = read_bounded(name, node, "0 or more", |by| by >= 0.0, problems)?;
        return Some(Allowance::Absolute(by));
    };
    let Some(percent) = percent(text) else {
        let message = format!(
            "`{name}` must be a number in the unit, such as 0.01, or a percentage such as 10%"
        );
        problems.at(node, message);
        return None;
    };
    if direction == Direction::Decrease && percent >= 100.0 {
        problems.at(node, format!("`{name}` of 100% or more allows everything; give less"));
        return None;
    }
    Some(Allowance::Ratio(percent / 100.0))
}

/// The number of a percentage as it is written: digits, perhaps with a fraction, and a sign.
fn percent(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_digits(whole) && is_digits(fraction) { number.parse().ok() } else { None };
    number.filter(|it: &f64| it.is_finite())
}

/// Checks that what the command line asks to compare with can be compared with.
pub(super) fn check_request(
    baseline: &BaselineRequest,
    root: &Node,
    spec: Option<&SourceSpec>,
    problems: &mut Problems,
) {
    let option = match baseline {
        BaselineRequest::Report(_) => "--baseline",
        BaselineRequest::Before(_) => "--baseline-window",
    };
    let section = layers::get(root, SECTION);
    if section.is_none_or(|section| layers::keys(section).next().is_none()) {
        problems.outside(format!(
            "{option}: the configuration has no section `{SECTION}`, so that nothing would be \
             compared; say there what may change by how much, such as \
             {SECTION}: {{score: {{max_increase: 10%}}}}"
        ));
    }
    let (BaselineRequest::Before(offset), Some(spec)) = (baseline, spec) else { return };
    if !matches!(spec.source, Source::Server(_)) {
        problems.outside(format!(
            "{option} asks a server what was before, and no server is asked; give --baseline the \
             report of an earlier audit"
        ));
    } else if spec.outside.is_some() {
        problems.outside(format!(
            "{option} asks a server what was before, and what --probe shows has no before; give \
             --baseline the report of an earlier audit"
        ));
    }
    if spec.instant().checked_sub(*offset).is_err() {
        problems.outside(format!("{option}: so long ago there was no time; give a shorter one"));
    }
}

/// Refuses to compare a time with itself: the two windows may not overlap. How long a command takes is
/// not known yet.
pub(super) fn check_window(
    baseline: &BaselineRequest,
    vars: &Vars,
    request: &Request,
    problems: &mut Problems,
) {
    let BaselineRequest::Before(offset) = baseline else { return };
    let window = vars.get("window").and_then(|window| vars::parse_range(window));
    let overlap = window.filter(|window| offset < window && request.command.is_empty());
    if let Some(window) = overlap {
        let (offset, window) = (vars::range(*offset), vars::range(window));
        problems.outside(format!(
            "--baseline-window {offset} is shorter than the window of {window}: a part of the time would \
             be compared with itself; give at least {window}"
        ));
    }
}

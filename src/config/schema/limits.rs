//! The rules of checks: `max`, `min`, `budget`, `spike`.

use std::time::Duration;

use super::numbers::{read_any_number, read_duration};
use super::{Entry, entries, find, unknown};
use crate::config::problems::Problems;
use crate::config::yaml::Node;
use crate::model::check::{Limit, Spike};

/// As many points a range may have, as in Prometheus.
const MOST_POINTS: u128 = 11_000;

/// The limit that a rule sets; `rule` is the name of one.
pub(super) fn read_limit(rule: &str, node: &Node, problems: &mut Problems) -> Option<Limit> {
    match rule {
        "max" => read_number(rule, node, problems).map(Limit::Max),
        "min" => read_number(rule, node, problems).map(Limit::Min),
        "budget" => read_budget(node, problems),
        _ => read_spike(node, problems),
    }
}

/// A finite number.
fn read_number(name: &str, node: &Node, problems: &mut Problems) -> Option<f64> {
    let value = read_any_number(name, node, problems)?;
    if !value.is_finite() {
        problems.at(node, format!("`{name}` must be finite, found {value}"));
        return None;
    }
    Some(value)
}

/// A finite number that `is_valid`; `what` says which are.
pub(super) fn read_bounded(
    name: &str,
    node: &Node,
    what: &str,
    is_valid: impl Fn(f64) -> bool,
    problems: &mut Problems,
) -> Option<f64> {
    let value = read_number(name, node, problems)?;
    if !is_valid(value) {
        problems.at(node, format!("`{name}` must be {what}, found {value}"));
        return None;
    }
    Some(value)
}

fn read_parts<'a>(
    rule: &str,
    node: &'a Node,
    valid: &[&str],
    problems: &mut Problems,
) -> Vec<Entry<'a>> {
    let entries = entries(node, &format!("`{rule}`"), problems);
    for ((name, key), _) in &entries {
        if !valid.contains(name) {
            problems.at(key, unknown("key", name, valid.iter().copied()));
        }
    }
    entries
}

fn read_budget(node: &Node, problems: &mut Problems) -> Option<Limit> {
    let parts = read_parts("budget", node, &["limit", "warning_ratio"], problems);
    let is_ratio = |ratio: f64| ratio > 0.0 && ratio <= 1.0;
    let warning_ratio = match find(&parts, "warning_ratio") {
        Some(((name, _), node)) => {
            read_bounded(name, node, "above 0 and at most 1", is_ratio, problems)
        }
        None => Some(0.9),
    };
    let Some(((name, _), value)) = find(&parts, "limit") else {
        problems.at(node, "`budget` has no `limit`");
        return None;
    };
    let limit = read_bounded(name, value, "above 0", |limit| limit > 0.0, problems)?;
    Some(Limit::Budget { limit, warning_ratio: warning_ratio? })
}

fn read_spike(node: &Node, problems: &mut Problems) -> Option<Limit> {
    let parts =
        read_parts("spike", node, &["window", "step", "multiplier", "min_baseline"], problems);
    let multiplier = match find(&parts, "multiplier") {
        Some(((name, _), node)) => {
            read_bounded(name, node, "above 1", |multiplier| multiplier > 1.0, problems)
        }
        None => Some(1.5),
    };
    let min_baseline = match find(&parts, "min_baseline") {
        Some(((name, _), node)) => {
            read_bounded(name, node, "0 or more", |floor| floor >= 0.0, problems)
        }
        None => Some(0.0),
    };
    let window = duration("window", node, &parts, problems);
    let step = duration("step", node, &parts, problems);
    let (window, step) = (window?, step?);
    if window < step {
        problems.at(node, "`window` is shorter than `step`; a spike needs two points at least");
        return None;
    }
    if window.as_millis() / step.as_millis().max(1) >= MOST_POINTS {
        problems.at(node, format!("`window` holds more than {MOST_POINTS} times `step`"));
        return None;
    }
    let (multiplier, min_baseline) = (multiplier?, min_baseline?);
    Some(Limit::Spike(Spike { window, step, multiplier, min_baseline }))
}

fn duration(
    name: &str,
    spike: &Node,
    parts: &[Entry<'_>],
    problems: &mut Problems,
) -> Option<Duration> {
    let Some((_, node)) = find(parts, name) else {
        problems.at(spike, format!("`spike` has no `{name}`"));
        return None;
    };
    read_duration(name, node, problems)
}

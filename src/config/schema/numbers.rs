//! Thresholds and weights: finite numbers that are not negative. And durations.

use std::time::Duration;

use super::{Key, entries, find, unknown};
use crate::config::problems::Problems;
use crate::config::vars;
use crate::config::yaml::{Node, Value};
use crate::model::built_in::BuiltIn;
use crate::model::check::Criteria;
use crate::model::level::Level;
use crate::model::signal::Signal;
use crate::model::weights::Weights;

/// Reads the section into the levels of the score and the limits of the built-in checks.
pub(super) fn read_thresholds(node: &Node, criteria: &mut Criteria, problems: &mut Problems) {
    let entries = entries(node, "`thresholds`", problems);
    for (key, value) in &entries {
        read_threshold(*key, value, criteria, problems);
    }
    let levels = Level::ALL.map(|(_, level)| level);
    for pair in levels.windows(2) {
        let [lower, upper] = pair else { continue };
        let [lower_start, upper_start] = [*lower, *upper].map(|it| criteria.levels.start_of(it));
        if lower_start > upper_start {
            let (lower_name, upper_name) = (lower.threshold(), upper.threshold());
            let place = find(&entries, upper_name).or_else(|| find(&entries, lower_name));
            let message = format!(
                "`{upper_name}` ({upper_start}) is below `{lower_name}` ({lower_start}); \
                 the order is degraded <= critical <= collapse"
            );
            problems.at(place.map_or(node, |(_, value)| value), message);
        }
    }
}

fn read_threshold(
    (name, key): Key<'_>,
    node: &Node,
    criteria: &mut Criteria,
    problems: &mut Problems,
) {
    let level = Level::ALL.map(|(_, level)| level).into_iter().find(|it| it.threshold() == name);
    let built_in = BuiltIn::of_threshold(name);
    if level.is_none() && built_in.is_none() {
        let levels = Level::ALL.map(|(_, level)| level.threshold());
        let limits = BuiltIn::all().iter().map(|it| it.threshold);
        problems.at(key, unknown("threshold", name, levels.into_iter().chain(limits)));
        return;
    }
    let Some(value) = read_number(name, node, problems) else { return };
    if let Some(level) = level {
        criteria.levels.set(level, value);
    }
    let check = built_in.map(|it| it.check(value, node.place()));
    if let Some(check) = check
        && let Some(before) = criteria.checks.iter_mut().find(|before| before.id == check.id)
    {
        *before = check;
    }
}

pub(super) fn read_weights(node: &Node, problems: &mut Problems) -> Weights {
    let mut weights = Weights::default();
    for ((name, key), value) in entries(node, "`weights`", problems) {
        let signal = Signal::from_key(name).filter(|it| weights.iter().any(|(has, _)| has == *it));
        let Some(signal) = signal else {
            problems.at(key, unknown("weight", name, weights.iter().map(|(it, _)| it.key())));
            continue;
        };
        if let Some(weight) = read_number(name, value, problems) {
            weights.set(signal, weight);
        }
    }
    if weights.iter().all(|(_, weight)| weight == 0.0) {
        problems.at(node, "every weight is 0, so that every service would be healthy");
    }
    weights
}

/// A finite number that is not negative.
pub(super) fn read_number(name: &str, node: &Node, problems: &mut Problems) -> Option<f64> {
    let value = read_any_number(name, node, problems)?;
    if !value.is_finite() || value < 0.0 {
        problems.at(node, format!("`{name}` must be finite and not negative, found {value}"));
        return None;
    }
    Some(value)
}

/// A number, infinities and `NaN` included.
pub(super) fn read_any_number(name: &str, node: &Node, problems: &mut Problems) -> Option<f64> {
    match node.value {
        Value::Int(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        ref other => {
            problems.at(node, format!("`{name}` must be a number, found {}", other.kind()));
            None
        }
    }
}

/// A duration as PromQL writes it.
pub(super) fn read_duration(name: &str, node: &Node, problems: &mut Problems) -> Option<Duration> {
    let duration = match &node.value {
        Value::Text(text) => vars::parse_range(text),
        _ => None,
    };
    if duration.is_none() {
        let found = node.value.kind();
        let message = format!("`{name}` must be a duration such as 1h or 30s, found {found}");
        problems.at(node, message);
    }
    duration
}

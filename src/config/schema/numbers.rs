//! Thresholds and weights: finite numbers that are not negative.

use super::{Key, entries, unknown};
use crate::config::problems::Problems;
use crate::config::yaml::{Node, Value};
use crate::judgement::{Thresholds, Weights};

pub(super) fn read_thresholds(node: &Node, problems: &mut Problems) -> Thresholds {
    let mut t = Thresholds::default();
    let mut places = [None; 3];
    let entries = entries(node, "`thresholds`", problems);
    let mut slots: [(&str, &mut f64); 11] = [
        ("health_score_degraded", &mut t.health_score_degraded),
        ("health_score_critical", &mut t.health_score_critical),
        ("health_score_collapse", &mut t.health_score_collapse),
        ("max_event_loop_lag_s", &mut t.max_event_loop_lag_s),
        ("max_blocking_duration_s", &mut t.max_blocking_duration_s),
        ("max_queue_wait_s", &mut t.max_queue_wait_s),
        ("max_threadpool_backlog", &mut t.max_threadpool_backlog),
        ("max_active_requests", &mut t.max_active_requests),
        ("load_warning_threshold", &mut t.load_warning_threshold),
        ("latency_hide_threshold_s", &mut t.latency_hide_threshold_s),
        ("p99_latency_hide_threshold_s", &mut t.p99_latency_hide_threshold_s),
    ];
    for (key, value) in entries {
        if let Some(index) = read_number("threshold", key, value, &mut slots, problems)
            && let Some(place) = places.get_mut(index)
        {
            *place = Some(value);
        }
    }
    let levels = [
        ("health_score_degraded", t.health_score_degraded),
        ("health_score_critical", t.health_score_critical),
        ("health_score_collapse", t.health_score_collapse),
    ];
    for (index, pair) in levels.windows(2).enumerate() {
        if let [(lower_name, lower), (upper_name, upper)] = pair
            && lower > upper
        {
            let place = places[index + 1].or(places[index]).unwrap_or(node);
            let message = format!(
                "`{upper_name}` ({upper}) is below `{lower_name}` ({lower}); \
                 the order is degraded <= critical <= collapse"
            );
            problems.at(place, message);
        }
    }
    t
}

pub(super) fn read_weights(node: &Node, problems: &mut Problems) -> Weights {
    let mut w = Weights::default();
    let mut slots: [(&str, &mut f64); 5] = [
        ("event_loop_lag", &mut w.event_loop_lag),
        ("blocking_duration_avg", &mut w.blocking_duration_avg),
        ("threadpool_queue_wait", &mut w.threadpool_queue_wait),
        ("threadpool_backlog", &mut w.threadpool_backlog),
        ("peak_active_requests", &mut w.peak_active_requests),
    ];
    for (key, value) in entries(node, "`weights`", problems) {
        read_number("weight", key, value, &mut slots, problems);
    }
    if slots.iter().all(|(_, weight)| **weight == 0.0) {
        problems.at(node, "every weight is 0, so that every service would be healthy");
    }
    w
}

/// Reads a finite number that is not negative into the slot of its key; says which slot.
fn read_number(
    what: &str,
    (name, key): Key<'_>,
    node: &Node,
    slots: &mut [(&str, &mut f64)],
    problems: &mut Problems,
) -> Option<usize> {
    let Some(index) = slots.iter().position(|(slot, _)| *slot == name) else {
        problems.at(key, unknown(what, name, slots.iter().map(|(slot, _)| *slot)));
        return None;
    };
    let value = match node.value {
        Value::Int(value) => value as f64,
        Value::Float(value) => value,
        ref other => {
            problems.at(node, format!("`{name}` must be a number, found {}", other.kind()));
            return None;
        }
    };
    if !value.is_finite() || value < 0.0 {
        problems.at(node, format!("`{name}` must be finite and not negative, found {value}"));
        return None;
    }
    *slots[index].1 = value;
    Some(index)
}

//! The signals over time in the report, for charts.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ordered, Word};
use crate::audit::{Line, Timeline, TimelinePoint};
use crate::config::Asked;

/// The signals over time. The points of all lines are of the same steps, which follow one another
/// from `from` to `to`; nothing is judged by them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineReport {
    /// When the first step begins, RFC 3339.
    pub from: String,
    /// When the last step ends, RFC 3339.
    pub to: String,
    /// How long a step is, seconds.
    pub step_s: f64,
    /// Each signal that has a query; and the backlog, where it is a difference.
    pub signals: Ordered<LineEntry>,
    /// Each check that has a query of its own and one limit.
    pub checks: Ordered<LineEntry>,
}

/// A signal or a check over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineEntry {
    /// The unit of its numbers, where it is known.
    pub unit: Option<Word>,
    /// What each point is held to; `null` where it has no limit, or one for the whole time alone.
    pub limit: Option<f64>,
    /// Its value in each step, 6 significant digits; `null` where it is not known. Empty where there
    /// is none at all.
    pub points: Vec<Option<f64>>,
    /// The numbers of the points, from 0, that are the least that the value can be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lower_bounds: Vec<usize>,
    /// How far back each point looks, seconds: where that is more than a step, points share samples;
    /// `null` where it looks at the latest sample, or it is not known.
    pub looks_back_s: Option<f64>,
    /// Why there are no points.
    pub reason: Option<String>,
    /// What the amount of the whole time is held to, where each point is only what came together in
    /// its step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_of_whole: Option<f64>,
    /// How much earlier than its step is what a point looks at, by an `offset` in the query, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_s: Option<f64>,
}

impl From<&Timeline> for TimelineReport {
    fn from(timeline: &Timeline) -> Self {
        let steps = u32::try_from(timeline.points).unwrap_or(u32::MAX);
        let length = timeline.step.saturating_mul(steps);
        let from = timeline.to.checked_sub(length).unwrap_or(Timestamp::MIN);
        let of = |is_signal: bool| {
            let lines = timeline.lines.iter();
            let lines = lines.filter(|it| matches!(it.of, Asked::Signal(_)) == is_signal);
            Ordered(lines.map(|line| (name(&line.of), line.into())).collect())
        };
        Self {
            from: from.to_string(),
            to: timeline.to.to_string(),
            step_s: timeline.step.as_secs_f64(),
            signals: of(true),
            checks: of(false),
        }
    }
}

impl From<&Line> for LineEntry {
    fn from(line: &Line) -> Self {
        let unit = match &line.of {
            Asked::Signal(signal) => Some(signal.unit().into()),
            Asked::Check(_) => None,
        };
        let points = line.points.as_deref().unwrap_or_default();
        let is_bound = |point: &Option<TimelinePoint>| point.is_some_and(|it| it.is_lower_bound);
        let bounds = points.iter().enumerate().filter(|(_, point)| is_bound(point));
        Self {
            unit,
            limit: line.limit,
            points: points.iter().map(|point| point.map(|it| rounded(it.value))).collect(),
            lower_bounds: bounds.map(|(number, _)| number).collect(),
            looks_back_s: line.looks_back.as_ref().map(Duration::as_secs_f64),
            reason: line.points.as_ref().err().cloned(),
            limit_of_whole: line.limit_of_whole,
            offset_s: line.offset.as_ref().map(Duration::as_secs_f64),
        }
    }
}

fn name(of: &Asked) -> Word {
    match of {
        Asked::Signal(signal) => signal.key().into(),
        Asked::Check(name) => name.clone().into(),
    }
}

/// Six significant digits: more than a chart can show, and the same whoever computes them.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

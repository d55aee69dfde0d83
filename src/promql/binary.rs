//! Operators between numbers, and between series that match.

use std::collections::HashSet;

use super::grouping::{Grouping, Groups};
use super::plan::{Binary, Many, Operator, Set, SetOperator};
use super::{Error, Sample};
use crate::storage::{Labels, METRIC_NAME};

impl Operator {
    /// The result; nothing where a comparison does not hold.
    pub(super) fn apply(self, left: f64, right: f64) -> Option<f64> {
        match self {
            Self::Arithmetic(function) => Some(function(left, right)),
            Self::Comparison { holds, as_bool: true } => {
                Some(if holds(&left, &right) { 1.0 } else { 0.0 })
            }
            Self::Comparison { holds, as_bool: false } => holds(&left, &right).then_some(left),
        }
    }

    /// Whether it only filters, and so changes neither values nor names.
    pub(super) fn is_filter(self) -> bool {
        matches!(self, Self::Comparison { as_bool: false, .. })
    }
}

/// The operator between each value and a number. Names are kept.
pub(super) fn with_scalar(
    operator: Operator,
    samples: Vec<Sample>,
    scalar: f64,
    scalar_is_left: bool,
) -> Vec<Sample> {
    let apply = |mut sample: Sample| {
        let (left, right) =
            if scalar_is_left { (scalar, sample.value) } else { (sample.value, scalar) };
        let value = operator.apply(left, right)?;
        // What is filtered is the series, on whichever side it stands.
        if !operator.is_filter() {
            sample.value = value;
        }
        Some(sample)
    };
    samples.into_iter().filter_map(apply).collect()
}

/// The operator between series of both sides that match.
///
/// # Errors
/// A series matches several ones where it must not.
pub(super) fn matched(
    binary: &Binary,
    left: Vec<Sample>,
    right: Vec<Sample>,
) -> Result<Vec<Sample>, Error> {
    let (many, one, side) = match binary.many {
        Many::Right(_) => (right, left, "left"),
        Many::Left(_) | Many::Neither => (left, right, "right"),
    };
    if many.is_empty() || one.is_empty() {
        return Ok(Vec::new());
    }
    let mut matches = Groups::new(&binary.grouping);
    for (index, sample) in one.iter().enumerate() {
        let of =
            matches.get_or_insert(&sample.labels, || Match { one: index, results: HashSet::new() });
        // Proof: it is the place of a sample of `one`.
        let first = &one[of.one];
        if of.one != index {
            return Err(Error::Execution(format!(
                "{first} and {sample} on the {side} side match the same series",
                first = first.labels,
                sample = sample.labels
            )));
        }
    }
    let mut result = Vec::new();
    for sample in many {
        let Some(of) = matches.get(&sample.labels) else { continue };
        // Proof: as above.
        let other = &one[of.one];
        let value = match binary.many {
            Many::Right(_) => binary.operator.apply(other.value, sample.value),
            Many::Left(_) | Many::Neither => binary.operator.apply(sample.value, other.value),
        };
        let Some(value) = value else { continue };
        let labels = result_labels(binary, &sample.labels, &other.labels);
        of.take(binary, &labels)?;
        result.push(Sample { labels, value });
    }
    Ok(result)
}

/// A series of the side where there is one, and the results that it is a part of.
struct Match {
    one: usize,
    results: HashSet<Labels>,
}

impl Match {
    fn take(&mut self, binary: &Binary, labels: &Labels) -> Result<(), Error> {
        let why = if matches!(binary.many, Many::Neither) && !self.results.is_empty() {
            "match the same one, without group_left or group_right"
        } else if self.results.insert(labels.clone()) {
            return Ok(());
        } else {
            "have the same result"
        };
        Err(Error::Execution(format!("several series {why}: {labels}")))
    }
}

fn result_labels(binary: &Binary, many: &Labels, one: &Labels) -> Labels {
    let mut labels = many.clone();
    if !binary.operator.is_filter() {
        labels.set(METRIC_NAME, "");
    }
    let included = match &binary.many {
        Many::Left(included) | Many::Right(included) => included.as_slice(),
        Many::Neither => {
            labels.retain(|label| match &binary.grouping {
                // A comparison keeps the name, which `ignoring` is not about.
                Grouping::Without(_) if label == METRIC_NAME => true,
                grouping => grouping.keeps(label),
            });
            &[]
        }
    };
    for label in included {
        labels.set(label.as_str(), one.get(label));
    }
    labels
}

/// Series of the left side, and with `or` of the right one, by whether they match.
pub(super) fn set(set: &Set, left: Vec<Sample>, right: Vec<Sample>) -> Vec<Sample> {
    let mut matches = Groups::new(&set.grouping);
    match set.operator {
        SetOperator::Or => {
            for sample in &left {
                matches.get_or_insert(&sample.labels, || ());
            }
            let unmatched =
                right.into_iter().filter(|sample| matches.get(&sample.labels).is_none());
            left.into_iter().chain(unmatched).collect()
        }
        SetOperator::And | SetOperator::Unless => {
            for sample in &right {
                matches.get_or_insert(&sample.labels, || ());
            }
            let keeps = set.operator == SetOperator::And;
            let is_kept = |sample: &Sample| matches.get(&sample.labels).is_some() == keeps;
            left.into_iter().filter(is_kept).collect()
        }
    }
}

//! Operators between numbers, and between series that match.

use std::collections::HashSet;

use super::Error;
use super::grouping::{Grouping, Groups};
use super::plan::{Binary, Cardinality, Operator, Set, SetOperator};
use super::series_labels::{SeriesLabels, VectorSample};

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
pub(super) fn with_scalar<'a>(
    operator: Operator,
    samples: Vec<VectorSample<'a>>,
    scalar: f64,
    scalar_is_left: bool,
) -> Vec<VectorSample<'a>> {
    let apply = |mut sample: VectorSample<'a>| {
        let (left, right) =
            if scalar_is_left { (scalar, sample.value) } else { (sample.value, scalar) };
        let value = operator.apply(left, right)?;
        // A filter keeps the value of the series, even where it stands on the right.
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
pub(super) fn matched<'a>(
    binary: &Binary,
    left: Vec<VectorSample<'a>>,
    right: Vec<VectorSample<'a>>,
) -> Result<Vec<VectorSample<'a>>, Error> {
    let (many, one, side) = match binary.cardinality {
        Cardinality::OneToMany(_) => (right, left, "left"),
        Cardinality::ManyToOne(_) | Cardinality::OneToOne => (left, right, "right"),
    };
    if many.is_empty() || one.is_empty() {
        return Ok(Vec::new());
    }
    let mut matches = Groups::new(&binary.grouping);
    for (index, sample) in one.iter().enumerate() {
        let make = || Match { one: index, results: HashSet::new() };
        let of = matches.get_or_insert(&sample.series, make);
        if of.one != index {
            // Cannot panic: `of.one` is an index of `one`.
            let (a, b) = (&one[of.one].series, &sample.series);
            let why = format!("{a} and {b} on the {side} side match the same series");
            return Err(Error::Execution(why));
        }
    }
    let mut result = Vec::new();
    for sample in many {
        let Some(of) = matches.get(&sample.series) else { continue };
        // Cannot panic, for the same reason.
        let other = &one[of.one];
        let series = result_series(binary, &sample.series, &other.series);
        // Before the operator: whether a query is right must not depend on which values a
        // comparison filters away.
        of.take(binary, &series)?;
        let value = match binary.cardinality {
            Cardinality::OneToMany(_) => binary.operator.apply(other.value, sample.value),
            Cardinality::ManyToOne(_) | Cardinality::OneToOne => {
                binary.operator.apply(sample.value, other.value)
            }
        };
        result.extend(value.map(|value| VectorSample { series, value }));
    }
    Ok(result)
}

/// The index of a series on the "one" side, and the labels of the results that it has led to.
struct Match<'a> {
    one: usize,
    results: HashSet<SeriesLabels<'a>>,
}

impl<'a> Match<'a> {
    fn take(&mut self, binary: &Binary, series: &SeriesLabels<'a>) -> Result<(), Error> {
        let why = if matches!(binary.cardinality, Cardinality::OneToOne) && !self.results.is_empty()
        {
            "match the same one, without group_left or group_right"
        } else if self.results.insert(series.clone()) {
            return Ok(());
        } else {
            "have the same result"
        };
        Err(Error::Execution(format!("several series {why}: {series}")))
    }
}

fn result_series<'a>(
    binary: &Binary,
    many: &SeriesLabels<'a>,
    one: &SeriesLabels<'a>,
) -> SeriesLabels<'a> {
    let is_filter = binary.operator.is_filter();
    let series = if is_filter { many.clone() } else { many.clone().nameless() };
    match (&binary.cardinality, &binary.grouping) {
        (Cardinality::ManyToOne(included) | Cardinality::OneToMany(included), _)
            if included.is_empty() =>
        {
            series
        }
        (Cardinality::ManyToOne(included) | Cardinality::OneToMany(included), _) => {
            series.changed(|labels| {
                for label in included {
                    labels.set(label.as_str(), one.get(label));
                }
            })
        }
        (Cardinality::OneToOne, Grouping::Without(ignored)) if ignored.is_empty() => series,
        // A filter keeps the name of the metric, although `ignoring` does not match by it.
        (Cardinality::OneToOne, Grouping::Without(ignored)) => series.changed(|labels| {
            labels.retain(|label| !ignored.iter().any(|ignored| ignored == label));
        }),
        (Cardinality::OneToOne, grouping) => grouping.of(&series),
    }
}

/// Series of the left side, and with `or` of the right one, by whether they match.
pub(super) fn set<'a>(
    set: &Set,
    left: Vec<VectorSample<'a>>,
    right: Vec<VectorSample<'a>>,
) -> Vec<VectorSample<'a>> {
    let mut matches = Groups::new(&set.grouping);
    match set.operator {
        SetOperator::Or => {
            for sample in &left {
                matches.get_or_insert(&sample.series, || ());
            }
            let unmatched =
                right.into_iter().filter(|sample| matches.get(&sample.series).is_none());
            left.into_iter().chain(unmatched).collect()
        }
        SetOperator::And | SetOperator::Unless => {
            for sample in &right {
                matches.get_or_insert(&sample.series, || ());
            }
            let keeps = set.operator == SetOperator::And;
            let is_kept =
                |sample: &VectorSample<'_>| matches.get(&sample.series).is_some() == keeps;
            left.into_iter().filter(is_kept).collect()
        }
    }
}

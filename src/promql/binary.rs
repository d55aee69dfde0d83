//! Operators between numbers, and between series that match.

use std::collections::HashSet;

use super::Error;
use super::grouping::{Grouping, Groups};
use super::identity::{Element, Identity};
use super::plan::{Binary, Many, Operator, Set, SetOperator};

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
    elements: Vec<Element<'a>>,
    scalar: f64,
    scalar_is_left: bool,
) -> Vec<Element<'a>> {
    let apply = |mut element: Element<'a>| {
        let (left, right) =
            if scalar_is_left { (scalar, element.value) } else { (element.value, scalar) };
        let value = operator.apply(left, right)?;
        // What is filtered is the series, on whichever side it stands.
        if !operator.is_filter() {
            element.value = value;
        }
        Some(element)
    };
    elements.into_iter().filter_map(apply).collect()
}

/// The operator between series of both sides that match.
///
/// # Errors
/// A series matches several ones where it must not.
pub(super) fn matched<'a>(
    binary: &Binary,
    left: Vec<Element<'a>>,
    right: Vec<Element<'a>>,
) -> Result<Vec<Element<'a>>, Error> {
    let (many, one, side) = match binary.many {
        Many::Right(_) => (right, left, "left"),
        Many::Left(_) | Many::Neither => (left, right, "right"),
    };
    if many.is_empty() || one.is_empty() {
        return Ok(Vec::new());
    }
    let mut matches = Groups::new(&binary.grouping);
    for (index, element) in one.iter().enumerate() {
        let make = || Match { one: index, results: HashSet::new() };
        let of = matches.get_or_insert(&element.series, make);
        if of.one != index {
            // Proof: it is the place of an element of `one`.
            let (a, b) = (&one[of.one].series, &element.series);
            let why = format!("{a} and {b} on the {side} side match the same series");
            return Err(Error::Execution(why));
        }
    }
    let mut result = Vec::new();
    for element in many {
        let Some(of) = matches.get(&element.series) else { continue };
        // Proof: as above.
        let other = &one[of.one];
        let series = result_series(binary, &element.series, &other.series);
        // Before the operator: whether a query is right must not depend on which values a
        // comparison filters away.
        of.take(binary, &series)?;
        let value = match binary.many {
            Many::Right(_) => binary.operator.apply(other.value, element.value),
            Many::Left(_) | Many::Neither => binary.operator.apply(element.value, other.value),
        };
        result.extend(value.map(|value| Element { series, value }));
    }
    Ok(result)
}

/// A series of the side where there is one, and the results that it is a part of.
struct Match<'a> {
    one: usize,
    results: HashSet<Identity<'a>>,
}

impl<'a> Match<'a> {
    fn take(&mut self, binary: &Binary, series: &Identity<'a>) -> Result<(), Error> {
        let why = if matches!(binary.many, Many::Neither) && !self.results.is_empty() {
            "match the same one, without group_left or group_right"
        } else if self.results.insert(series.clone()) {
            return Ok(());
        } else {
            "have the same result"
        };
        Err(Error::Execution(format!("several series {why}: {series}")))
    }
}

fn result_series<'a>(binary: &Binary, many: &Identity<'a>, one: &Identity<'a>) -> Identity<'a> {
    let is_filter = binary.operator.is_filter();
    let series = if is_filter { many.clone() } else { many.clone().nameless() };
    match (&binary.many, &binary.grouping) {
        (Many::Left(included) | Many::Right(included), _) if included.is_empty() => series,
        (Many::Left(included) | Many::Right(included), _) => series.changed(|labels| {
            for label in included {
                labels.set(label.as_str(), one.get(label));
            }
        }),
        (Many::Neither, Grouping::Without(ignored)) if ignored.is_empty() => series,
        // A comparison keeps the name, which `ignoring` is not about.
        (Many::Neither, Grouping::Without(ignored)) => series.changed(|labels| {
            labels.retain(|label| !ignored.iter().any(|ignored| ignored == label));
        }),
        (Many::Neither, grouping) => grouping.of(&series),
    }
}

/// Series of the left side, and with `or` of the right one, by whether they match.
pub(super) fn set<'a>(
    set: &Set,
    left: Vec<Element<'a>>,
    right: Vec<Element<'a>>,
) -> Vec<Element<'a>> {
    let mut matches = Groups::new(&set.grouping);
    match set.operator {
        SetOperator::Or => {
            for element in &left {
                matches.get_or_insert(&element.series, || ());
            }
            let unmatched =
                right.into_iter().filter(|element| matches.get(&element.series).is_none());
            left.into_iter().chain(unmatched).collect()
        }
        SetOperator::And | SetOperator::Unless => {
            for element in &right {
                matches.get_or_insert(&element.series, || ());
            }
            let keeps = set.operator == SetOperator::And;
            let is_kept = |element: &Element<'_>| matches.get(&element.series).is_some() == keeps;
            left.into_iter().filter(is_kept).collect()
        }
    }
}

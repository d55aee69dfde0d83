//! Computes a plan: the recursion, and its limits.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use super::decoded::Decoded;
use super::functions::{OverTime, histogram, labels};
use super::identity::{Element, Identity};
use super::plan::{self, Aggregate, Aggregation, Plan, Scalar, Vector, WithScalar};
use super::{Error, Range, Sample, TOO_MANY_SAMPLES, Value, aggregate, binary, sums};
use crate::storage::{Labels, METRIC_NAME, Storage};

/// How often what is repeated looks at the clock.
const TICKS: u32 = 64;

/// Computes the values of one query at one instant.
pub(super) struct Evaluator<'a> {
    pub(super) storage: &'a Storage,
    /// The query's instant.
    pub(super) at: i64,
    deadline: Option<Instant>,
    ticks: Cell<u32>,
    held: Cell<usize>,
    /// What was decoded for selectors within subqueries, by their ids.
    pub(super) decoded: RefCell<HashMap<usize, Rc<Vec<Decoded<'a>>>>>,
}

/// An instant of evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) at: i64,
    /// Within a subquery, the first and the last instant of all that the same is computed for.
    pub(super) reach: Option<(i64, i64)>,
}

impl Moment {
    pub(super) fn within(at: i64, reach: (i64, i64)) -> Self {
        Self { at, reach: Some(reach) }
    }

    pub(super) fn reach(self) -> (i64, i64) {
        self.reach.unwrap_or((self.at, self.at))
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(storage: &'a Storage, at: i64, deadline: Option<Instant>) -> Self {
        Self {
            storage,
            at,
            deadline,
            ticks: Cell::default(),
            held: Cell::default(),
            decoded: RefCell::default(),
        }
    }

    pub(super) fn value(&self, plan: &Plan) -> Result<Value, Error> {
        let moment = Moment { at: self.at, reach: None };
        Ok(match plan {
            Plan::Text(text) => Value::String(text.clone()),
            Plan::Scalar(scalar) => Value::Scalar(self.scalar(scalar, moment)?),
            Plan::Vector(vector) => {
                let mut elements = self.vector(vector, moment)?;
                if !vector.is_ordered() {
                    elements.sort_by(|a, b| a.series.cmp(&b.series));
                }
                let sample = |Element { series, value }: Element<'_>| Sample {
                    labels: series.to_labels(),
                    value,
                };
                Value::Vector(elements.into_iter().map(sample).collect())
            }
            Plan::Range(range) => {
                let mut ranges = Vec::new();
                self.windows(range, moment, &[], |series, window| {
                    self.hold(window.points.len())?;
                    let points = window.points.to_vec();
                    ranges.push(Range { labels: series.to_labels(), points });
                    Ok(())
                })?;
                ranges.sort_by(|a, b| a.labels.cmp(&b.labels));
                Value::Matrix(ranges)
            }
        })
    }

    /// Looks at the clock.
    fn check(&self) -> Result<(), Error> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::Timeout),
            _ => Ok(()),
        }
    }

    /// Looks at the clock now and then.
    pub(super) fn tick(&self) -> Result<(), Error> {
        self.ticks.set(self.ticks.get().wrapping_add(1));
        if self.ticks.get().is_multiple_of(TICKS) { self.check() } else { Ok(()) }
    }

    /// Counts samples that are held in memory from here on.
    pub(super) fn hold(&self, samples: usize) -> Result<(), Error> {
        self.check()?;
        self.held.set(self.held.get().saturating_add(samples));
        if self.held.get() >= TOO_MANY_SAMPLES {
            return Err(Error::Execution("the query holds too many samples at once".to_owned()));
        }
        Ok(())
    }

    pub(super) fn release(&self, samples: usize) {
        self.held.set(self.held.get().saturating_sub(samples));
    }

    fn scalar(&self, scalar: &Scalar, moment: Moment) -> Result<f64, Error> {
        Ok(match scalar {
            Scalar::Number(number) => *number,
            Scalar::Time => moment.at as f64 / 1000.0,
            Scalar::Only(vector) => match self.vector(vector, moment)?.as_slice() {
                [only] => only.value,
                _ => f64::NAN,
            },
            Scalar::Negative(of) => -self.scalar(of, moment)?,
            Scalar::Binary(operator, left, right) => {
                let (left, right) = (self.scalar(left, moment)?, self.scalar(right, moment)?);
                // Comparisons of scalars are never filters.
                operator.apply(left, right).unwrap_or(f64::NAN)
            }
        })
    }

    fn scalars(&self, scalars: &[Scalar], moment: Moment) -> Result<Vec<f64>, Error> {
        scalars.iter().map(|scalar| self.scalar(scalar, moment)).collect()
    }

    /// The series of a vector, no two with the same labels.
    pub(super) fn vector(
        &self,
        vector: &Vector,
        moment: Moment,
    ) -> Result<Vec<Element<'a>>, Error> {
        self.check()?;
        match vector {
            Vector::Selector(selector) => self.latest(selector, moment, |point| point.value),
            Vector::Timestamp(selector) => {
                nameless(self.latest(selector, moment, |point| point.at as f64 / 1000.0)?)
            }
            Vector::Constant(scalar) => {
                let series = Identity::made(Labels::default());
                Ok(vec![Element { series, value: self.scalar(scalar, moment)? }])
            }
            Vector::Each(function, parameters, of) => {
                let parameters = self.scalars(parameters, moment)?;
                let apply = |element: Element<'a>| {
                    function(element.value, &parameters).map(|value| Element { value, ..element })
                };
                nameless(self.vector(of, moment)?.into_iter().filter_map(apply).collect())
            }
            Vector::OverTime(function, parameters, of) => {
                self.over_time(*function, parameters, of, moment)
            }
            Vector::Absent(labels, of) => Ok(absent(labels, self.vector(of, moment)?.is_empty())),
            Vector::AbsentOverTime(labels, of) => Ok(absent(labels, self.is_empty(of, moment)?)),
            Vector::Sort(order, of) => {
                let mut elements = self.vector(of, moment)?;
                aggregate::sort(&mut elements, *order);
                Ok(elements)
            }
            Vector::LabelReplace(how) => {
                let mut elements = self.vector(&how.of, moment)?;
                labels::replace(&mut elements, how);
                unique(elements)
            }
            Vector::LabelJoin(how) => {
                let mut elements = self.vector(&how.of, moment)?;
                labels::join(&mut elements, how);
                unique(elements)
            }
            Vector::Histogram(function, parameters, of) => {
                let parameters = self.scalars(parameters, moment)?;
                nameless(histogram::each(self.vector(of, moment)?, *function, &parameters))
            }
            Vector::Aggregate(aggregate) => self.aggregate(aggregate, moment),
            Vector::WithScalar(operation) => self.with_scalar(operation, moment),
            Vector::Binary(binary) => {
                let left = self.vector(&binary.left, moment)?;
                unique(binary::matched(binary, left, self.vector(&binary.right, moment)?)?)
            }
            Vector::Set(set) => {
                let left = self.vector(&set.left, moment)?;
                Ok(binary::set(set, left, self.vector(&set.right, moment)?))
            }
        }
    }

    fn over_time(
        &self,
        function: OverTime,
        parameters: &[Scalar],
        of: &plan::Range,
        moment: Moment,
    ) -> Result<Vec<Element<'a>>, Error> {
        let parameters = self.scalars(parameters, moment)?;
        let mut elements = Vec::new();
        self.windows(of, moment, &parameters, |series, window| {
            let value = (function.of)(&window)?;
            elements.extend(value.map(|value| Element { series: series.clone(), value }));
            Ok(())
        })?;
        if function.keeps_name { Ok(elements) } else { nameless(elements) }
    }

    fn is_empty(&self, range: &plan::Range, moment: Moment) -> Result<bool, Error> {
        let mut is_empty = true;
        self.windows(range, moment, &[], |_, _| {
            is_empty = false;
            Ok(())
        })?;
        Ok(is_empty)
    }

    fn aggregate(&self, aggregate: &Aggregate, moment: Moment) -> Result<Vec<Element<'a>>, Error> {
        let elements = self.vector(&aggregate.of, moment)?;
        let grouping = &aggregate.grouping;
        Ok(match &aggregate.aggregation {
            Aggregation::Values(function) => {
                aggregate::values(elements, grouping, |values| function(values))
            }
            Aggregation::Quantile(quantile) => {
                let quantile = self.scalar(quantile, moment)?;
                aggregate::values(elements, grouping, |values| sums::quantile(quantile, values))
            }
            Aggregation::Last(order, how_many) => {
                let how_many = self.scalar(how_many, moment)?;
                aggregate::last(elements, grouping, *order, how_many)?
            }
            Aggregation::CountValues(label) => aggregate::count_values(elements, grouping, label),
        })
    }

    fn with_scalar(
        &self,
        operation: &WithScalar,
        moment: Moment,
    ) -> Result<Vec<Element<'a>>, Error> {
        let scalar = self.scalar(&operation.scalar, moment)?;
        let elements = self.vector(&operation.vector, moment)?;
        let operator = operation.operator;
        let elements = binary::with_scalar(operator, elements, scalar, operation.scalar_is_left);
        if operator.is_filter() { Ok(elements) } else { nameless(elements) }
    }
}

fn absent<'a>(labels: &Labels, is_absent: bool) -> Vec<Element<'a>> {
    let element = || Element { series: Identity::made(labels.clone()), value: 1.0 };
    is_absent.then(element).into_iter().collect()
}

/// The series without the names of their metrics.
fn nameless(mut elements: Vec<Element<'_>>) -> Result<Vec<Element<'_>>, Error> {
    // Series of one metric differ in other labels.
    let first = elements.first().map(|element| element.series.get(METRIC_NAME));
    let one_name = elements.iter().all(|element| Some(element.series.get(METRIC_NAME)) == first);
    for element in &mut elements {
        element.series = element.series.clone().nameless();
    }
    if one_name { Ok(elements) } else { unique(elements) }
}

/// The series, if no two have the same labels.
fn unique(elements: Vec<Element<'_>>) -> Result<Vec<Element<'_>>, Error> {
    let mut seen = HashSet::with_capacity(elements.len());
    for Element { series, .. } in &elements {
        if !seen.insert(series) {
            return Err(Error::Execution(format!("several series of the result are {series}")));
        }
    }
    Ok(elements)
}

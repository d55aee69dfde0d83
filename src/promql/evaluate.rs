//! Computes a plan: the recursion, and its limits.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use super::functions::{OverTime, histogram, labels};
use super::plan::{self, Aggregate, Aggregation, Plan, Scalar, Selector, Vector, WithScalar};
use super::select::Decoded;
use super::{Error, Range, Sample, TOO_MANY_SAMPLES, Value, aggregate, binary, sums};
use crate::storage::{Labels, METRIC_NAME, Point, Storage};

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
    pub(super) decoded: RefCell<HashMap<usize, Rc<Vec<Decoded>>>>,
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
                let mut samples = self.vector(vector, moment)?;
                if !vector.is_ordered() {
                    samples.sort_by(|a, b| a.labels.cmp(&b.labels));
                }
                Value::Vector(samples)
            }
            Plan::Range(range) => {
                let mut ranges = Vec::new();
                self.windows(range, moment, &[], |labels, window| {
                    self.hold(window.points.len())?;
                    let points = window.points.to_vec();
                    ranges.push(Range { labels: labels.clone(), points });
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
    pub(super) fn vector(&self, vector: &Vector, moment: Moment) -> Result<Vec<Sample>, Error> {
        self.check()?;
        match vector {
            Vector::Selector(selector) => self.selected(selector, moment, |point| point.value),
            Vector::Timestamp(selector) => {
                nameless(self.selected(selector, moment, |point| point.at as f64 / 1000.0)?)
            }
            Vector::Constant(scalar) => {
                Ok(vec![Sample { labels: Labels::default(), value: self.scalar(scalar, moment)? }])
            }
            Vector::Each(function, parameters, of) => {
                let parameters = self.scalars(parameters, moment)?;
                let apply = |sample: Sample| {
                    function(sample.value, &parameters).map(|value| Sample { value, ..sample })
                };
                nameless(self.vector(of, moment)?.into_iter().filter_map(apply).collect())
            }
            Vector::OverTime(function, parameters, of) => {
                self.over_time(*function, parameters, of, moment)
            }
            Vector::Absent(labels, of) => Ok(absent(labels, self.vector(of, moment)?.is_empty())),
            Vector::AbsentOverTime(labels, of) => Ok(absent(labels, self.is_empty(of, moment)?)),
            Vector::Sort(order, of) => {
                let mut samples = self.vector(of, moment)?;
                aggregate::sort(&mut samples, *order);
                Ok(samples)
            }
            Vector::LabelReplace(how) => {
                unique(labels::replace(self.vector(&how.of, moment)?, how))
            }
            Vector::LabelJoin(how) => unique(labels::join(self.vector(&how.of, moment)?, how)),
            Vector::HistogramQuantile(quantile, of) => {
                let quantile = self.scalar(quantile, moment)?;
                let of_buckets = |buckets| histogram::quantile(quantile, buckets);
                nameless(histogram::each(self.vector(of, moment)?, of_buckets))
            }
            Vector::HistogramFraction(lower, upper, of) => {
                let (lower, upper) = (self.scalar(lower, moment)?, self.scalar(upper, moment)?);
                let of_buckets = |buckets: Vec<_>| histogram::fraction(lower, upper, &buckets);
                nameless(histogram::each(self.vector(of, moment)?, of_buckets))
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

    fn selected(
        &self,
        selector: &Selector,
        moment: Moment,
        value: fn(Point) -> f64,
    ) -> Result<Vec<Sample>, Error> {
        let latest = self.latest(selector, moment)?.into_iter();
        Ok(latest.map(|(labels, point)| Sample { labels, value: value(point) }).collect())
    }

    fn over_time(
        &self,
        function: OverTime,
        parameters: &[Scalar],
        of: &plan::Range,
        moment: Moment,
    ) -> Result<Vec<Sample>, Error> {
        let parameters = self.scalars(parameters, moment)?;
        let mut samples = Vec::new();
        self.windows(of, moment, &parameters, |labels, window| {
            if let Some(value) = (function.of)(&window)? {
                samples.push(Sample { labels: labels.clone(), value });
            }
            Ok(())
        })?;
        if function.keeps_name { Ok(samples) } else { nameless(samples) }
    }

    fn is_empty(&self, range: &plan::Range, moment: Moment) -> Result<bool, Error> {
        let mut is_empty = true;
        self.windows(range, moment, &[], |_, _| {
            is_empty = false;
            Ok(())
        })?;
        Ok(is_empty)
    }

    fn aggregate(&self, aggregate: &Aggregate, moment: Moment) -> Result<Vec<Sample>, Error> {
        let samples = self.vector(&aggregate.of, moment)?;
        let grouping = &aggregate.grouping;
        Ok(match &aggregate.aggregation {
            Aggregation::Values(function) => {
                aggregate::values(samples, grouping, |values| function(values))
            }
            Aggregation::Quantile(quantile) => {
                let quantile = self.scalar(quantile, moment)?;
                aggregate::values(samples, grouping, |values| sums::quantile(quantile, values))
            }
            Aggregation::Last(order, how_many) => {
                let how_many = self.scalar(how_many, moment)?;
                aggregate::last(samples, grouping, *order, how_many)?
            }
            Aggregation::CountValues(label) => aggregate::count_values(samples, grouping, label),
        })
    }

    fn with_scalar(&self, operation: &WithScalar, moment: Moment) -> Result<Vec<Sample>, Error> {
        let scalar = self.scalar(&operation.scalar, moment)?;
        let samples = self.vector(&operation.vector, moment)?;
        let operator = operation.operator;
        let samples = binary::with_scalar(operator, samples, scalar, operation.scalar_is_left);
        if operator.is_filter() { Ok(samples) } else { nameless(samples) }
    }
}

fn absent(labels: &Labels, is_absent: bool) -> Vec<Sample> {
    let sample = || Sample { labels: labels.clone(), value: 1.0 };
    is_absent.then(sample).into_iter().collect()
}

/// The samples without the names of their metrics.
fn nameless(mut samples: Vec<Sample>) -> Result<Vec<Sample>, Error> {
    // Series of one metric differ in other labels.
    let first = samples.first().map(|sample| sample.labels.metric_name());
    let one_name = samples.iter().all(|sample| Some(sample.labels.metric_name()) == first);
    for sample in &mut samples {
        sample.labels.set(METRIC_NAME, "");
    }
    if one_name { Ok(samples) } else { unique(samples) }
}

/// The samples, if no two have the same labels.
fn unique(samples: Vec<Sample>) -> Result<Vec<Sample>, Error> {
    let mut seen = HashSet::with_capacity(samples.len());
    for sample in &samples {
        if !seen.insert(&sample.labels) {
            let labels = &sample.labels;
            return Err(Error::Execution(format!("several series of the result are {labels}")));
        }
    }
    Ok(samples)
}

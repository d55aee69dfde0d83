//! Computes a plan, within limits of time and memory.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use super::decoded::Decoded;
use super::functions::{RangeFunction, histogram, labels};
use super::plan::{self, Aggregate, Aggregation, Plan, Scalar, Vector, WithScalar};
use super::series_labels::{SeriesLabels, VectorSample};
use super::{Error, Range, Sample, TOO_MANY_SAMPLES, Value, aggregate, binary, sums};
use crate::storage::{Labels, METRIC_NAME, Point, Storage};

/// Loops look at the clock once in so many rounds, because it takes longer than a round.
const TICKS: u32 = 64;

/// The longest label that a query may compute, in bytes. No page has a longer one.
const MAX_LABEL: usize = 1 << 20;

/// Computes the values of one query at one instant.
pub(super) struct Evaluator<'a> {
    pub(super) storage: &'a Storage,
    /// The first and the last instant at which the query is evaluated.
    pub(super) query: (i64, i64),
    deadline: Option<Instant>,
    ticks: Cell<u32>,
    held: Cell<usize>,
    /// Bytes of labels that were computed; a sample is worth 16 of them.
    label_bytes: Cell<usize>,
    /// What was decoded for selectors within subqueries, by their ids.
    pub(super) decoded: RefCell<HashMap<usize, Rc<Vec<Decoded<'a>>>>>,
}

/// The time that an expression is evaluated at.
#[derive(Debug, Clone, Copy)]
pub(super) struct EvalTime {
    pub(super) at: i64,
    /// Within a subquery, the first and the last of the instants at which the same expression is
    /// evaluated. Samples are decoded once for all of them.
    pub(super) reach: Option<(i64, i64)>,
}

impl EvalTime {
    pub(super) fn within(at: i64, reach: (i64, i64)) -> Self {
        Self { at, reach: Some(reach) }
    }

    pub(super) fn reach(self) -> (i64, i64) {
        self.reach.unwrap_or((self.at, self.at))
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(storage: &'a Storage, query: (i64, i64), deadline: Option<Instant>) -> Self {
        Self {
            storage,
            query,
            deadline,
            ticks: Cell::default(),
            held: Cell::default(),
            label_bytes: Cell::default(),
            decoded: RefCell::default(),
        }
    }

    pub(super) fn value(&self, plan: &Plan, at: i64) -> Result<Value, Error> {
        let time = EvalTime { at, reach: None };
        Ok(match plan {
            Plan::Text(text) => Value::String(text.clone()),
            Plan::Scalar(scalar) => Value::Scalar(self.scalar(scalar, time)?),
            Plan::Vector(vector) => {
                let mut samples = self.vector(vector, time)?;
                if !vector.is_ordered() {
                    samples.sort_by(|a, b| a.series.cmp(&b.series));
                }
                let sample = |VectorSample { series, value }: VectorSample<'_>| Sample {
                    labels: series.to_labels(),
                    value,
                };
                Value::Vector(samples.into_iter().map(sample).collect())
            }
            Plan::Range(range) => {
                let mut ranges = Vec::new();
                self.windows(range, time, &[], |series, window| {
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
        self.check_held()
    }

    /// Counts a label of so many bytes that is to be computed.
    pub(super) fn hold_label(&self, bytes: usize) -> Result<(), Error> {
        if bytes > MAX_LABEL {
            let words = format!("the query makes a label of more than {} MiB", MAX_LABEL >> 20);
            return Err(Error::Execution(words));
        }
        self.hold_labels(bytes)
    }

    /// Counts bytes of labels that are computed from here on.
    pub(super) fn hold_labels(&self, bytes: usize) -> Result<(), Error> {
        self.tick()?;
        self.label_bytes.set(self.label_bytes.get().saturating_add(bytes));
        self.check_held()
    }

    fn check_held(&self) -> Result<(), Error> {
        let labels = self.label_bytes.get() / size_of::<Point>();
        if self.held.get().saturating_add(labels) >= TOO_MANY_SAMPLES {
            let words = "the query holds too many samples, or too long labels, at once";
            return Err(Error::Execution(words.to_owned()));
        }
        Ok(())
    }

    /// How many bytes of labels were computed and are held.
    pub(super) fn label_bytes(&self) -> usize {
        self.label_bytes.get()
    }

    pub(super) fn release_labels(&self, bytes: usize) {
        self.label_bytes.set(self.label_bytes.get().saturating_sub(bytes));
    }

    pub(super) fn release(&self, samples: usize) {
        self.held.set(self.held.get().saturating_sub(samples));
    }

    fn scalar(&self, scalar: &Scalar, time: EvalTime) -> Result<f64, Error> {
        Ok(match scalar {
            Scalar::Number(number) => *number,
            Scalar::Time => time.at as f64 / 1000.0,
            Scalar::OfVector(vector) => match self.vector(vector, time)?.as_slice() {
                [only] => only.value,
                _ => f64::NAN,
            },
            Scalar::Negative(of) => -self.scalar(of, time)?,
            Scalar::Binary(operator, left, right) => {
                let (left, right) = (self.scalar(left, time)?, self.scalar(right, time)?);
                // Comparisons of scalars are never filters.
                operator.apply(left, right).unwrap_or(f64::NAN)
            }
        })
    }

    fn scalars(&self, scalars: &[Scalar], time: EvalTime) -> Result<Vec<f64>, Error> {
        scalars.iter().map(|scalar| self.scalar(scalar, time)).collect()
    }

    /// The series of a vector, no two with the same labels.
    pub(super) fn vector(
        &self,
        vector: &Vector,
        time: EvalTime,
    ) -> Result<Vec<VectorSample<'a>>, Error> {
        self.check()?;
        match vector {
            Vector::Selector(selector) => self.latest(selector, time, |point| point.value),
            Vector::Timestamp(selector) => {
                nameless(self.latest(selector, time, |point| point.at as f64 / 1000.0)?)
            }
            Vector::Constant(scalar) => {
                let series = SeriesLabels::computed(Labels::default());
                Ok(vec![VectorSample { series, value: self.scalar(scalar, time)? }])
            }
            Vector::ValueFunction(function, parameters, of) => {
                let parameters = self.scalars(parameters, time)?;
                let apply = |sample: VectorSample<'a>| {
                    function(sample.value, &parameters)
                        .map(|value| VectorSample { value, ..sample })
                };
                nameless(self.vector(of, time)?.into_iter().filter_map(apply).collect())
            }
            Vector::RangeFunction(function, parameters, of) => {
                self.over_time(*function, parameters, of, time)
            }
            Vector::Absent(labels, of) => Ok(absent(labels, self.vector(of, time)?.is_empty())),
            Vector::AbsentOverTime(labels, of) => Ok(absent(labels, self.is_empty(of, time)?)),
            Vector::Sort(order, of) => {
                let mut samples = self.vector(of, time)?;
                aggregate::sort(&mut samples, *order);
                Ok(samples)
            }
            Vector::LabelReplace(how) => {
                let mut samples = self.vector(&how.of, time)?;
                labels::replace(&mut samples, how, self)?;
                unique(samples)
            }
            Vector::LabelJoin(how) => {
                let mut samples = self.vector(&how.of, time)?;
                labels::join(&mut samples, how, self)?;
                unique(samples)
            }
            Vector::Histogram(function, parameters, of) => {
                let parameters = self.scalars(parameters, time)?;
                nameless(histogram::each(self.vector(of, time)?, *function, &parameters))
            }
            Vector::Aggregate(aggregate) => self.aggregate(aggregate, time),
            Vector::WithScalar(operation) => self.with_scalar(operation, time),
            Vector::Binary(binary) => {
                let left = self.vector(&binary.left, time)?;
                unique(binary::matched(binary, left, self.vector(&binary.right, time)?)?)
            }
            Vector::Set(set) => {
                let left = self.vector(&set.left, time)?;
                Ok(binary::set(set, left, self.vector(&set.right, time)?))
            }
        }
    }

    fn over_time(
        &self,
        function: RangeFunction,
        parameters: &[Scalar],
        of: &plan::Range,
        time: EvalTime,
    ) -> Result<Vec<VectorSample<'a>>, Error> {
        let parameters = self.scalars(parameters, time)?;
        let mut samples = Vec::new();
        self.windows(of, time, &parameters, |series, window| {
            let value = (function.of)(&window)?;
            samples.extend(value.map(|value| VectorSample { series: series.clone(), value }));
            Ok(())
        })?;
        if function.keeps_name { Ok(samples) } else { nameless(samples) }
    }

    fn is_empty(&self, range: &plan::Range, time: EvalTime) -> Result<bool, Error> {
        let mut is_empty = true;
        self.windows(range, time, &[], |_, _| {
            is_empty = false;
            Ok(())
        })?;
        Ok(is_empty)
    }

    fn aggregate(
        &self,
        aggregate: &Aggregate,
        time: EvalTime,
    ) -> Result<Vec<VectorSample<'a>>, Error> {
        let samples = self.vector(&aggregate.of, time)?;
        let grouping = &aggregate.grouping;
        Ok(match &aggregate.aggregation {
            Aggregation::Values(function) => {
                aggregate::values(samples, grouping, |values| function(values))
            }
            Aggregation::Quantile(quantile) => {
                let quantile = self.scalar(quantile, time)?;
                aggregate::values(samples, grouping, |values| sums::quantile(quantile, values))
            }
            Aggregation::TopK(order, how_many) => {
                let how_many = self.scalar(how_many, time)?;
                aggregate::top_k(samples, grouping, *order, how_many)?
            }
            Aggregation::CountValues(label) => aggregate::count_values(samples, grouping, label),
        })
    }

    fn with_scalar(
        &self,
        operation: &WithScalar,
        time: EvalTime,
    ) -> Result<Vec<VectorSample<'a>>, Error> {
        let scalar = self.scalar(&operation.scalar, time)?;
        let samples = self.vector(&operation.vector, time)?;
        let operator = operation.operator;
        let samples = binary::with_scalar(operator, samples, scalar, operation.scalar_is_left);
        if operator.is_filter() { Ok(samples) } else { nameless(samples) }
    }
}

fn absent<'a>(labels: &Labels, is_absent: bool) -> Vec<VectorSample<'a>> {
    let sample = || VectorSample { series: SeriesLabels::computed(labels.clone()), value: 1.0 };
    is_absent.then(sample).into_iter().collect()
}

/// The series without the names of their metrics.
fn nameless(mut samples: Vec<VectorSample<'_>>) -> Result<Vec<VectorSample<'_>>, Error> {
    // Series of one metric still differ in their other labels.
    let first = samples.first().map(|sample| sample.series.get(METRIC_NAME));
    let one_name = samples.iter().all(|sample| Some(sample.series.get(METRIC_NAME)) == first);
    for sample in &mut samples {
        sample.series = sample.series.clone().nameless();
    }
    if one_name { Ok(samples) } else { unique(samples) }
}

/// The series, if no two have the same labels.
fn unique(samples: Vec<VectorSample<'_>>) -> Result<Vec<VectorSample<'_>>, Error> {
    let mut seen = HashSet::with_capacity(samples.len());
    for VectorSample { series, .. } in &samples {
        if !seen.insert(series) {
            return Err(Error::Execution(format!("several series of the result are {series}")));
        }
    }
    Ok(samples)
}

//! Calls of functions.

use std::f64::consts::PI;

use promql_parser::parser::Call;

use super::{Error, Lowering, functions, mismatch, unsupported};
use crate::promql::functions::labels::{check_name, of_absent};
use crate::promql::pattern::Pattern;
use crate::promql::plan::{LabelJoin, LabelReplace, Order, Plan, Range, Scalar, Vector};

/// The arguments of a call. A function has at most one vector or one range, and it is only
/// between arguments of the same type that their order has to be known: the parser has checked
/// which type stands where.
#[derive(Debug, Default)]
struct Arguments {
    scalars: Vec<Scalar>,
    texts: Vec<String>,
    vector: Option<Vector>,
    range: Option<Range>,
}

impl Arguments {
    fn vector(&mut self) -> Result<Vector, Error> {
        self.vector.take().map_or_else(|| mismatch("a vector"), Ok)
    }

    fn range(&mut self) -> Result<Range, Error> {
        self.range.take().map_or_else(|| mismatch("a range"), Ok)
    }

    fn scalar(&mut self) -> Result<Scalar, Error> {
        self.scalars.pop().map_or_else(|| mismatch("a scalar"), Ok)
    }
}

impl Lowering {
    pub(super) fn call(&mut self, call: &Call) -> Result<Plan, Error> {
        let name = call.func.name;
        // Only its new name is experimental.
        if call.func.experimental && name != "double_exponential_smoothing" {
            return unsupported(&format!("the experimental function {name}()"));
        }
        let mut arguments = Arguments::default();
        for argument in &call.args.args {
            match self.any(argument)? {
                Plan::Scalar(scalar) => arguments.scalars.push(scalar),
                Plan::Text(text) => arguments.texts.push(text),
                Plan::Vector(vector) => arguments.vector = Some(vector),
                Plan::Range(range) => arguments.range = Some(range),
            }
        }
        Ok(match name {
            "pi" => Plan::Scalar(Scalar::Number(PI)),
            "time" => Plan::Scalar(Scalar::Time),
            "scalar" => Plan::Scalar(Scalar::Only(Box::new(arguments.vector()?))),
            _ => Plan::Vector(vector(name, arguments)?),
        })
    }
}

fn vector(name: &str, mut arguments: Arguments) -> Result<Vector, Error> {
    if let Some(function) = functions::over_time(name) {
        let of = arguments.range()?;
        return Ok(Vector::OverTime(function, arguments.scalars, Box::new(of)));
    }
    if let Some(function) = functions::histogram::function(name) {
        let of = arguments.vector()?;
        return Ok(Vector::Histogram(function, arguments.scalars, Box::new(of)));
    }
    if let Some(function) = functions::each(name) {
        // Functions of a date are about now without an argument.
        let no_argument = arguments.vector.is_none() && arguments.scalars.is_empty();
        let of = if no_argument { Vector::Constant(Scalar::Time) } else { arguments.vector()? };
        return Ok(Vector::Each(function, arguments.scalars, Box::new(of)));
    }
    Ok(match name {
        "absent" => {
            let of = arguments.vector()?;
            let labels = match &of {
                Vector::Selector(selector) => of_absent(&selector.matchers),
                _ => Default::default(),
            };
            Vector::Absent(labels, Box::new(of))
        }
        "absent_over_time" => {
            let of = arguments.range()?;
            let labels = match &of {
                Range::Selector { selector, .. } => of_absent(&selector.matchers),
                Range::Subquery { .. } => Default::default(),
            };
            Vector::AbsentOverTime(labels, Box::new(of))
        }
        "timestamp" => match arguments.vector()? {
            Vector::Selector(selector) => Vector::Timestamp(selector),
            of => Vector::Each(|_, now| now.first().copied(), vec![Scalar::Time], Box::new(of)),
        },
        "vector" => Vector::Constant(arguments.scalar()?),
        "sort" => Vector::Sort(Order::Ascending, Box::new(arguments.vector()?)),
        "sort_desc" => Vector::Sort(Order::Descending, Box::new(arguments.vector()?)),
        "label_replace" => label_replace(arguments)?,
        "label_join" => label_join(arguments)?,
        _ => return unsupported(&format!("the function {name}()")),
    })
}

fn label_replace(mut arguments: Arguments) -> Result<Vector, Error> {
    let of = arguments.vector()?;
    let Ok([label, replacement, source, regex]) = <[String; 4]>::try_from(arguments.texts) else {
        return mismatch("a string");
    };
    check_name(&label)?;
    let pattern = Pattern::new(&regex)?;
    Ok(Vector::LabelReplace(Box::new(LabelReplace { of, label, replacement, source, pattern })))
}

fn label_join(mut arguments: Arguments) -> Result<Vector, Error> {
    let of = arguments.vector()?;
    let mut texts = arguments.texts.into_iter();
    let (Some(label), Some(separator)) = (texts.next(), texts.next()) else {
        return mismatch("a string");
    };
    let sources: Vec<_> = texts.collect();
    check_name(&label)?;
    sources.iter().try_for_each(|source| check_name(source))?;
    Ok(Vector::LabelJoin(Box::new(LabelJoin { of, label, separator, sources })))
}

//! Calls of functions.

use std::f64::consts::PI;

use super::Lowering;
use crate::promql::Error;
use crate::promql::error::quoted;
use crate::promql::functions::labels::of_absent;
use crate::promql::functions::{self, Signature, is_experimental, signature};
use crate::promql::pattern::Pattern;
use crate::promql::plan::{LabelJoin, LabelReplace, Order, Plan, Range, Scalar, Vector};
use crate::promql::syntax::{Call, Expr};

/// The arguments of a call, by their types. A function has at most one vector or one range; only
/// between arguments of the same type the order has to be known.
#[derive(Debug, Default)]
struct Arguments {
    scalars: Vec<Scalar>,
    texts: Vec<String>,
    vector: Option<Vector>,
    range: Option<Range>,
}

impl Lowering<'_> {
    pub(super) fn call(&self, expr: &Expr, call: &Call) -> Result<Plan, Error> {
        let name = call.function.as_str();
        if is_experimental(name) {
            return Err(Error::unsupported(&format!("the experimental function {name}()")));
        }
        let Some(signature) = signature(name) else {
            let why = format!("unknown function {}", quoted(name));
            return self.refuse(expr.span.start, &why);
        };
        let arguments = self.arguments(expr, call, signature)?;
        let plan = match name {
            "pi" => Some(Plan::Scalar(Scalar::Number(PI))),
            "time" => Some(Plan::Scalar(Scalar::Time)),
            "scalar" => {
                arguments.vector.map(|vector| Plan::Scalar(Scalar::OfVector(Box::new(vector))))
            }
            "label_replace" => Some(Plan::Vector(self.label_replace(call, arguments)?)),
            "label_join" => Some(Plan::Vector(self.label_join(call, arguments)?)),
            _ => {
                let is_selector = call.arguments.iter().any(Expr::is_selector);
                vector(name, arguments, is_selector).map(Plan::Vector)
            }
        };
        // The signature has said that there is an argument of the type that is needed.
        plan.map_or_else(|| self.refuse(expr.span.start, "an argument is missing"), Ok)
    }

    fn arguments(
        &self,
        expr: &Expr,
        call: &Call,
        signature: Signature,
    ) -> Result<Arguments, Error> {
        let (name, count) = (&call.function, call.arguments.len());
        let Signature { types, least, most } = signature;
        if count < least || count > most {
            let expected = match most {
                _ if least == most => format!("{least}"),
                usize::MAX => format!("at least {least}"),
                _ => format!("{least} or {most}"),
            };
            let why = format!("{name}() takes {expected} argument(s), not {count}");
            return self.refuse(expr.span.start, &why);
        }
        let mut arguments = Arguments::default();
        let types = types.iter().chain(types.last().into_iter().cycle());
        for (argument, expected) in call.arguments.iter().zip(types) {
            let plan = self.any(argument)?;
            if plan.is_of() != *expected {
                return self.mismatch(argument, &plan, expected.name(), &format!("in {name}()"));
            }
            match plan {
                Plan::Scalar(scalar) => arguments.scalars.push(scalar),
                Plan::Text(text) => arguments.texts.push(text),
                Plan::Vector(vector) => arguments.vector = Some(vector),
                Plan::Range(range) => arguments.range = Some(range),
            }
        }
        Ok(arguments)
    }

    fn label_replace(&self, call: &Call, arguments: Arguments) -> Result<Vector, Error> {
        let start = call.arguments.first().map_or(0, |of| of.span.start);
        let (Some(of), Ok([label, replacement, source, regex])) =
            (arguments.vector, <[String; 4]>::try_from(arguments.texts))
        else {
            return self.refuse(start, "an argument is missing");
        };
        self.check_label(call, 1, &label)?;
        let Some(pattern) = Pattern::new(&regex) else {
            let start = call.arguments.last().map_or(start, |regex| regex.span.start);
            return self.refuse(start, &format!("invalid regular expression {}", quoted(&regex)));
        };
        let replace = LabelReplace { of, label, replacement, source, pattern };
        Ok(Vector::LabelReplace(Box::new(replace)))
    }

    fn label_join(&self, call: &Call, arguments: Arguments) -> Result<Vector, Error> {
        let mut texts = arguments.texts.into_iter();
        let (Some(of), Some(label), Some(separator)) =
            (arguments.vector, texts.next(), texts.next())
        else {
            let start = call.arguments.first().map_or(0, |of| of.span.start);
            return self.refuse(start, "an argument is missing");
        };
        let sources: Vec<_> = texts.collect();
        self.check_label(call, 1, &label)?;
        for (index, source) in sources.iter().enumerate() {
            self.check_label(call, 3 + index, source)?;
        }
        Ok(Vector::LabelJoin(Box::new(LabelJoin { of, label, separator, sources })))
    }

    /// Refuses what no label may be called: any other text is a name.
    fn check_label(&self, call: &Call, argument: usize, label: &str) -> Result<(), Error> {
        if !label.is_empty() {
            return Ok(());
        }
        let start = call.arguments.get(argument).map_or(0, |argument| argument.span.start);
        self.refuse(start, "a label has an empty name")
    }
}

/// The plan of a function that has a vector as its result; nothing if an argument is missing.
///
/// Some functions ask more of a selector than its values. A sign before it hides the rest.
fn vector(name: &str, arguments: Arguments, is_selector: bool) -> Option<Vector> {
    let Arguments { mut scalars, texts: _, vector, range } = arguments;
    if let Some(function) = functions::range_function(name) {
        let of = range?;
        return Some(Vector::RangeFunction(function, scalars, Box::new(of)));
    }
    if let Some(function) = functions::histogram::function(name) {
        let of = vector?;
        return Some(Vector::Histogram(function, scalars, Box::new(of)));
    }
    if let Some(function) = functions::value_function(name) {
        // Functions of a date are about now without an argument.
        let no_argument = vector.is_none() && scalars.is_empty();
        let of = if no_argument { Vector::Constant(Scalar::Time) } else { vector? };
        return Some(Vector::ValueFunction(function, scalars, Box::new(of)));
    }
    Some(match name {
        "absent" => {
            let of = vector?;
            let labels = match &of {
                Vector::Selector(selector) if is_selector => of_absent(&selector.matchers),
                _ => Default::default(),
            };
            Vector::Absent(labels, Box::new(of))
        }
        "absent_over_time" => {
            let of = range?;
            let labels = match &of {
                Range::Selector { selector, .. } => of_absent(&selector.matchers),
                Range::Subquery { .. } => Default::default(),
            };
            Vector::AbsentOverTime(labels, Box::new(of))
        }
        "timestamp" => match vector? {
            Vector::Selector(selector) if is_selector => Vector::Timestamp(selector),
            of => Vector::ValueFunction(
                |_, now| now.first().copied(),
                vec![Scalar::Time],
                Box::new(of),
            ),
        },
        "vector" => Vector::Constant(scalars.pop()?),
        "sort" => Vector::Sort(Order::Ascending, Box::new(vector?)),
        "sort_desc" => Vector::Sort(Order::Descending, Box::new(vector?)),
        _ => return None,
    })
}

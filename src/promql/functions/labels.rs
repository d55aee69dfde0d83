//! Functions of the labels of series.

use crate::promql::Error;
use crate::promql::evaluate::Evaluator;
use crate::promql::plan::{LabelJoin, LabelReplace, Matcher, Test};
use crate::promql::series_labels::VectorSample;
use crate::storage::{Labels, METRIC_NAME};

/// Sets a label of those series whose other label matches.
///
/// # Errors
/// The labels take more memory than the query has left.
pub(in crate::promql) fn replace(
    samples: &mut [VectorSample<'_>],
    how: &LabelReplace,
    evaluator: &Evaluator<'_>,
) -> Result<(), Error> {
    for VectorSample { series, .. } in samples {
        let Some(matched) = how.pattern.matched(series.get(&how.source)) else { continue };
        // Counted before it is made: it may be many times as long as what was matched.
        evaluator.hold_label(matched.expanded_len(&how.replacement))?;
        let value = matched.expand(&how.replacement);
        drop(matched);
        let before = series.computed_bytes();
        *series = series.changed(|labels| labels.set(how.label.as_str(), value));
        evaluator.hold_labels(series.overhead())?;
        evaluator.release_labels(before);
    }
    Ok(())
}

/// Sets a label to the joined values of others.
///
/// # Errors
/// The labels take more memory than the query has left.
pub(in crate::promql) fn join(
    samples: &mut [VectorSample<'_>],
    how: &LabelJoin,
    evaluator: &Evaluator<'_>,
) -> Result<(), Error> {
    for VectorSample { series, .. } in samples {
        let values: Vec<_> = how.sources.iter().map(|source| series.get(source)).collect();
        let texts: usize = values.iter().map(|value| value.len() + how.separator.len()).sum();
        evaluator.hold_label(texts)?;
        let joined = values.join(&how.separator);
        let before = series.computed_bytes();
        *series = series.changed(|labels| labels.set(how.label.as_str(), joined));
        evaluator.hold_labels(series.overhead())?;
        evaluator.release_labels(before);
    }
    Ok(())
}

/// The labels that a missing series would have: those that must equal a value, and nothing else
/// after that.
pub(in crate::promql) fn of_absent(matchers: &[Matcher]) -> Labels {
    let mut labels = Labels::default();
    let mut set = Vec::new();
    for matcher in matchers.iter().filter(|matcher| matcher.label != METRIC_NAME) {
        let label = matcher.label.as_str();
        match &matcher.test {
            Test::Equal(value) if !set.contains(&label) => {
                labels.set(label, value.as_str());
                set.push(label);
            }
            _ => labels.set(label, ""),
        }
    }
    labels
}
